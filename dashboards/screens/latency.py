"""Latency: how long answers take, and what makes the slow ones slow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from bench.stats import N_FOR_P95
from bench.store.figures import BY, cells, loads, over_time, parts, slowest, spread
from bench.words.figures import percent
from dashboards.charts.ecdf import ecdf
from dashboards.charts.intervals import intervals
from dashboards.charts.over_time import over_time as over_time_chart
from dashboards.filters.choosing import NOT_SENT
from dashboards.screens import tables
from dashboards.screens.frame import (
    Row,
    Visit,
    chart,
    chart_grid,
    charted,
    endpoint_of,
    limited_mark,
    marked,
    note,
    say,
    side_by_side,
    variant_of,
)

_N_SLOWEST = 20
_CLOSED = "closed"
_N_FOR_P99 = 300
_MOST_LINES = 4
_PARTS = (
    ("Queued", "queued"),
    ("Connect", "connect"),
    ("First byte", "first_byte"),
    ("Service, from send", "service"),
    ("Total, from schedule", "total"),
)


def show(visit: Visit) -> None:
    """Distribution, cells, parts, course over time, the slowest requests."""
    limited_mark(visit.runs)
    found = visit.ask(cells, visit.chosen)
    by, is_log = _switches()
    left, right = side_by_side()
    with left:
        _distribution(visit, found, by, is_log=is_log)
        _parts(visit, found, by)
    with right:
        _intervals(found, is_log=is_log)
    _cells(found)
    _over_time(visit.ask(over_time, visit.chosen))
    _slowest(visit.ask(slowest, visit.chosen, _N_SLOWEST), found)


def _switches() -> tuple[str, bool]:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        by = st.segmented_control(
            "Told apart by",
            BY,
            default=BY[0],
            required=True,
            format_func=str.capitalize,
            key="by",
            bind="query-params",
            label_visibility="collapsed",
        )
        is_log = st.toggle("Log axis", value=True, key="log", bind="query-params")
    return (by if by in BY else BY[0]), bool(is_log)


def _levels(found: Sequence[Row], by: str) -> dict[str, dict[str, Any]]:
    """Route and mark of each level; only endpoints have a route."""
    levels: dict[str, dict[str, Any]] = {}
    for row in found:
        known = levels.setdefault(
            str(row[by] or ""), {"route": None, "simulated": False}
        )
        known["simulated"] = known["simulated"] or bool(row["simulated"])
        if by == "endpoint":
            known["route"] = row["route"]
    return levels


def _named(row: Row, levels: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    known = levels.get(str(row["level"]), {"route": None, "simulated": False})
    is_mixed = len({bool(level["simulated"]) for level in levels.values()}) > 1
    mark = is_mixed and bool(known["simulated"])
    return {**row, **known, "level": marked(row["level"] or NOT_SENT, simulated=mark)}


def _distribution(visit: Visit, found: Sequence[Row], by: str, *, is_log: bool) -> None:
    levels = _levels(found, by)
    rows = [_named(row, levels) for row in visit.ask(spread, visit.chosen, by)]
    known = [
        {
            "level": _named(row, levels)["level"],
            "p50_s": row["service_p50_s"],
            "p95_s": row["service_p95_s"],
        }
        for row in visit.ask(parts, visit.chosen, by)
    ]
    chart(
        ecdf(rows, by, quantiles=known, is_log=is_log),
        f"Share of answers within a service time, one curve for each {by}; "
        "the table below holds its quantiles",
        "latency-ecdf",
    )


def _intervals(found: Sequence[Row], *, is_log: bool) -> None:
    rows = [
        {**row, "label": variant_of(row), "n": row["n_timed"]} for row in charted(found)
    ]
    chart(
        intervals(rows, is_log=is_log),
        "Median and p95 of each cell with 95% intervals; the table below holds them",
        "latency-intervals",
    )


def _cells(found: Sequence[Row]) -> None:
    st.subheader("Cells")
    tables.show(
        sorted(found, key=lambda row: -(row["p95_s"] or row["max_s"] or 0)),
        [
            *tables.cell_columns(found),
            tables.count("n", "n_timed"),
            *_time_columns(found),
        ],
        alt="Service time of each cell: p50, p95 and p99 with intervals and n",
        key="latency-cells",
    )
    note(
        "Service time: request sent to last byte, of answers that were ok. p95 is "
        f"shown from n={N_FOR_P95} on; p99 is grey below n={_N_FOR_P99}, where it is "
        "little more than the longest."
    )


def _time_columns(found: Sequence[Row]) -> list[tables.Column]:
    columns = tables.time_columns(found)
    if all(row["p95_s"] is None for row in found):
        return columns
    p99 = tables.Column(
        heading="p99",
        value=lambda row: row["p99_s"],
        words=tables.seconds,
        is_faded=lambda row: row["n_timed"] < _N_FOR_P99,
    )
    return [*columns, p99, tables.time("Longest", "max_s")]


def _parts(visit: Visit, found: Sequence[Row], by: str) -> None:
    """A line a part, two columns a level: what is long, and what grows to p95."""
    levels, begun = _levels(found, by), visit.ask(loads, visit.chosen)
    rows = [_named(row, levels) for row in visit.ask(parts, visit.chosen, by)]
    rows.sort(key=lambda row: -row["n"])
    shown = rows[:_MOST_LINES]
    tables.show(
        [{"part": words, "key": key} for words, key in _named_parts(begun)],
        [
            tables.text("Part", "part"),
            *(
                tables.time(f"{row['level']} {q}", _part_of(row, q))
                for row in shown
                for q in ("p50", "p95")
            ),
        ],
        alt="p50 and p95 of the parts of a request's time",
        key="latency-parts",
    )
    left_out = len(rows) - len(shown)
    note(
        "Queued: due to begun, our own limits. Connect: 0 on a kept connection. First "
        "byte and service: from request sent. Total: due to last byte, waits and "
        "earlier attempts in. Each quantile is of its own part, so they don't add up. "
        + _of_load(begun)
        + (f" {left_out} more by filter." if left_out else "")
    )


def _named_parts(begun: Sequence[str]) -> list[tuple[str, str]]:
    """Total is from a schedule only where there was one."""
    has_schedule = any(load != _CLOSED for load in begun)
    return [(w if has_schedule else w.partition(",")[0], key) for w, key in _PARTS]


def _of_load(begun: Sequence[str]) -> str:
    """What latencies mean by how requests began."""
    named = ", ".join(load for load in begun if load != _CLOSED)
    schedule = (
        f"Due by a schedule ({named}): total is free of omissions." if named else ""
    )
    closed = "Closed loop: a request waits for one before, so a stall delays few."
    return " ".join(part for part in (schedule, closed * (_CLOSED in begun)) if part)


def _part_of(row: Row, quantile: str) -> Callable[[Row], float | None]:
    return lambda part: row[f"{part['key']}_{quantile}_s"]


def _over_time(rows: Sequence[Row]) -> None:
    st.subheader("Over time")
    names = list(dict.fromkeys(endpoint_of(row) for row in rows))
    grid = chart_grid()
    for i, name in enumerate(names[:_MOST_LINES]):
        own = [
            {**row, "at": row["begins_at"], "n_errors": row["n_failed"]}
            for row in rows
            if endpoint_of(row) == name
        ]
        with grid.cell():
            chart(
                over_time_chart(own, title=name),
                "Median and p95 of service time above failed attempts, over time; the "
                "table below holds them",
                f"latency-time-{i}",
            )
    if len(names) > _MOST_LINES:
        note(f"The first {_MOST_LINES} of {len(names)} endpoints; filter for others.")
    with st.expander("Over time as a table"):
        tables.show(
            rows,
            [
                tables.text(
                    "From (UTC)", lambda row: f"{row['begins_at']:%Y-%m-%d %H:%M:%S}"
                ),
                tables.text("Endpoint", endpoint_of),
                tables.count("n", "n"),
                tables.time("p50", "p50_s"),
                tables.time("p95", "p95_s"),
                tables.count("Failed attempts", "n_failed"),
            ],
            alt="Service time and failures by stretch of time and endpoint",
            key="latency-time-table",
        )


def _slowest(rows: Sequence[Row], found: Sequence[Row]) -> None:
    st.subheader("The slowest requests")
    _what_they_share(rows, found)
    tables.show(
        rows,
        [
            tables.time("Service", "service_s"),
            tables.time("First byte", "first_byte_s"),
            tables.time("Queued", "queued_s"),
            tables.time("Total", "total_s"),
            *tables.cell_columns(rows),
            tables.text("Prompt", "prompt_id"),
            tables.count("Attempts", "attempts"),
            tables.text("Outcome", "outcome"),
            tables.text(
                "Began (UTC)", lambda row: f"{row['started_at']:%m-%d %H:%M:%S}"
            ),
            tables.text("Request id", "request_id"),
            tables.text("Trial", "trial_id"),
            tables.text("Run", "run_id"),
        ],
        alt="The slowest requests with their parts and ids",
        key="latency-slowest",
    )


def _what_they_share(rows: Sequence[Row], found: Sequence[Row]) -> None:
    """The trait that the slowest have most in excess of all, in a sentence."""
    n_all = sum(row["n_timed"] for row in found)
    if not rows or not n_all:
        return
    traits: list[tuple[float, str, str, float, float]] = []
    for by in BY:
        for value in {row[by] for row in rows}:
            among = sum(row[by] == value for row in rows) / len(rows)
            usual = sum(r["n_timed"] for r in found if r[by] == value) / n_all
            traits.append((among - usual, by, str(value or NOT_SENT), among, usual))
    excess, by, value, among, usual = max(traits)
    if excess > 0:
        say(
            f"{percent(among)} of these {len(rows)} have the {by} {value}; of all "
            f"answers {percent(usual)} have it."
        )
    waits = sorted(
        row["first_byte_s"] / row["service_s"] for row in rows if row["first_byte_s"]
    )
    if waits:
        say(
            f"Half of them spent {percent(waits[len(waits) // 2])} or more of their "
            "service time before the first byte: that part is the endpoint's, not the "
            "download's."
        )

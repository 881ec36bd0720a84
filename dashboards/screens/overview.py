"""Overview: what was measured, what it cost and gave."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import streamlit as st

from bench.stats import N_FOR_P95
from bench.store.figures import cells, daily, errors
from bench.words.figures import (
    UNKNOWN,
    dollars,
    duration,
    percent,
    seconds,
    so_many,
)
from bench.words.limited import LIMITED
from dashboards.charts.daily_spend import daily_spend
from dashboards.screens import tables
from dashboards.screens.frame import (
    Row,
    Visit,
    chart,
    charted,
    endpoint_of,
    inert,
    limited_mark,
    note,
    side_by_side,
)
from dashboards.screens.prices import price_dates


def show(visit: Visit) -> None:
    """Cards, cells, spend by day, errors and runs."""
    limited_mark(visit.runs)
    _cards(visit.totals)
    _ages(visit)
    st.subheader("Cells")
    _cells(visit.ask(cells, visit.chosen))
    left, right = side_by_side()
    with left:
        _spend(visit.ask(daily, visit.chosen))
    with right:
        _errors(visit.ask(errors, visit.chosen))
    st.subheader("Runs")
    _runs(visit.runs)


def _cards(totals: Row) -> None:
    with st.grid(4, min_column_width=190, gap="small"):
        for label, value, below in _figures(totals):
            st.metric(
                label,
                inert(value),
                inert(below),
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
            )


def _figures(t: Row) -> list[tuple[str, str, str]]:
    unknown = t["n_charge_unknown"]
    p95 = seconds(t["p95_s"]) if t["p95_s"] is not None else UNKNOWN
    return [
        ("Images", f"{t['images']:,}", f"{so_many(t['n_trials'], 'trial')} planned"),
        (
            "Charged, US$",
            dollars(t["charge_usd"]) if t["attempts"] else UNKNOWN,
            f"{unknown:,} at unknown prices not in it"
            if unknown
            else "all prices known",
        ),
        (
            "US$ a usable image",
            dollars(t["usd_per_image"]) if t["images"] else UNKNOWN,
            f"n={so_many(t['priced_images'], 'image')}",
        ),
        ("Success", percent(t["ok_share"]), _success(t)),
        ("p50 service time", seconds(t["p50_s"]), f"n={t['n_timed']:,}"),
        (
            "p95 service time",
            p95,
            f"n={t['n_timed']:,}"
            + ("" if t["p95_s"] is not None else f", needs {N_FOR_P95}"),
        ),
        (
            "Possibly billed, US$",
            dollars(t["possibly_billed_usd"] or Decimal(0)),
            f"at most, in {so_many(t['n_possibly_billed'], 'trial')}",
        ),
        (
            "Wasted, US$",
            dollars(t["wasted_usd"] if t["attempts"] else Decimal(0)),
            "paid, no usable picture",
        ),
    ]


def _success(t: Row) -> str:
    if not t["n_settled"]:
        return "nothing settled yet"
    return f"{tables.success_between(t)}, n={t['n_settled']:,}"


def _ages(visit: Visit) -> None:
    parts: list[str] = []
    last_at = visit.totals["last_at"]
    if last_at is not None:
        age_s = (datetime.now(UTC) - last_at.replace(tzinfo=UTC)).total_seconds()
        parts.append(
            f"Newest request {last_at:%Y-%m-%d %H:%M} UTC, "
            f"{duration(max(age_s, 0))} ago"
        )
    parts.extend(price_dates(visit))
    note(" · ".join(parts))


def _cells(rows: Sequence[Row]) -> None:
    tables.show(
        rows,
        [
            *tables.cell_columns(rows),
            *tables.success_columns(),
            *tables.time_columns(rows),
            tables.usd("US$ an image", "usd_per_image"),
            tables.usd("Charged", "charge_usd"),
            *tables.doubt_columns(rows),
        ],
        alt="Cells: endpoint, model, quality and size with counts, times and cost",
        key="overview-cells",
    )
    note(
        f"n: trials that ended. p95 is shown from {N_FOR_P95} timed trials on. "
        "Intervals: order statistics for times, Wilson for shares. US$ an image: all "
        "charges of the cell, failed and repeated attempts too, over usable images; "
        "trials with money of unknown amount are in neither."
    )


def _spend(rows: Sequence[Row]) -> None:
    chart(
        daily_spend(charted(rows)),
        "Stacked bars: US dollars a day by endpoint",
        "overview-daily",
    )
    with st.expander("Spend by day as a table"):
        tables.show(
            rows,
            [
                tables.Column(heading="Day (UTC)", value=lambda row: f"{row['day']}"),
                tables.text("Endpoint", endpoint_of),
                tables.count("Attempts", "attempts"),
                tables.count("Images", "images"),
                tables.usd("Charged", "charge_usd"),
                tables.usd("List price", "list_usd"),
                tables.usd("Possibly billed", "possibly_billed_usd", unknown="$0.00"),
            ],
            alt="US dollars by day and endpoint",
            key="overview-daily-table",
        )


def _errors(rows: Sequence[Row]) -> None:
    st.markdown("**Attempts that were not ok**")
    if not rows:
        note("None.")
        return
    tables.show(
        rows,
        [
            tables.text("Endpoint", endpoint_of),
            tables.text("Outcome", "outcome"),
            tables.Column(heading="HTTP", value=lambda row: row["http_status"]),
            tables.text("Code", "error_code"),
            tables.count("Attempts", "attempts"),
            tables.usd("Charged", "charge_usd", unknown=UNKNOWN),
            tables.usd("Possibly billed", "possibly_billed_usd", unknown=UNKNOWN),
        ],
        alt="Attempts that were not ok, by endpoint, outcome and code",
        key="overview-errors",
    )


def _marks(row: Row) -> str:
    marks = ["simulated"] if row["simulated"] else []
    return ", ".join([*marks, *([LIMITED] if row["client_limited"] else [])])


def _runs(rows: Sequence[Row]) -> None:
    tables.show(
        rows,
        [
            tables.text("Run", "run_id"),
            tables.text("Kind", "kind"),
            tables.text("Suite", "suite"),
            tables.Column(
                heading="Planned (UTC)",
                value=lambda row: f"{row['created_at']:%Y-%m-%d %H:%M}",
            ),
            tables.text("State", "state"),
            tables.count("Trials", "n_trials"),
            tables.text("Mark", _marks),
        ],
        alt="Runs, the newest first",
        key="overview-runs",
    )

"""Showing: runs as tables and sentences."""

from collections.abc import Sequence
from datetime import datetime

import orjson
import typer

from bench.commands.scheduled import BOTH_COLUMNS, both_latencies, load_text
from bench.commands.shown_modes import print_modes
from bench.stats import Interval, wilson_interval
from bench.store.queries import Row
from bench.store.shown import Shown
from bench.studies.levels import Times, times_of
from bench.words.ended import at_most, ended
from bench.words.figures import (
    UNKNOWN,
    dollars,
    known_dollars,
    percent,
    percent_between,
    seconds,
    seconds_between,
    so_many,
)
from bench.words.limited import LIMITED
from bench.words.printable import printable, shortened
from bench.words.refused import cure_of
from bench.words.tables import print_table
from bench.words.variants import beside_model

SIMULATED = (
    "simulated: what is marked so comes from an emulator; no money was spent on it"
)
FIGURE_COLUMNS = (
    ("n", True),
    ("ok", True),
    ("95% interval", True),
    ("p50", True),
    ("95% interval", True),
    ("p95 or max", True),
    ("US$ an image", True),
    ("US$", True),
)
# Counted from the last of them: where p50 stands, and what follows p95.
_TO_TIMES, _AFTER_TIMES = 5, 2

Columns = Sequence[tuple[str, bool]]


def timed_only(
    shown: Shown, columns: Columns, lines: Sequence[Sequence[str]]
) -> tuple[list[tuple[str, bool]], list[list[str]]]:
    """Columns and lines that end in figures, without times where none is taken.

    Answers of batch jobs have no latency, and columns of dashes say nothing.
    """
    if shown.run["load"] != "batch":
        return list(columns), [list(line) for line in lines]
    return (
        [*columns[:-_TO_TIMES], *columns[-_AFTER_TIMES:]],
        [[*line[:-_TO_TIMES], *line[-_AFTER_TIMES:]] for line in lines],
    )


def print_runs(found: Sequence[Row]) -> None:
    """One line a run, from rows of `v_run`."""
    columns = [
        *[(name, False) for name in ("run", "when", "suite", "endpoints", "state")],
        *[(name, True) for name in ("done", "US$")],
        ("note, tags", False),
    ]
    print_table(columns, [_run_line(row) for row in found])


def _run_line(row: Row) -> list[str]:
    return [
        row["run_id"],
        _when(row["created_at"]),
        row["suite"] + _marks(row),
        ", ".join(row["endpoints"]),
        _state(row),
        f"{row['n_done']}/{row['n_trials']}",
        dollars(row["charge_usd"]) if row["attempts"] else UNKNOWN,
        "; ".join(part for part in (row["note"], _tags(row)) if part),
    ]


def _marks(row: Row) -> str:
    """What is to be known before any figure of a run is read."""
    simulated = " (simulated)" if row["simulated"] else ""
    return simulated + (f" ({LIMITED})" if row["client_limited"] else "")


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _state(row: Row) -> str:
    return row["state"] + (f" ({row['stopped_by']})" if row["stopped_by"] else "")


def _tags(row: Row) -> str:
    return " ".join(
        f"{key}={value}" for key, value in orjson.loads(row["tags"]).items()
    )


def print_shown(shown: Shown) -> None:
    """A run: how it stands, its cells, what went wrong."""
    row, load = shown.run, load_text(shown)
    n_warmup = sum(cell["n_warmup"] for cell in shown.cells)
    warmup = f"warm-up: {so_many(n_warmup, 'trial')}, charged, in no figure of latency"
    lines = [f"load: {load}"] if load else []
    for line in (*_standing(row), *lines, *([warmup] if n_warmup else [])):
        typer.echo(line)
    typer.echo("")
    asked = [(name, False) for name in ("endpoint", "model", "asked")]
    lines = [_cell_line(cell) for cell in shown.cells]
    print_table(*timed_only(shown, [*asked, *FIGURE_COLUMNS], lines))
    if shown.offered is not None:
        typer.echo("\nlatency from schedule (due to last byte) and from send")
        named = [[_endpoint(c), *_asked(c)] for c in shown.cells]
        both = both_latencies(shown.cells)
        lines = [[*name, *times] for name, times in zip(named, both, strict=True)]
        print_table([*asked, *BOTH_COLUMNS], lines)
    print_modes(shown)
    if shown.errors:
        typer.echo("\nrequests that were not ok")
        _print_errors(shown.errors)
    if shown.possibly_billed:
        typer.echo("\npossibly billed, one by one (no charge is known for them)")
        _print_possibly_billed(shown.possibly_billed)


def _standing(row: Row) -> list[str]:
    counts = ", ".join(
        f"{row[f'n_{name}']} {name.replace('_', ' ')}"
        for name in ("done", "failed", "possibly_billed", "not_sent", "in_flight")
        if row[f"n_{name}"] or name == "done"
    )
    lines = [
        f"run {row['run_id']}: suite {row['suite']}, {_state(row)}",
        f"begun {_when(row['created_at'])}, seed {row['seed']}",
        f"trials: {counts} of {row['n_trials']}; {so_many(row['attempts'], 'request')}",
        f"dollars: {_money(row)}",
    ]
    remarks = [part for part in (row["note"], _tags(row)) if part]
    lines += [f"note: {'; '.join(remarks)}"] if remarks else []
    lines += [SIMULATED] if row["simulated"] else []
    if row["n_damaged"]:
        lines.append(f"damaged: {row['n_damaged']} records can't be read")
    return lines


def _money(row: Row) -> str:
    if not row["attempts"]:
        return "nothing was sent"
    charge_usd = row["charge_usd"]
    known = charge_usd is not None
    parts = [f"{dollars(charge_usd)} charged" if known else "no charge is known"]
    if row["list_usd"] is not None and row["list_usd"] != row["charge_usd"]:
        parts.append(f"{dollars(row['list_usd'])} at the direct list price")
    if row["possibly_billed_usd"]:
        parts.append(f"up to {dollars(row['possibly_billed_usd'])} possibly billed")
    if row["reserved_usd"]:
        parts.append(f"up to {dollars(row['reserved_usd'])} in flight")
    if row["max_cost_usd"] is not None:
        parts.append(f"cap {dollars(row['max_cost_usd'])}")
    return ", ".join(parts)


def _cell_line(cell: Row) -> list[str]:
    return [
        _endpoint(cell),
        *_asked(cell),
        *figures(
            n_trials=cell["n_trials"],
            n=cell["n_settled"],
            n_ok=cell["n_ok"],
            times=times_of(cell["service_s"]),
        ),
        _price(cell),
        _total(cell),
    ]


def _endpoint(cell: Row) -> str:
    return cell["endpoint"] + (" (simulated)" if cell["simulated"] else "")


def _asked(cell: Row) -> list[str]:
    return [cell["model"], beside_model(cell)]


def figures(*, n_trials: int, n: int, n_ok: int, times: Times) -> list[str]:
    """The columns of a table that do not speak of money."""
    interval = wilson_interval(n_ok, n)
    return [
        str(n) if n == n_trials else f"{n} of {n_trials}",
        percent(n_ok / n) if n else UNKNOWN,
        _share_between(interval),
        seconds(times.p50_s),
        _between(times.p50_interval),
        _tail(times),
    ]


def _share_between(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return UNKNOWN
    return percent_between(interval.low, interval.high)


def _between(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return UNKNOWN
    return seconds_between(interval.low, interval.high)


def _tail(times: Times) -> str:
    if times.p95_s is None:
        return f"max {seconds(times.max_s)}" if times.n else UNKNOWN
    return f"p95 {seconds(times.p95_s)} ({_between(times.p95_interval)})"


def _price(row: Row) -> str:
    return UNKNOWN if not row["images"] else dollars(row["usd_per_image"])


def _total(row: Row) -> str:
    if not row["attempts"]:
        return UNKNOWN
    return known_dollars(row["charge_usd"], row["n_charge_unknown"] or 0)


def _print_errors(errors: Sequence[Row]) -> None:
    columns = [("endpoint", False), ("outcome", False), ("status", True)]
    columns += [("code", False), ("requests", True), ("message", False)]
    print_table(
        columns,
        [
            [
                error["endpoint"],
                error["outcome"],
                str(error["http_status"] or UNKNOWN),
                error["error_code"] or UNKNOWN,
                str(error["attempts"]),
                shortened(printable(error["error_message"] or "")),
            ]
            for error in errors
        ],
    )
    cures = (cure_of(error["error_message"]) for error in errors)
    for cure in dict.fromkeys(cure for cure in cures if cure):
        typer.echo(f"what mends it: {cure}")


def _print_possibly_billed(attempts: Sequence[Row]) -> None:
    columns = [(name, False) for name in ("when", "endpoint", "prompt", "outcome")]
    columns += [("at most", True), ("attempt", False), ("request id", False)]
    print_table(
        columns,
        [
            [
                _when(attempt["started_at"]),
                attempt["endpoint"],
                attempt["prompt_id"] or UNKNOWN,
                ended(attempt),
                at_most(attempt),
                attempt["attempt_id"],
                attempt["request_id"] or UNKNOWN,
            ]
            for attempt in attempts
        ],
    )

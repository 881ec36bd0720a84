"""Scheduled: how requests began, and both latencies of them, told."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.store.queries import Row
from bench.store.shown import Shown
from bench.studies.levels import Times, times_of
from bench.words.figures import seconds
from bench.words.offered import offered_text

CLOSED = (
    "closed loop: a request waits for one before it, so a stall delays few and "
    "latencies, from send, leave the rest out"
)
BATCH = (
    "jobs of the Batch API, at its prices: answers come together, so none of them has "
    "a latency"
)
BOTH_COLUMNS = (
    ("n", True),
    *((f"from schedule {q}", True) for q in ("p50", "p95 or max")),
    *((f"from send {q}", True) for q in ("p50", "p95 or max")),
)


def load_text(shown: Shown) -> str | None:
    """How requests began, in a sentence; None where a program asked by itself."""
    if shown.offered is not None:
        return offered_text(shown.offered)
    return {"closed": CLOSED, "batch": BATCH}.get(shown.run["load"])


def both_latencies(cells: Sequence[Row]) -> list[list[str]]:
    """The columns of `BOTH_COLUMNS` for each cell of a run with a schedule."""
    return [
        [str(len(cell["service_s"]))]
        + [
            text
            for key in ("total_s", "service_s")
            for text in _quantiles(times_of(cell[key]))
        ]
        for cell in cells
    ]


def _quantiles(times: Times) -> list[str]:
    tail = seconds(times.p95_s)
    if times.p95_s is None and times.n:
        tail = f"max {seconds(times.max_s)}"
    return [seconds(times.p50_s), tail]


def schedule_answer(shown: Shown) -> dict[str, Any]:
    """The same as plain data; `schedule` is null in a closed loop."""
    return {
        "load": shown.run["load"],
        "find_rate": shown.run["find_rate"],
        "schedule": _counts(shown.offered),
    }


def _counts(offered: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if offered is None:
        return None
    names = {"load", "find_rate"}
    return {name: value for name, value in offered.items() if name not in names}

"""Clock: the monotonic clock's steps, the system clock against others."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise

from bench.checkup.check import Check, ok, warning
from bench.checkup.visit import Visit
from bench.words.figures import duration

_READINGS = 1000
_COARSE_S = 0.001
_MOST_OFF_S = 2.0
_NS = 1e9


def check_monotonic() -> Check:
    """The smallest step of the clock that durations are taken with."""
    readings = [time.monotonic_ns() for _ in range(_READINGS)]
    steps = {b - a for a, b in pairwise(readings)} - {0}
    step_s = min(steps, default=_NS) / _NS
    if step_s > _COARSE_S:
        sentence = f"durations are taken in steps of {step_s * 1000:g} ms"
        return warning("clock", f"{sentence}; figures are no finer than that")
    return ok("clock", f"durations are taken in steps of {step_s * _NS:,.0f} ns")


def check_system_clock(visits: Mapping[str, Visit]) -> tuple[Check, ...]:
    """The system clock against the Date of answers; nothing without one."""
    offsets = {name: offset_s(visit) for name, visit in visits.items()}
    known = {name: off for name, off in offsets.items() if off is not None}
    if not known:
        return ()
    wrong = {name: off for name, off in known.items() if abs(off) > _MOST_OFF_S}
    if not wrong:
        agree = f"agrees with {_names(known)} within {_MOST_OFF_S:g} s"
        return (ok("system clock", agree),)
    return tuple(
        warning(
            "system clock",
            f"{duration(abs(off))} {'behind' if off > 0 else 'ahead of'} what endpoint "
            f"{name} says; set it by a time server, dates of records hang on it",
        )
        for name, off in wrong.items()
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def offset_s(visit: Visit) -> float | None:
    """By how much the endpoint's clock is later than ours, at the least.

    A Date has whole seconds, and was written at some time between the question
    and the answer; within that nothing is known and the offset is 0.
    """
    try:
        written = parsedate_to_datetime(visit.headers["date"])
    # The parser lets numbers of any length through to the calendar.
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    aware = written if written.tzinfo else written.replace(tzinfo=UTC)
    try:
        earliest = aware.timestamp()
    except (ValueError, OverflowError):
        return None
    latest = earliest + 1
    if earliest > visit.answered_at:
        return earliest - visit.answered_at
    if latest < visit.asked_at:
        return latest - visit.asked_at
    return 0.0

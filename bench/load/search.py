"""Search: the highest rate whose p95 stays under a limit; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.load.model import Goal
from bench.stats import Interval, quantile_interval, quantile_ranks

# From 72 requests on a p95 has an upper bound at all; 100 leave room for one slow.
FEWEST_A_STAGE = 100
# A queue that grows by a quarter of what comes passes the limit within it.
STAGE_LIMITS = 4
# Two rates nearer to each other are not worth another stage.
NEAR_ENOUGH = 1.2
MOST_STAGES = 12
# More of them late by our own fault, and the stage measured this program.
MOST_LATE_SHARE = 0.05
_LOWEST_SHARE = 1 / 64
_Q = 0.95


class Verdict(StrEnum):
    """What the requests of a stage say of its rate."""

    UNDER = "under"
    OVER = "over"
    UNCLEAR = "unclear"
    LIMITED = "client limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A rate that was tried.

    Attributes:
        n: Requests that were sent and ended, warm-up not among them.
        n_slow: Those over the limit, or without a picture.
        n_late: Those that this program began late.
        p95_s: From schedule; None where it lies among requests without a picture.
        interval: Its 95 % interval by order statistics.
    """

    per_s: float
    n: int
    n_slow: int
    n_late: int
    p95_s: float | None
    interval: Interval
    verdict: Verdict


def stage_size(per_s: float, goal: Goal) -> int:
    """How many requests a rate is tried with."""
    return max(FEWEST_A_STAGE, math.ceil(STAGE_LIMITS * goal.limit_s * per_s))


def next_rate(tried: Sequence[Tried], begin_per_s: float) -> float | None:
    """The rate to try next; None when there is no use in another.

    Doubled until one is not clearly under, then the geometric mean of the highest
    that is and the lowest that is not; halved where not even the first is.
    """
    if not tried:
        return begin_per_s
    if tried[-1].verdict is Verdict.LIMITED or len(tried) >= MOST_STAGES:
        return None
    low, high = bounds(tried)
    if low is None:
        lower = _plain((high or begin_per_s) / 2)
        return lower if lower >= begin_per_s * _LOWEST_SHARE else None
    if high is None:
        return _plain(low * 2)
    return None if is_settled(tried) else _plain(math.sqrt(low * high))


def bounds(tried: Sequence[Tried]) -> tuple[float | None, float | None]:
    """The highest rate under the limit, and the lowest above it that is not."""
    high = min((t.per_s for t in tried if t.verdict is not Verdict.UNDER), default=None)
    under = [t.per_s for t in tried if t.verdict is Verdict.UNDER]
    low = max((rate for rate in under if high is None or rate < high), default=None)
    return low, high


def is_settled(tried: Sequence[Tried]) -> bool:
    """Whether the highest rate is known as nearly as the search goes."""
    low, high = bounds(tried)
    was_limited = any(t.verdict is Verdict.LIMITED for t in tried)
    near = low is not None and high is not None and high / low <= NEAR_ENOUGH
    return near and not was_limited


def fewest_slow_for_over(n: int) -> int:
    """So many slow ones among n put p95 over the limit, whatever the others do."""
    low_rank, _ = quantile_ranks(n, _Q)
    return n + 1 if low_rank is None else n - low_rank + 1


def judged(
    per_s: float,
    goal: Goal,
    ends_s: Sequence[float | None],
    *,
    n_late: int,
    n_unsent: int,
) -> Tried:
    """A stage that is over.

    Args:
        per_s: Its rate.
        goal: What the rate is to keep.
        ends_s: Latencies from schedule; None for a request without a picture.
        n_late: How many were begun late by our own fault.
        n_unsent: How many it was to have beside those.
    """
    values = sorted(math.inf if end_s is None else end_s for end_s in ends_s)
    n, n_slow = len(values), sum(value >= goal.limit_s for value in values)
    interval = quantile_interval(values, _Q)
    low, high = interval.low, interval.high
    if n_late > MOST_LATE_SHARE * n:
        verdict = Verdict.LIMITED
    elif n and n_slow >= fewest_slow_for_over(n + n_unsent):
        verdict = Verdict.OVER
    elif not n_unsent and high is not None and high < goal.limit_s:
        verdict = Verdict.UNDER
    else:
        verdict = Verdict.UNCLEAR
    return Tried(
        per_s=per_s,
        n=n,
        n_slow=n_slow,
        n_late=n_late,
        p95_s=_finite(values[math.ceil(_Q * n) - 1]) if n else None,
        interval=Interval(low=_finite(low), high=_finite(high)),
        verdict=verdict,
    )


def _plain(per_s: float) -> float:
    """A rate that can be said: three digits."""
    return float(f"{per_s:.3g}")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""Seeking: a rate search carried out, stage by stage."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bench.attempt import Attempt, Outcome
from bench.journal import VERSION, now_utc
from bench.load.model import Goal, Rate, steady
from bench.load.schedule import LATE_FROM_S, due_offsets_s
from bench.load.search import (
    MOST_LATE_SHARE,
    Tried,
    Verdict,
    bounds,
    fewest_slow_for_over,
    is_settled,
    judged,
    next_rate,
    stage_size,
)
from bench.pacing import Pacer
from bench.plan.frozen import PlannedTrial
from bench.plan.options import Options
from bench.words.figures import duration
from bench.words.rates import rate_text, stage_text

# A send later than this share of the limit changes what is measured.
_LATE_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to.

    Attributes:
        tried: The rates that were tried, in their order.
        reason: Why the search ended before it was settled; None where it was.
    """

    goal: Goal
    tried: tuple[Tried, ...]
    reason: str | None

    @property
    def highest_per_s(self) -> float | None:
        """The highest rate that was clearly under the limit."""
        return bounds(self.tried)[0]


@dataclass(slots=True)
class _Stage:
    """A rate that is tried, and how its requests ended so far.

    Attributes:
        n: Requests that it is to have.
        n_warmup: Warm-up among them, which says nothing of the rate.
    """

    per_s: float
    n: int
    n_warmup: int
    ends_s: list[float | None] = field(default_factory=list[float | None])
    n_slow: int = 0
    n_late: int = 0
    n_not_counted: int = 0

    @property
    def n_unsent(self) -> int:
        """Requests that were not sent, or broken off."""
        return self.n - len(self.ends_s) - self.n_not_counted


class Seeker:
    """Tries rates until the highest is known, or the trials or dollars are used up."""

    def __init__(
        self,
        options: Options,
        goal: Goal,
        seed: int,
        pacer: Pacer,
        say: Callable[[str], None],
        record: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Nothing is tried yet.

        Args:
            options: Of the run; the search begins at the rate of its load.
            goal: What the rate is to keep.
            seed: Of the run.
            pacer: Begins the trials.
            say: Tells who watches what is tried.
            record: Makes what a stage gave durable.
        """
        self._first, self._goal, self._seed = steady(options.load), goal, seed
        self._pacer, self._say, self._record = pacer, say, record
        self._stage = _Stage(per_s=0, n=0, n_warmup=0)

    async def seek(
        self, due: Sequence[PlannedTrial], stopped: Callable[[], bool]
    ) -> Found:
        """Try rates one after the other; a stage begins when the last has ended."""
        supply, n_left = iter(due), len(due)
        tried: list[Tried] = []
        reason: str | None = None
        while (per_s := next_rate(tried, self._first.rate.per_s)) is not None:
            n_warmup = sum(p.is_warmup for p in due[len(due) - n_left :])
            n = stage_size(per_s, self._goal) + n_warmup
            if n > n_left:
                reason = (
                    f"the next rate, {rate_text(per_s)}, needs {n:,} requests, of "
                    f"which {n_left:,} are left; give the suite more repeats or prompts"
                )
                break
            self._stage = _Stage(per_s=per_s, n=n, n_warmup=n_warmup)
            n_left -= await self._try(supply, stopped)
            found = self._judged()
            is_cut = stopped() and self._stage.n_unsent > 0
            if is_cut and found.verdict is not Verdict.OVER:
                # Too few ended: that tells of the stop, not of the rate.
                reason = f"the run was stopped while {rate_text(per_s)} was tried"
                break
            tried.append(found)
            await self._record(_record_of(found))
            self._say(
                stage_text(tried_fields(found), f"{self._goal.limit}{self._goal.unit}")
            )
            if stopped():
                reason = "the run was stopped"
                break
        return Found(goal=self._goal, tried=tuple(tried), reason=_why(tried, reason))

    def note(self, planned: PlannedTrial, attempt: Attempt) -> None:
        """Take down how a trial ended."""
        stage, stamps = self._stage, attempt.stamps
        if attempt.outcome is Outcome.CANCELLED:
            # Broken off by its user: the endpoint may have been about to answer.
            return
        if planned.is_warmup or attempt.outcome is Outcome.REFUSED:
            stage.n_not_counted += 1
            return
        end_s = stamps.total_s if attempt.outcome is Outcome.OK else None
        stage.ends_s.append(end_s)
        limit_s = self._goal.limit_s
        stage.n_slow += end_s is None or end_s >= limit_s
        stage.n_late += (stamps.late_s or 0) > max(LATE_FROM_S, _LATE_SHARE * limit_s)

    async def _try(
        self, supply: Iterator[PlannedTrial], stopped: Callable[[], bool]
    ) -> int:
        """Send the requests of a stage, but no more once its verdict is known."""
        stage, per_s = self._stage, self._stage.per_s
        length = duration(stage.n / per_s)
        self._say(f"trying {rate_text(per_s)}: {stage.n:,} requests in {length}")
        rate = Rate(n=Decimal(repr(per_s)), unit="s")
        offsets_s = due_offsets_s(type(self._first)(rate=rate), self._seed)
        n_counted = stage.n - stage.n_warmup
        n_too_many = fewest_slow_for_over(n_counted)
        n_too_late = MOST_LATE_SHARE * n_counted
        n_before = self._pacer.n_begun

        def is_enough() -> bool:
            is_known = stage.n_slow >= n_too_many or stage.n_late > n_too_late
            return is_known or stopped()

        await self._pacer.pace(supply, offsets_s, stage.n, is_enough=is_enough)
        return self._pacer.n_begun - n_before

    def _judged(self) -> Tried:
        stage = self._stage
        return judged(
            stage.per_s,
            self._goal,
            stage.ends_s,
            n_late=stage.n_late,
            n_unsent=stage.n_unsent,
        )


def _why(tried: Sequence[Tried], reason: str | None) -> str | None:
    """Why a search is not settled; None where it is."""
    if is_settled(tried):
        return None
    if tried and tried[-1].verdict is Verdict.LIMITED:
        return (
            "this program began too many requests late; raise --concurrency, or "
            "measure from a faster machine"
        )
    return reason or f"{len(tried)} rates were tried, and no more are"


def _record_of(tried: Tried) -> dict[str, Any]:
    return {
        "kind": "stage",
        "v": VERSION,
        "at": now_utc(),
        **tried_fields(tried),
    }


def tried_fields(tried: Tried) -> dict[str, Any]:
    """A rate that was tried as plain data."""
    return {
        "per_s": tried.per_s,
        "n": tried.n,
        "n_slow": tried.n_slow,
        "n_late": tried.n_late,
        "p95_s": tried.p95_s,
        "p95_interval_s": [tried.interval.low, tried.interval.high],
        "verdict": tried.verdict,
    }

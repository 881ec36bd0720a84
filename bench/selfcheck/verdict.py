"""Verdict: whether a run measured its endpoints or this program."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.words.figures import milliseconds, percent, so_many

LEAST_LIMIT_S = 0.005
SERVICE_SHARE = 0.01
REACHED_SHARE = 0.9
# One request after the other can't fail to be so many at once.
LEAST_ASKED = 1.5
BUSY_CORE = 0.9
# By so much a partial picture may be stamped later than the emulator sent it.
PARTIAL_LIMIT_S = 0.002
HELD_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the records of a run say of this program; None where they don't.

    Attributes:
        n_ok: Answers that were ok.
        n_lag_known: Those of them whose `lag_s` is known.
        n_held: Those of them that this program may have made the server hold back.
        lag_p99_s, late_p99_s: Of ok answers, by nearest rank.
        service_p50_s: Of ok answers.
        partial_late_p99_s: How much later than the emulator sent them first partial
            pictures were stamped, by nearest rank; None where nobody compares.
        n_unwatched: Journals with attempts that no `self_check` tells of.
        loop_lag_p99_s, loop_lag_max_s: Of all probes.
        cpu_share: Processor seconds a second, of one core.
        gc_n_long: Garbage collections above 20 ms.
        in_flight_asked, in_flight_mean: Means over time.
    """

    n_ok: int = 0
    n_lag_known: int = 0
    n_held: int = 0
    lag_p99_s: float | None = None
    late_p99_s: float | None = None
    service_p50_s: float | None = None
    partial_late_p99_s: float | None = None
    n_unwatched: int = 0
    loop_lag_p99_s: float | None = None
    loop_lag_max_s: float | None = None
    cpu_share: float | None = None
    gc_n_long: int | None = None
    gc_longest_s: float | None = None
    in_flight_asked: float | None = None
    in_flight_mean: float | None = None

    @property
    def limit_s(self) -> float:
        """The most that our own lag may be."""
        return max(LEAST_LIMIT_S, SERVICE_SHARE * (self.service_p50_s or 0.0))

    @property
    def is_lag_known(self) -> bool:
        """Whether the kernel told of every answer how long it lay there."""
        return 0 < self.n_ok == self.n_lag_known

    @property
    def own_lag_p99_s(self) -> float | None:
        """What is held against the limit: lag of answers, else of the loop too."""
        if self.is_lag_known:
            return self.lag_p99_s
        told = [s for s in (self.lag_p99_s, self.loop_lag_p99_s) if s is not None]
        return max(told, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether this program was the limit; None where nobody knows.

    Attributes:
        reasons: Why it was, or why nobody knows; a sentence each.
        remarks: What was busy, whether or not it did harm.
    """

    client_limited: bool | None
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def judge(figures: Figures) -> Verdict:
    """The rule of docs/method.md; the only place that has it."""
    found = tuple(_limits(figures))
    remarks = tuple(_remarks(figures))
    if found:
        return Verdict(client_limited=True, reasons=found, remarks=remarks)
    if figures.n_unwatched or figures.loop_lag_p99_s is None:
        why = "nothing is recorded of how well this program kept up"
        if figures.n_unwatched and figures.loop_lag_p99_s is not None:
            why = "of some of its requests " + why
        return Verdict(client_limited=None, reasons=(why,), remarks=remarks)
    return Verdict(client_limited=False, reasons=(), remarks=remarks)


def _limits(figures: Figures) -> Iterator[str]:
    lag_s, limit_s = figures.own_lag_p99_s, figures.limit_s
    if lag_s is not None and lag_s > limit_s:
        what = (
            "answers lay in the kernel until this program read them"
            if lag_s == figures.lag_p99_s
            else "this program's loop came to its work late"
        )
        yield f"{what}: p99 {milliseconds(lag_s)}, above {milliseconds(limit_s)}"
    if figures.n_held > HELD_SHARE * figures.n_ok:
        yield (
            f"{so_many(figures.n_held, 'answer')} of {figures.n_ok} may have been held "
            "back by the server, since this program did not read what had come"
        )
    partial_s = figures.partial_late_p99_s
    if partial_s is not None and partial_s > PARTIAL_LIMIT_S:
        late, limit = milliseconds(partial_s), milliseconds(PARTIAL_LIMIT_S)
        yield (
            "first partial pictures were stamped later than their emulator sent them: "
            f"p99 {late}, above {limit}"
        )
    late_s = figures.late_p99_s
    if late_s is not None and late_s > limit_s:
        late, limit = milliseconds(late_s), milliseconds(limit_s)
        yield f"requests left late: p99 {late}, above {limit}"
    asked, mean = figures.in_flight_asked, figures.in_flight_mean
    if asked is None or mean is None or asked < LEAST_ASKED:
        return
    if mean < REACHED_SHARE * asked:
        yield (
            f"{mean:.1f} requests were in flight where {asked:.1f} could have been: "
            "this program was busy with the others"
        )


def _remarks(figures: Figures) -> Iterator[str]:
    if figures.gc_n_long and figures.gc_longest_s is not None:
        yield (
            f"{so_many(figures.gc_n_long, 'garbage collection')} above 20 ms, the "
            f"longest {milliseconds(figures.gc_longest_s)}"
        )
    if figures.cpu_share is not None and figures.cpu_share > BUSY_CORE:
        share = percent(figures.cpu_share)
        yield f"this program took {share} of a processor core, and Python has one"

"""Watching: progress for people, and JSON lines for programs."""

import os
import sys
import time
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from bench.words.figures import dollars
from pricing.money import usd_text

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bench.standing import Standing

INTERVAL_S = 5.0


class Bar:
    """A bar on standard error: done, rate, dollars, time left."""

    def __init__(self, run_id: str) -> None:
        """Show nothing yet."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[money]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
        )
        self._task = self._progress.add_task(run_id, total=None, rate="", money="")
        self._begun = time.monotonic()

    def __enter__(self) -> "Self":
        """Draw."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()

    def progress(self, standing: "Standing") -> None:
        """Draw how far the run is."""
        per_minute = _per_minute(standing, self._begun)
        held = standing.ledger.possibly_billed_usd
        possibly = f" +{dollars(held)} possibly" if held else ""
        self._progress.update(
            self._task,
            total=standing.n_due,
            completed=standing.n_ended,
            rate=_of_jobs(standing) or f"{per_minute:.0f}/min{_paced(standing)}",
            money=f"{dollars(standing.ledger.charge_usd)}{possibly}",
        )

    def notice(self, sentence: str) -> None:
        """Print a sentence above the bar."""
        from rich.markup import escape

        self._progress.console.print(escape(sentence))


class JsonLines:
    """One JSON line an interval on standard error."""

    def __init__(self, run_id: str) -> None:
        """Write nothing yet."""
        self._run_id = run_id
        self._begun = time.monotonic()
        self._last_at = float("-inf")
        self._last: Standing | None = None

    def __enter__(self) -> "Self":
        """Nothing to begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        """Write the last state."""
        if self._last is not None:
            self._write(self._last)

    def progress(self, standing: "Standing") -> None:
        """Write a line if the interval is over."""
        self._last = standing
        if time.monotonic() - self._last_at >= INTERVAL_S:
            self._last_at = time.monotonic()
            self._write(standing)

    def notice(self, sentence: str) -> None:
        """Write a sentence as a line of its own."""
        _line({"schema": "pixelmeter.notice/1", "notice": sentence})

    def _write(self, standing: "Standing") -> None:
        per_minute = _per_minute(standing, self._begun)
        left = standing.n_due - standing.n_ended
        _line(
            {
                "schema": "pixelmeter.progress/1",
                "run_id": self._run_id,
                "done": standing.n_ended,
                "planned": standing.n_due,
                "in_flight": standing.n_in_flight,
                **_schedule(standing),
                **_jobs(standing),
                "per_minute": round(per_minute, 2),
                "charge_usd": usd_text(standing.ledger.charge_usd),
                "possibly_billed_usd": usd_text(standing.ledger.possibly_billed_usd),
                "reserved_usd": usd_text(standing.ledger.reserved_usd),
                "elapsed_s": round(time.monotonic() - self._begun, 1),
                "left_s": round(left / per_minute * 60, 1) if per_minute else None,
            }
        )


def watcher(run_id: str) -> Bar | JsonLines:
    """A bar where a person watches, lines elsewhere."""
    return Bar(run_id) if sys.stderr.isatty() else JsonLines(run_id)


def _per_minute(standing: "Standing", begun: float) -> float:
    elapsed_s = time.monotonic() - begun
    return standing.n_ended / elapsed_s * 60 if elapsed_s > 0 else 0.0


def _paced(standing: "Standing") -> str:
    """What a schedule offered so far, for a bar."""
    if standing.n_offered is None:
        return ""
    late = f", {standing.n_late:,} late" if standing.n_late else ""
    return f", {standing.n_begun:,} of {standing.n_offered:,} offered sent{late}"


def _schedule(standing: "Standing") -> dict[str, int]:
    if standing.n_offered is None:
        return {}
    return {
        "offered": standing.n_offered,
        "sent": standing.n_begun,
        "late": standing.n_late,
    }


def _of_jobs(standing: "Standing") -> str:
    """How the jobs stand and what they hold reserved, for a bar."""
    if standing.jobs is None:
        return ""
    open_jobs = [job for job in standing.jobs if job.state != "collected"]
    states = Counter(job.state for job in open_jobs)
    told = ", ".join(f"{n} {state}" for state, n in states.items())
    n_answered = sum(job.n_answered for job in open_jobs)
    n_requests = sum(job.n_requests for job in open_jobs)
    held = dollars(standing.ledger.reserved_usd)
    if not open_jobs:
        return "no job open"
    return f"jobs: {told}; {n_answered}/{n_requests} answered, {held} reserved"


def _jobs(standing: "Standing") -> dict[str, Any]:
    if standing.jobs is None:
        return {}
    return {"jobs": [asdict(job) for job in standing.jobs]}


def _line(content: dict[str, object]) -> None:
    try:
        sys.stderr.write(orjson.dumps(content).decode() + "\n")
        sys.stderr.flush()
    except OSError:
        # Nobody listens, or the log's disk is full: requests in flight are paid
        # for and go on, and so does what is said after them.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)

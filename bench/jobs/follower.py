"""Follower: a job looked at until it ends, then collected."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime

from bench.client.exchange import Exchange
from bench.client.jobs import JobClient
from bench.jobs.collector import Collector
from bench.jobs.job import Job, job_record, still_open
from bench.jobs.submitter import Refusal, refusal_of
from bench.jobs.told import is_success, read_json, read_seen
from bench.journal import JournalWriter
from bench.plan.options import Options
from bench.standing import JobStanding

# Nothing begins any more in a job that is so.
_ENDING = frozenset({"finalizing", "cancelling"})
# The API promises a day, and then says itself that a job expired.
LONGEST_S = 25 * 3600.0
_GROWTH = 1.5
_MOST_PAUSES = 12
_JITTER = 0.2
# An outage passes; a job that the endpoint denies does not come back.
_MOST_MISSES = 60
_MOST_DENIALS = 5
_DENIED = range(400, 500)
_PASSING = frozenset({408, 409, 429})


def pauses(first_s: float, chance: random.Random) -> Iterator[float]:
    """Seconds between looks: they grow to twelve times the first, and vary."""
    pause_s = first_s
    while True:
        yield pause_s * (1 + _JITTER * chance.uniform(-1, 1))
        pause_s = min(pause_s * _GROWTH, first_s * _MOST_PAUSES)


class Follower:
    """Looks at jobs from time to time, until they ended or somebody leaves.

    Attributes:
        why_left: Why nobody waits any more; None while somebody does.
    """

    def __init__(
        self,
        collector: Collector,
        journal: JournalWriter,
        options: Options,
        settled: set[str],
    ) -> None:
        """Follow nothing yet.

        Args:
            collector: Brings in the answers of a job that ended.
            journal: Where a job's states are recorded.
            options: The first pause between two looks, and whether jobs that have not
                ended are to be cancelled.
            settled: The attempts whose end is recorded; grows.
        """
        self.why_left: str | None = None
        self._left = asyncio.Event()
        self._collector = collector
        self._journal = journal
        self._pause_s = options.look_every_s
        self._settled = settled
        self._cancels = options.cancel
        self._jobs: dict[str, Job] = {}
        # Jitter alone hangs on it.
        self._chance = random.Random()  # noqa: S311

    def leave(self, why: str) -> None:
        """Wait for no job any more; the first reason is kept."""
        self.why_left = self.why_left or why
        self._left.set()

    @property
    def has_left(self) -> bool:
        """Whether nobody waits any more."""
        return self._left.is_set()

    @property
    def open_jobs(self) -> tuple[Job, ...]:
        """The jobs that are followed and not collected."""
        return tuple(job for job in self._jobs.values() if job.is_open)

    def standings(self) -> tuple[JobStanding, ...]:
        """How the jobs stand, for those who watch."""
        return tuple(
            JobStanding(
                batch_id=job.batch_id,
                state="collected" if not job.is_open else job.state or str(job.step),
                n_answered=(job.n_completed or 0) + (job.n_failed or 0),
                n_requests=len(job.attempt_ids),
            )
            for job in self._jobs.values()
        )

    def n_open(self) -> int:
        """Requests in jobs whose end is not recorded."""
        return sum(len(still_open(job, self._settled)) for job in self.open_jobs)

    def know(self, job: Job) -> None:
        """Take a job, or how it stands now, into the account."""
        self._jobs[job.job_id] = job

    async def follow(self, client: JobClient, job: Job) -> Refusal | None:
        """Look at a job until it ended, and collect it; why that failed.

        Raises:
            StorageFailed: What came could not be kept.
        """
        self.know(job)
        if self._cancels and (refusal := await _cancel(client, job)):
            return refusal
        n_misses = 0
        for pause_s in pauses(self._pause_s, self._chance):
            answer = await client.look(job.batch_id or "")
            seen = read_seen(read_json(answer))
            if seen is None:
                n_misses += 1
                if n_misses >= _most_misses(answer):
                    what = f"GET /batches/{job.batch_id}"
                    return refusal_of(job.endpoint, answer, what)
            else:
                n_misses = 0
                job = await self._noted(job, seen.over(job))
                if seen.is_ended:
                    job, why = await self._collector.collect(
                        client, job, seen, self._settled
                    )
                    self.know(job)
                    return None if why is None else _not_whole(job, why)
            if _age_s(job) > LONGEST_S:
                return _too_old(job)
            if await self._is_over(pause_s):
                return None
        return None

    async def _noted(self, before: Job, job: Job) -> Job:
        """Record a job's state where it is another than before."""
        self.know(job)
        if before.state != job.state:
            await self._journal.append(job_record(job))
        return job

    async def _is_over(self, pause_s: float) -> bool:
        """Pause; whether somebody left meanwhile."""
        try:
            async with asyncio.timeout(pause_s):
                await self._left.wait()
        except TimeoutError:
            return False
        return True


async def _cancel(client: JobClient, job: Job) -> Refusal | None:
    """Have a job cancelled; why that failed, unless it ends anyway."""
    answer = await client.cancel(job.batch_id or "")
    if is_success(answer):
        return None
    seen = read_seen(read_json(await client.look(job.batch_id or "")))
    if seen is not None and (seen.is_ended or seen.state in _ENDING):
        return None
    return refusal_of(job.endpoint, answer, f"POST /batches/{job.batch_id}/cancel")


def _most_misses(answer: Exchange) -> int:
    """How many looks in vain are too many, by the last one."""
    is_denied = answer.status in _DENIED and answer.status not in _PASSING
    return _MOST_DENIALS if is_denied else _MOST_MISSES


def _age_s(job: Job) -> float:
    since = datetime.fromisoformat(job.submitted_at or job.at)
    return (datetime.now(UTC) - since).total_seconds()


def _not_whole(job: Job, why: str) -> Refusal:
    reason = f"{job.name} at {job.endpoint} can't be collected whole: {why}"
    return Refusal(stopped_by="stall", reason=reason)


def _too_old(job: Job) -> Refusal:
    reason = (
        f"{job.name} at {job.endpoint} is {job.state or 'not known'} after "
        f"{LONGEST_S / 3600:.0f} h; the Batch API promises 24 h"
    )
    return Refusal(stopped_by="stall", reason=reason)

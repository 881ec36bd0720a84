"""Settler: answers out of jobs, recorded and charged as any other."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from bench.attempt import Attempt, Stamps
from bench.client.exchange import Exchange
from bench.crashpoint import passed
from bench.errors import StorageFailed
from bench.jobs.job import Job
from bench.journal import JournalWriter
from bench.meter.examiner import Examiner
from bench.meter.secret import without_secret
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.prices import priced_of
from bench.record import outcome_record
from bench.settle import Sending, settle
from bench.traffic.budget import Budget
from bench.traffic.gate import Gate
from bench.transport.stamps import RequestStamps
from bench.wire.reading import Reading

BY_WALL_CLOCK = "total_by_wall_clock"


def attempt_id(trial_id: str, attempt_no: int) -> str:
    """The name of an attempt, and of its line in a job."""
    return f"{trial_id}.{attempt_no}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """Records how attempts of jobs ended, and settles their money.

    Attributes:
        trials: Of the plan, by their id.
        secrets: Keys by endpoint, to be cut out of what comes back.
        told: Is told each attempt when its end is durable.
        submitted_ns: When this process asked for a job, on the monotonic clock.
    """

    plan: Plan
    trials: Mapping[str, PlannedTrial]
    secrets: Mapping[str, str]
    journal: JournalWriter
    budget: Budget
    gate: Gate
    examiner: Examiner
    told: Callable[[Attempt], None]
    submitted_ns: dict[str, int]

    async def answered(self, job: Job, name: str, answer: Exchange) -> None:
        """Read the answer of an attempt, keep its pictures, and record it.

        Raises:
            StorageFailed: It could not be recorded.
        """
        passed("answered")
        seen = await self.examiner.examine(answer, wants_contents=False)
        passed("pictures_durable")
        if seen.not_kept:
            # The picture is paid: its attempt is recorded, no other job made.
            self.gate.close("storage", seen.not_kept)
        sending, total_s, flags = self._sending(job, name)
        priced = priced_of(self.plan.prices, sending.planned.trial.cell)
        reading = replace(seen.reading, flags=(*seen.reading.flags, *flags))
        answer = replace(answer, body=None)
        attempt = settle(sending, answer, reading, seen.pictures, priced)
        # What the endpoint says is also why a run stops.
        attempt = without_secret(attempt, self.secrets[job.endpoint])
        stamps = Stamps(total_s=total_s)
        await self._record(job, sending, replace(attempt, stamps=stamps))
        if reading.stops:
            heard = attempt.error_message or f"HTTP {attempt.http_status}"
            reason = f"endpoint {job.endpoint} answered {attempt.http_status}: {heard}"
            self.gate.close(reading.stops, reason, job.endpoint)

    async def ended(self, job: Job, name: str, reading: Reading) -> None:
        """Record an attempt that no answer came for.

        Raises:
            StorageFailed: It could not be recorded.
        """
        sending, _, _ = self._sending(job, name)
        priced = priced_of(self.plan.prices, sending.planned.trial.cell)
        nothing = Exchange(stamps=RequestStamps(started_ns=sending.waiting_ns))
        attempt = settle(sending, nothing, reading, (), priced)
        await self._record(job, sending, replace(attempt, stamps=Stamps()))

    def _sending(self, job: Job, name: str) -> tuple[Sending, float, tuple[str, ...]]:
        """An attempt as it was meant, seconds since it was sent, and words for them."""
        now_ns = time.monotonic_ns()
        begun_ns = self.submitted_ns.get(job.job_id)
        trial_id, _, number = name.rpartition(".")
        sending = Sending(
            planned=self.trials[trial_id],
            attempt_id=name,
            attempt_no=int(number),
            scheduled_ns=now_ns,
            waiting_ns=now_ns,
            started_at=job.submitted_at or job.at,
        )
        if begun_ns is not None:
            return sending, (now_ns - begun_ns) / 1e9, ()
        begun_at = datetime.fromisoformat(sending.started_at)
        total_s = (datetime.now(UTC) - begun_at).total_seconds()
        return sending, max(0.0, total_s), (BY_WALL_CLOCK,)

    async def _record(self, job: Job, sending: Sending, attempt: Attempt) -> None:
        attempt = without_secret(attempt, self.secrets[job.endpoint])
        try:
            await self.journal.append(outcome_record(attempt))
        except StorageFailed as error:
            self.gate.close("storage", str(error))
            raise
        passed("outcome_durable")
        money, bound_usd = attempt.money, sending.planned.bound_usd
        charge_usd = money.charge_usd or Decimal(0)
        await self.budget.settle(bound_usd, charge_usd, money.possibly_billed_usd)
        passed("settled")
        self.told(attempt)

"""Submitter: trials made into a job, each step durable before the next."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from bench.attempt import Billing, Outcome
from bench.client.exchange import Exchange
from bench.client.jobs import JobClient
from bench.crashpoint import passed
from bench.jobs.job import Job, Step, job_record, still_open
from bench.jobs.settler import Settler
from bench.jobs.told import is_success, read_json, read_seen
from bench.jobs.whereabouts import RUN_MARK, find, said
from bench.journal import now_utc
from bench.plan.frozen import PlannedTrial
from bench.record import intent_record
from bench.settle import Sending
from bench.wire.reading import Reading, text
from bench.wire.refusal import read_refusal

_N_TRIES = 3
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})
# After these a job may have been made all the same.
_UNCLEAR = frozenset({408, 409, 500, 502, 503, 504})
_NO_SUCH = frozenset({404, 405, 501})
NO_BATCH_API = "it has no Batch API that we know; run without --batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Trials that are to go together, with what each asks.

    Attributes:
        names: Of their attempts, in the order of the trials.
        bodies: Their requests as JSON.
    """

    endpoint: str
    path: str
    model: str
    trials: tuple[PlannedTrial, ...]
    names: tuple[str, ...]
    bodies: tuple[bytes, ...]

    def content(self) -> bytes:
        """The file that the endpoint is given, a request a line."""
        return b"".join(
            line_of(name, self.path, body)
            for name, body in zip(self.names, self.bodies, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a job was not made; `stopped_by` in the words of the record."""

    stopped_by: str
    reason: str


def line_of(name: str, path: str, body: bytes) -> bytes:
    """A request as a line of a job's file; its body stays as it was written."""
    head = {"custom_id": name, "method": "POST", "url": path}
    return orjson.dumps(head)[:-1] + b',"body":' + body + b"}\n"


class Submitter:
    """Makes jobs; what it could not make is recorded as not sent."""

    def __init__(
        self,
        run_id: str,
        settler: Settler,
        pause_s: float,
        notice: Callable[[str], None],
        settled: set[str],
    ) -> None:
        """Submit nothing yet.

        Args:
            run_id: Stands in the marks of jobs.
            settler: Records what was not sent.
            pause_s: Lies between two tries.
            notice: Told what is odd.
            settled: The attempts whose end is recorded; grows.
        """
        self._run_id = run_id
        self._settler = settler
        self._pause_s = pause_s
        self._notice = notice
        self._settled = settled

    async def submit(
        self, client: JobClient, parcel: Parcel
    ) -> tuple[Job, Refusal | None]:
        """Make a job of trials whose bounds are reserved.

        Returns:
            The job; one whose making nobody can know of is left as `uploaded`.

        Raises:
            StorageFailed: What happened could not be recorded.
        """
        job = Job(
            job_id=secrets.token_hex(8),
            endpoint=parcel.endpoint,
            path=parcel.path,
            model=parcel.model,
            attempt_ids=parcel.names,
            at=now_utc(),
        )
        journal = self._settler.journal
        await journal.append(job_record(job), *_intents(job, parcel))
        passed("job_intended")
        name = f"pixelmeter-{self._run_id}-{job.job_id}.jsonl"
        answer = await self.again(lambda: client.upload(name, parcel.content()))
        file_id = text(read_json(answer).get("id"))
        if file_id is None:
            return await self._refused(job, answer, "POST /files")
        job = replace(
            job, step=Step.UPLOADED, input_file_id=file_id, submitted_at=now_utc()
        )
        await journal.append(job_record(job))
        passed("job_uploaded")
        return await self._make(client, job)

    async def take_up(self, client: JobClient, job: Job) -> tuple[Job, Refusal | None]:
        """Find out whether a job was made that an earlier process may have made.

        Raises:
            StorageFailed: What happened could not be recorded.
        """
        if job.step is Step.INTENDED:
            # What makes a job leaves only when its file's id is durable.
            return await self._never_made(job), None
        return await self._find(client, job)

    async def _find(self, client: JobClient, job: Job) -> tuple[Job, Refusal | None]:
        """Look for a job at its endpoint; one that was never made was not sent."""
        where = await find(client, job, self._pause_s)
        if where.seen is not None:
            found = replace(where.seen.over(job), step=Step.SUBMITTED)
            await self._settler.journal.append(job_record(found))
            return found, None
        if where.why_unsure is None:
            return await self._never_made(job), None
        reason = (
            f"whether {job.name} was made at {job.endpoint} is not known: "
            f"{where.why_unsure}; it stays possibly billed, and `pixelmeter resume "
            f"{self._run_id}` looks again"
        )
        return job, Refusal(stopped_by="stall", reason=reason)

    async def _make(self, client: JobClient, job: Job) -> tuple[Job, Refusal | None]:
        """Ask for a job whose file is there."""
        self._settler.submitted_ns[job.job_id] = time.monotonic_ns()
        metadata = {RUN_MARK: self._run_id, "job_id": job.job_id}
        file_id = job.input_file_id or ""
        answer = await client.create(job.path, file_id, metadata)
        for number in range(1, _N_TRIES):
            # Of these alone we know that no job was made.
            if answer.failure != "connect_failed" and answer.status != 429:  # noqa: PLR2004  Too Many Requests
                break
            await asyncio.sleep(self._pause_s * number)
            answer = await client.create(job.path, file_id, metadata)
        passed("job_made")
        seen = read_seen(read_json(answer))
        if seen is not None:
            job = replace(seen.over(job), step=Step.SUBMITTED)
            await self._settler.journal.append(job_record(job))
            passed("job_submitted")
            return job, None
        is_unclear = is_success(answer) or answer.status in _UNCLEAR
        if answer.failure not in {None, "connect_failed"} or is_unclear:
            self._notice(
                f"{job.endpoint}: whether a job was made is not clear "
                f"({said(answer)}); it is looked for"
            )
            job, refusal = await self._find(client, job)
            if job.step is not Step.NOT_SUBMITTED:
                return job, refusal
            return job, refusal_of(job.endpoint, answer, "POST /batches")
        return await self._refused(job, answer, "POST /batches")

    async def again(self, ask: Callable[[], Awaitable[Exchange]]) -> Exchange:
        """Ask for what makes nothing, a few times if need be."""
        answer = await ask()
        for number in range(1, _N_TRIES):
            if answer.failure is None and answer.status not in _AGAIN:
                break
            await asyncio.sleep(self._pause_s * number)
            answer = await ask()
        return answer

    async def _refused(
        self, job: Job, answer: Exchange, what: str
    ) -> tuple[Job, Refusal]:
        """Nothing of the job was carried out: its attempts were not sent."""
        refusal = refusal_of(job.endpoint, answer, what)
        reading = Reading(
            outcome=Outcome.CLIENT_ERROR,
            billing=Billing.NOT_SENT,
            error_type="batch_not_submitted",
            error_message=refusal.reason,
        )
        return await self._not_submitted(job, reading), refusal

    async def _never_made(self, job: Job) -> Job:
        reading = Reading(
            outcome=Outcome.CANCELLED,
            billing=Billing.NOT_SENT,
            error_type="batch_not_submitted",
            error_message="its job was never made at the endpoint",
        )
        return await self._not_submitted(job, reading)

    async def _not_submitted(self, job: Job, reading: Reading) -> Job:
        # A process may have died between two of them: each ends, and is freed, once.
        for name in still_open(job, self._settled):
            await self._settler.ended(job, name, reading)
            self._settled.add(name)
        job = replace(job, step=Step.NOT_SUBMITTED)
        await self._settler.journal.append(job_record(job))
        return job


def _intents(job: Job, parcel: Parcel) -> list[dict[str, Any]]:
    """What is durable before anything of a job leaves."""
    return [
        intent_record(
            Sending(
                planned=planned,
                attempt_id=name,
                attempt_no=int(name.rpartition(".")[2]),
                scheduled_ns=0,
                waiting_ns=0,
                started_at=job.at,
            )
        )
        | {"job_id": job.job_id}
        for planned, name in zip(parcel.trials, parcel.names, strict=True)
    ]


def refusal_of(endpoint: str, answer: Exchange, what: str) -> Refusal:
    """Why an answer that is no success ends the sending.

    Args:
        endpoint: Whose answer it is.
        answer: The answer.
        what: Was asked, as `POST /batches`.
    """
    if answer.failure is not None or answer.status is None:
        reason = f"endpoint {endpoint} can't be reached: {said(answer)}"
        return Refusal(stopped_by="stall", reason=reason)
    where = f"endpoint {endpoint} answered {answer.status} to {what}"
    if answer.status in _NO_SUCH:
        return Refusal(stopped_by="stall", reason=f"{where}: {NO_BATCH_API}")
    reading = read_refusal(answer.status, answer.body or b"")
    heard = reading.error_message or "without a reason"
    return Refusal(stopped_by=reading.stops or "stall", reason=f"{where}: {heard}")

"""Job: attempts that go to the Batch API together, as recorded."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from bench.folder import RunFolder
from bench.journal import VERSION, JournalPart, now_utc, read_part

KIND = "job"


class Step(StrEnum):
    """How far we are with a job.

    A request that makes the job leaves only when `uploaded` is durable.
    """

    INTENDED = "intended"
    UPLOADED = "uploaded"
    SUBMITTED = "submitted"
    COLLECTED = "collected"
    NOT_SUBMITTED = "not_submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job: what of a run it holds, and how it stands.

    Attributes:
        job_id: Ours; the endpoint keeps it in the job's metadata.
        path: The endpoint's path that all its requests are for.
        model: The one model that they name.
        attempt_ids: They name its lines.
        at: When its intents were made durable.
        submitted_at: When we asked for it, None before.
        batch_id: What the endpoint calls it, None before we know.
        state: As the endpoint last told it, in its words.
        n_completed, n_failed: Lines that the endpoint counts so.
        created_at, ended_at: By the endpoint's clock, seconds since 1970.
        collected_at: When its last line was recorded, None before.
    """

    job_id: str
    endpoint: str
    path: str
    model: str
    attempt_ids: tuple[str, ...]
    at: str
    step: Step = Step.INTENDED
    input_file_id: str | None = None
    submitted_at: str | None = None
    batch_id: str | None = None
    state: str | None = None
    n_completed: int | None = None
    n_failed: int | None = None
    created_at: int | None = None
    ended_at: int | None = None
    collected_at: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer of it may still come."""
        return self.step not in {Step.COLLECTED, Step.NOT_SUBMITTED}

    @property
    def name(self) -> str:
        """As people find it at the endpoint, or with us."""
        return self.batch_id or f"job {self.job_id}"

    @property
    def to_completion_s(self) -> int | None:
        """From created to ended by the endpoint's clock; None without both."""
        if self.created_at is None or self.ended_at is None:
            return None
        return max(0, self.ended_at - self.created_at)


_MEMBERS = tuple(field.name for field in fields(Job))


def job_record(job: Job) -> dict[str, Any]:
    """How a job stands now; the attempts stand in its first record alone."""
    told = {name: getattr(job, name) for name in _MEMBERS if name != "at"}
    is_first = job.step is Step.INTENDED
    told["attempt_ids"] = list(job.attempt_ids) if is_first else None
    known = {name: value for name, value in told.items() if value is not None}
    at = job.at if is_first else now_utc()
    return {
        "kind": KIND,
        "v": VERSION,
        "at": at,
        "n_requests": len(job.attempt_ids),
    } | (known)


def jobs_of(records: Iterable[Mapping[str, Any]]) -> tuple[Job, ...]:
    """The jobs that records of a run tell, the oldest first.

    What a later record does not tell holds as an earlier one told it.
    """
    found: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: str(record["at"])):
        known = {name: record[name] for name in _MEMBERS if name in record}
        before = found.setdefault(record["job_id"], known)
        before.update({**known, "at": before["at"]})
    return tuple(_job(told) for told in found.values() if "attempt_ids" in told)


def _job(told: dict[str, Any]) -> Job:
    told["step"] = Step(told["step"])
    told["attempt_ids"] = tuple(told["attempt_ids"])
    return Job(**told)


def job_records(parts: Iterable[JournalPart]) -> list[dict[str, Any]]:
    """The records of jobs in journals."""
    return [r for part in parts for r in part.others if r["kind"] == KIND]


def settled_ids(parts: Iterable[JournalPart]) -> set[str]:
    """The attempts whose end is recorded."""
    lines = (line for part in parts for line in part.outcomes)
    return {orjson.loads(line)["attempt_id"] for line in lines}


def jobs_in(run: RunFolder) -> tuple[Job, ...]:
    """The jobs of a run; of a run that has none only first lines are read."""
    return jobs_of(
        record
        for path in run.journals()
        if _tells_of_jobs(_first_line(path))
        for record in job_records([read_part(path)])
    )


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline()


def _tells_of_jobs(first: bytes) -> bool:
    """Whether a journal's first line says that its process carries out jobs."""
    return b'"batch":true' in first


def still_open(job: Job, settled: Collection[str]) -> tuple[str, ...]:
    """The attempts of a job whose end is not recorded."""
    return tuple(a for a in job.attempt_ids if a not in settled)

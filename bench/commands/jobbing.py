"""Jobbing: the jobs of a run in words, and as plain data."""

from collections.abc import Iterable
from typing import Any

from bench.jobs.job import Job, Step
from bench.words.figures import duration, so_many

_MEMBERS = (
    *("job_id", "batch_id", "endpoint", "path", "model", "step", "state"),
    *("n_completed", "n_failed", "input_file_id", "at", "submitted_at"),
    *("created_at", "ended_at", "collected_at", "to_completion_s"),
)


def job_line(job: Job) -> str:
    """How a job stands, in a sentence."""
    requests = so_many(len(job.attempt_ids), "request")
    return f"{job.name} at {job.endpoint}: {requests}, {_standing(job)}"


def _standing(job: Job) -> str:
    match job.step:
        case Step.NOT_SUBMITTED:
            return "never submitted"
        case Step.INTENDED | Step.UPLOADED:
            return "whether it was submitted is not known yet"
        case _:
            return _told(job)


def _told(job: Job) -> str:
    """What the endpoint told, and how much of it is ours."""
    n_answered = (job.n_completed or 0) + (job.n_failed or 0)
    failed = f", {job.n_failed} failed" if job.n_failed else ""
    took_s = job.to_completion_s
    time = (
        f", {duration(took_s)} from created to ended by the endpoint's clock"
        if took_s is not None
        else ""
    )
    if job.step is Step.COLLECTED:
        return f"{job.state}{failed}, collected{time}"
    return f"{job.state}, {n_answered} answered{failed}, not collected yet{time}"


def job_answers(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """The same as plain data; seconds, and instants of the endpoint since 1970."""
    return [
        {
            **{name: getattr(job, name) for name in _MEMBERS},
            "n_requests": len(job.attempt_ids),
        }
        for job in jobs
    ]

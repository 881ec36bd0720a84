"""Whereabouts: a job that may have been made, looked for."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bench.client.exchange import Exchange
from bench.client.jobs import PAGE, JobClient
from bench.jobs.job import Job
from bench.jobs.told import Seen, is_success, read_json, read_seen

_MOST_PAGES = 100
# Stands in the metadata of each job that we make.
RUN_MARK = "pixelmeter_run"
# An endpoint's clock may differ from ours by so much.
_CLOCKS_S = 600
# A request that was under way when we died is in the list by then.
_N_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a job is: found, or surely not there (`seen` None), or not known.

    Attributes:
        why_unsure: Why nobody can know; None where we do.
    """

    seen: Seen | None = None
    why_unsure: str | None = None


async def find(client: JobClient, job: Job, pause_s: float) -> Whereabouts:
    """Look for a job whose making was asked for, but not answered.

    It is not there only if its file is seen with this key, every job of its time
    is listed, and none of them is it.

    Args:
        client: Of its endpoint.
        job: With the file that it was to be made of.
        pause_s: Between two looks.
    """
    found = Whereabouts()
    for number in range(_N_LOOKS):
        if number:
            await asyncio.sleep(pause_s)
        found = await _look_for(client, job)
        if found.seen is not None:
            return found
    if found.why_unsure is None:
        answer = await client.see_file(job.input_file_id or "")
        if not is_success(answer):
            why = f"its file is not seen with this key ({said(answer)})"
            return Whereabouts(why_unsure=why)
    return found


async def _look_for(client: JobClient, job: Job) -> Whereabouts:
    since = datetime.fromisoformat(job.at).timestamp() - _CLOCKS_S
    after: str | None = None
    for _ in range(_MOST_PAGES):
        answer = await client.page(after)
        content = read_json(answer)
        page = content.get("data")
        if not isinstance(page, list):
            return Whereabouts(why_unsure=f"jobs can't be listed ({said(answer)})")
        listed = _listed(cast("list[Any]", page))
        for seen in listed:
            if _is_it(seen, job):
                return Whereabouts(seen=seen)
        if alike := next((seen for seen in listed if _may_be_it(seen, job)), None):
            why = f"{alike.batch_id} may be it, but does not say whose it is"
            return Whereabouts(why_unsure=why)
        is_older = any((seen.created_at or since) < since for seen in listed)
        # Who does not say that there is more may have cut a full page.
        has_more = content.get("has_more", len(listed) >= PAGE)
        if not has_more or not listed or is_older:
            return Whereabouts()
        after = listed[-1].batch_id
    return Whereabouts(why_unsure=f"more than {_MOST_PAGES} pages of jobs are listed")


def _listed(page: Iterable[Any]) -> list[Seen]:
    objects = (cast("dict[str, Any]", one) for one in page if isinstance(one, dict))
    return [seen for seen in map(read_seen, objects) if seen is not None]


def _is_it(seen: Seen, job: Job) -> bool:
    """By the id that we gave it, or by its file where a gateway drops that."""
    return seen.metadata.get("job_id") == job.job_id or (
        job.input_file_id is not None and seen.input_file_id == job.input_file_id
    )


def _may_be_it(seen: Seen, job: Job) -> bool:
    """Whether a job that lost its mark on the way may be ours.

    A gateway may drop metadata and give files names of its own.
    """
    asked_at = datetime.fromisoformat(job.submitted_at or job.at).timestamp()
    created_at = asked_at if seen.created_at is None else seen.created_at
    return (
        RUN_MARK not in seen.metadata
        and abs(created_at - asked_at) <= _CLOCKS_S
        and seen.n_requests in {None, 0, len(job.attempt_ids)}
    )


def said(answer: Exchange) -> str:
    """An answer that is of no use, in a few words."""
    if answer.failure is not None:
        return answer.message or answer.failure
    return f"HTTP {answer.status}"

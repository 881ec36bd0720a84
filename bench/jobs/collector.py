"""Collector: the answers of a job that ended, read line by line."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.client.exchange import Exchange
from bench.client.jobs import JobClient
from bench.crashpoint import passed
from bench.jobs.job import Job, Step, job_record
from bench.jobs.settler import Settler
from bench.jobs.told import (
    Line,
    Seen,
    error_reading,
    is_success,
    missing_reading,
    read_line,
)
from bench.jobs.whereabouts import said
from bench.journal import now_utc
from bench.transport.stamps import RequestStamps

_N_TRIES = 3
_LINES_AT_ONCE = 4
_MARK = "x-emulator"


@dataclass(slots=True)
class _Lines:
    """What of a job's lines was seen.

    Attributes:
        names: The attempts of the job.
        settled: Those whose end is recorded, or being recorded.
        file_of: The file that an attempt's first line stood in.
        foreign, twice: Names that were odd.
    """

    names: frozenset[str]
    settled: set[str]
    file_of: dict[str, str] = field(default_factory=dict[str, str])
    foreign: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])

    def is_new(self, name: str, file_id: str, here: set[str]) -> bool:
        """Whether a line is an attempt's first; what is odd is noted."""
        if name not in self.names:
            self.foreign.append(name)
            return False
        if name in here or self.file_of.setdefault(name, file_id) != file_id:
            self.twice.append(name)
            return False
        here.add(name)
        return name not in self.settled


class Collector:
    """Brings in what a job has answered; each line counts once."""

    def __init__(
        self,
        folder: Path,
        settler: Settler,
        pause_s: float,
        notice: Callable[[str], None],
    ) -> None:
        """Collect nothing yet.

        Args:
            folder: Of the run; what comes stands there while it is read.
            settler: Records it.
            pause_s: Between two tries.
            notice: Told what is odd.
        """
        self._folder = folder
        self._settler = settler
        self._pause_s = pause_s
        self._notice = notice

    async def collect(
        self, client: JobClient, job: Job, seen: Seen, settled: set[str]
    ) -> tuple[Job, str | None]:
        """Record each line of an ended job that is not recorded yet.

        Args:
            client: Of its endpoint.
            job: The job.
            seen: How the endpoint told it last.
            settled: The attempts whose end is recorded; grows.

        Returns:
            The job, and why it could not be collected whole; what is left then
            stays as it is until somebody tries again.

        Raises:
            StorageFailed: An answer could not be kept.
        """
        lines = _Lines(frozenset(job.attempt_ids), settled)
        for number, file_id in enumerate(seen.files):
            path = self._folder / f".{job.job_id}-{number}.part"
            try:
                why = await self._file(client, job, file_id, path, lines)
            finally:
                path.unlink(missing_ok=True)
            if why is not None:
                self._tell(job, lines)
                return job, why
        for name in job.attempt_ids:
            if name not in settled:
                await self._settler.ended(job, name, missing_reading(seen))
                settled.add(name)
        self._tell(job, lines)
        job = replace(seen.over(job), step=Step.COLLECTED, collected_at=now_utc())
        await self._settler.journal.append(job_record(job))
        passed("job_collected")
        return job, None

    async def _file(
        self,
        client: JobClient,
        job: Job,
        file_id: str,
        path: Path,
        lines: _Lines,
    ) -> str | None:
        """Download a file and record its lines; why that could not be done."""
        why = "nothing was tried"
        for number in range(_N_TRIES):
            if number:
                await asyncio.sleep(self._pause_s * number)
            answer = await client.download(file_id, path)
            if not is_success(answer):
                why = f"its file {file_id} can't be fetched ({said(answer)})"
                continue
            passed("job_fetched")
            n_unread = await self._read(job, answer, path, (file_id, lines))
            if not n_unread:
                return None
            many = "line" if n_unread == 1 else "lines"
            why = f"its file {file_id} holds {n_unread} {many} that can't be read"
        return why

    async def _read(
        self, job: Job, answer: Exchange, path: Path, of: tuple[str, _Lines]
    ) -> int:
        """Record the lines of a file, a few at once; how many can't be read."""
        file_id, lines = of
        here, n_unread = set[str](), 0
        turns = asyncio.Semaphore(_LINES_AT_ONCE)

        async def record(line: Line) -> None:
            try:
                await self._record(job, line, answer)
            finally:
                turns.release()

        async with asyncio.TaskGroup() as group:
            for content in _contents(path):
                line = read_line(content)
                if line is None:
                    n_unread += 1
                elif lines.is_new(line.attempt_id, file_id, here):
                    await turns.acquire()
                    lines.settled.add(line.attempt_id)
                    group.create_task(record(line))
        return n_unread

    async def _record(self, job: Job, line: Line, answer: Exchange) -> None:
        if line.status is None:
            await self._settler.ended(job, line.attempt_id, error_reading(line))
            return
        headers = {"content-type": "application/json"}
        if line.request_id:
            headers["x-request-id"] = line.request_id
        if _MARK in answer.headers:
            headers[_MARK] = answer.headers[_MARK]
        exchange = Exchange(
            stamps=RequestStamps(started_ns=answer.stamps.started_ns),
            status=line.status,
            headers=headers,
            body=line.body,
        )
        await self._settler.answered(job, line.attempt_id, exchange)

    def _tell(self, job: Job, lines: _Lines) -> None:
        for names, what in (
            (lines.foreign, "is not of this job"),
            (lines.twice, "came before; the first counts"),
        ):
            for name in dict.fromkeys(names):
                self._notice(f"{job.name}: a line for {name[:80]!r} {what}")


def _contents(path: Path) -> Iterator[bytes]:
    """The lines of a file that are not empty."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line

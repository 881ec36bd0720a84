"""Journal: the append-only truth of a run, one writer a file."""

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from bench.aside import Aside
from bench.errors import DamagedJournal, StorageFailed
from bench.folder import OWNER_ONLY_FILE, RunFolder, make_folder, sync_folder

VERSION = 1
# What nobody waits for may wait so long for a record that somebody waits for.
LATER_S = 0.01
_TAIL = len(b',"crc":"01234567"}')


def now_utc() -> str:
    """This instant as text: UTC, microseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(record: Mapping[str, Any]) -> bytes:
    """One journal line: the record, its checksum as last member, a newline."""
    body = orjson.dumps(record)[:-1]
    return body + b',"crc":"%08x"}\n' % crc32(body)


def is_whole(line: bytes) -> bool:
    """Whether a line without its newline matches its checksum."""
    return line[-_TAIL:] == b',"crc":"%08x"}' % crc32(line[:-_TAIL])


class JournalWriter:
    """Appends records to a new journal; many waiters share one sync.

    While one batch is being written the next one gathers. A record is durable
    when `append` returns. After the first failure every further append is
    refused: what can't be recorded must not be sent.
    """

    def __init__(self, run: RunFolder) -> None:
        """Open a new journal in the run's folder."""
        make_folder(run.journal)
        name = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self.path = run.journal / name
        self._handle = os.open(
            self.path,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND,
            OWNER_ONLY_FILE,
        )
        sync_folder(run.journal)
        self._n_durable_bytes = 0
        self._failure: StorageFailed | None = None
        self._gathered: list[tuple[bytes, asyncio.Future[None]]] = []
        self._is_busy = False
        self._is_urgent = False
        self._timer: asyncio.TimerHandle | None = None
        self._aside = Aside("journal")

    async def append(self, *records: Mapping[str, Any], within_s: float = 0.0) -> None:
        """Return when the records are durable; they stand in this order.

        Args:
            records: What is to stand in the journal.
            within_s: How long they may wait for others to share a sync with.

        Raises:
            StorageFailed: A record, or an earlier one, could not be kept.
        """
        if not self._aside.is_open:
            raise StorageFailed(f"{self.path}: the journal is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._gathered.append((b"".join(map(encode, records)), done))
        self._is_urgent = self._is_urgent or not within_s
        self._begin(loop, within_s)
        try:
            await done
        except asyncio.CancelledError:
            # The record is written all the same; and at once, for the loop may be
            # ending, and no timer of it would be heard any more.
            if self._gathered:
                self._hand_over(loop)
            raise

    def close(self) -> None:
        """Write what is waiting and close the file."""
        if self._aside.is_open:
            if self._gathered:
                self._hand_over(self._gathered[0][1].get_loop())
            self._aside.close()
            os.close(self._handle)

    def _begin(self, loop: asyncio.AbstractEventLoop, within_s: float) -> None:
        """Have what is gathered written; what comes meanwhile goes together."""
        if self._is_busy:
            return
        if self._is_urgent:
            self._hand_over(loop)
        elif self._timer is None:
            self._timer = loop.call_later(within_s, self._hand_over, loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._is_busy, self._is_urgent, self._timer = True, False, None
        gathered, self._gathered = self._gathered, []
        lines = b"".join(line for line, _ in gathered)
        waiting = [done for _, done in gathered]
        self._aside.begin(
            partial(self._keep, lines), partial(self._written, loop, waiting), loop
        )

    def _keep(self, lines: bytes) -> None:
        if self._failure is not None:
            return
        try:
            self._write(lines)
        # Whatever it is: what is not known to be durable must not be taken for it.
        except Exception as error:  # noqa: BLE001
            said = error.strerror if isinstance(error, OSError) else None
            self._failure = StorageFailed(
                f"{self.path}: a record could not be written "
                f"({said or type(error).__name__}); no more requests are sent; "
                "make room and resume"
            )

    def _write(self, lines: bytes) -> None:
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
            os.fdatasync(self._handle)
        except Exception:
            # Half a line would be read as damage; only its owner may cut it.
            os.ftruncate(self._handle, self._n_durable_bytes)
            raise
        self._n_durable_bytes += len(lines)

    def _written(
        self,
        loop: asyncio.AbstractEventLoop,
        waiting: list[asyncio.Future[None]],
        *_: object,
    ) -> None:
        for done in waiting:
            if done.done():
                continue
            if self._failure is None:
                done.set_result(None)
            else:
                done.set_exception(self._failure)
        self._is_busy = False
        if self._gathered:
            self._begin(loop, LATER_S)


def session_record(run_id: str, command: str, version: str) -> dict[str, Any]:
    """The first record of a journal: who writes, and both clocks at once."""
    return {
        "kind": "session",
        "v": VERSION,
        "run_id": run_id,
        "command": command,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "at": now_utc(),
        "mono_ns": time.monotonic_ns(),
        "version": version,
    }


def end_record(
    state: str, stopped_by: str | None, reason: str | None
) -> dict[str, Any]:
    """The last record of a journal whose process ended in order."""
    return {
        "kind": "end",
        "v": VERSION,
        "at": now_utc(),
        "state": state,
        "stopped_by": stopped_by,
        "reason": reason,
    }


@dataclass(slots=True)
class JournalPart:
    """What a journal holds from an offset on, checked but not yet parsed.

    Attributes:
        intents: Lines of kind `intent`, without newline.
        outcomes: Lines of kind `outcome`, without newline.
        others: All other records, parsed.
        end_offset: Bytes read so far; the place to go on from.
        is_torn: Whether a cut line stands after `end_offset`.
        damaged: Line numbers (from the offset, counted from 1) whose checksum
            does not match.
    """

    path: Path
    intents: list[bytes] = field(default_factory=list[bytes])
    outcomes: list[bytes] = field(default_factory=list[bytes])
    others: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    end_offset: int = 0
    is_torn: bool = False
    damaged: list[int] = field(default_factory=list[int])

    def refuse_damage(self) -> "JournalPart":
        """Return the part itself.

        Raises:
            DamagedJournal: A line does not match its checksum.
        """
        if self.damaged:
            raise DamagedJournal(
                f"{self.path}: line {self.damaged[0]} does not match its checksum "
                f"({len(self.damaged)} such); bring the file back from a backup"
            )
        return self


def read_part(path: Path, offset: int = 0) -> JournalPart:
    """Read the whole lines of a journal from a byte offset on."""
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read()
    end = content.rfind(b"\n") + 1
    part = JournalPart(path=path, end_offset=offset + end, is_torn=end < len(content))
    lines = content[:end].split(b"\n")[:-1]
    if is_whole(content[end:-1]):
        # Nothing but its newline is wrong: this line was written whole.
        part.damaged.append(len(lines) + 1)
    for number, line in enumerate(lines, start=1):
        if not is_whole(line):
            part.damaged.append(number)
        elif line.startswith(b'{"kind":"outcome"'):
            part.outcomes.append(line)
        elif line.startswith(b'{"kind":"intent"'):
            part.intents.append(line)
        else:
            part.others.append(orjson.loads(line))
    return part


def read_run(run: RunFolder) -> Iterator[JournalPart]:
    """Every journal of a run, each from its beginning."""
    for path in run.journals():
        yield read_part(path)

"""Batches: what one transaction of an ingest writes, read from files."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from bench.errors import BadInput, StorageFailed
from bench.folder import OWNER_ONLY_FILE
from bench.journal import VERSION as JOURNAL_VERSION
from bench.store.changes import PLAN, ReadFile, RunChange
from bench.store.lines import Block, edge_digest, read_blocks
from bench.store.plan_rows import continued_row, read_plan

_BATCH_BYTES = 64 << 20


Rows = list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Batch:
    """Part of a run: its plan, or some lines of one journal.

    Attributes:
        read: What is read of the file now.
        starts_over: All rows of the run are to be dropped first.
        tables: Files of JSON lines to insert, by table; who writes the batch
            removes them.
        n_outcomes: Lines for the table `attempt`.
        settled: Attempts whose intent is not in this batch.
        continued: Rows that continue the plan, by table.
        records: Sessions and ends.
        damaged: Numbers of lines that can't be read.
        is_last: Nothing more comes of this run.
    """

    run_id: str
    is_alive: bool
    read: ReadFile
    starts_over: bool = False
    tables: dict[str, Path] = field(default_factory=dict[str, Path])
    n_outcomes: int = 0
    settled: list[str] = field(default_factory=list[str])
    continued: dict[str, Rows] = field(default_factory=dict[str, Rows])
    records: Rows = field(default_factory=list[dict[str, Any]])
    damaged: list[int] = field(default_factory=list[int])
    is_last: bool = False

    def remove_files(self) -> None:
        """Remove the files of `tables`."""
        for path in self.tables.values():
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a run could not be read; one sentence."""

    run_id: str
    sentence: str


Scratch = Callable[[], Path]
_Intents = dict[bytes, bytes]


def read_changes(
    changes: Iterable[RunChange], scratch: Scratch
) -> Generator[Batch | Problem]:
    """The batches of all changed runs; a run that fails says why and ends.

    Args:
        changes: What is to be read.
        scratch: Gives the name of a new file for checked lines.
    """
    for change in changes:
        try:
            yield from _read_run(change, scratch)
        except BadInput as error:
            yield Problem(run_id=change.run.run_id, sentence=str(error))
        except (OSError, ValueError) as error:
            sentence = f"run {change.run.run_id} can't be read: {error}"
            yield Problem(run_id=change.run.run_id, sentence=sentence)


def _read_run(change: RunChange, scratch: Scratch) -> Generator[Batch]:
    held: Batch | None = None
    if change.starts_over:
        held = _plan_batch(change, scratch)
    for file in change.files:
        for batch in _read_journal(change, file, scratch):
            if held:
                yield held
            held = batch
    last = held or _empty(change, ReadFile(name=""))
    last.is_last = True
    yield last


def _plan_batch(change: RunChange, scratch: Scratch) -> Batch:
    path = change.run.plan
    status = path.stat()
    read = ReadFile(
        name=PLAN, size_bytes=status.st_size, modified_ns=status.st_mtime_ns
    )
    batch = _empty(change, read)
    batch.starts_over = True
    try:
        for table, rows in read_plan(path).items():
            batch.tables[table] = scratch()
            _write(batch.tables[table], map(orjson.dumps, rows))
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path}: the plan can't be read ({error!r})") from None
    return batch


def _empty(change: RunChange, read: ReadFile) -> Batch:
    return Batch(run_id=change.run.run_id, is_alive=change.is_alive, read=read)


def _read_journal(
    change: RunChange, file: ReadFile, scratch: Scratch
) -> Generator[Batch]:
    path = change.run.journal / file.name
    # Looked at first: what is appended meanwhile makes the next look differ.
    status = path.stat()
    batch, intents, n_bytes = _empty(change, file), _Intents(), 0
    for block in read_blocks(path, file.n_bytes, file.n_lines):
        if n_bytes >= _BATCH_BYTES:
            yield _closed(batch, path, intents, scratch)
            batch, intents, n_bytes = _empty(change, batch.read), _Intents(), 0
        n_bytes += block.end_offset - batch.read.n_bytes
        _add(batch, block, intents, scratch)
        _add_others(batch, block.others, path)
    batch = _closed(batch, path, intents, scratch)
    batch.read = replace(
        batch.read, size_bytes=status.st_size, modified_ns=status.st_mtime_ns
    )
    yield batch


def _add(batch: Batch, block: Block, intents: _Intents, scratch: Scratch) -> None:
    for attempt_id in block.settled:
        if intents.pop(attempt_id.encode(), None) is None:
            batch.settled.append(attempt_id)
    intents.update(block.intents)
    batch.damaged.extend(block.damaged)
    batch.n_outcomes += len(block.outcomes)
    if block.outcomes:
        # Block by block: memory that is touched anew costs more than a write.
        if "attempt" not in batch.tables:
            batch.tables["attempt"] = scratch()
        _write(batch.tables["attempt"], [b"\n".join(block.outcomes)])
    batch.read = ReadFile(
        name=batch.read.name, n_bytes=block.end_offset, n_lines=block.n_lines
    )


def _add_others(batch: Batch, others: Rows, path: Path) -> None:
    for record in others:
        _refuse_newer(record, batch)
        try:
            continued = continued_row(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{path}: a record of kind '{record.get('kind')}' can't be read "
                f"({error!r})"
            ) from None
        if continued:
            table, row = continued
            batch.continued.setdefault(table, []).append(row)
        else:
            batch.records.append(record)


def _closed(batch: Batch, path: Path, intents: _Intents, scratch: Scratch) -> Batch:
    for table, rows in batch.continued.items():
        batch.tables[table] = scratch()
        _write(batch.tables[table], map(orjson.dumps, rows))
    if intents:
        batch.tables["open_intent"] = scratch()
        _write(batch.tables["open_intent"], intents.values())
    batch.read = replace(batch.read, digest=edge_digest(path, batch.read.n_bytes))
    return batch


def _refuse_newer(record: dict[str, Any], batch: Batch) -> None:
    if record.get("v", 0) > JOURNAL_VERSION:
        raise BadInput(
            f"run {batch.run_id}: {batch.read.name} has records of version "
            f"{record['v']}; this program reads {JOURNAL_VERSION}, "
            "use a newer one"
        )


def _write(path: Path, parts: Iterable[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        with os.fdopen(os.open(path, flags, OWNER_ONLY_FILE), "wb") as file:
            for part in parts:
                file.write(part)
                file.write(b"\n")
    except OSError as error:
        raise StorageFailed(
            f"{path.parent}: the index could not be written ({error.strerror}); "
            "make room and `pixelmeter ingest`, the runs are not touched"
        ) from None


def prefetch(items: Iterator[Batch | Problem]) -> Generator[Batch | Problem]:
    """The same items, the next one read while the last one is used."""
    with ThreadPoolExecutor(1, "ingest") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item

"""Batches: what one transaction of an ingest writes, read from files."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from bench.errors import BadInput
from bench.folder import OWNER_ONLY_FILE
from bench.journal import VERSION as JOURNAL_VERSION
from bench.store.changes import PLAN, ReadFile, RunChange
from bench.store.lines import Block, edge_digest, read_blocks
from bench.store.plan_rows import read_plan

_BATCH_BYTES = 64 << 20


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
    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
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
    last = held or _empty(change)
    last.is_last = True
    yield last


def _plan_batch(change: RunChange, scratch: Scratch) -> Batch:
    path = change.run.plan
    status = path.stat()
    batch = _empty(change)
    batch.read = ReadFile(
        name=PLAN, size_bytes=status.st_size, modified_ns=status.st_mtime_ns
    )
    batch.starts_over = True
    for table, rows in read_plan(path).items():
        batch.tables[table] = _write(scratch(), map(orjson.dumps, rows))
    return batch


def _empty(change: RunChange) -> Batch:
    return Batch(
        run_id=change.run.run_id, is_alive=change.is_alive, read=ReadFile(name="")
    )


def _read_journal(
    change: RunChange, file: ReadFile, scratch: Scratch
) -> Generator[Batch]:
    path = change.run.journal / file.name
    # Looked at first: what is appended meanwhile makes the next look differ.
    status = path.stat()
    blocks: list[Block] = []
    for block in read_blocks(path, file.n_bytes, file.n_lines):
        if sum(each.n_outcome_bytes for each in blocks) >= _BATCH_BYTES:
            file = _read_so_far(file, path, blocks)
            yield _gather(change, file, blocks, scratch)
            blocks = []
        blocks.append(block)
    file = replace(
        _read_so_far(file, path, blocks),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )
    yield _gather(change, file, blocks, scratch)


def _read_so_far(file: ReadFile, path: Path, blocks: list[Block]) -> ReadFile:
    n_bytes = blocks[-1].end_offset if blocks else file.n_bytes
    return ReadFile(
        name=file.name,
        n_bytes=n_bytes,
        n_lines=blocks[-1].n_lines if blocks else file.n_lines,
        digest=edge_digest(path, n_bytes),
    )


def _gather(
    change: RunChange, file: ReadFile, blocks: list[Block], scratch: Scratch
) -> Batch:
    batch = _empty(change)
    batch.read = file
    intents: dict[bytes, bytes] = {}
    for block in blocks:
        for attempt_id in block.settled:
            if intents.pop(attempt_id.encode(), None) is None:
                batch.settled.append(attempt_id)
        intents.update(block.intents)
        batch.records.extend(block.others)
        batch.damaged.extend(block.damaged)
        batch.n_outcomes += len(block.outcomes)
    _refuse_newer(batch)
    if batch.n_outcomes:
        lines = chain.from_iterable(block.outcomes for block in blocks)
        batch.tables["attempt"] = _write(scratch(), lines)
    if intents:
        rows = map(_intent_row, intents.values())
        batch.tables["open_intent"] = _write(scratch(), rows)
    return batch


def _intent_row(line: bytes) -> bytes:
    record = orjson.loads(line)
    return orjson.dumps({**record, "started_at": record["at"]})


def _refuse_newer(batch: Batch) -> None:
    for record in batch.records:
        if record.get("v", 0) > JOURNAL_VERSION:
            raise BadInput(
                f"run {batch.run_id}: {batch.read.name} has records of version "
                f"{record['v']}; this program reads {JOURNAL_VERSION}, "
                "use a newer one"
            )


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(b"\n".join(lines))
        file.write(b"\n")
    return path


def prefetch(items: Iterator[Batch | Problem]) -> Generator[Batch | Problem]:
    """The same items, the next one read while the last one is used."""
    with ThreadPoolExecutor(1, "ingest") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item

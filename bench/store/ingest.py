"""Ingest: the index made current with the journals, or made anew."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from bench.store.batches import Batch, Problem, prefetch, read_changes
from bench.store.changes import find_changes
from bench.store.checked import judge_runs
from bench.store.index import (
    DamagedIndex,
    OlderIndex,
    open_index,
    read_index,
    write_index,
    write_lock,
)
from bench.store.tally import tally_runs
from bench.store.write import TABLES, forget_runs, write_batch

# How long readers wait for a writer, at most, beside one transaction.
_SPELL_S = 0.5
# Two whole row groups of DuckDB go to their place without the log; a commit
# takes a second or two, which readers wait.
_COMMIT_ROWS = 245_760


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What an ingest did.

    Attributes:
        attempts: Outcomes that were read.
        runs: Runs that had something new.
        removed: Runs whose folder is gone.
        problems: Sentences about what could not be read.
        moved_aside: Where an index went that could not be used.
    """

    attempts: int = 0
    runs: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    moved_aside: Path | None = None


_Groups = Generator[Iterator[Batch | Problem]]


@dataclass(slots=True)
class _Told:
    attempts: int = 0
    runs: dict[str, None] = field(default_factory=dict[str, None])
    problems: list[str] = field(default_factory=list[str])
    failed: set[str] = field(default_factory=set[str])


def refresh(folder: DataFolder) -> Ingested:
    """Read what is new in the journals of a folder; cheap when nothing is.

    Raises:
        BadInput: A newer program made the index.
        StorageFailed: The index is damaged, or can't be written.
    """
    if folder.index.is_file():
        try:
            with open_index(folder) as con:
                changes = find_changes(con, folder)
                if changes.are_none:
                    return Ingested(problems=(*changes.problems, *_damage(con)))
        except OlderIndex:
            return rebuild(folder, only_old=True)
    with write_lock(folder), _scratch(folder) as scratch:
        if not folder.index.exists():
            return _make_anew(folder, scratch)
        return _ingest(folder, folder.index, scratch)


def rebuild(folder: DataFolder, *, only_old: bool = False) -> Ingested:
    """Make the index anew from plans and journals, beside the old one.

    An index that can't be used is moved aside, an old one replaced.

    Args:
        folder: The data folder.
        only_old: Read only what is new when another process has just made it.

    Raises:
        StorageFailed: The new index can't be written.
    """
    with write_lock(folder), _scratch(folder) as scratch:
        if only_old:
            with suppress(OlderIndex):
                return _ingest(folder, folder.index, scratch)
        return _make_anew(folder, scratch)


def checksum(con: duckdb.DuckDBPyConnection) -> str:
    """SHA-256 over all rows under the views, whatever their order."""
    digest = sha256()
    for table in TABLES:
        row = con.execute(
            f"SELECT count(*), sum(md5_number_lower(t::VARCHAR)) FROM {table} AS t"  # noqa: S608  own names
        ).fetchone()
        digest.update(f"{table} {row}\n".encode())
    return digest.hexdigest()


def _make_anew(folder: DataFolder, scratch: Callable[[], Path]) -> Ingested:
    fresh = scratch()
    done = _ingest(folder, fresh, scratch)
    if _log_of(fresh).exists():
        # It could not be written whole when it was closed, and nobody was told.
        with write_index(fresh) as con:
            con.execute("CHECKPOINT")
    aside = _move_aside(folder)
    # A log that was left beside the old file must not meet the new one.
    _log_of(folder.index).unlink(missing_ok=True)
    fresh.rename(folder.index)
    return replace(done, moved_aside=aside)


def _ingest(folder: DataFolder, path: Path, scratch: Callable[[], Path]) -> Ingested:
    told = _Told()
    with ExitStack() as stack:
        with write_index(path) as con:
            changes = find_changes(con, folder)
            forget_runs(con, changes.gone)
            told.problems.extend(changes.problems)
            items = prefetch(read_changes(changes.runs, scratch))
            groups = _transactions(stack.enter_context(closing(items)))
            is_done = _write_a_while(con, groups, told)
        while not is_done:
            with write_index(path) as con:
                is_done = _write_a_while(con, groups, told)
    return Ingested(
        attempts=told.attempts,
        runs=tuple(told.runs),
        removed=changes.gone,
        problems=tuple(told.problems),
    )


def _write_a_while(
    con: duckdb.DuckDBPyConnection, groups: _Groups, told: _Told
) -> bool:
    """Write until all is written (True) or readers have waited long enough."""
    close_at = time.monotonic() + _SPELL_S
    for group in groups:
        _write_group(con, group, told)
        if time.monotonic() > close_at:
            return False
    told.problems.extend(_damage(con))
    return True


def _transactions(items: Iterator[Batch | Problem]) -> _Groups:
    """What is written in one transaction each: of one run, and not too much."""
    for first in items:
        yield _until_commit(first, items)


def _until_commit(
    first: Batch | Problem, items: Iterator[Batch | Problem]
) -> Generator[Batch | Problem]:
    n_outcomes = 0
    item: Batch | Problem | None = first
    while item is not None:
        yield item
        if isinstance(item, Problem) or item.is_last:
            return
        n_outcomes += item.n_outcomes
        if n_outcomes >= _COMMIT_ROWS:
            return
        item = next(items, None)


def _write_group(
    con: duckdb.DuckDBPyConnection, group: Iterator[Batch | Problem], told: _Told
) -> None:
    con.begin()
    n_outcomes = 0
    written: set[str] = set()
    for item in group:
        if isinstance(item, Problem):
            told.problems.append(item.sentence)
        elif item.run_id not in told.failed:
            # What follows a part that was refused must not be read before it.
            if _is_written(con, item, told):
                n_outcomes += item.n_outcomes
                written.add(item.run_id)
            else:
                n_outcomes = 0
                written.clear()
    tally_runs(con, written)
    judge_runs(con, written)
    con.commit()
    told.runs.update(dict.fromkeys(written))
    told.attempts += n_outcomes


def _is_written(con: duckdb.DuckDBPyConnection, batch: Batch, told: _Told) -> bool:
    try:
        write_batch(con, batch)
    except (duckdb.DataError, duckdb.InvalidInputException, KeyError) as error:
        con.rollback()
        con.begin()
        told.failed.add(batch.run_id)
        reason = str(error).splitlines()[0]
        told.problems.append(
            f"run {batch.run_id}: {batch.read.name} can't be read ({reason})"
        )
        return False
    finally:
        batch.remove_files()
    return True


def _damage(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "SELECT run_id, journal, count(*), min(line_no) FROM damage "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [
        f"run {run_id}: line {line_no} of {journal} does not match its checksum "
        f"({n} such); bring the file back from a backup"
        for run_id, journal, n, line_no in rows
    ]


@contextmanager
def _scratch(folder: DataFolder) -> Generator[Callable[[], Path]]:
    """Names of new files beside the index, all gone at the end."""
    pattern = f".{folder.index.name}.part-*"
    count = 0

    def name() -> Path:
        nonlocal count
        count += 1
        return folder.index.with_name(f".{folder.index.name}.part-{count}")

    def clear() -> None:
        for path in folder.root.glob(pattern):
            path.unlink()

    clear()
    try:
        yield name
    except OSError as error:
        raise StorageFailed(
            f"{folder.index}: the index could not be written ({error.strerror}); "
            "make room and ingest again, the runs are not touched"
        ) from None
    finally:
        clear()


def _move_aside(folder: DataFolder) -> Path | None:
    path = folder.index
    if not path.exists():
        return None
    try:
        with read_index(path, wait_s=0.0):
            return None
    except OlderIndex:
        return None
    except (DamagedIndex, BadInput):
        aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}")
    except StorageFailed:
        return None
    if _log_of(path).exists():
        _log_of(path).rename(_log_of(aside))
    return path.rename(aside)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")

"""Records: runs under way, leavings of killed processes, the index."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bench.checkup.check import Check, ok, problem, warning
from bench.errors import BenchError, StorageFailed
from bench.folder import DataFolder, RunFolder
from bench.store import queries
from bench.store.changes import Changes, find_changes
from bench.store.index import OlderIndex, open_index
from bench.words.figures import so_many

_WAIT_S = 2.0
_MOST_NAMED = 3


def check_records(folder: DataFolder) -> tuple[Check, ...]:
    """Locks, leavings and the index of a data folder that may not exist."""
    if not os.access(folder.root, os.F_OK):
        return ()
    try:
        alive = [run for run in map(folder.run, folder.run_ids()) if run.is_alive()]
        return (*_check_locks(folder, alive), *_check_index(folder))
    except OSError as error:
        sentence = f"{error.filename}: can't be read ({error.strerror})"
        return (problem("records", sentence, StorageFailed.exit_code),)


def _check_locks(folder: DataFolder, alive: list[RunFolder]) -> Iterator[Check]:
    if alive:
        named = ", ".join(
            f"{r.run_id} (process {_pid(r)})" for r in alive[:_MOST_NAMED]
        )
        more = f" and {len(alive) - _MOST_NAMED} more" if alive[_MOST_NAMED:] else ""
        yield ok("locks", f"being worked on now: {named}{more}")
        return
    if _is_locked(folder.index.with_name(f"{folder.index.name}.lock")):
        yield ok("locks", f"{folder.index} is being written by another process")
        return
    left = [*folder.images.glob("*/.*.part"), *folder.root.glob(".*.part-*")]
    if left:
        yield warning(
            "locks",
            f"{so_many(len(left), 'unfinished file')} of killed processes, such as "
            f"{left[0]}; "
            "delete them when you like",
        )
    else:
        yield ok("locks", "no run is being worked on, nothing is left over")


def _pid(run: RunFolder) -> str:
    text = (run.path / "run.lock").read_text("utf-8", "replace").strip()
    return text if text.isdecimal() else "unknown"


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, PermissionError):
        return False
    except BlockingIOError:
        return True
    return False


def _check_index(folder: DataFolder) -> Iterator[Check]:
    n_runs = len(folder.run_ids())
    is_closed = not os.access(folder.root, os.W_OK)
    if not folder.index.is_file():
        yield _no_index(folder, n_runs, is_closed=is_closed)
        return
    try:
        with open_index(folder, wait_s=_WAIT_S) as con:
            changes = find_changes(con, folder)
            damaged = [row for row in queries.runs(con) if row["n_damaged"]]
    except OlderIndex as error:
        yield warning("index", str(error))
    except BenchError as error:
        yield problem("index", str(error), error.exit_code)
    else:
        yield _standing(folder, n_runs, changes, is_closed=is_closed)
        yield from (warning("records", sentence) for sentence in changes.problems)
        yield from (
            warning(
                "records",
                f"run {row['run_id']}: {so_many(row['n_damaged'], 'record')} can't be "
                "read; bring its journals back from a backup",
            )
            for row in damaged
        )


def _no_index(folder: DataFolder, n_runs: int, *, is_closed: bool) -> Check:
    sentence = f"{folder.index}: there is none yet, {so_many(n_runs, 'run')}"
    if not n_runs:
        return ok("index", sentence)
    if is_closed:
        copied = "copy the folder to a place that can be written to read them"
        return warning("index", f"{sentence}; {copied}")
    return ok("index", f"{sentence}; the next command that reads makes it")


def _standing(
    folder: DataFolder, n_runs: int, changes: Changes, *, is_closed: bool
) -> Check:
    sentence = f"{folder.index}: {so_many(n_runs, 'run')}"
    if changes.are_none:
        return ok("index", f"{sentence}, current")
    n_new = len(changes.runs) + len(changes.gone)
    if is_closed:
        sentence = f"{sentence}, {n_new} changed since, which can't be read into it"
        return warning("index", f"{sentence}; the folder can't be written")
    return ok(
        "index", f"{sentence}, {n_new} changed since; the next command reads them"
    )

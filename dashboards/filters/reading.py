"""Reading: the index of the data folder, fresh and briefly open."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from bench.errors import BenchError
from bench.folder import DataFolder
from bench.store.index import open_index, write_lock
from bench.store.ingest import refresh

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
# How long a page waits for a writer before it says so and tries again by itself.
_WAIT_S = 5.0
Stamp = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the data folder stands after a look at it.

    Attributes:
        stamp: Changes when the index does.
        obstacle: Why nothing new can be read, as a sentence; None when all is well.
        problems: What could not be read of the journals, as sentences.
        looked_ns: When, on the monotonic clock.
    """

    stamp: Stamp
    obstacle: str | None
    problems: tuple[str, ...]
    looked_ns: int


def data_folder() -> DataFolder:
    """The data folder that the server was started on."""
    return DataFolder.choose(None, os.environ)


def look(folder: DataFolder) -> Standing:
    """Read what is new in the journals into the index, if that can be done now."""
    obstacle, problems = None, ()
    try:
        if folder.runs.is_dir() and _is_free(folder):
            problems = refresh(folder).problems
    except BenchError as error:
        obstacle = str(error)
    except OSError as error:
        obstacle = f"{folder.root}: it can't be read ({error.strerror})"
    return Standing(
        stamp=stamp_of(folder),
        obstacle=obstacle,
        problems=problems,
        looked_ns=time.monotonic_ns(),
    )


def _is_free(folder: DataFolder) -> bool:
    """Whether nobody else writes the index; a page never waits for a writer."""
    try:
        with write_lock(folder, wait_s=0.0):
            return True
    except BenchError:
        # Written by another process, or in a folder that is read only: what is
        # indexed can still be read.
        return False


def stamp_of(folder: DataFolder) -> Stamp:
    """What the index looks like from outside; empty without one."""
    log = folder.index.with_name(folder.index.name + ".wal")
    found: list[tuple[int, int]] = []
    for path in (folder.index, log):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)


class Asker:
    """Asks the index; what was asked before of the same index is remembered."""

    def __init__(self, folder: DataFolder, stamp: Stamp, stack: ExitStack) -> None:
        """Take what `asking` gives."""
        self.folder = folder
        self.stamp = stamp
        self._stack = stack
        self._con: duckdb.DuckDBPyConnection | None = None

    def __call__(self, query: Callable[..., T], *arguments: object) -> T:
        """The answer of a query, a function of a connection and arguments.

        Raises:
            BenchError: The index can't be read.
        """
        return self.while_same(self.stamp, query, *arguments)

    def while_same(
        self, basis: object, query: Callable[..., T], *arguments: object
    ) -> T:
        """The answer, asked anew only when what it rests on changes.

        The basis of an answer about one run is what tells that it is unchanged,
        though other runs are being written.
        """
        kept_under = (
            str(self.folder.root),
            f"{query.__module__}.{query.__qualname__}",
            repr(basis),
            repr(arguments),
        )
        return _remembered(kept_under, self, query, arguments)

    def ask_now(self, query: Callable[..., T], arguments: tuple[object, ...]) -> T:
        """The answer, asked through the one connection of this visit."""
        if self._con is None:
            self._con = self._stack.enter_context(open_index(self.folder, _WAIT_S))
        return query(self._con, *arguments)


@contextmanager
def asking(folder: DataFolder, stamp: Stamp) -> Generator[Asker]:
    """An asker; its connection is opened when needed and closed at the end."""
    with ExitStack() as stack:
        yield Asker(folder, stamp, stack)


@st.cache_data(max_entries=64, show_spinner=False)
def _remembered(
    kept_under: tuple[str, ...],
    _asker: Asker,
    _query: Callable[..., Any],
    _arguments: tuple[object, ...],
) -> Any:  # noqa: ANN401  what the query gives
    del kept_under
    return _asker.ask_now(_query, _arguments)


def has_runs(folder: DataFolder) -> bool:
    """Whether some run lies in the folder."""
    return next(Path(folder.runs).glob("*/plan.json"), None) is not None

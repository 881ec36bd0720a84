"""Index: the DuckDB file, opened briefly, written by one at a time."""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb

from bench.errors import BadInput, StorageFailed
from bench.folder import OWNER_ONLY_FILE, DataFolder

VERSION = 9
READ_WAIT_S = 15.0
_NO_ROOM = ("No space left", "Disk quota exceeded", "File too large")
WRITE_WAIT_S = 120.0
_POLL_S = 0.01
_Setting = str | bool | int | float | list[str]
_REBUILD = "`pixelmeter ingest --rebuild` makes it anew from the journals"
# An extension that is not in the wheel should be a clear error, not a download.
_WRITING: dict[str, _Setting] = {"autoinstall_known_extensions": "false"}
# A query on the index must not reach other files, nor loosen that rule.
_READING: dict[str, _Setting] = {
    **_WRITING,
    "enable_external_access": "false",
    "lock_configuration": "true",
}


class DamagedIndex(StorageFailed):
    """The index can't be read; journals are not touched by that."""


class OlderIndex(StorageFailed):
    """An older program made the index."""


class NoIndex(BadInput):
    """There is no index."""


@contextmanager
def open_index(
    folder: DataFolder, wait_s: float = READ_WAIT_S
) -> Generator[duckdb.DuckDBPyConnection]:
    """A read-only connection; keep it short, it makes writers wait.

    It sees what was ingested before it was opened. While another process
    writes the index, or makes it anew, it waits up to `wait_s` seconds.

    Raises:
        BadInput: There is no index, or a newer program made it.
        OlderIndex: An older program made it.
        StorageFailed: It is damaged, or stayed busy.
    """
    give_up_at = time.monotonic() + wait_s
    with ExitStack() as stack:
        con: duckdb.DuckDBPyConnection | None = None
        may_come = True
        while con is None:
            left_s = max(0.0, give_up_at - time.monotonic())
            try:
                con = stack.enter_context(read_index(folder.index, left_s))
            except (NoIndex, OlderIndex, DamagedIndex):
                if not may_come:
                    raise
                # It may have come since it was looked for: then look once more.
                may_come = _is_written(folder)
                if not may_come:
                    continue
                if not left_s:
                    raise StorageFailed(
                        f"{folder.index}: another process is making it anew; "
                        "try again when that ends"
                    ) from None
                time.sleep(_POLL_S)
        yield con


@contextmanager
def read_index(path: Path, wait_s: float) -> Generator[duckdb.DuckDBPyConnection]:
    """The same for an index as it stands, whoever may be making a new one."""
    if not path.is_file():
        raise NoIndex(f"{path}: there is no index yet; `pixelmeter ingest` makes it")
    with _connection(path, read_only=True, wait_s=wait_s) as con:
        if _version_of(con, path) < VERSION:
            raise OlderIndex(f"{path}: an older version made this index; {_REBUILD}")
        yield con


@contextmanager
def write_index(path: Path) -> Generator[duckdb.DuckDBPyConnection]:
    """A connection that writes; hold `write_lock` around it.

    A file that does not exist is made, with all tables and views.

    Raises:
        BadInput: A newer program made the index.
        OlderIndex: An older program made it.
        StorageFailed: It is damaged, or stayed busy.
    """
    is_new = not path.exists()
    with _connection(path, read_only=False, wait_s=WRITE_WAIT_S) as con:
        if is_new:
            path.chmod(OWNER_ONLY_FILE)
            _create(con)
        elif _version_of(con, path) < VERSION:
            raise OlderIndex(f"{path}: an older version made this index; {_REBUILD}")
        yield con


@contextmanager
def write_lock(folder: DataFolder, wait_s: float = WRITE_WAIT_S) -> Generator[None]:
    """Be the only one who writes the index of a folder.

    DuckDB's own lock falls when its process opens the file a second time, so
    writers agree by a file beside it.

    Raises:
        StorageFailed: Another writer kept it, or the folder can't be written.
    """
    path = _lock_of(folder)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY_FILE)
    except OSError as error:
        raise StorageFailed(
            f"{path}: the index can't be written ({error.strerror}); "
            "the runs beside it are not touched"
        ) from None
    try:
        _wait_until(
            lambda: _take(handle),
            wait_s,
            f"{folder.index}: another process has been writing for {wait_s:.0f} s; "
            "try again when it ends",
        )
        yield
    finally:
        os.close(handle)


def _lock_of(folder: DataFolder) -> Path:
    return folder.index.with_name(folder.index.name + ".lock")


def _is_written(folder: DataFolder) -> bool:
    try:
        with _lock_of(folder).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until(is_done: Callable[[], bool], wait_s: float, complaint: str) -> None:
    give_up_at = time.monotonic() + wait_s
    while not is_done():
        if time.monotonic() > give_up_at:
            raise StorageFailed(complaint)
        time.sleep(_POLL_S)


@contextmanager
def _connection(
    path: Path, *, read_only: bool, wait_s: float
) -> Generator[duckdb.DuckDBPyConnection]:
    if "?" in str(path):
        # DuckDB takes what follows for parameters and its log for another file.
        raise BadInput(f"{path}: the index can't lie below a '?'; rename that folder")
    con: duckdb.DuckDBPyConnection | None = None

    def connect() -> bool:
        nonlocal con
        try:
            con = duckdb.connect(
                path, read_only=read_only, config=_READING if read_only else _WRITING
            )
        except duckdb.Error as error:
            if _is_busy(error):
                return False
            raise _damage(path, error) from None
        return True

    complaint = f"{path}: another process has kept the index busy; try again"
    _wait_until(connect, wait_s, complaint)
    assert con is not None  # noqa: S101  _wait_until returns only when it is set
    try:
        yield con
    except duckdb.ProgrammingError:
        raise
    except RuntimeError as error:
        raise _as_meant(error) from None
    except duckdb.Error as error:
        raise _damage(path, error) from None
    finally:
        con.close()


def _as_meant(error: RuntimeError) -> BaseException:
    """A Ctrl-C during a query, which DuckDB tells as an error of its own."""
    return KeyboardInterrupt() if "interrupted" in str(error) else error


def _is_busy(error: duckdb.Error) -> bool:
    text = str(error)
    return "lock on file" in text or "different configuration" in text


def _damage(path: Path, error: duckdb.Error) -> StorageFailed | BadInput:
    reason = str(error).splitlines()[0].rstrip(".!")[:160]
    if "read a database file with version number" in reason:
        return BadInput(f"{path}: a newer DuckDB made this file; {_REBUILD}")
    # A long path may have pushed it out of the sentence.
    if any(words in str(error) for words in _NO_ROOM):
        return StorageFailed(
            f"{path}: the index could not be written ({reason}); make room and "
            "`pixelmeter ingest`, the runs are not touched"
        )
    return DamagedIndex(f"{path}: the index can't be used ({reason}); {_REBUILD}")


def _create(con: duckdb.DuckDBPyConnection) -> None:
    sql = files("bench.store") / "sql"
    con.begin()
    con.execute((sql / "schema.sql").read_text("utf-8"))
    con.execute((sql / "views.sql").read_text("utf-8"))
    con.execute("INSERT INTO index_version VALUES (?)", [VERSION])
    con.commit()


def _version_of(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    try:
        row = con.execute("SELECT max(version) FROM index_version").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None or row[0] is None:
        raise DamagedIndex(f"{path}: this is no index of Pixelmeter; {_REBUILD}")
    version = int(row[0])
    if version > VERSION:
        raise BadInput(
            f"{path}: its version {version} is newer than version {VERSION} of this "
            "program; use the newer program, or move the file away and "
            "`pixelmeter ingest` makes an own one from the journals"
        )
    return version

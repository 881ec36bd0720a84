"""Changes: which files of which runs the index has not read yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.errors import BadInput
from bench.folder import DataFolder, RunFolder
from bench.store.lines import edge_digest

PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A file of a run, as far as it was read.

    Attributes:
        n_bytes: Whole lines that were read; 0 when it is to be read anew.
        digest: `edge_digest` of those bytes.
        size_bytes: Its size when it was last looked at.
        modified_ns: Its time of change when it was last looked at.
    """

    name: str
    n_bytes: int = 0
    n_lines: int = 0
    digest: str = ""
    size_bytes: int = -1
    modified_ns: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """A run with something new.

    Attributes:
        is_alive: A process held it before its files were looked at.
        starts_over: All that the index holds of it is to be replaced.
        files: Journals to read, and from where.
    """

    run: RunFolder
    is_alive: bool
    starts_over: bool
    files: tuple[ReadFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be done to make the index current.

    Attributes:
        gone: Runs of the index whose folder is no more.
        problems: Sentences about folders that can't be read as runs.
    """

    runs: tuple[RunChange, ...]
    gone: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def are_none(self) -> bool:
        """Whether the index is current."""
        return not self.runs and not self.gone


def find_changes(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> Changes:
    """Compare the runs of a folder with what the index has read of them."""
    known = _known_files(con)
    alive = dict(con.execute("SELECT run_id, is_alive FROM run").fetchall())
    changed: list[RunChange] = []
    problems = [
        f"{path}: journals without a plan; bring plan.json back from a backup"
        for path in _without_plan(folder)
    ]
    run_ids = folder.run_ids()
    for run_id in run_ids:
        try:
            run = folder.run(run_id)
            change = _change_of(run, known.get(run_id, {}), was_alive=alive.get(run_id))
        except BadInput as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"run {run_id}: {error.filename}: {error.strerror}")
        else:
            if change:
                changed.append(change)
    gone = tuple(sorted((known.keys() | alive.keys()) - set(run_ids)))
    return Changes(runs=tuple(changed), gone=gone, problems=tuple(problems))


def _known_files(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, ReadFile]]:
    rows = con.execute(
        "SELECT run_id, file, n_bytes, n_lines, digest, size_bytes, modified_ns "
        "FROM ingest_offset"
    ).fetchall()
    known: dict[str, dict[str, ReadFile]] = {}
    for run_id, name, n_bytes, n_lines, digest, size_bytes, modified_ns in rows:
        known.setdefault(run_id, {})[name] = ReadFile(
            name=name,
            n_bytes=n_bytes,
            n_lines=n_lines,
            digest=digest,
            size_bytes=size_bytes,
            modified_ns=modified_ns,
        )
    return known


def _without_plan(folder: DataFolder) -> list[Path]:
    if not folder.runs.is_dir():
        return []
    return sorted(
        path
        for path in folder.runs.iterdir()
        if not (path / PLAN).exists() and any(path.glob("journal/*.jsonl"))
    )


def _change_of(
    run: RunFolder, known: Mapping[str, ReadFile], *, was_alive: bool | None
) -> RunChange | None:
    # Before its files: what a dead process wrote is all there.
    is_alive = run.is_alive()
    paths = (run.plan, *run.journals())
    new = [path for path in paths if not _is_read(path, known.get(path.name))]
    if not new and len(paths) == len(known) and is_alive == was_alive:
        return None
    starts_over = (
        run.plan in new
        or not known.keys() <= {path.name for path in paths}
        or any(_is_replaced(path, known.get(path.name)) for path in new)
    )
    wanted = [
        path for path in paths if path != run.plan and (starts_over or path in new)
    ]
    files = tuple(
        ReadFile(name=path.name)
        if starts_over
        else known.get(path.name, ReadFile(name=path.name))
        for path in wanted
    )
    return RunChange(run=run, is_alive=is_alive, starts_over=starts_over, files=files)


def _is_read(path: Path, known: ReadFile | None) -> bool:
    if known is None:
        return False
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) == (known.size_bytes, known.modified_ns)


def _is_replaced(path: Path, known: ReadFile | None) -> bool:
    if known is None:
        return False
    if path.stat().st_size < known.n_bytes:
        return True
    return edge_digest(path, known.n_bytes) != known.digest

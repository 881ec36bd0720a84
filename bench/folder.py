"""Folder: where runs, pictures and the index lie, and their locks."""

import fcntl
import os
import re
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BadInput, RunBusy, StorageFailed

OWNER_ONLY_FOLDER = 0o700
OWNER_ONLY_FILE = 0o600
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def make_folder(path: Path) -> Path:
    """Make a folder that only its owner can read, with its parents."""
    missing = [p for p in (path, *path.parents) if not p.is_dir()]
    try:
        # One by one: pathlib gives the parents that it makes to everybody.
        for folder in reversed(missing):
            folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
            sync_folder(folder.parent)
    except OSError as error:
        raise StorageFailed(
            f"{path}: the folder can't be made ({error.strerror}); "
            "choose another with --data DIR"
        ) from None
    return path


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: temporary name, sync, rename, sync.

    Raises:
        OSError: The file could not be made durable; nothing stands at `path`.
    """
    # A name of its own: two threads may write the same picture at once.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY_FILE)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            os.fdatasync(file.fileno())
        partial.rename(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder: `runs/`, `images/`, `inputs/`, `pixelmeter.duckdb`."""

    root: Path

    @classmethod
    def choose(
        cls, option: Path | None, environment: Mapping[str, str]
    ) -> "DataFolder":
        """`--data DIR`, else `$PIXELMETER_DATA`, else `./data`."""
        named = option or environment.get("PIXELMETER_DATA") or "data"
        root = Path(named).absolute()
        try:
            str(root).encode()
        except UnicodeEncodeError:
            raise BadInput(
                f"{str(root)!a}: the data folder's path is not UTF-8; choose "
                "another with --data DIR, or set LC_ALL=C.UTF-8"
            ) from None
        return cls(root)

    @property
    def runs(self) -> Path:
        """The folder that holds one folder a run."""
        return self.root / "runs"

    @property
    def images(self) -> Path:
        """The folder of pictures, by the digest of their bytes."""
        return self.root / "images"

    @property
    def inputs(self) -> Path:
        """The folder of pictures that are sent along, by their digest too."""
        return self.root / "inputs"

    @property
    def index(self) -> Path:
        """The DuckDB file; it can be deleted and rebuilt."""
        return self.root / "pixelmeter.duckdb"

    @property
    def endpoints(self) -> Path:
        """The endpoints file that holds when none is named."""
        return self.root / "endpoints.yaml"

    def run(self, run_id: str) -> "RunFolder":
        """The folder of one run, which need not exist yet.

        Raises:
            BadInput: The name could not be a run's.
        """
        if not RUN_ID.fullmatch(run_id):
            raise BadInput(
                f"run '{run_id}': a run is named like 20261121-140503-4fd2a1"
            )
        return RunFolder(self.runs / run_id)

    def existing_run(self, run_id: str) -> "RunFolder":
        """The folder of a run that exists, by its name or `latest`.

        Raises:
            BadInput: There is no such run.
        """
        known = self.run_ids()
        if run_id == "latest" and known:
            run_id = known[-1]
        folder = self.run(run_id)
        if not folder.plan.is_file():
            if not known:
                raise BadInput(
                    f"run '{run_id}' is not in {self.runs}, where no run is yet; "
                    "`pixelmeter run SUITE` makes one"
                )
            raise BadInput(
                f"run '{run_id}' is not in {self.runs}; the last one is {known[-1]}"
            )
        return folder

    def run_ids(self) -> tuple[str, ...]:
        """All runs whose plan is durable, oldest first."""
        if not self.runs.is_dir():
            return ()
        return tuple(sorted(p.parent.name for p in self.runs.glob("*/plan.json")))


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run: `plan.json`, `journal/`, `run.lock`."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def plan(self) -> Path:
        """The frozen plan."""
        return self.path / "plan.json"

    @property
    def journal(self) -> Path:
        """The folder of journals."""
        return self.path / "journal"

    def journals(self) -> tuple[Path, ...]:
        """All journals of the run, in the order of their names."""
        return tuple(sorted(self.journal.glob("*.jsonl")))

    @contextmanager
    def hold(self) -> Generator[None]:
        """Have the run to ourselves while the block lasts.

        Raises:
            RunBusy: Another process has it.
            StorageFailed: The folder can't be written.
        """
        path = self.path / "run.lock"
        try:
            lock = path.open("a+b")
        except OSError as error:
            raise StorageFailed(
                f"{path}: can't be written ({error.strerror}); nothing was changed, "
                "nothing was sent"
            ) from None
        with lock:
            if not _take(lock.fileno()):
                raise RunBusy(
                    f"run {self.run_id} is held by process {self._holder()}; "
                    "wait until it ends, or stop it"
                )
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            yield

    def is_alive(self) -> bool:
        """Whether a process works on the run now."""
        try:
            with (self.path / "run.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _holder(self) -> str:
        text = (self.path / "run.lock").read_text("utf-8", "replace").strip()
        return text or "unknown"


def _take(handle: int) -> bool:
    # A reader that asks `is_alive` holds the lock for an instant.
    for _ in range(20):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False

"""Storage: the data folder, its disk, and what was left in it."""

import os
import shutil
import stat
import statistics
import tempfile
import time
from pathlib import Path

from bench.checkup.check import Check, ok, problem, warning
from bench.errors import StorageFailed
from bench.folder import DataFolder, sync_folder
from bench.words.figures import bytes_text, seconds

_MOUNTS = Path("/proc/self/mountinfo")
_LITTLE_BYTES = 1_000_000_000
_TOO_LITTLE_BYTES = 20_000_000
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_SHARED = ("nfs", "cifs", "smb", "9p", "fuse", "vboxsf", "afs", "ceph", "virtiofs")
_SYNC_TIMES = 5
_RECORD_BYTES = 4096
_ELSEWHERE = "choose another folder with --data DIR"


def check_storage(folder: DataFolder) -> tuple[Check, ...]:
    """Whether records and pictures can be kept; makes no folder."""
    there = nearest(folder.root)
    return (*_check_folder(folder, there), _check_room(there), *_check_sync(there))


def nearest(path: Path) -> Path:
    """The path itself, or the first above it that exists."""
    return next(p for p in (path, *path.parents) if os.path.lexists(p))


def _check_folder(folder: DataFolder, there: Path) -> tuple[Check, ...]:
    name, root = "data folder", folder.root
    if not there.is_dir():
        return (_failed(name, f"{there}: is a file, not a folder; {_ELSEWHERE}"),)
    if there == root:
        return (_check_there(name, folder),)
    if not os.access(there, os.W_OK | os.X_OK):
        sentence = f"{root}: can't be made, {there} can't be written"
        return (_failed(name, f"{sentence}; {_ELSEWHERE}"),)
    return (ok(name, f"{root}: not there yet; the first run makes it"),)


def _check_there(name: str, folder: DataFolder) -> Check:
    root = folder.root
    if not os.access(root, os.R_OK | os.X_OK):
        return _failed(name, f"{root}: can't be opened by this user; {_ELSEWHERE}")
    places = [p for p in (root, folder.runs, folder.images) if p.exists()]
    closed = [p for p in places if not os.access(p, os.W_OK | os.X_OK)]
    if closed:
        sentence = f"{closed[0]}: can't be written, so nothing can be run"
        return _failed(name, f"{sentence}; what is there can be read; {_ELSEWHERE}")
    # The root may be open, as in a checkout, while what is recorded is not.
    records = [p for p in (folder.runs, folder.images, folder.index) if p.exists()]
    open_to_all = [p for p in records if _is_open(root) and _is_open(p)]
    if open_to_all:
        sentence = f"{open_to_all[0]}: others than its owner can read it"
        return warning(name, f"{sentence}; run chmod 700 {root}")
    return ok(name, f"{root}: can be written; records are its owner's alone")


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _failed(name: str, sentence: str) -> Check:
    return problem(name, sentence, StorageFailed.exit_code)


def _check_room(there: Path) -> Check:
    free_bytes = shutil.disk_usage(there).free
    sentence = f"{bytes_text(free_bytes)} free at {there}"
    if free_bytes < _TOO_LITTLE_BYTES:
        return _failed("disk", f"{sentence}, too little for a run; make room")
    if free_bytes < _LITTLE_BYTES:
        return warning("disk", f"{sentence}; `pixelmeter plan` tells what a run needs")
    return ok("disk", sentence)


def _check_sync(there: Path) -> tuple[Check, ...]:
    """The kind of file system, and whether it makes a record durable."""
    name = "file system"
    kind = _file_system(there)
    if kind in _IN_MEMORY:
        sentence = f"{there} lies in memory ({kind}) and is gone at the next start"
        return (warning(name, f"{sentence}; {_ELSEWHERE}"),)
    if kind.startswith(_SHARED):
        sentence = f"{there} is {kind}: locks and syncs may not hold there"
        return (warning(name, f"{sentence}; a folder on a disk is safer"),)
    if not os.access(there, os.W_OK | os.X_OK):
        return ()
    try:
        took_s = _sync_s(there)
    except OSError as error:
        sentence = f"{there}: nothing can be made durable ({error.strerror})"
        return (_failed(name, f"{sentence}; {_ELSEWHERE}"),)
    return (ok(name, f"{kind or 'unknown'}, a record is durable in {seconds(took_s)}"),)


def _sync_s(place: Path) -> float:
    """How long a small write takes until it is on the disk, the median."""
    taken_s: list[float] = []
    # It has no name, or loses it at once: nothing of it stays.
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        for _ in range(_SYNC_TIMES):
            begun_s = time.monotonic()
            file.write(b"\0" * _RECORD_BYTES)
            os.fdatasync(file.fileno())
            taken_s.append(time.monotonic() - begun_s)
    sync_folder(place)
    return statistics.median(taken_s)


def _file_system(place: Path) -> str:
    """The kind of the file system that holds a place; empty when unknown."""
    try:
        lines = _MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    kind, longest = "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        # Of two at one place the later covers the other.
        if place.resolve().is_relative_to(point) and len(point) >= longest:
            kind, longest = after.split()[0], len(point)
    return kind

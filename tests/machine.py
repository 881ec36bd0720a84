"""Machine: what a test needs of it, and how it does without."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Desk

CHROMIUM = "/usr/bin/chromium"
# Root passes over every mode; without its capabilities it is a user like others.
POWERLESS = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
_GRANT = (
    "needs the right to mount; run the tests as root, "
    "in a container that is started with --cap-add SYS_ADMIN"
)


def lacking(reason: str) -> NoReturn:
    """Skip the test that calls it; in CI, where nothing may hide, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def write_protected(desk: Desk, folder: Path) -> Iterator[None]:
    """No file of the folder, and not itself, may be written; takes no privilege."""
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in (folder, *folder.rglob("*"))}
    desk.started_by = POWERLESS if os.geteuid() == 0 else ()
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        _is_closed(folder, desk.started_by)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        desk.started_by = ()


@contextmanager
def mounted_read_only(desk: Desk, folder: Path) -> Iterator[None]:
    """The folder lies on a disk that is mounted for reading."""
    _mount("--bind", folder, folder)
    try:
        _mount("-o", "remount,ro,bind", folder)
        _is_closed(folder, desk.started_by)
        yield
    finally:
        _unmount(folder)


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Path]:
    """The folder is a disk of its own."""
    _mount("-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", folder)
    try:
        yield folder
    finally:
        _unmount(folder)


def _is_closed(folder: Path, started_by: tuple[str, ...]) -> None:
    """A test that believes in a lock that is none would prove nothing."""
    command = [*started_by, "touch", str(folder / "written")]
    touched = subprocess.run(command, check=False, capture_output=True)
    assert touched.returncode == 1
    assert not (folder / "written").exists()


def _mount(*arguments: object) -> None:
    if os.geteuid() != 0:
        lacking(_GRANT)
    command = ["mount", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        lacking(f"{_GRANT}: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], check=True)

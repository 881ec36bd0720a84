"""Completion: what a shell is told when somebody presses Tab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.conftest import Desk

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = Path(sys.executable).parent


def completed(desk: Desk, shell: str, *words: str) -> str:
    """What the program answers when the last of the words is completed."""
    asked = {
        "_PIXELMETER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": " ".join(words),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = desk.pixelmeter(**asked)
    assert ended.err == ""
    return ended.out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_told_the_commands_that_begin_so(desk: Desk, shell: str) -> None:
    told = completed(desk, shell, "pixelmeter", "comp")
    assert "compare" in told
    assert "emulator" not in told


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_for_a_shell_asks_this_program(desk: Desk, shell: str) -> None:
    script = desk.pixelmeter(_PIXELMETER_COMPLETE=f"source_{shell}")
    assert script.code == 0
    assert f"_PIXELMETER_COMPLETE=complete_{shell}" in script.out


def in_bash(home: Path, program: str) -> str:
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{program}; true"],
        env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_an_installed_completion_works_in_bash(tmp_path: Path) -> None:
    script = in_bash(tmp_path, "pixelmeter --show-completion")
    assert "complete_bash" in script
    in_bash(tmp_path, "pixelmeter --install-completion")
    told = in_bash(
        tmp_path,
        "source ~/.bashrc; COMP_WORDS=(pixelmeter res); COMP_CWORD=1; "
        '_pixelmeter_completion pixelmeter; echo "${COMPREPLY[@]}"',
    )
    assert told.split() == ["resume"]


def test_runs_are_completed_from_the_data_folder_that_is_named(
    desk: Desk, synthetic_run: Callable[..., Any]
) -> None:
    names = ("20261121-130000-000001", "20261121-130000-000002")
    for name in names:
        synthetic_run(name)
    told = completed(desk, "bash", "pixelmeter", "show", "2026").split()
    assert told == [names[1], names[0]]
    named = ("pixelmeter", "compare", "--data", "data", "")
    assert "latest" in completed(desk, "bash", *named[:-1], "lat")
    unreadable = desk.folder / ".env"
    unreadable.touch(mode=0o600)
    unreadable.write_bytes(b"\xff")
    assert completed(desk, "bash", "pixelmeter", "show", "2026") == "\n"


def test_completing_does_not_load_what_is_slow(desk: Desk) -> None:
    asked = {"_PIXELMETER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "x "}
    ended = desk.pixelmeter(**asked, PYTHONPROFILEIMPORTTIME="1")
    assert " bench.commands.options\n" in ended.err
    for name in ("rich", "duckdb", "openai", "bench.store"):
        assert f" {name}\n" not in ended.err

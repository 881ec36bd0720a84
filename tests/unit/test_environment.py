"""Environment: the process's variables, and an owner-only `.env` below them."""

import os
from pathlib import Path

import pytest

from bench.environment import read_environment
from bench.errors import BadInput

NAME = "PIXELMETER_TEST_VARIABLE"


def _env(folder: Path, content: bytes, mode: int = 0o600) -> None:
    path = folder / ".env"
    path.write_bytes(content)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (f"{NAME}=abc\n", "abc"),
        (f"{NAME}='a b'\n", "a b"),
        (f'export {NAME}="abc" # a comment\n', "abc"),
        (f"# a comment\n\n{NAME}=a=b\n", "a=b"),
        (f"{NAME}=abc\r\n", "abc"),
        (f"{NAME}=$HOME-${{HOME}}\n", "$HOME-${HOME}"),
        (f"\ufeff{NAME}=abc\n", "abc"),
        (f"{NAME}\n", None),
    ],
)
def test_a_variable_is_read_from_an_owner_only_file(
    tmp_path: Path, content: str, value: str | None
) -> None:
    _env(tmp_path, content.encode())
    found = read_environment(tmp_path)
    assert found.variables.get(NAME) == value
    assert found.note is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_reach_is_not_read_and_said_so(
    tmp_path: Path, mode: int
) -> None:
    _env(tmp_path, f"{NAME}=abc\n".encode(), mode)
    found = read_environment(tmp_path)
    assert NAME not in found.variables
    assert found.note is not None
    assert "was not read" in found.note
    assert "chmod 600" in found.note
    assert "abc" not in found.note


def test_the_process_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, "of the process")
    _env(tmp_path, f"{NAME}=of the file\n".encode())
    assert read_environment(tmp_path).variables[NAME] == "of the process"


def test_the_process_itself_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _env(tmp_path, f"{NAME}=abc\n".encode())
    assert read_environment().variables[NAME] == "abc"
    monkeypatch.setenv("ANOTHER", "1")
    assert NAME not in os.environ


def test_no_file_is_fine(tmp_path: Path) -> None:
    assert read_environment(tmp_path).note is None


def test_a_file_that_is_not_utf8_is_refused_without_its_content(
    tmp_path: Path,
) -> None:
    _env(tmp_path, f"{NAME}=caf\u00e9".encode("latin-1"))
    with pytest.raises(BadInput, match="is not UTF-8") as refusal:
        read_environment(tmp_path)
    assert "caf" not in str(refusal.value)

"""Command line: every command is documented and starts light."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import pixelmeter

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(pixelmeter.command_line()).commands  # type: ignore[attr-defined]
HEAVY = ("duckdb", "httpx2", "openai", "PIL", "pyarrow", "rich", "scipy", "starlette")


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in COMMANDS if f"`{name}" not in readme]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_says_what_it_does(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", "-"), parameter.name


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, pixelmeter; pixelmeter.command_line();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_exits_2_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixelmeter", "measure"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pixelmeter", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


def test_a_terminal_that_is_not_utf8_breaks_no_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixelmeter", "runs", "--data", tmp_path / "数据"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert "数据" in done.stdout.decode()


def test_a_data_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixelmeter", "runs", "--data", tmp_path / "\udcff"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"not UTF-8" in done.stderr


def test_output_that_can_not_be_written_ends_in_a_sentence_and_6() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pixelmeter", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 6
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr

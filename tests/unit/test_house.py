"""House: what holds for every file of the project."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.machine import lacking
from tests.schedule import LONGEST_FIRST

ROOT = Path(__file__).parents[2]
PACKAGES = ("pricing", "bench", "dashboards")
SOURCES = sorted(
    [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    + [ROOT / "pixelmeter.py"]
)
MOST_LINES = 300
MOST_FUNCTION_LINES = 40
LONGEST_PLAQUE = 70
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base", "core"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_stays_under_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_says_what_the_room_is_in_one_short_line(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text is not None
    assert len(text.splitlines()[0]) < LONGEST_PLAQUE


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_function_without_its_docstring_stays_under_40_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                end = body[-1].end_lineno or 0
                assert end - body[0].lineno < MOST_FUNCTION_LINES, node.name


def test_a_test_is_skipped_by_one_door_alone_which_fails_in_ci() -> None:
    skipping = {"skip", "skipif", "importorskip", "SkipTest"}
    found = {
        _name(path)
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in skipping
    }
    # This file holds the door to its word.
    assert found == {"tests/machine.py", "tests/unit/test_house.py"}


def test_what_a_machine_lacks_fails_in_ci_and_is_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        lacking("no such thing")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        lacking("no such thing")


def test_the_files_that_begin_are_there() -> None:
    assert all((ROOT / name).is_file() for name in LONGEST_FIRST)


def test_no_room_has_an_empty_name() -> None:
    assert not {path.stem for path in SOURCES} & FORBIDDEN_NAMES


def test_pricing_imports_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | {"pricing"}
    for path in (ROOT / "pricing").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in allowed, (path.name, name)


def test_nothing_below_imports_the_roof() -> None:
    for path in SOURCES:
        if path.name != "pixelmeter.py":
            assert not re.search(
                r"^\s*(from|import) pixelmeter", path.read_text(), re.MULTILINE
            )


def test_screens_hide_no_module_of_the_same_name() -> None:
    stems = {path.stem for path in (ROOT / "dashboards").glob("*.py")} - {"__init__"}
    assert not stems & (sys.stdlib_module_names | set(PACKAGES) | {"pixelmeter"})


LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-gateway.lock",
    "requirements-peers.lock",
)


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_hash_pinned_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    requirements = re.findall(
        r"^[a-z0-9][^\s=]*==\S+.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert requirements
    assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_our_environment_and_the_gateways_do_not_share_litellm_or_openai() -> None:
    ours, its = ((ROOT / name).read_text() for name in (LOCKS[1], LOCKS[2]))
    assert "litellm" not in ours
    assert re.search(r"^litellm==1\.106\.2 ", its, re.MULTILINE)
    majors = [re.findall(r"^openai==(\d+)", lock, re.MULTILINE) for lock in (ours, its)]
    assert majors == [["3"], ["2"]]


def test_test_folders_hold_no_init_and_no_file_name_twice() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
    names = [p.name for p in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


def test_the_import_contracts_break_on_an_upward_import(tmp_path: Path) -> None:
    import shutil
    import subprocess

    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    money = tmp_path / "pricing" / "money.py"
    money.write_text(money.read_text() + "\nimport bench.attempt\n")
    (tmp_path / "bench" / "unplaced.py").write_text('"""Unplaced: new."""\n')
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    broken = re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE)
    assert "dashboards over bench over pricing, never back" in broken
    assert "storeys of bench: a new file must be placed" in broken

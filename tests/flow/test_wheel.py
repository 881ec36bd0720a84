"""Wheel: what is installed from it runs far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "dashboards", "pricing")
DATA = (
    "bench/rules/models.toml",
    "bench/starter/suite.yaml",
    "bench/starter/init/suite.yaml",
    "bench/store/sql/schema.sql",
    "bench/store/sql/views.sql",
    "pricing/books/openai.toml",
    "dashboards/app/icon.png",
    "dashboards/report/macros.html",
    "dashboards/report/outlook.html",
    "dashboards/report/page.html",
)


class Installed:
    """An environment with the wheel and, by a path file, what it needs."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.wheel = wheel
        self.folder = folder / "foreign"
        self.folder.mkdir()
        place = folder / "environment"
        venv.create(place, symlinks=True)
        self.python = place / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        options = ["--no-deps", "--no-index", "--quiet", "--no-cache-dir"]
        _done(
            self._run(*pip, "install", *options, "--disable-pip-version-check", wheel)
        )
        self.packages = next((place / "lib").glob("python*/site-packages"))
        # Path files of a folder that is added so are not read: no checkout comes in.
        libraries = sysconfig.get_path("purelib")
        (self.packages / "libraries.pth").write_text(f"{libraries}\n")

    def _run(self, *command: object) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={**kept, "PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def pixelmeter(self, *arguments: object) -> str:
        program = self.python.with_name("pixelmeter")
        return _done(self._run(program, *arguments))

    def evaluate(self, program: str) -> Any:
        return json.loads(_done(self._run(self.python, "-c", program)))


def _done(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout, built and installed without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(
        [*build, "-d", folder / "dist"], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = (folder / "dist").glob("pixelmeter-*.whl")
    return Installed(wheel, folder)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.mark.slow
def test_the_wheel_holds_the_packages_their_data_and_nothing_else(
    installed: Installed,
) -> None:
    names = {n for n in names_in(installed.wheel) if ".dist-info/" not in n}
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES, "pixelmeter.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    listed = {name for name in tracked.stdout.splitlines() if (ROOT / name).exists()}
    # Where there is no repository, as in an unpacked archive, the data tells enough.
    assert listed <= names
    assert set(DATA) <= names
    assert {name.partition("/")[0] for name in names} == {*PACKAGES, "pixelmeter.py"}
    assert not [n for n in names if "__pycache__" in n or n.endswith((".env", ".pyc"))]


@pytest.mark.slow
def test_what_is_imported_comes_from_the_wheel(installed: Installed) -> None:
    found = installed.evaluate(
        "import importlib.util as u, json, sys, pixelmeter, bench, dashboards, pricing;"
        "places = [m.__file__ for m in (pixelmeter, bench, dashboards, pricing)];"
        "print(json.dumps([places, sys.path, u.find_spec('tests') is None]))"
    )
    places, path, has_no_tests = found
    for place in places:
        assert Path(place).is_relative_to(installed.packages)
    assert str(ROOT) not in path
    assert has_no_tests


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_in_a_foreign_folder(
    installed: Installed,
) -> None:
    answer = json.loads(installed.pixelmeter("demo", "--limit", 1, "--json"))
    assert answer["trials"]["done"] == answer["trials"]["planned"] == 24
    assert answer["simulated"] is True
    run = installed.folder / "data" / "runs" / answer["run_id"]
    assert (run / "plan.json").is_file()
    shown = json.loads(installed.pixelmeter("show", "latest", "--json"))
    assert shown["charge_usd"] == answer["charge_usd"]


@pytest.mark.slow
def test_other_commands_find_their_data_in_the_wheel(installed: Installed) -> None:
    told = json.loads(installed.pixelmeter("init", "mine", "--json"))
    assert (installed.folder / "mine" / "suite.yaml").is_file()
    assert len(told["written"]) == 6
    flags = ("--model", "gpt-image-2", "--quality", "low", "--size", "1024x1024")
    priced = json.loads(
        installed.pixelmeter("price", "--json", "--mode", "estimate", *flags)
    )
    assert float(priced["usd"]) > 0
    projected = json.loads(installed.pixelmeter("project", "guides-2025", "--json"))
    assert projected["schema"] == "pixelmeter.project/1"
    checked = json.loads(installed.pixelmeter("doctor", "--json"))
    found = {check["name"]: check["status"] for check in checked["checks"]}
    assert (found["libraries"], found["python"]) == ("ok", "ok")

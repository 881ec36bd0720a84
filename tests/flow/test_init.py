"""Init: the first files of a user, and that they run as they are."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import Desk

PROGRAMS = Path(sys.executable).parent
WRITTEN = {
    "suite.yaml",
    "endpoints.yaml",
    ".env.example",
    ".gitignore",
    "schemas/suite.json",
    "schemas/endpoints.json",
}


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return any_socket.getsockname()[1]


def in_bash(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
    return subprocess.run(
        ["bash", "--norc", "-c", program],
        cwd=folder,
        env={**kept, "PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_commands_that_init_prints_work_as_they_are_printed(
    desk: Desk,
) -> None:
    told = desk.pixelmeter("init", "my prompts", "--json")
    assert told.code == 0
    folder = desk.folder / "my prompts"
    port = str(free_port())
    path = folder / "endpoints.yaml"
    path.write_text(path.read_text().replace("8080", port))
    copy, emulator, run = told.answer["next"]
    assert in_bash(desk.folder, copy).returncode == 0
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600

    moved = emulator.replace("8080", port)
    begun = in_bash(folder, f"{moved.removesuffix('&')} >said 2>&1 & echo $!")
    try:
        desk.until(lambda: "listens" in (folder / "said").read_text(), "no emulator")
        ended = in_bash(folder, f"{run} --json")
    finally:
        os.kill(int(begun.stdout), signal.SIGTERM)
    assert ended.returncode == 0, ended
    answer = json.loads(ended.stdout)
    assert answer["trials"]["done"] == answer["trials"]["planned"] == 6
    assert Decimal(answer["charge_usd"]) > 0


def test_init_writes_what_it_says_and_nothing_else(desk: Desk) -> None:
    told = desk.pixelmeter("init", "new/deep")
    assert told.code == 0
    assert files_of(desk.folder / "new/deep") == WRITTEN
    named = [line[6:] for line in told.out.splitlines() if line.startswith("wrote ")]
    assert {str(Path(name).relative_to("new/deep")) for name in named} == WRITTEN
    assert "  cd new/deep && cp .env.example .env\n" in told.out


@pytest.mark.parametrize("kind", ["suite", "endpoints"])
def test_the_files_of_init_name_schemas_that_lie_beside_them(
    desk: Desk, kind: str
) -> None:
    assert desk.pixelmeter("init").code == 0
    text = (desk.folder / f"{kind}.yaml").read_text("utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    schema = json.loads((desk.folder / first.partition("=")[2]).read_bytes())
    content = yaml.safe_load(text)
    jsonschema.validate(content, schema)
    printed = desk.pixelmeter("schema", kind)
    assert json.loads(printed.out) == schema
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "promts": []}, schema)


def test_every_endpoint_of_init_has_its_key_in_the_example(desk: Desk) -> None:
    assert desk.pixelmeter("init").code == 0
    content = yaml.safe_load((desk.folder / "endpoints.yaml").read_text())
    lines = (desk.folder / ".env.example").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert names == {entry["api_key_env"] for entry in content["endpoints"]}
    (desk.folder / ".env.example").rename(desk.folder / ".env")
    ended = desk.pixelmeter(
        *("run", "suite.yaml", "--endpoints", "endpoints.yaml"),
        *("--endpoint", "openai"),
    )
    assert (ended.code, "OPENAI_API_KEY" in ended.err) == (3, True)


def test_init_writes_over_nothing_and_names_what_is_there(desk: Desk) -> None:
    mine = desk.folder / "suite.yaml"
    mine.write_text("mine")
    (desk.folder / ".env.example").symlink_to("nowhere")
    told = desk.pixelmeter("init")
    assert (told.code, told.out) == (2, "")
    assert "suite.yaml, .env.example are there already" in told.err
    assert "--force" in told.err
    assert "endpoints.yaml" not in told.err
    assert mine.read_text() == "mine"
    assert files_of(desk.folder) == {"suite.yaml"}


def test_with_force_init_writes_over_but_keeps_a_gitignore(desk: Desk) -> None:
    for name in ("suite.yaml", ".gitignore"):
        (desk.folder / name).write_text("mine")
    told = desk.pixelmeter("init", "--force")
    assert told.code == 0
    assert ".gitignore" not in told.out
    assert (desk.folder / ".gitignore").read_text() == "mine"
    assert (desk.folder / "suite.yaml").read_text() != "mine"
    assert files_of(desk.folder) == WRITTEN


@pytest.mark.parametrize(
    ("place", "code"), [("taken", 2), ("taken/below", 2), ("/proc/new", 6)]
)
def test_a_folder_that_can_not_be_is_one_sentence(
    desk: Desk, place: str, code: int
) -> None:
    (desk.folder / "taken").write_text("a file")
    told = desk.pixelmeter("init", place)
    assert (told.code, told.out) == (code, "")
    (sentence,) = told.said
    assert place.removesuffix("/below") in sentence
    assert files_of(desk.folder) == {"taken"}


def test_a_folder_in_place_of_a_file_is_told_before_anything_is_written(
    desk: Desk,
) -> None:
    (desk.folder / "endpoints.yaml").mkdir()
    told = desk.pixelmeter("init", "--force")
    assert told.code == 2
    assert "endpoints.yaml" in told.err
    assert files_of(desk.folder) == set()

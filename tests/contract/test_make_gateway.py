"""`make gateway` as its user has it: what it prints works, and it ends whole."""

from __future__ import annotations

import re
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from bench.folder import DataFolder
from tests.gateway.__main__ import GATEWAY_VARIABLE, Place
from tests.gateway.process import PROGRAM, ROOT
from tests.machine import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

START_WITHIN_S = 240
SAID = re.compile(r"^  (set -a; .*\n(?:  .*\n)+)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not PROGRAM.is_file():
        lacking(".venv-gateway is missing; `make gateway` sets it up")
    return tmp_path / "a folder with spaces"


@pytest.fixture
def program(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = _start("--port", "0", "--data", str(folder), "--time-scale", "0")
    yield process
    if process.poll() is None:
        process.terminate()
        process.communicate(timeout=60)


def _start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "gateway"), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _said_at_start(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C"):
            return said
    raise AssertionError(process.communicate()[1])


def test_what_it_prints_can_be_typed_and_ctrl_c_ends_all_of_it(
    program: subprocess.Popen[str], folder: Path
) -> None:
    found = SAID.search(_said_at_start(program))
    assert found
    commands = found[1].replace(" run ", " run --limit 2 ")
    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "litellm (simulated)" in done.stdout
    written = yaml.safe_load((folder / "gateway" / "endpoints.yaml").read_text())
    ports = [
        int(e["base_url"].split(":")[2].split("/")[0]) for e in written["endpoints"]
    ]
    for name in (".env", "litellm.log", "endpoints.yaml"):
        mode = (folder / "gateway" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    # Who is in a hurry presses it twice.
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGINT)
    told, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (130, "")
    direct, litellm = told.splitlines()
    assert direct.startswith("behind direct: 2 requests for pictures, 2 billed, 0.0")
    assert litellm == direct.replace("direct", "litellm")
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_key_stays_from_start_to_start(tmp_path: Path) -> None:
    place = Place(DataFolder(tmp_path))
    first = place.key()
    assert len(first) > 40
    assert place.key() != first
    place.folder.mkdir()
    place.variables.write_text(f"{GATEWAY_VARIABLE}={first}\n")
    assert place.key() == first
    place.variables.write_bytes(b"\xff")
    assert place.key() != first


def test_a_taken_port_is_one_sentence(folder: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = _start("--port", str(port), "--data", str(folder))
        _, errors = process.communicate(timeout=START_WITHIN_S)
    assert process.returncode == 2
    assert errors == (
        f"error: --port {port} on 127.0.0.1 can't be used: Address already in use; "
        "choose another, or 0 for a free one\n"
    )

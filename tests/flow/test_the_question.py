"""The question before dear runs: every way in which it is not answered yes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Desk, Double

PROGRAM = Path(sys.executable).with_name("pixelmeter")
CTRL_D = b"\x04"


def answered(desk: Desk, keys: bytes | None) -> int:
    """Type keys at the question, or interrupt it; returns the exit code."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *map(str, desk.run_arguments())],
        cwd=desk.folder,
        env={**os.environ, "PX_KEY": desk.key},
        stdin=other_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    )
    os.close(other_end)
    assert process.stdout is not None
    said = b""
    while not said.endswith(b"Go on? [y/N]: "):
        part = process.stdout.read(1)
        assert part, said
        said += part
    if keys is None:
        # Between the prompt and the read that waits, Python would note the signal
        # only after the read.
        time.sleep(1)
        process.send_signal(signal.SIGINT)
    else:
        os.write(terminal, keys)
    process.communicate(timeout=60)
    os.close(terminal)
    return process.returncode


@pytest.mark.parametrize(("keys", "code"), [(None, 130), (CTRL_D, 130), (b"n\n", 2)])
def test_a_question_that_is_not_agreed_to_sends_nothing(
    desk: Desk, direct: Double, keys: bytes | None, code: int
) -> None:
    desk.suite(repeats=50)
    desk.endpoint(direct.url)
    assert answered(desk, keys) == code
    assert direct.posts == []
    assert not (desk.data / "runs").exists()


def test_nobody_is_asked_where_standard_input_is_closed(
    desk: Desk, direct: Double
) -> None:
    desk.suite(repeats=50)
    desk.endpoint(direct.url)
    command = [PROGRAM, *map(str, desk.run_arguments())]
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command],
        cwd=desk.folder,
        env={**os.environ, "PX_KEY": desk.key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, direct.posts) == (2, "", [])
    assert "--yes" in ended.stderr

"""A demo that is ended while its emulators start leaves none behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Desk


def test_an_ended_demo_leaves_no_emulator_behind(desk: Desk) -> None:
    process = desk.start("demo", "--limit", 1, "--data", desk.data)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    # By the time of the second the first is surely known to its parent.
    desk.until(lambda: len(children.read_text().split()) == 2, "no emulator begins")
    first, _ = children.read_text().split()
    process.send_signal(signal.SIGTERM)
    ended = desk.end(process)
    assert ended.code == 130
    assert not Path(f"/proc/{first}").exists()

"""The command `dashboard`: where it listens, whom it answers, how it ends."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Desk

    Serve = Callable[..., tuple[subprocess.Popen[str], int]]

# As the kernel writes them: 127.0.0.1 in the order of this machine's bytes.
LOOPBACK = socket.inet_aton("127.0.0.1")[:: 1 if sys.byteorder == "big" else -1].hex()
LISTENING = "0A"


@pytest.fixture
def serve(desk: Desk) -> Serve:
    """Start the dashboard on a free port; its line says which."""

    def start(*options: object) -> tuple[subprocess.Popen[str], int]:
        process = desk.start("dashboard", "--port", 0, "--no-browser", *options)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            r"The dashboard is at http://127\.0\.0\.1:(\d+) \(Ctrl-C ends it\)\.\n",
            line,
        )
        assert found, line
        return process, int(found[1])

    return start


def _heard_at(port: int) -> set[str]:
    """The addresses at which somebody listens on a port, as the kernel has them."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    places = [fields[1].split(":") for fields in lines if fields[3] == LISTENING]
    return {address.lower() for address, number in places if int(number, 16) == port}


def _get(port: int, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_it_answers_on_loopback_only_and_ends_with_ctrl_c(
    desk: Desk, serve: Serve
) -> None:
    process, port = serve()
    desk.until(lambda: _get(port, "/_stcore/health")[1] == "ok", "not healthy")
    assert _heard_at(port) == {LOOPBACK}
    process.send_signal(signal.SIGINT)
    ended = desk.end(process)
    assert ended.code in {0, 130}
    assert ended.out == ""
    assert ended.err == ""


def test_it_opens_the_browser_where_there_is_a_screen(desk: Desk) -> None:
    opened = desk.folder / "opened"
    browser = desk.folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    browser.chmod(0o700)
    with_screen = {"BROWSER": f"{browser} %s", "DISPLAY": ":9"}
    process = desk.start("dashboard", "--port", 0, **with_screen)
    assert process.stdout is not None
    line = process.stdout.readline()
    url = desk.until(lambda: opened.exists() and opened.read_text(), "not opened")
    assert f" {url} " in line
    process.send_signal(signal.SIGINT)
    assert desk.end(process).err == ""


def test_a_port_that_is_taken_is_one_sentence(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = desk.pixelmeter("dashboard", "--port", port, "--no-browser")
    assert ended.code == 2
    (sentence,) = ended.said
    assert f"--port {port}" in sentence
    assert "choose another with --port N" in sentence
    assert ended.out == ""


def test_a_port_that_is_none_is_refused(desk: Desk) -> None:
    ended = desk.pixelmeter("dashboard", "--port", 70_000, "--no-browser")
    assert ended.code == 2
    assert "a port is a number from 0 to 65535" in ended.err


def test_a_missing_folder_is_served_and_not_made(desk: Desk, serve: Serve) -> None:
    process, port = serve("--data", desk.folder / "nowhere")
    desk.until(lambda: _get(port, "/_stcore/health")[1] == "ok", "not healthy")
    assert _get(port, "/latency")[0] == 200
    process.send_signal(signal.SIGTERM)
    assert "error" not in desk.end(process).err
    assert not (desk.folder / "nowhere").exists()


def test_a_name_that_only_resolves_here_gets_no_data(desk: Desk, serve: Serve) -> None:
    process, port = serve()
    desk.until(lambda: _get(port, "/_stcore/health")[1] == "ok", "not healthy")
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert _get(port, "/_stcore/stream", Host="rebound.example", **upgrade)[0] == 403
    assert _get(port, "/_stcore/agent/openapi.json")[0] != 200 or (
        "off" in _get(port, "/_stcore/agent/openapi.json")[1]
    )
    process.send_signal(signal.SIGINT)
    desk.end(process)

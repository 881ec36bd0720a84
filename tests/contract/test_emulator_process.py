"""The emulator as a process: start, options, signals and ends."""

import json
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

ROOF = (
    "import typer\n"
    "from bench.commands.emulator import register\n"
    "app = typer.Typer(rich_markup_mode=None)\n"
    "app.callback()(lambda: None)\n"
    "register(app)\n"
    "app()\n"
)


def command(*options: str) -> list[str]:
    return [sys.executable, "-c", ROOF, "emulator", *options]


def run(*options: str) -> tuple[int, str]:
    done = subprocess.run(
        command(*options), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_the_command_says_where_it_listens_and_ends_by_sigterm() -> None:
    with subprocess.Popen(
        command("--port", "0", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        host, port = said["url"].removeprefix("http://").removesuffix("/v1").split(":")
        socket.create_connection((host, int(port)), timeout=10).close()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=300)
    assert said == {
        "schema": "pixelmeter.emulator/1",
        "url": said["url"],
        "pid": process.pid,
    }
    assert (host, rest, errors, process.returncode) == ("127.0.0.1", "", "", 0)


def test_without_json_a_person_reads_one_line() -> None:
    with subprocess.Popen(
        command("--port", "0", "--manner", "litellm"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert (errors, process.returncode) == ("", 130)


def test_a_taken_port_is_one_sentence_and_exit_2(emulator: Any) -> None:
    port = emulator.url.removesuffix("/v1").rpartition(":")[2]
    code, errors = run("--port", port)
    assert code == 2
    assert errors.count("\n") == 1
    assert port in errors


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--port", "70000"), "70000"),
        (("--port", "0", "--time-scale", "-1"), "--time-scale"),
        (("--port", "0", "--time-scale", "nan"), "--time-scale"),
        (("--port", "0", "--time-scale", "inf"), "--time-scale"),
        (("--port", "0", "--upstream", "localhost:4000"), "--upstream"),
        (("--port", "0", "--manner", "rude"), "rude"),
        (("--port", "0", "--faults", "missing.yaml"), "missing.yaml"),
    ],
)
def test_bad_options_are_named_with_exit_2(options: Any, named: Any) -> None:
    code, errors = run(*options)
    assert code == 2
    assert named in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("faults: [{scenario: explode}]", "explode"),
        ("faults: [", "faults.yaml"),
        ("", "faults.yaml"),
        ("&a [*a, *a]", "faults.yaml"),
        ("faults: " + "[" * 5000, "nested too deep"),
    ],
)
def test_a_bad_fault_file_is_one_sentence_and_exit_2(
    tmp_path: Any, text: Any, named: Any
) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text, encoding="utf-8")
    code, errors = run("--port", "0", "--faults", str(path))
    assert (code, errors.count("\n")) == (2, 1)
    assert named in errors


@pytest.mark.parametrize(
    "text",
    [
        "faults:\n  - {scenario: overloaded, times: 1}\n",
        '{"faults": [{"scenario": "overloaded", "times": 1}]}',
    ],
)
def test_a_fault_file_holds_from_the_first_request(
    tmp_path: Any, start_emulator: Any, text: Any
) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text, encoding="utf-8")
    running = start_emulator("--time-scale", "0", "--faults", str(path))
    assert [running.generate().status_code for _ in range(2)] == [503, 200]


def test_sigterm_ends_it_quickly_with_requests_in_work(start_emulator: Any) -> None:
    running = start_emulator("--time-scale", "1")
    host, port = running.url.removeprefix("http://").removesuffix("/v1").split(":")
    body = b'{"model": "gpt-image-2", "prompt": "A kite", "quality": "high"}'
    head = (
        b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\n"
        b"authorization: Bearer k\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(head + body)
        while running.read("ledger")["in_flight"] == 0:
            pass
        assert running.stop() == (0, "")

"""Contract fixtures: real emulator processes on free ports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.certificates import make_certificate
from tests.conftest import Double
from tests.gateway.process import PROGRAM, Gateway, running
from tests.gateway.through import PLAIN as KITE
from tests.gateway.through import post
from tests.machine import lacking

# Only a net under a hang: the machine may be busy with much else.
PATIENCE_S = 300
KEY = {"authorization": "Bearer sk-test"}
PLAIN = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
}


class RunningEmulator:
    """One emulator process, its address, and short ways to steer it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.emulator", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.url: str = json.loads(line)["url"]
        self.http = httpx2.Client(timeout=PATIENCE_S, trust_env=False)

    def generate(self, **parameters: Any) -> httpx2.Response:
        return self.post({**PLAIN, **parameters})

    def post(self, body: dict[str, Any], **headers: str) -> httpx2.Response:
        url = f"{self.url}/images/generations"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(url, json=body, headers={**KEY, **sent})

    def post_to(self, path: str, body: Any) -> httpx2.Response:
        return self.http.post(f"{self.url}{path}", json=body, headers=KEY)

    def put_picture(self, name: str, content: bytes) -> str:
        """Keep a picture at the emulator; return its address."""
        url = self._control(f"pictures/{name}")
        return self.http.put(url, content=content).json()["url"]

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(f"{self.url}{path}", headers=KEY)

    def _control(self, name: str) -> str:
        return f"{self.url.removesuffix('/v1')}/_emulator/{name}"

    def read(self, name: str) -> dict[str, Any]:
        return self.http.get(self._control(name)).json()

    def put(self, name: str, document: Any) -> httpx2.Response:
        return self.http.put(self._control(name), json=document)

    def delete(self, name: str) -> httpx2.Response:
        return self.http.delete(self._control(name))

    def ledger(self) -> list[dict[str, Any]]:
        """Wait until no request is in work, then return the entries."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (shown := self.read("ledger"))["in_flight"]:
            assert time.monotonic() < give_up_at, shown
            time.sleep(0.02)
        return shown["requests"]

    def fault(self, scenario: str, **details: Any) -> None:
        plan = {"faults": [{"scenario": scenario, **details}]}
        assert self.put("faults", plan).status_code == 200

    def stalled(self, path: str, body: dict[str, Any]) -> bytes:
        """Read a stream to its first partial picture; leave when all are made.

        However slow the machine, what comes in between is silence or a fault.
        """
        came = b""
        url = f"{self.url}/{path}"
        with self.http.stream(
            "POST", url, json=body, headers=KEY, timeout=PATIENCE_S
        ) as answer:
            for piece in answer.iter_raw():
                came += piece
                if b"partial_image_index" in came and came.endswith(b"\n\n"):
                    break
            give_up_at = time.monotonic() + PATIENCE_S
            while not self.read("ledger")["requests"][-1]["billed"]:
                assert time.monotonic() < give_up_at
                time.sleep(0.02)
            # Time enough to send a picture that is there.
            time.sleep(0.3)
        return came

    def reset(self) -> None:
        self.delete("faults")
        calm = {"time_scale": 0, "service_time": None, "limits": None}
        money = {"overhead_s": 0, "price_factor": "1", "answer_bytes": None}
        told = {"partials_share": 1, "stream_done": False, "tool_usage": "reported"}
        told |= {"answers_url": False, "ignores_options": False}
        assert self.put("profile", {**calm, **money, **told}).status_code == 200
        self.ledger()
        self.delete("ledger")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End the process; return its exit code and what it said on stderr."""
        self.http.close()
        os.kill(self.process.pid, number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


@pytest.fixture(scope="session")
def start_emulator() -> Iterator[Callable[..., RunningEmulator]]:
    """Start emulators; each must end by SIGTERM with exit 0 and a clean stderr."""
    with ExitStack() as stack:

        def start(*options: str) -> RunningEmulator:
            running = RunningEmulator(*options)
            stack.callback(_stop_cleanly, running)
            return running

        yield start


def _stop_cleanly(running: RunningEmulator) -> None:
    if running.process.poll() is None:
        assert running.stop() == (0, "")


@pytest.fixture(scope="session")
def _shared(start_emulator: Callable[..., RunningEmulator]) -> RunningEmulator:
    return start_emulator("--time-scale", "0", "--profile", "legacy", "--seed", "7")


@pytest.fixture
def emulator(_shared: RunningEmulator) -> RunningEmulator:
    """The shared emulator (legacy profile, no waiting), as good as new."""
    _shared.reset()
    return _shared


@pytest.fixture
def client(emulator: RunningEmulator) -> Iterator[openai.OpenAI]:
    """The official library, which sends each request once."""
    with openai.OpenAI(
        api_key="sk-test", base_url=emulator.url, max_retries=0, timeout=60
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Key and chain of a server at 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


# How the lines of LiteLLM's log begin that say what was asked and what became of it.
_TELLING = ("INFO", "litellm.exceptions")


@pytest.fixture(scope="session")
def upstream(start_double: Callable[..., Double]) -> Double:
    """The emulator behind the gateway, and behind nobody else."""
    return start_double("--seed", "3")


@pytest.fixture(scope="session")
def _running(
    upstream: Double, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    if not PROGRAM.is_file():
        lacking(".venv-gateway is missing; `make gateway` sets it up")
    log = tmp_path_factory.mktemp("gateway") / "litellm.log"
    with running(upstream.url, log=log) as gateway:
        upstream.reset()
        # The first picture takes a second more: LiteLLM loads what it needs.
        assert post(gateway, KITE)[0] == 200
        yield gateway


@pytest.fixture
def litellm(_running: Gateway, upstream: Double) -> Iterator[Gateway]:
    """The shared gateway, its upstream as good as new."""
    upstream.reset()
    n_before = len(_running.log.read_bytes())
    yield _running
    # pytest shows it where the test failed, without LiteLLM's tracebacks.
    said = _running.log.read_bytes()[n_before:].decode("utf-8", "replace")
    lines = [line for line in said.splitlines() if line.startswith(_TELLING)]
    sys.stdout.write("\n".join(lines) + "\n")

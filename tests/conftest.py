"""Fixtures of flow and fault tests: the program as its user runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.schedule import FileByFile, turn_of
from tests.stalling import Stalling
from tests.warm import Warmth

PROGRAM = Path(sys.executable).with_name("pixelmeter")
# Stands in for a key: it must never be found in any output or record.
CANARY = "sk-canary-7f3a9d51c2e84b06"
PATIENCE_S = 120.0
CALM = {
    "time_scale": 0,
    "service_time": None,
    "limits": None,
    "overhead_s": 0,
    "price_factor": "1",
    "answer_bytes": None,
    "partials_share": 1,
    "stream_done": False,
    "tool_usage": "reported",
    "answers_url": False,
    "ignores_options": False,
}
PROMPTS = (
    ("poster", 'A poster that says "OPEN DAILY"'),
    ("kite", "一只红色的风筝，上面写着“早安”"),
    ("quote", "A sign: 'don''t', \"do\"; 100% & <b>"),
)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Poll until the condition holds; a hang fails."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"waited in vain: {what}")


def pytest_configure() -> None:
    """Programs under test get signals as at a terminal.

    Whoever is started in the background, by `&` or nohup, inherits that they are
    ignored, and so would every program that a test starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first."""
    items.sort(key=turn_of)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileByFile:
    """Hand out whole files, whatever `--dist` says."""
    return FileByFile(config, log)


def pytest_sessionfinish() -> None:
    """End the process that forks."""
    if _warmth.cache_info().currsize:
        _warmth().close()


def _kept_variables() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


@cache
def _warmth() -> Warmth:
    return Warmth(Path(tempfile.mkdtemp()), _kept_variables())


class Double:
    """One emulator process, and its control addresses."""

    def __init__(self, *options: str) -> None:
        arguments = [str(PROGRAM), "emulator", "--port", "0", "--json", *options]
        self.process = _warmth().start(arguments, Path.cwd(), dict(os.environ))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.url: str = json.loads(line)["url"]

    def _control(self, method: str, name: str, document: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            f"{self.url.removesuffix('/v1')}/_emulator/{name}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  same
            return json.load(answer)

    def profile(self, **parts: Any) -> None:
        self._control("PUT", "profile", parts)

    def serves_in(self, seconds: float) -> None:
        """Every answer takes so long, on the real clock."""
        constant = {"distribution": "constant", "median_s": seconds, "sigma": 0}
        self.profile(time_scale=1, service_time=constant)

    def fault(self, scenario: str, **details: Any) -> None:
        self.faults({"scenario": scenario, **details})

    def faults(self, *faults: dict[str, Any]) -> None:
        self._control("PUT", "faults", {"seed": 1, "faults": list(faults)})

    def mend(self) -> None:
        self._control("DELETE", "faults")

    @property
    def in_flight(self) -> int:
        return self._control("GET", "ledger")["in_flight"]

    @property
    def posts_now(self) -> list[dict[str, Any]]:
        """The requests for pictures that came so far, some still in work."""
        entries = self._control("GET", "ledger")["requests"]
        return [entry for entry in entries if entry["method"] == "POST"]

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The requests for pictures, when none is in work any more."""
        until(lambda: self.in_flight == 0, "requests stay in work")
        return self.posts_now

    @property
    def total_usd(self) -> Decimal:
        until(lambda: self.in_flight == 0, "requests stay in work")
        ledger = self._control("GET", "ledger")
        assert ledger["n_unpriced"] == 0
        return Decimal(ledger["total_usd"])

    def reset(self) -> None:
        self.mend()
        self.profile(**CALM)
        until(lambda: self.in_flight == 0, "requests stay in work")
        self._control("DELETE", "ledger")

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process of ours left: code, answer, and what it said."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        return json.loads(lines[0])

    @property
    def said(self) -> list[str]:
        """Lines of stderr that are meant for people."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    @property
    def told(self) -> list[dict[str, Any]]:
        """Lines of stderr that are meant for programs."""
        lines = self.err.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


class Desk:
    """A user's folder: suite, endpoints, data, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.endpoints = folder / "endpoints.yaml"
        self.started_by: tuple[str, ...] = ()
        self._running: list[subprocess.Popen[str]] = []

    @property
    def first_prompt(self) -> str:
        """The text of the suite's first prompt."""
        return PROMPTS[0][1]

    key = CANARY
    ended = Ended
    until = staticmethod(until)

    def suite(self, **changes: Any) -> Path:
        """Write a suite of three prompts, low, 1024x1024; JSON is YAML too."""
        content = {
            "name": "small",
            "prompts": [{"id": name, "text": text} for name, text in PROMPTS],
            "axes": {"model": ["gpt-image-2"], "quality": ["low"]},
            "fixed": {"size": "1024x1024"},
            **changes,
        }
        path = self.folder / "suite.yaml"
        kept = {key: value for key, value in content.items() if value is not None}
        path.write_text(json.dumps(kept), "utf-8")
        return path

    def csv(self, prompts: list[tuple[str, str]]) -> str:
        """Write prompts as csv beside the suite; returns the file's name."""
        with (self.folder / "prompts.csv").open("w", encoding="utf-8") as file:
            csv.writer(file).writerows([("id", "text"), *prompts])
        return "prompts.csv"

    def endpoint(self, url: str, **changes: Any) -> None:
        """Write an endpoints file with one direct endpoint."""
        entry = {
            "name": "direct",
            "base_url": url,
            "api_key_env": "PX_KEY",
            "route": "direct",
            "prices": "openai",
            **changes,
        }
        self.endpoints.write_text(json.dumps({"endpoints": [entry]}))

    def another_endpoint(self, url: str, **changes: Any) -> None:
        """Add an endpoint that differs from the first in what is named."""
        content = json.loads(self.endpoints.read_text())
        entry = {**content["endpoints"][0], "base_url": url, **changes}
        content["endpoints"].append(entry)
        self.endpoints.write_text(json.dumps(content))

    def two_endpoints(self, direct: Double, gateway: Double) -> None:
        """Write an endpoints file with a direct and a half-price endpoint."""
        self.endpoint(direct.url)
        half = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
        self.another_endpoint(gateway.url, name="half", route="gateway", prices=half)

    def start(self, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        """Start the program with the key set and no terminal."""
        environment = {**_kept_variables(), "PX_KEY": CANARY, **variables}
        command = [*self.started_by, str(PROGRAM), *map(str, arguments)]
        # What an interpreter reads at its start is read by none that goes on.
        if self.started_by or any(name.startswith("PYTHON") for name in variables):
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        else:
            process = _warmth().start(command, self.folder, environment)
        self._running.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a process; it left no traceback and no key."""
        out, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in out + err, err
        assert CANARY not in out + err
        return Ended(process.returncode, out, err)

    def pixelmeter(self, *arguments: object, **variables: str) -> Ended:
        """Run the program to its end."""
        return self.end(self.start(*arguments, **variables))

    def run_arguments(self, *options: object) -> tuple[object, ...]:
        """A run of the suite, answered in JSON."""
        suite = self.folder / "suite.yaml"
        return ("run", suite, "--endpoints", self.endpoints, "--json", *options)

    def run(self, *options: object, **variables: str) -> Ended:
        """Run the suite to its end, answered in JSON."""
        return self.pixelmeter(*self.run_arguments(*options), **variables)

    def resume(self, *options: object, **variables: str) -> Ended:
        """Resume the latest run to its end, answered in JSON."""
        return self.pixelmeter("resume", "latest", "--json", *options, **variables)

    @property
    def latest(self) -> Path:
        """The folder of the latest run."""
        return max((self.data / "runs").iterdir())

    @property
    def plan(self) -> dict[str, Any]:
        return json.loads((self.latest / "plan.json").read_bytes())

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The durable records of the latest run, by kind."""
        lines = b"".join(
            content[: content.rfind(b"\n") + 1]
            for path in sorted(self.latest.glob("journal/*.jsonl"))
            for content in [path.read_bytes()]
        ).splitlines()
        return [r for r in map(json.loads, lines) if r["kind"] == kind]

    @property
    def outcomes(self) -> dict[str, dict[str, Any]]:
        return {record["attempt_id"]: record for record in self.records("outcome")}

    def pictures(self) -> list[Path]:
        return sorted((self.data / "images").glob("*/*"))

    def close(self) -> None:
        """End what still runs; the key is in no file of the data folder."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.communicate()
        for path in self.data.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


@pytest.fixture(scope="session")
def start_double() -> Iterator[Callable[..., Double]]:
    """Start emulators; they end with the session."""
    with ExitStack() as stack:

        def start(*options: str) -> Double:
            double = Double(*options)
            stack.callback(double.stop)
            return double

        yield start


@pytest.fixture(scope="session")
def _doubles(start_double: Callable[..., Double]) -> tuple[Double, Double]:
    return start_double("--seed", "1"), start_double("--seed", "2")


@pytest.fixture
def direct(_doubles: tuple[Double, Double]) -> Double:
    """The shared direct emulator, as good as new."""
    _doubles[0].reset()
    return _doubles[0]


@pytest.fixture
def gateway(_doubles: tuple[Double, Double]) -> Double:
    """The shared emulator with half prices, as good as new."""
    _doubles[1].reset()
    _doubles[1].profile(price_factor="0.5")
    return _doubles[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A user's empty folder."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def stalling() -> Iterator[Callable[..., Stalling]]:
    started: list[Stalling] = []

    def start(*options: object) -> Stalling:
        started.append(Stalling(*options))
        return started[-1]

    yield start
    for one in started:
        one.stop()

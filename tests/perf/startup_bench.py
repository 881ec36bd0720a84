"""Startup: `--help`, and how soon a run's first request is with the server."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

_PROGRAM = str(Path(sys.executable).with_name("pixelmeter"))
_STUB = Path(__file__).with_name("stub.py")
_TIMES = 9
_SUITE = {
    "name": "startup",
    "prompts": [{"id": "one", "text": "A lighthouse on a rock in the evening"}],
    "fixed": {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"},
    "repeats": 4,
}
_ENDPOINT = {"name": "stub", "api_key_env": "K", "route": "direct", "prices": "openai"}

# Start of a process, how long it took and the processor time it used, in seconds.
Taken = tuple[float, float, float]


def _taken(command: list[str], folder: Path | None = None) -> Taken:
    begun_s = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "K": "sk-bench"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}")
    return begun_s, time.monotonic() - begun_s, usage.ru_utime + usage.ru_stime


def _told(took: Callable[[], float]) -> tuple[float, float]:
    """The median and the least of some tries."""
    tries_s = [took() for _ in range(_TIMES)]
    return statistics.median(tries_s), min(tries_s)


def _first_request(folder: Path) -> list[tuple[str, str, str]]:
    """Starts runs of four trials, all but one of a data folder that is there."""
    command = [sys.executable, str(_STUB), "--bytes", "2048"]
    used_s: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stub:
        try:
            url: str = json.loads(stub.stdout.readline() if stub.stdout else b"")["url"]
            endpoints = {"endpoints": [{**_ENDPOINT, "base_url": url}]}
            (folder / "suite.yaml").write_text(json.dumps(_SUITE))
            (folder / "endpoints.yaml").write_text(json.dumps(endpoints))
            run = [_PROGRAM, "run", "suite.yaml", "--endpoints", "endpoints.yaml"]

            def first_s() -> float:
                begun_s, _, run_s = _taken([*run, "--yes", "--data", "data"], folder)
                used_s.append(run_s)
                return _received_s(url) - begun_s

            first_s()
            middle_s, least_s = _told(first_s)
        finally:
            stub.terminate()
    figure = f"{middle_s:.2f} s (least {least_s:.2f})"
    used = f"{statistics.median(used_s):.2f} s (least {min(used_s):.2f})"
    return [
        (
            f"run: first request with the server, median of {_TIMES}",
            "under 1.5 s",
            figure,
        ),
        ("run of four trials: processor time, index and all", "-", used),
    ]


def _received_s(url: str) -> float:
    """When the stub's kernel had the first request; its log is emptied."""
    place = url.removesuffix("/v1") + "/log"
    with urllib.request.urlopen(place, timeout=30) as answer:  # noqa: S310  loopback
        first = json.loads(answer.readline())
    forget = urllib.request.Request(place, method="DELETE")  # noqa: S310  same
    urllib.request.urlopen(forget, timeout=30).close()  # noqa: S310  same
    return first["received_ns"] / 1e9


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    help_s, least_s = _told(lambda: _taken([_PROGRAM, "--help"])[1])
    bare_s, _ = _told(lambda: _taken([sys.executable, "-c", "pass"])[1])
    figure = f"{help_s:.2f} s (least {least_s:.2f}, bare Python {bare_s:.2f})"
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        rows = _first_request(Path(name))
    return [(f"pixelmeter --help, median of {_TIMES}", "under 0.3 s", figure), *rows]

"""Stalling: the fast stub with a stall, or with only so much capacity.

    python -m tests.stalling [--service S] [--after S --stall S] [--per-s N] [--bytes N]

The stall begins `--after` seconds behind the first request, and nothing is answered
while it lasts. With `--per-s` requests are answered one by one at that rate.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.perf.stub import Canned, Stub

ROOT = Path(__file__).parents[1]


class Stalling:
    """The stub in a process of its own."""

    def __init__(self, *options: object) -> None:
        command = [sys.executable, "-m", "tests.stalling", *map(str, options)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]

    def received_s(self) -> list[float]:
        address = self.url.replace("/v1", "/log")
        with urllib.request.urlopen(address, timeout=30) as told:  # noqa: S310  loopback
            lines = told.read().splitlines()
        return sorted(json.loads(line)["received_ns"] / 1e9 for line in lines)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class Course(random.Random):
    """How long each request takes, by when it comes."""

    def __init__(
        self, service_s: float, after_s: float, stall_s: float, per_s: float
    ) -> None:
        super().__init__(1)
        self._service_s, self._after_s, self._stall_s = service_s, after_s, stall_s
        self._per_s = per_s
        self._first_s: float | None = None
        self._free_s = 0.0

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002  as the stub asks
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        done_s = now_s + self._service_s
        if self._per_s:
            self._free_s = done_s = max(now_s, self._free_s) + 1 / self._per_s
        begins_s = self._first_s + self._after_s
        if begins_s <= done_s < begins_s + self._stall_s:
            done_s = begins_s + self._stall_s
        return done_s - now_s


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, usual in (("service", 0.05), ("after", 0), ("stall", 0), ("per-s", 0)):
        parser.add_argument(f"--{name}", type=float, default=usual)
    parser.add_argument("--bytes", type=int, default=2000)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    stub = Stub(Canned(given.bytes), 0, 0, 1)
    stub._chance = Course(given.service, given.after, given.stall, given.per_s)
    sys.stdout.write(json.dumps({"url": stub.url}) + "\n")
    sys.stdout.flush()
    stub.serve()


if __name__ == "__main__":
    main()

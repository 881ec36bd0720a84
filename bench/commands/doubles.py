"""Doubles: emulators started as child processes for a while."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from decimal import Decimal
from typing import Any

from bench.errors import StorageFailed

START_WITHIN_S = 60.0


class Double:
    """One emulator process: its base URL, its profile, its ledger."""

    def __init__(self, url: str) -> None:
        """Take the base URL that the process said (it ends in /v1)."""
        self.url = url
        self._control = url.removesuffix("/v1") + "/_emulator"

    def change(self, profile: dict[str, Any]) -> None:
        """Change parts of the profile."""
        self._ask("PUT", "/profile", profile)

    def total_usd(self) -> Decimal:
        """What the emulator itself counted, exactly."""
        return Decimal(self._ask("GET", "/ledger", None)["total_usd"])

    def _ask(
        self, method: str, path: str, content: dict[str, Any] | None
    ) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            self._control + path,
            data=body,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
            return json.loads(answer.read())


@contextlib.contextmanager
def started(*options: str) -> Generator[Double]:
    """An emulator on a free port while the block lasts.

    Raises:
        StorageFailed: It did not start.
    """
    command = [sys.executable, "-m", "pixelmeter", "emulator", "--port", "0", "--json"]
    process = subprocess.Popen(  # noqa: S603  our own program
        [*command, *options],
        stdout=subprocess.PIPE,
        # Ctrl-C is for the demo, which ends its children itself.
        start_new_session=True,
    )
    try:
        yield Double(json.loads(_first_line(process))["url"])
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _first_line(process: "subprocess.Popen[bytes]") -> bytes:
    """The line that a child says when it listens."""
    if process.stdout is None:
        raise StorageFailed("the emulator has no output to wait for")
    handle, said = process.stdout.fileno(), b""
    deadline = time.monotonic() + START_WITHIN_S
    while not said.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        ready, _, _ = select.select([handle], [], [], max(0.0, left_s))
        part = os.read(handle, 4096) if ready else b""
        if not part:
            raise StorageFailed("the emulator did not start; see its message above")
        said += part
    return said

"""Witness: the emulator's stamps of our own requests, kept beside ours."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import SHUT_RDWR
from threading import Timer
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from bench.journal import VERSION, now_utc

MARK = "x-emulator"
# A run's first so many answers are compared; their stamps are held until its end.
MOST_ANSWERS = 20_000
BATCH = 500
WITHIN_S = 5.0
MOST_BYTES = 64 << 20
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FOUND = 200
# The last one is that of the first partial picture, where there was one.
Stamps = dict[str, tuple[int, int, int, int | None]]


class NotComparable(Exception):
    """Why the stamps of an emulator say nothing about ours; one clause."""


@dataclass(slots=True)
class _Seen:
    """Answers of one endpoint that carried the emulator's mark."""

    sent_ns: dict[str, int]
    n_answers: int = 0


class Witness:
    """Remembers which answers an emulator marked, and asks it for its stamps."""

    def __init__(self) -> None:
        """Nothing is remembered yet."""
        self._seen: dict[str, _Seen] = {}
        self._begun_ns = time.monotonic_ns()

    def saw(
        self,
        endpoint: str,
        attempt_id: str,
        sent_ns: int | None,
        headers: Mapping[str, str],
    ) -> None:
        """An answer is there; those without the mark are none of an emulator."""
        if MARK not in headers or sent_ns is None:
            return
        seen = self._seen.setdefault(endpoint, _Seen({}))
        seen.n_answers += 1
        if len(seen.sent_ns) < MOST_ANSWERS:
            seen.sent_ns[attempt_id] = sent_ns

    async def records(self, base_urls: Mapping[str, str]) -> list[dict[str, Any]]:
        """What the emulators say, as records; asked once, at the end of a run.

        Args:
            base_urls: By the name of the endpoint.
        """
        found: list[dict[str, Any]] = []
        for endpoint, seen in self._seen.items():
            why_not, stamps = None, Stamps()
            try:
                stamps = await asyncio.to_thread(stamps_of, base_urls[endpoint])
                self._refuse_other_clock(stamps, seen)
            except NotComparable as error:
                why_not, stamps = str(error), {}
            found += _records(endpoint, seen, stamps, why_not)
        self._seen.clear()
        return found

    def _refuse_other_clock(self, stamps: Stamps, seen: _Seen) -> None:
        now_ns = time.monotonic_ns()
        for attempt_id in seen.sent_ns:
            told = stamps.get(attempt_id, ())
            times = [at for at in told if at is not None]
            if any(not self._begun_ns <= at <= now_ns for at in times):
                raise NotComparable("its emulator's clock is not this machine's")


def _records(
    endpoint: str, seen: _Seen, stamps: Stamps, why_not: str | None
) -> list[dict[str, Any]]:
    known = [name for name in seen.sent_ns if name in stamps]
    if why_not is None and not known:
        why_not = "its emulator knows none of these requests"
    batches = [known[i : i + BATCH] for i in range(0, len(known), BATCH)] or [[]]
    return [
        {
            "kind": "certified",
            "v": VERSION,
            "at": now_utc(),
            "endpoint": endpoint,
            "n_answers": seen.n_answers,
            "why_not": why_not,
            "attempt_ids": names,
            "sent_ns": [seen.sent_ns[name] for name in names],
            "emulator_received_ns": [stamps[name][0] for name in names],
            "emulator_first_byte_ns": [stamps[name][1] for name in names],
            "emulator_sent_ns": [stamps[name][2] for name in names],
            "emulator_first_partial_ns": [stamps[name][3] for name in names],
        }
        for names in batches
    ]


def stamps_of(base_url: str) -> Stamps:
    """What an emulator on this machine says of the requests that it answered.

    Returns:
        By the client's name of a request: last byte received, first byte of the
        answer handed over, last one taken by the kernel, and that of the first
        partial picture, None without one; nanoseconds of the monotonic clock.

    Raises:
        NotComparable: It is none, is not on this machine, or another server
            stands before it.
    """
    address = urlsplit(base_url)
    if address.scheme != "http" or address.hostname not in _LOOPBACK:
        raise NotComparable("its emulator is not on this machine")
    port = address.port or 80
    told = _told(address.hostname, port)
    if told.get("boot_id") is None or told.get("boot_id") != boot_id():
        raise NotComparable("its emulator's clock is not this machine's")
    if urlsplit(str(told.get("origin"))).port != port:
        raise NotComparable("another server stands before its emulator")
    return _read(told.get("stamps"), told.get("partials"))


def _told(host: str, port: int) -> dict[str, Any]:
    connection = HTTPConnection(host, port, timeout=WITHIN_S)
    # The time limit of a socket begins anew with each byte that drips in.
    ending = Timer(WITHIN_S, _hang_up, (connection,))
    ending.start()
    try:
        connection.request("GET", "/_emulator/stamps")
        answer = connection.getresponse()
        content = answer.read(MOST_BYTES + 1)
        if answer.status != _FOUND or len(content) > MOST_BYTES:
            raise NotComparable("its emulator does not tell its stamps")
        told = orjson.loads(content)
    except (OSError, HTTPException, ValueError):
        raise NotComparable("its emulator did not tell its stamps") from None
    finally:
        ending.cancel()
        connection.close()
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _hang_up(connection: HTTPConnection) -> None:
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(SHUT_RDWR)


def _read(told: object, told_of_partials: object) -> Stamps:
    found, firsts = Stamps(), _firsts(told_of_partials)
    for row in cast("list[Any]", told if isinstance(told, list) else []):
        # One whose last byte is not yet sent has no stamp of it.
        with suppress(TypeError, ValueError):
            name, received_ns, first_byte_ns, sent_ns = row
            three = int(received_ns), int(first_byte_ns), int(sent_ns)
            found[str(name)] = (*three, firsts.get(str(name)))
    return found


def _firsts(told: object) -> dict[str, int]:
    """Of each request that had partial pictures the first one's stamp."""
    found: dict[str, int] = {}
    partials = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    for name, stamps in partials.items():
        with suppress(TypeError, ValueError, LookupError):
            found[name] = int(stamps[0])
    return found


def boot_id() -> str | None:
    """What names this boot of this machine; None where the system has no name."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return None

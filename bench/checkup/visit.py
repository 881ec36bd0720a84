"""Visit: one free GET of an endpoint's models, and what came back."""

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from bench.endpoint import Endpoint, Route
from bench.transport.client import NETWORK_ERRORS, http_client
from bench.transport.proxies import proxies, proxy_before
from bench.transport.stamps import RequestStamps, stamp_into

NAME_WITHIN_S = 3.0
ANSWER_WITHIN_S = 5.0
_MOST_BYTES = 1_000_000
# The official library sends these for its user, so a run does too.
_OWNERS = {
    "OpenAI-Organization": "OPENAI_ORG_ID",
    "OpenAI-Project": "OPENAI_PROJECT_ID",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What came back from an endpoint.

    Attributes:
        failure: Why no answer came, as a sentence part; None when one did.
        status: HTTP status, None without an answer.
        body: At most the first megabyte, not unpacked.
        asked_at, answered_at: System clock, seconds since 1970: what the Date of
            the answer is held against.
        took_s: From the start to the end of the answer.
    """

    url: str
    failure: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    asked_at: float = 0.0
    answered_at: float = 0.0
    took_s: float = 0.0


def visit_all(keys: Sequence[tuple[Endpoint, str]]) -> dict[str, Visit]:
    """Ask every endpoint once and at once; the answers by their names.

    Args:
        keys: Each endpoint and its secret.

    Nothing that is asked for costs money. It ends within `NAME_WITHIN_S` and
    `ANSWER_WITHIN_S` together, whatever the endpoints do.
    """
    named = proxies()
    # A proxy looks names up itself, and may know others than this machine does.
    unknown = _unknown_hosts(
        {_host(e) for e, _ in keys if proxy_before(e.base_url, named) is None}
    )
    found: dict[str, Visit] = {}
    asked: list[tuple[Endpoint, str]] = []
    for endpoint, key in keys:
        reason = unknown.get(_host(endpoint))
        if reason:
            found[endpoint.name] = Visit(url=_url(endpoint), failure=reason)
        else:
            asked.append((endpoint, key))
    return {**found, **asyncio.run(_ask_all(asked))}


def _url(endpoint: Endpoint) -> str:
    return f"{endpoint.base_url.rstrip('/')}/models"


def _host(endpoint: Endpoint) -> tuple[str, int]:
    parts = urlsplit(endpoint.base_url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.hostname or "", parts.port or usual


def _unknown_hosts(hosts: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Hosts whose names lead nowhere, each with the reason.

    The system's resolver can't be stopped; a thread of ours that is still in it
    at the end does not keep the program.
    """
    reasons = dict.fromkeys(hosts, f"its name is not found within {NAME_WITHIN_S:g} s")

    def look_up(host: tuple[str, int]) -> None:
        try:
            socket.getaddrinfo(*host, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            reasons[host] = f"no address is known for the name {host[0]}"
        else:
            del reasons[host]

    threads = [
        threading.Thread(target=look_up, args=(host,), daemon=True) for host in hosts
    ]
    for thread in threads:
        thread.start()
    give_up_at = time.monotonic() + NAME_WITHIN_S
    for thread in threads:
        thread.join(max(0.0, give_up_at - time.monotonic()))
    return dict(reasons)


async def _ask_all(keys: Sequence[tuple[Endpoint, str]]) -> dict[str, Visit]:
    async with http_client() as client:

        async def ask(endpoint: Endpoint, key: str) -> Visit:
            stamps = RequestStamps(started_ns=time.monotonic_ns())
            stamp_into(stamps)
            url, asked_at = _url(endpoint), time.time()
            try:
                async with (
                    asyncio.timeout(ANSWER_WITHIN_S),
                    client.stream("GET", url, headers=_headers(endpoint, key)) as got,
                ):
                    answered_at = time.time()
                    body = b""
                    async for part in got.aiter_raw():
                        body += part
                        if len(body) > _MOST_BYTES:
                            break
            except TimeoutError:
                return Visit(url=url, failure=_too_late(url, stamps))
            except NETWORK_ERRORS as error:
                return Visit(url=url, failure=_broken(error, stamps))
            return Visit(
                url=url,
                status=got.status_code,
                headers=dict(got.headers),
                body=body[:_MOST_BYTES],
                asked_at=asked_at,
                answered_at=answered_at,
                took_s=(time.monotonic_ns() - stamps.started_ns) / 1e9,
            )

        tasks = {e.name: asyncio.create_task(ask(e, key)) for e, key in keys}
        return {name: await task for name, task in tasks.items()}


def _headers(endpoint: Endpoint, key: str) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "pixelmeter",
    }
    if endpoint.route is Route.DIRECT:
        owners = {name: os.environ.get(of, "") for name, of in _OWNERS.items()}
        headers |= {
            n: v for n, v in owners.items() if v.isascii() and v.isprintable() and v
        }
    return headers


def _too_late(url: str, stamps: RequestStamps) -> str:
    within = f"within {ANSWER_WITHIN_S:g} s"
    if stamps.write_started_ns is None:
        what = "no TLS connection" if url.startswith("https:") else "no connection"
        return f"{what} {within}; a firewall, or a wrong port?"
    if stamps.sent_ns is None:
        return f"it takes the connection but not the request {within}"
    if stamps.first_byte_ns is None:
        return f"it takes the connection but gives no answer {within}"
    return f"its answer does not end {within}"


def _broken(error: BaseException, stamps: RequestStamps) -> str:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {cause.verify_message}"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "it does not speak TLS as it should; is it http:// there?"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "nothing listens there (connection refused); is it running?"
    if stamps.write_started_ns is not None:
        return "it broke off the connection, or answered no HTTP"
    numbers = [c.errno for c in causes if isinstance(c, OSError) and c.errno]
    reason = os.strerror(numbers[0]) if numbers else type(causes[-1]).__name__
    return f"no connection ({reason})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
                yield from _causes(part)
        error = error.__cause__ or error.__context__

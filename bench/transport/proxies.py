"""Proxies: requests that the environment wants led around, by another transport."""

import ipaddress
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from bench.transport.answering import Answering
from bench.transport.pool import KEEP_ALIVE_S, StampedTransport
from bench.transport.sealed import Sealed
from bench.transport.stamps import RequestStamps, current_stamps

_SCHEMES = ("http", "https", "all")
_UNLIMITED = httpx2.Limits(
    max_connections=None,
    max_keepalive_connections=None,
    keepalive_expiry=KEEP_ALIVE_S,
)


def proxies() -> dict[str, str]:
    """What the environment names, by the scheme of the requests it is for."""
    found = getproxies()
    named = {scheme: found[scheme] for scheme in _SCHEMES if found.get(scheme)}
    return {k: v if "://" in v else f"http://{v}" for k, v in named.items()}


def proxy_before(url: str, named: Mapping[str, str]) -> str | None:
    """The proxy that stands before an address, None where none does.

    Args:
        url: Of a request, or of an endpoint.
        named: As `proxies` gives it.
    """
    parts = urlsplit(url)
    proxy = named.get(parts.scheme) or named.get("all")
    if proxy is None or _is_exempt(parts.hostname or "", parts.port):
        return None
    return proxy


def _is_exempt(host: str, port: int | None) -> bool:
    """Whether NO_PROXY names the host, or it is this machine.

    No proxy can reach what is ours alone.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return bool(proxy_bypass(host if port is None else f"{host}:{port}"))


class EnvironmentTransport(httpx2.AsyncBaseTransport):
    """Our transport, or one through a proxy where the environment names one."""

    def __init__(self) -> None:
        """Read the environment, once; open no connection yet."""
        self._direct = StampedTransport()
        self._proxies = proxies()
        self._led: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the answer's body is read by who asked.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        proxy = self._proxy_for(request.url)
        if proxy is None:
            return await self._direct.handle_async_request(request)
        return await _watched(self._through(proxy), request, current_stamps())

    @asynccontextmanager
    async def sent(
        self, request: Sealed, word: str, stamps: RequestStamps
    ) -> AsyncGenerator[Answering]:
        """As `StampedTransport.sent`."""
        proxy = self._proxy_for(request.template.url)
        if proxy is None:
            async with self._direct.sent(request, word, stamps) as answer:
                yield answer
            return
        led = await _watched(self._through(proxy), request.request(word), stamps)
        try:
            yield Answering(led.status_code, led.headers.raw, led.aiter_raw())
        finally:
            await led.aclose()

    def _proxy_for(self, url: httpx2.URL) -> str | None:
        # Where there are none, nothing is asked about each request.
        return proxy_before(str(url), self._proxies) if self._proxies else None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._direct.aclose()
        for transport in self._led.values():
            await transport.aclose()

    def _through(self, proxy: str) -> httpx2.AsyncHTTPTransport:
        if proxy not in self._led:
            try:
                self._led[proxy] = httpx2.AsyncHTTPTransport(
                    proxy=proxy, limits=_UNLIMITED
                )
            except (ValueError, ImportError, httpx2.InvalidURL):
                # Its address may hold a password.
                kind = proxy.partition("://")[0]
                sentence = f"the environment names a proxy ({kind}) that can't be used"
                raise httpx2.ProxyError(
                    f"{sentence}; see HTTPS_PROXY, ALL_PROXY"
                ) from None
        return self._led[proxy]


async def _watched(
    transport: httpx2.AsyncHTTPTransport,
    request: httpx2.Request,
    stamps: RequestStamps,
) -> httpx2.Response:
    stamps.is_at_edge = True

    async def trace(event: str, info: dict[str, Any]) -> None:
        _stamp(stamps, event, info)

    request.extensions = {**request.extensions, "trace": trace}
    response = await transport.handle_async_request(request)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _WatchedBody(response.stream, stamps)
    return response


def _stamp(stamps: RequestStamps, event: str, info: dict[str, Any]) -> None:
    """An instant of the other transport; asking the proxy for a way is connecting."""
    now_ns = time.monotonic_ns()
    what = event.partition(".")[2]
    if what == "connect_tcp.started" and stamps.connect_started_ns is None:
        stamps.connect_started_ns = now_ns
    elif what == "send_request_headers.started":
        if info["request"].method == b"CONNECT":
            return
        stamps.write_started_ns = now_ns
        if stamps.connect_started_ns is not None:
            stamps.connected_ns = now_ns
    elif stamps.write_started_ns is None:
        return
    elif what == "send_request_body.complete":
        stamps.sent_ns = now_ns
    elif what == "receive_response_headers.complete":
        stamps.first_byte_ns = stamps.last_byte_ns = now_ns


class _WatchedBody(httpx2.AsyncByteStream):
    """A body that tells when its last bytes were read."""

    def __init__(self, body: httpx2.AsyncByteStream, stamps: RequestStamps) -> None:
        self._body = body
        self._stamps = stamps

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._stamps.last_byte_ns = time.monotonic_ns()
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()

"""Builder: requests as the official library writes them."""

import asyncio
import inspect
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import openai

from bench.attempt import Cell, Trial
from bench.endpoint import Endpoint, Route
from bench.errors import NoCredentials
from bench.transport.sealed import Sealed, seal
from bench.transport.stamps import RequestStamps

NOT_BUILT = (openai.OpenAIError, httpx2.HTTPError)
# Written once, a request is sent as often as its suite repeats it.
_MOST_KEPT_BYTES = 64_000_000
_MOST_KEPT = 4_096
# In front of the one header that differs from attempt to attempt.
_ID_HEADER = "X-Client-Request-Id"
# Given the library and the headers of every request; what it asks for is written.
Ask = Callable[[Any, dict[str, str]], Awaitable[object]]


class _Written(httpx2.AsyncBaseTransport):
    """Takes what the library would send; nothing leaves."""

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.request = request
        return httpx2.Response(200, request=request)


class RequestBuilder:
    """Has the library write the request of a trial, each but once."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        """Write nothing yet.

        Args:
            endpoint: Where requests go.
            key: The secret itself; it stands in the requests that are kept here.

        Raises:
            NoCredentials: The key can't stand in a header.
        """
        if not key.isascii() or not key.isprintable() or key != key.strip():
            # Sent, it would come back in an error's text, and not as it is written.
            raise NoCredentials(
                f"endpoint {endpoint.name}: the key in {endpoint.api_key_env} holds a "
                "line break, a space or another sign that no key has; set it again"
            )
        # Ids of the user's organisation are for the provider, not for gateways.
        private = ("OpenAI-Organization", "OpenAI-Project")
        omitted: dict[str, Any] = (
            dict.fromkeys(private, openai.Omit())
            if endpoint.route is Route.GATEWAY
            else {}
        )
        self._written = _Written()
        self._sdk = openai.AsyncOpenAI(
            api_key=key,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=endpoint.timeout_s,
            http_client=httpx2.AsyncClient(transport=self._written, trust_env=False),
            default_headers=omitted,
        )
        self._named = frozenset(
            inspect.signature(self._sdk.images.generate).parameters
        ) - {"extra_headers", "extra_query", "extra_body", "timeout"}
        # One at a time: what was written last is what was asked for last.
        self._turn = asyncio.Lock()
        self._place = secrets.token_hex(16)
        self._kept: OrderedDict[tuple[Cell, str], Sealed] = OrderedDict()
        self._n_kept_bytes = 0

    async def build(self, trial: Trial, stamps: RequestStamps | None = None) -> Sealed:
        """The request of a trial.

        Args:
            trial: What is asked.
            stamps: Told when the library is asked: to wait until it has written the
                requests of others delays this one by our fault.

        Raises:
            openai.OpenAIError, httpx2.HTTPError: It can't be written.
        """
        asked = (trial.cell, trial.prompt_text)
        kept = self._kept.get(asked)
        if kept is not None:
            return kept
        async with self._turn:
            if stamps is not None:
                stamps.started_ns = time.monotonic_ns()
            kept = self._kept.get(asked)
            if kept is None:
                kept = await self._write(trial)
                self._keep(asked, kept)
            return kept

    async def _write(self, trial: Trial) -> Sealed:
        parameters = dict(trial.cell.parameters)
        named = {k: v for k, v in parameters.items() if k in self._named}
        others = {k: v for k, v in parameters.items() if k not in self._named}
        # Overloads by `stream` hide the one form that we call.
        generate: Any = self._sdk.images.with_raw_response.generate
        await generate(
            prompt=trial.prompt_text,
            model=trial.cell.model,
            **named,
            extra_body=others or None,
            extra_headers=self._headers,
        )
        return self._taken()

    async def write(self, ask: Ask) -> Sealed:
        """Any other request, as the library writes it; it is not kept.

        Args:
            ask: Asks the library, with the headers that every request has.

        Raises:
            openai.OpenAIError, httpx2.HTTPError: It can't be written.
        """
        async with self._turn:
            await ask(self._sdk, self._headers)
            return self._taken()

    @property
    def _headers(self) -> dict[str, str]:
        return {_ID_HEADER: self._place, "Accept-Encoding": "identity"}

    def _taken(self) -> Sealed:
        """What the library has just written."""
        request, self._written.request = self._written.request, None
        if request is None:
            raise httpx2.LocalProtocolError("the library wrote no request")
        return seal(request, self._place)

    def _keep(self, asked: tuple[Cell, str], request: Sealed) -> None:
        self._kept[asked] = request
        self._n_kept_bytes += request.n_bytes
        while self._n_kept_bytes > _MOST_KEPT_BYTES or len(self._kept) > _MOST_KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._n_kept_bytes -= oldest.n_bytes

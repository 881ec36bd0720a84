"""Builder: requests as the official library writes them."""

import asyncio
import inspect
import secrets
import time
import warnings
from collections import OrderedDict
from collections.abc import Hashable
from operator import attrgetter
from typing import Any

import httpx2
import openai

from bench.attempt import Trial
from bench.client.files import KEPT_S
from bench.client.wording import Call, FileIds, call_of, file_part
from bench.endpoint import Endpoint, Route
from bench.errors import NoCredentials
from bench.reference import Contents, Reference, nothing_along
from bench.transport.sealed import Sealed, seal
from bench.transport.stamps import RequestStamps

NOT_BUILT = (openai.OpenAIError, httpx2.HTTPError)
# Written once, a request is sent as often as its suite repeats it.
_MOST_KEPT_BYTES = 64_000_000
_MOST_KEPT = 4_096
# In front of the one header that differs from attempt to attempt.
_ID_HEADER = "X-Client-Request-Id"
# Has the library hand an answer over unread.
_UNREAD = {"X-Stainless-Raw-Response": "true"}
_BESIDE = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})


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

    def __init__(
        self, endpoint: Endpoint, key: str, contents: Contents = nothing_along
    ) -> None:
        """Write nothing yet.

        Args:
            endpoint: Where requests go.
            key: The secret itself; it stands in the requests that are kept here.
            contents: Gives the bytes of pictures that are sent along.

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
        self._contents = contents
        # One at a time: what was written last is what was asked for last.
        self._turn = asyncio.Lock()
        self._place = secrets.token_hex(16)
        self._kept: OrderedDict[Hashable, Sealed] = OrderedDict()
        self._n_kept_bytes = 0

    async def build(
        self,
        trial: Trial,
        stamps: RequestStamps | None = None,
        file_ids: FileIds | None = None,
    ) -> Sealed:
        """The request of a trial.

        Args:
            trial: What is asked.
            stamps: Told when the library is asked: to wait until it has written the
                requests of others delays this one by our fault.
            file_ids: Of pictures of ours that lie at the endpoint.

        Raises:
            openai.OpenAIError, httpx2.HTTPError: It can't be written.
            BenchError: A picture that is to be sent along can't be read.
        """
        file_ids = file_ids or {}
        asked = _key(trial, file_ids)
        kept = self._kept.get(asked)
        if kept is not None:
            return kept
        async with self._turn:
            if stamps is not None:
                stamps.started_ns = time.monotonic_ns()
            kept = self._kept.get(asked)
            if kept is None:
                call = call_of(trial, self._contents, file_ids)
                kept = await self._write(call)
                self._keep(asked, kept)
            return kept

    async def build_upload(self, reference: Reference) -> Sealed:
        """The request that lays a picture at the endpoint; raises as `build`."""
        part = file_part(reference, self._contents(reference), "image")
        leaves = {"anchor": "created_at", "seconds": KEPT_S}
        named = {"file": part, "purpose": "vision", "expires_after": leaves}
        return await self.write(Call(method="files.create", named=named))

    async def write(self, call: Call) -> Sealed:
        """Any other request, which is not kept; raises as `build`."""
        async with self._turn:
            return await self._write(call)

    async def _write(self, call: Call) -> Sealed:
        headers = {_ID_HEADER: self._place, "Accept-Encoding": "identity"}
        if call.method.startswith("/"):
            await self._sdk.post(
                call.method,
                cast_to=httpx2.Response,
                body=call.named,
                options={"headers": {**headers, **_UNREAD}},
            )
        else:
            await self._say(call, headers)
        request, self._written.request = self._written.request, None
        if request is None:
            raise httpx2.LocalProtocolError("the library wrote no request")
        return seal(request, self._place)

    async def _say(self, call: Call, headers: dict[str, str]) -> None:
        # Overloads by `stream` hide the one form that we call.
        method: Any = attrgetter(call.method)(self._sdk.with_raw_response)
        known = frozenset(inspect.signature(method).parameters) - _BESIDE
        named = {k: v for k, v in call.named.items() if k in known}
        others = {k: v for k, v in call.named.items() if k not in known}
        with warnings.catch_warnings():
            # Who asks for a variation knows that it is of the past.
            warnings.simplefilter("ignore", DeprecationWarning)
            await method(**named, extra_body=others or None, extra_headers=headers)

    def _keep(self, asked: Hashable, request: Sealed) -> None:
        self._kept[asked] = request
        self._n_kept_bytes += request.n_bytes
        while self._n_kept_bytes > _MOST_KEPT_BYTES or len(self._kept) > _MOST_KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._n_kept_bytes -= oldest.n_bytes


def _key(trial: Trial, file_ids: FileIds) -> Hashable:
    """All that decides what is sent."""
    along = (trial.references, trial.mask, trial.previous_response_id)
    return (trial.cell, trial.prompt_text, *along, *sorted(file_ids.items()))

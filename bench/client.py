"""Client: the one door to the openai library."""

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from bench.attempt import Trial
from bench.endpoint import Endpoint, Route
from bench.errors import NoCredentials
from bench.tap import AsyncTap, Handle, Relay, SyncTap
from bench.transport.client import NETWORK_ERRORS, http_client
from bench.transport.stamps import RequestStamps, stamp_into

_SERVICE_DEADLINE_MARGIN_S = 30.0
# Ten pictures of 4K in base64 stay below.
MOST_BODY_BYTES = 400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came back for one request, not yet understood.

    Attributes:
        status: None when no status line arrived.
        headers: Of the answer, named in small letters.
        body: None when the body did not arrive whole.
        failure: What broke off the exchange, None when nothing did:
            `connect_failed`, `timeout` or `broken`.
        message: The failure in the transport's words.
        flags: Words for what is odd about how it was carried out.
    """

    stamps: RequestStamps
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    failure: str | None = None
    message: str | None = None
    flags: tuple[str, ...] = ()


class ImageClient:
    """Sends trials to one endpoint; each call is at most one HTTP request."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        """Open no connection yet.

        Args:
            endpoint: Where requests go.
            key: The secret itself; it is kept in the library's client alone.

        Raises:
            NoCredentials: The key can't stand in a header.
        """
        if not key.isascii() or not key.isprintable() or key != key.strip():
            # Sent, it would come back in an error's text, and not as it is written.
            raise NoCredentials(
                f"endpoint {endpoint.name}: the key in {endpoint.api_key_env} holds a "
                "line break, a space or another sign that no key has; set it again"
            )
        self._endpoint = endpoint
        # Ids of the user's organisation are for the provider, not for gateways.
        private = ("OpenAI-Organization", "OpenAI-Project")
        omitted: dict[str, Any] = (
            dict.fromkeys(private, openai.Omit())
            if endpoint.route is Route.GATEWAY
            else {}
        )
        self._sdk = openai.AsyncOpenAI(
            api_key=key,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=endpoint.timeout_s + _SERVICE_DEADLINE_MARGIN_S,
            http_client=http_client(),
            default_headers=omitted,
        )
        # Overloads by `stream` hide the one form that we call.
        self._generate: Any = self._sdk.images.with_streaming_response.generate
        self._named = frozenset(
            inspect.signature(self._sdk.images.generate).parameters
        ) - {"extra_headers", "extra_query", "extra_body", "timeout"}

    async def close(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    async def generate(
        self, trial: Trial, attempt_id: str, stamps: RequestStamps
    ) -> Exchange:
        """Ask for the pictures of a trial; never raises for what comes back.

        Args:
            trial: What is asked.
            attempt_id: Names the request to the endpoint.
            stamps: Filled in while the request is under way.
        """
        stamp_into(stamps)
        partly: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                async with self._generate(
                    **self._arguments(trial, attempt_id)
                ) as response:
                    partly["status"] = response.status_code
                    partly["headers"] = dict(response.headers.items())
                    partly["body"] = await _whole_body(response)
        except openai.APIStatusError as error:
            return Exchange(
                stamps=stamps,
                status=error.status_code,
                headers=dict(error.response.headers.items()),
                body=error.response.content,
                flags=stamps.flags,
            )
        except TimeoutError:
            message = f"no whole answer within {self._endpoint.timeout_s:g} s"
            return _failed(stamps, partly, "timeout", message)
        except _TooLargeError as error:
            return _failed(stamps, partly, "broken", str(error))
        except (openai.OpenAIError, *NETWORK_ERRORS) as error:
            cause = error.__cause__ or error
            kind = "broken" if stamps.may_have_left else "connect_failed"
            return _failed(stamps, partly, kind, _in_words(cause))
        return Exchange(stamps=stamps, flags=stamps.flags, **partly)

    def _arguments(self, trial: Trial, attempt_id: str) -> dict[str, Any]:
        parameters = dict(trial.cell.parameters)
        named = {k: v for k, v in parameters.items() if k in self._named}
        others = {k: v for k, v in parameters.items() if k not in self._named}
        return {
            "prompt": trial.prompt_text,
            "model": trial.cell.model,
            **named,
            "extra_body": others or None,
            "extra_headers": {"X-Client-Request-Id": attempt_id},
        }


class _TooLargeError(Exception):
    """An answer that goes on longer than any answer should."""


async def _whole_body(response: Any) -> bytes:  # noqa: ANN401  untyped for us
    """The body, which nothing else keeps.

    `read` would leave a copy in the response, and responses are part of
    reference cycles: hundreds of large bodies would wait for the collector.
    """
    parts: list[bytes] = []
    n_bytes = 0
    async for part in response.iter_bytes():
        parts.append(part)
        n_bytes += len(part)
        if n_bytes > MOST_BODY_BYTES:
            raise _TooLargeError(f"the answer is longer than {MOST_BODY_BYTES:,} bytes")
    return b"".join(parts)


def _failed(
    stamps: RequestStamps, partly: dict[str, Any], kind: str, message: str
) -> Exchange:
    kept = {k: v for k, v in partly.items() if k != "body"}
    return Exchange(
        stamps=stamps, failure=kind, message=message, flags=stamps.flags, **kept
    )


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300].rstrip(": ")


Official = openai.OpenAI | openai.AsyncOpenAI


def official(client: object) -> Official | None:
    """The object as an official client, None when it is none."""
    is_one = isinstance(client, openai.OpenAI | openai.AsyncOpenAI)
    return client if is_one else None


def is_async(client: object) -> bool:
    """Whether it is the asynchronous official client."""
    return isinstance(client, openai.AsyncOpenAI)


def relay_of(client: Official) -> Relay:
    """What sends a client's requests onward."""
    # The library offers no other way to tell a client that it made itself.
    own: Any = client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    plain = (openai.DefaultHttpxClient, openai.DefaultAsyncHttpxClient)
    made_by_library = type(own).__module__.startswith("openai.")
    return Relay(own, is_plain=made_by_library and type(own).__mro__[1] in plain)


def tapped(
    client: Official,
    own: httpx2.Client | httpx2.AsyncClient,
    handle: Handle,
    loop: asyncio.AbstractEventLoop,
) -> Official:
    """A copy of a client whose requests are led through a handler.

    Args:
        client: The program's own client.
        own: Its HTTP client, whose headers and the like every request has.
        handle: Answers each request.
        loop: Where the handler runs for a synchronous client.
    """
    # With trust_env a proxy of the environment would go around the tap.
    wishes: dict[str, Any] = {
        "headers": own.headers,
        "params": own.params,
        "cookies": own.cookies,
        "follow_redirects": own.follow_redirects,
        "trust_env": False,
    }
    if isinstance(client, openai.AsyncOpenAI):
        async_http = openai.DefaultAsyncHttpxClient(
            transport=AsyncTap(handle), **wishes
        )
        return client.copy(http_client=async_http)
    http = openai.DefaultHttpxClient(transport=SyncTap(handle, loop), **wishes)
    return client.copy(http_client=http)

"""Official: a program's own client of the openai library."""

import asyncio
from typing import Any

import httpx2
import openai

from bench.tap import AsyncTap, Handle, Relay, SyncTap

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

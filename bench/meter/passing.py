"""Passing: a program's own request sent on, and what came back for it."""

import asyncio
from collections.abc import Callable

import httpx2

from bench.client.exchange import Exchange, in_words
from bench.live import Live
from bench.tap import Onward, Relay
from bench.transport.stamps import RequestStamps


async def passed_on(
    relay: Relay,
    request: httpx2.Request,
    stamps: RequestStamps,
    arrived: asyncio.Future[httpx2.Response],
    note: Callable[[bytes], None],
) -> Exchange:
    """Send a request; the program has its answer before it is recorded.

    Args:
        relay: Sends it.
        request: The program's.
        stamps: Filled in as bytes pass.
        arrived: Is given the answer, or what went wrong; a stream when it begins.
        note: Is given the body of a good answer before the program has its end.
    """
    onward = Onward(stamps)
    try:
        response = await relay.send(request, onward)
        if onward.live is None and response.is_success:
            note(response.content)
        if not arrived.done():
            arrived.set_result(response)
        if onward.live is not None:
            return await _streamed(onward.live, onward, note)
    except Exception as error:  # noqa: BLE001  hooks of a program raise what they like
        if not arrived.done():
            arrived.set_exception(error)
        return _broken(onward, error)
    return Exchange(
        stamps=stamps,
        status=response.status_code,
        headers=onward.headers,
        body=response.content,
    )


async def _streamed(
    live: Live, onward: Onward, note: Callable[[bytes], None]
) -> Exchange:
    """A stream, when it has ended or its program has left it.

    Raises:
        httpx2.HTTPError, OSError: It broke off.
    """
    await live.take(note)
    return Exchange(
        stamps=onward.stamps,
        status=onward.status,
        headers=onward.headers,
        body=live.body,
        arrived=live.arrived,
        failure="left" if live.is_left else None,
        message="the program left the stream before its end" if live.is_left else None,
    )


def _broken(onward: Onward, error: Exception) -> Exchange:
    is_late = isinstance(error, httpx2.TimeoutException)
    broken = "broken" if onward.stamps.may_have_left else "connect_failed"
    return Exchange(
        stamps=onward.stamps,
        status=onward.status,
        headers=onward.headers,
        # Partial pictures came before it broke off, and perhaps the last one.
        body=onward.live and onward.live.body,
        arrived=onward.live.arrived if onward.live else (),
        failure="timeout" if is_late else broken,
        message=in_words(error),
    )

"""Relay: addresses that a gateway passes through untouched."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator.delivery import Delivery
from bench.emulator.keys import require_key
from bench.emulator.serving import befallen
from bench.emulator.state import emulator_of, exchange_of
from bench.emulator.upstream import Outgoing, exchanged, waited

Handler = Callable[[Request], Awaitable[Delivery]]


async def relayed(request: Request, *, path: str | None = None) -> Delivery:
    """Pass a request of any kind on as it came, and the answer back.

    Raises:
        RefusedError: the upstream refused or could not be reached.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    await waited(emulator)
    outgoing = Outgoing(
        content=exchange.body or None,
        media_type=request.headers.get("content-type", "application/json"),
        method=request.method,
        path=path,
    )
    reply = await exchanged(request, outgoing, tries=False)
    return Delivery(status=reply.status, body=reply.body, media_type=reply.media_type)


def relaying(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return routes that are the upstream's where there is one."""
    return tuple(
        Route(route.path, _relaying(route.endpoint), methods=list(route.methods or ()))
        for route in routes
    )


def _relaying(handler: Handler) -> Handler:
    async def answer(request: Request) -> Delivery:
        emulator = emulator_of(request)
        if emulator.upstream is None:
            return await handler(request)
        require_key(request)
        befallen(emulator, exchange_of(request).entry)
        return await relayed(request)

    return answer

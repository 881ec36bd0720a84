"""Lanes: the ways to endpoints, and what all attempts of a run share."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.attempt import Picture, Trial
from bench.client.exchange import Exchange
from bench.client.images import ImageClient
from bench.endpoint import Endpoint
from bench.reference import Contents, nothing_along
from bench.traffic.limiter import EndpointLimiter
from bench.transport.stamps import RequestStamps

# Journals, pictures, the index, pipes to children.
_OTHER_FILES = 200
Send = Callable[[Trial, str, RequestStamps], Awaitable[Exchange]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The way to one endpoint: who sends, its limits, its secret.

    Attributes:
        send: Sends the one request of an attempt, named by its id.
        closes: Whether an answer such as "quota exhausted" closes the way for
            what comes after it.
        take: Is given each picture of an answer, when somebody wants them.
        record_within_s: How long an answer may wait to be examined, and then its
            outcome to be made durable, where who asked has the answer already.
    """

    send: Send
    limiter: EndpointLimiter
    turns: asyncio.Semaphore
    secret: str
    closes: bool = True
    take: Callable[[Picture, bytes], None] | None = None
    record_within_s: float = 0.0

    @property
    def spare_s(self) -> float:
        """How long an answer may wait now: not where all turns are taken."""
        return 0.0 if self.turns.locked() else self.record_within_s


def open_lane(
    endpoint: Endpoint,
    secret: str,
    n_at_once: int,
    stack: AsyncExitStack,
    contents: Contents = nothing_along,
) -> Lane:
    """The way to an endpoint; its connections close with the stack.

    Args:
        endpoint: Where it leads.
        secret: Its key.
        n_at_once: Most requests under way.
        stack: Closes it.
        contents: Gives the bytes of pictures that are sent along.

    Raises:
        NoCredentials: The key can't stand in a header.
    """
    n_at_once = min(n_at_once, endpoint.limits.concurrency or n_at_once)
    client = ImageClient(endpoint, secret, contents)
    stack.push_async_callback(client.close)
    return Lane(
        send=client.ask,
        limiter=limiter_of(endpoint),
        turns=asyncio.Semaphore(n_at_once),
        secret=secret,
    )


def limiter_of(endpoint: Endpoint) -> EndpointLimiter:
    """The limits that an endpoint sets by the minute."""
    return EndpointLimiter(
        endpoint.limits.requests_per_minute, endpoint.limits.images_per_minute
    )


def allow_connections(n_connections: int) -> None:
    """Have the system open as many files as connections may stand, if it lets us."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n_connections + _OTHER_FILES
    if least != resource.RLIM_INFINITY and least < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))

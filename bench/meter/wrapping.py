"""Wrapping: an official client's requests, each metered as it leaves."""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TypeVar

import orjson

from bench.attempt import Attempt, Cell, Picture, Trial
from bench.client import Exchange, base_url_of, is_async_client, with_transport
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.meter.answer import Answer, Image, answer_of
from bench.meter.lanes import Lane, limiter_of
from bench.meter.session import OpenRun
from bench.plan.frozen import PlannedTrial
from bench.plan.growth import prompt_of
from bench.suite import Value
from bench.transport import (
    AsyncHook,
    Relay,
    RequestStamps,
    WireRequest,
    WireResponse,
    own_answer,
)

Client = TypeVar("Client")
Tell = Callable[[Answer], None]
_METERED = "/images/generations"
_NOT_YET = ("/images/edits", "/images/variations", "/responses", "/batches", "/videos")
_FORBIDDEN = 403


class UnmeteredCall(UserWarning):
    """A request passed that may cost money and is not in the run."""


@dataclass(slots=True)
class _Call:
    """One call of the program: its first request and the library's retries."""

    planned: PlannedTrial | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    images: list[Image] = field(default_factory=list[Image])


# The library retries within the task or thread that called it.
_CURRENT: ContextVar[_Call | None] = ContextVar("metered_call", default=None)


def wrapped(
    client: Client,
    name: str | None,
    run: OpenRun,
    endpoints: Mapping[str, Endpoint],
    tell: Tell,
) -> Client:
    """A copy of an official client that sends through the meter's run.

    Raises:
        BadInput: No endpoint fits, or it is the client of the other twin.
    """
    endpoint = _endpoint_of(client, name, endpoints)
    metering = _Metering(run, endpoint, Relay.of(client), tell)
    return with_transport(client, metering.hook())


def _endpoint_of(
    client: object, name: str | None, endpoints: Mapping[str, Endpoint]
) -> Endpoint:
    known = ", ".join(endpoints)
    if name is not None:
        if name not in endpoints:
            raise BadInput(f"endpoint '{name}': this meter has {known}")
        return endpoints[name]
    url = base_url_of(client).rstrip("/")
    for endpoint in endpoints.values():
        if endpoint.base_url.rstrip("/") == url:
            return endpoint
    raise BadInput(
        f"wrap: the client goes to {url}, which is the base_url of none of this "
        f"meter's endpoints ({known}); say whose prices hold with endpoint=NAME"
    )

"""Wrapping: an official client's requests, each metered as it leaves."""

import asyncio
import hashlib
import re
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

import httpx2

from bench.attempt import Attempt, Picture, Trial
from bench.client.exchange import Exchange
from bench.client.official import Official, official, relay_of, tapped
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.journal import LATER_S
from bench.meter.answer import Answer, Image, answer_of
from bench.meter.lanes import Lane
from bench.meter.overheard import (
    EDITS,
    GENERATIONS,
    RESPONSES,
    VARIATIONS,
    Overheard,
    overhear,
)
from bench.meter.passing import passed_on
from bench.meter.session import Follows, OpenRun
from bench.plan.frozen import PlannedTrial
from bench.settle import USUAL_TIERS
from bench.tap import FORBIDDEN, Memory, Onward, Relay, own_answer
from bench.transport.stamps import RequestStamps

Client = TypeVar("Client")
_METERED = (GENERATIONS, EDITS, VARIATIONS, RESPONSES)
_NOT_YET = ("/batches", "/videos")
# Above, pictures of a request are taken apart aside of the loop.
_SMALL_BYTES = 200_000
# Those that cost no more than standard rates; flex costs less.
_BOUNDED_TIERS = USUAL_TIERS | {"flex"}
_NAME = "X-Client-Request-Id"
_AN_ID = re.compile(rb'"id" ?: ?"([!-~]{1,2000}?)"')
_FIRST_BYTES = 20_000


class UnmeteredCall(UserWarning):
    """A request passed that may cost money and is not in the run."""


@dataclass(slots=True)
class _Call:
    """One call of the program: its first request and the library's retries."""

    planned: PlannedTrial
    digest: str
    n_begun: int = 0
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    images: list[Image] = field(default_factory=list[Image])


def wrapped(
    client: Client,
    name: str | None,
    run: OpenRun,
    endpoints: Mapping[str, Endpoint],
    tell: Callable[[Answer], None] | None,
    stack: AsyncExitStack,
) -> Client:
    """A copy of an official client that sends through the meter's run.

    Raises:
        BadInput: It is no official client, or no endpoint fits.
    """
    known = official(client)
    if known is None:
        raise BadInput(f"wrap: {type(client).__name__} is no client of openai 3.x")
    endpoint = _endpoint_of(known, name, endpoints)
    relay = relay_of(known)
    if relay.own in run.clients:
        raise BadInput("wrap: this meter meters the client already")
    stack.push_async_callback(relay.close)
    metering = _Metering(run, endpoint, relay, tell)
    copy = tapped(known, relay.own, metering.handle, asyncio.get_running_loop())
    run.clients.add(relay_of(copy).own)
    return cast("Client", copy)


def _endpoint_of(
    client: Official, name: str | None, endpoints: Mapping[str, Endpoint]
) -> Endpoint:
    known = ", ".join(endpoints)
    if name is not None:
        if name not in endpoints:
            raise BadInput(f"endpoint '{name}': this meter has {known}")
        return endpoints[name]
    url = str(client.base_url).rstrip("/")
    for endpoint in endpoints.values():
        if endpoint.base_url.rstrip("/") == url:
            return endpoint
    raise BadInput(
        f"wrap: the client goes to {url}, which is the base_url of none of this "
        f"meter's endpoints ({known}); say whose prices hold with endpoint=NAME"
    )


class _Metering:
    """Leads the requests of one client through the run."""

    def __init__(
        self,
        run: OpenRun,
        endpoint: Endpoint,
        relay: Relay,
        tell: Callable[[Answer], None] | None,
    ) -> None:
        self._run = run
        self._endpoint = endpoint
        self._relay = relay
        self._tell = tell
        self._limiter, self._turns = run.way_to(endpoint)

    async def handle(self, request: httpx2.Request, memory: Memory) -> httpx2.Response:
        """Answer one request of the program."""
        path = request.url.path.rstrip("/")
        try:
            self._run.refuse_outside()
            if request.method != "POST" or not path.endswith((*_METERED, *_NOT_YET)):
                return await self._pass(request)
            digest, heard = await _read(request)
            if heard is None:
                return await self._unmetered(request)
            call = self._call(digest, heard, memory)
        except BadInput as error:
            return own_answer(request, FORBIDDEN, f"nothing was sent: {error}")
        return await self._metered(request, call)

    def _call(self, digest: str, heard: Overheard, memory: Memory) -> _Call:
        """The call that a request belongs to; another body is another call."""
        known = cast("_Call | None", memory.kept.get(self))
        if known is None or known.digest != digest:
            self._refuse_unbounded(heard)
            planned = self._run.plan(
                self._endpoint,
                heard.cell(self._endpoint.name),
                heard.prompt,
                self._follows(heard),
            )
            known = memory.kept[self] = _Call(planned, digest)
        return known

    def _refuse_unbounded(self, heard: Overheard) -> None:
        """Send nothing that may cost more than anybody knows, where there is a cap.

        Raises:
            BadInput: It may.
        """
        if self._run.options.max_cost_usd is None:
            return
        if not heard.is_bounded:
            raise BadInput(
                "the request names no max_output_tokens, so the cap could not hold; "
                "name one"
            )
        if heard.unknown is not None:
            raise BadInput(
                f"the request brings along '{heard.unknown}', of which the endpoint "
                "alone knows how much it is, so the cap could not hold"
            )
        tier = heard.parameters.get("service_tier")
        if tier is not None and tier not in _BOUNDED_TIERS:
            raise BadInput(
                f"service_tier '{tier}' may cost more than the book says, so the cap "
                "could not hold; leave service_tier out"
            )
        name = heard.previous_response_id
        if name is not None and name not in self._run.responses:
            raise BadInput(
                f"previous_response_id '{name}' is no answer of this run, so what it "
                "brings along is not known and the cap could not hold; begin the "
                "conversation in this run"
            )

    def _follows(self, heard: Overheard) -> Follows | None:
        name = heard.previous_response_id
        before = self._run.responses.get(name or "")
        if name is None or before is None:
            return None
        return Follows(trial_id=before, response_id=name)

    async def _pass(self, request: httpx2.Request) -> httpx2.Response:
        stamps = RequestStamps(started_ns=time.monotonic_ns())
        return await self._relay.send(request, Onward(stamps))

    async def _unmetered(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        without = " without the image tool" if path.endswith(RESPONSES) else ""
        what = f"{request.method} {path}{without} is not metered by this version"
        if self._run.options.max_cost_usd is not None:
            sentence = f"nothing was sent: {what}, so the cap could not hold"
            return own_answer(request, FORBIDDEN, sentence)
        warnings.warn(f"{what}: its cost is not in the run", UnmeteredCall, 2)
        return await self._pass(request)

    async def _metered(self, request: httpx2.Request, call: _Call) -> httpx2.Response:
        arrived: asyncio.Future[httpx2.Response] = (
            asyncio.get_running_loop().create_future()
        )

        def over(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            if not arrived.done():
                reason = str(error) if error else self._run.calls.gate.reason
                sentence = f"there is no answer: {reason}"
                arrived.set_result(own_answer(request, FORBIDDEN, sentence))

        lane = self._lane(request, call, arrived)
        self._run.start(self._attempt(call, lane)).add_done_callback(over)
        try:
            # The program has its answer when it is there, not when it is recorded.
            return await arrived
        except asyncio.CancelledError:
            self._run.calls.bracket.give_up(call.planned.trial.trial_id)
            raise

    async def _attempt(self, call: _Call, lane: Lane) -> None:
        # The one before may not be recorded yet: the program had its answer first.
        call.n_begun += 1
        attempt = await self._run.calls.bracket.attempt(
            call.planned, lane, call.n_begun, time.monotonic_ns()
        )
        if attempt is None:
            return
        if attempt.response_id is not None:
            self._run.responses[attempt.response_id] = attempt.trial_id
        call.attempts.append(attempt)
        call.attempts.sort(key=lambda made: made.attempt_no)
        if self._tell is not None:
            trial = call.planned.trial
            self._tell(answer_of(self._run.run_id, trial, call.attempts, call.images))

    def _lane(
        self,
        request: httpx2.Request,
        call: _Call,
        arrived: asyncio.Future[httpx2.Response],
    ) -> Lane:
        async def send(_: Trial, attempt_id: str, stamps: RequestStamps) -> Exchange:
            # A redirect brings the name of the attempt that it follows.
            named = request.headers.get(_NAME, attempt_id)
            if named.startswith(f"{call.planned.trial.trial_id}."):
                request.headers[_NAME] = attempt_id
            return await passed_on(self._relay, request, stamps, arrived, note)

        def note(body: bytes) -> None:
            # The next turn may come before this one is recorded: any name in front
            # of the pictures may be the one that it goes on from.
            if request.url.path.rstrip("/").endswith(RESPONSES):
                for found in _AN_ID.finditer(body, 0, _FIRST_BYTES):
                    name = found[1].decode("utf-8", "replace")
                    self._run.responses[name] = call.planned.trial.trial_id

        def take(picture: Picture, content: bytes) -> None:
            call.images.append(Image.of(picture, content, None))

        return Lane(
            send=send,
            limiter=self._limiter,
            turns=self._turns,
            secret=_secret(request),
            closes=False,
            take=take if self._tell else None,
            record_within_s=LATER_S,
        )


async def _read(request: httpx2.Request) -> tuple[str, Overheard | None]:
    """The digest of a body, and what it asks.

    Raises:
        BadInput: It asks what no record can hold.
    """
    read = partial(_digest_and_asked, request)
    is_small = len(request.content) <= _SMALL_BYTES
    return read() if is_small else await asyncio.to_thread(read)


def _digest_and_asked(request: httpx2.Request) -> tuple[str, Overheard | None]:
    return hashlib.sha256(request.content).hexdigest(), overhear(request)


def _secret(request: httpx2.Request) -> str:
    """The key that a request carries, which no record may hold."""
    bearer = request.headers.get("authorization", "").partition(" ")[2]
    return bearer or request.headers.get("api-key", "")

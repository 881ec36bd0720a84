"""Wrapping: an official client's requests, each metered as it leaves."""

import asyncio
import hashlib
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar, cast

import httpx2
import orjson

from bench.attempt import Attempt, Cell, Picture, Trial
from bench.client.exchange import Exchange, in_words
from bench.client.official import Official, official, relay_of, tapped
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.journal import LATER_S
from bench.meter.answer import Answer, Image, answer_of
from bench.meter.lanes import Lane
from bench.meter.session import OpenRun
from bench.plan.frozen import PlannedTrial
from bench.plan.growth import prompt_of
from bench.suite import Value
from bench.tap import FORBIDDEN, Memory, Onward, Relay, own_answer
from bench.transport.stamps import RequestStamps

Client = TypeVar("Client")
_METERED = "/images/generations"
_NOT_YET = ("/images/edits", "/images/variations", "/responses", "/batches", "/videos")
_COUNTS = ("n", "partial_images")
_LONGEST_VALUE = 200
# Beyond, a number of JSON is no whole number that can be relied on.
_MOST_EXACT = 2**53
_NAME = "X-Client-Request-Id"


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
            if request.method != "POST" or not path.endswith((_METERED, *_NOT_YET)):
                return await self._pass(request)
            body = _asked(request) if path.endswith(_METERED) else None
            if body is None or body.get("stream"):
                return await self._unmetered(request)
            call = self._call(request, body, memory)
        except BadInput as error:
            return own_answer(request, FORBIDDEN, f"nothing was sent: {error}")
        return await self._metered(request, call)

    def _call(
        self, request: httpx2.Request, body: Mapping[str, Value], memory: Memory
    ) -> _Call:
        """The call that a request belongs to; another body is another call."""
        digest = hashlib.sha256(request.content).hexdigest()
        known = cast("_Call | None", memory.kept.get(self))
        if known is None or known.digest != digest:
            prompt = prompt_of(str(body["prompt"]))
            planned = self._run.plan(self._endpoint, self._cell(body), prompt)
            known = memory.kept[self] = _Call(planned, digest)
        return known

    async def _pass(self, request: httpx2.Request) -> httpx2.Response:
        stamps = RequestStamps(started_ns=time.monotonic_ns())
        return await self._relay.send(request, Onward(stamps))

    async def _unmetered(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        what = f"{request.method} {path} is not metered by this version"
        if self._run.options.max_cost_usd is not None:
            sentence = f"nothing was sent: {what}, so the cap could not hold"
            return own_answer(request, FORBIDDEN, sentence)
        warnings.warn(f"{what}: its cost is not in the run", UnmeteredCall, 2)
        return await self._pass(request)

    def _cell(self, body: Mapping[str, Value]) -> Cell:
        sent = {k: v for k, v in body.items() if k not in {"model", "prompt", "stream"}}
        for name in _COUNTS:
            if not str(sent.get(name, 0)).isdecimal():
                raise BadInput(f"{name}: '{sent[name]}' should be a whole number")
        return Cell(
            endpoint=self._endpoint.name,
            api="images",
            operation="generate",
            model=str(body.get("model", "dall-e-2")),
            parameters=tuple(sorted(sent.items())),
        )

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
            return await self._exchange(request, stamps, arrived)

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

    async def _exchange(
        self,
        request: httpx2.Request,
        stamps: RequestStamps,
        arrived: asyncio.Future[httpx2.Response],
    ) -> Exchange:
        onward = Onward(stamps)
        try:
            response = await self._relay.send(request, onward)
        except Exception as error:  # noqa: BLE001  hooks of a program raise what they like
            if not arrived.done():
                arrived.set_exception(error)
            broken = "broken" if stamps.may_have_left else "connect_failed"
            is_late = isinstance(error, httpx2.TimeoutException)
            return Exchange(
                stamps=stamps,
                status=onward.status,
                headers=onward.headers,
                failure="timeout" if is_late else broken,
                message=in_words(error),
            )
        if not arrived.done():
            arrived.set_result(response)
        return Exchange(
            stamps=stamps,
            status=response.status_code,
            headers=onward.headers,
            body=response.content,
        )


def _asked(request: httpx2.Request) -> dict[str, Value] | None:
    """What a request for pictures asks, None when it can't be read."""
    try:
        body = orjson.loads(request.content)
    except orjson.JSONDecodeError:
        return None
    content = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    if not isinstance(content.get("prompt"), str):
        return None
    # None stands for what is not sent: the API takes it so.
    sent = {k: v for k, v in content.items() if v is not None and k != "prompt"}
    shortened = {name: _plain(value) for name, value in sent.items()}
    return {**shortened, "prompt": str(content["prompt"])}


def _plain(value: object) -> Value:
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        return int(value)
    if isinstance(value, bool | int):
        return value
    said = value if isinstance(value, str) else orjson.dumps(value).decode()
    if len(said) <= _LONGEST_VALUE:
        return said
    # Two long values that differ are two cells, whatever they begin with.
    digest = hashlib.sha256(said.encode()).hexdigest()
    return f"{said[:_LONGEST_VALUE]}... sha256 {digest[:12]}"


def _secret(request: httpx2.Request) -> str:
    """The key that a request carries, which no record may hold."""
    bearer = request.headers.get("authorization", "").partition(" ")[2]
    return bearer or request.headers.get("api-key", "")

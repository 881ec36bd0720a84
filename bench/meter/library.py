"""Library: the meter that programs use, one run from enter to exit."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from bench.attempt import Attempt, Picture
from bench.client.official import is_async
from bench.endpoint import Endpoint
from bench.environment import read_environment
from bench.errors import BadInput, BenchError, NoCredentials, NotSent, StorageFailed
from bench.folder import DataFolder
from bench.images.shelf import Keep, picture_path
from bench.inputs.shelf import content_of
from bench.meter.along import Album, Along
from bench.meter.answer import Answer, Image, NotRecorded, answer_of
from bench.meter.asked import Asked, asked_prompt
from bench.meter.asking import Named, cell_for, endpoints_of, key_of
from bench.meter.lanes import Lane, open_lane
from bench.meter.operations import Operations
from bench.meter.session import OpenRun, open_run
from bench.meter.wishes import Usd, options_of
from bench.meter.wrapping import wrapped
from bench.plan.frozen import PlannedTrial

Client = TypeVar("Client")


class Meter(Operations):
    """Makes image calls and records what each took and cost.

    From enter to exit it writes one run of kind `metered`, which `show`,
    `compare`, `report` and the dashboard read like any other. What leaves is
    recorded before it leaves; a call that failed is an answer too, not an
    exception. Pictures that came and could not be recorded are paid for, and
    are with the exception (`NotRecorded`). What can be asked: `generate`, `edit`,
    `compose`, `inpaint`, `variation` and `conversation`, as `Operations` says.

    Example:
        async with Meter(max_cost_usd="2.00") as meter:
            answer = await meter.generate("A red kite", quality="low")
            print(answer.image.path, answer.charge_usd, answer.timings.service_s)
    """

    def __init__(  # noqa: PLR0913  each is a wish with a default
        self,
        endpoint: Named | Sequence[Named] = "openai",
        *,
        endpoints_file: Path | str | None = None,
        data: Path | str | None = None,
        max_cost_usd: Usd | None = None,
        images: str = "keep",
        concurrency: int | None = None,
        rate_rpm: int | None = None,
        name: str = "metered",
        tags: Mapping[str, str] | None = None,
        note: str | None = None,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> None:
        """Nothing is opened or sent yet.

        Args:
            endpoint: Names from an endpoints file, or endpoints; the first is
                asked unless a call names another. `openai` is known without a
                file.
            endpoints_file: Else `endpoints.yaml` in the data folder.
            data: The data folder; else $PIXELMETER_DATA, else `./data`.
            max_cost_usd: Cap of the run in US dollars; what could pass it is
                not sent.
            images: What stays of a picture on disk: `keep`, `thumb` or `hash`;
                with `none` it is not even opened, and has no digest.
            concurrency: Requests in flight at each endpoint at most.
            rate_rpm: Requests a minute over all endpoints.
            name: Stands in place of a suite's name.
            tags: Tags of the run.
            note: A note to the run.
            on_answer: Called in the loop with each answer; be quick.

        Raises:
            BadInput: `max_cost_usd` is no amount, a number is below 1, or
                `images` no such word.
        """
        super().__init__()
        self._wanted = endpoint
        self._file = None if endpoints_file is None else Path(endpoints_file)
        self._data = None if data is None else Path(data)
        self._options = options_of(max_cost_usd, images, concurrency, rate_rpm)
        self._name, self._tags, self._note = name, dict(tags or {}), note
        self._on_answer = on_answer
        self._stack = AsyncExitStack()
        self._run: OpenRun | None = None
        self._variables: Mapping[str, str] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._lanes: dict[str, Lane] = {}
        self._album: Album | None = None

    async def __aenter__(self) -> Self:
        """Begin the run: its plan is durable when this returns.

        Raises:
            BadInput: An endpoint is unknown, a file can't be used, or the meter is
                open.
            StorageFailed: The data folder can't be written.
        """
        if self._run is not None:
            raise BadInput("the meter is open; make another for a run beside it")
        environment = read_environment()
        self._variables = environment.variables
        folder = DataFolder.choose(self._data, self._variables)
        endpoints = endpoints_of(self._wanted, self._file, folder)
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        async with AsyncExitStack() as stack:
            self._run = await open_run(
                folder,
                self._name,
                endpoints,
                self._options,
                tags=self._tags,
                note=self._note,
                stack=stack,
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the run: wait for calls in flight, or break them off on an error.

        Raises:
            StorageFailed: The index can't be made current; records are whole.
        """
        run = self._opened
        try:
            await run.end(kind)
        finally:
            await self._stack.aclose()
            self._run = self._album = None
            self._lanes.clear()
        await run.refresh_index()

    @property
    def run_id(self) -> str:
        """The run's name, for `pixelmeter show` and its like."""
        return self._opened.run_id

    @property
    def charge_usd(self) -> Decimal:
        """US dollars charged so far, as far as they are known."""
        return self._opened.calls.bracket.ledger.charge_usd

    @property
    def possibly_billed_usd(self) -> Decimal:
        """The most that requests of unknown fate may have cost so far."""
        return self._opened.calls.bracket.ledger.possibly_billed_usd

    async def ask(self, asked: Asked) -> Answer:
        """Make one call; the methods that are named for operations lead here."""
        run = self._opened
        chosen = self._endpoint(asked.endpoint)
        lane = self._lane(chosen)
        along = await self._along(asked)
        prompt = asked_prompt(asked, along)
        cell = cell_for(chosen, prompt, asked.parameters, asked.operation)
        follows = asked.turn and asked.turn.follows
        planned = run.plan(chosen, cell, prompt, follows)
        return await self._call(run, planned, lane)

    async def _along(self, asked: Asked) -> Along:
        """The pictures that are sent along, opened and kept aside of the loop."""
        if not asked.images and asked.mask is None and asked.markup is None:
            return Along()
        if self._album is None:
            self._album = Album(self._opened.data)
            self._stack.callback(self._album.close)
        take = self._album.take
        drawn = asked.markup
        return await asyncio.to_thread(
            take, asked.images, asked.mask, asked.send, drawn
        )

    def wrap(self, client: Client, endpoint: str | None = None) -> Client:
        """A copy of an official client whose calls for pictures are metered.

        Calls, answers, exceptions and retries stay those of the official
        library; each HTTP request, retries in, is an attempt of the run. A
        request that the cap leaves no room for, or that has no price, is
        answered with status 403 by the meter itself. Metered are generations,
        edits, variations, and Responses calls with the image tool, streams too:
        events reach the program as they come, and are recorded when they ended
        or the program left them. Other requests that may cost money (batches,
        Responses calls without the tool) pass with a warning, or are answered
        so when there is a cap.

        Args:
            client: An `AsyncOpenAI`; an `OpenAI` is for `SyncMeter.wrap`.
            endpoint: Whose prices and limits hold; else the one whose base_url
                the client has.

        Raises:
            BadInput: It is another kind of client, or no endpoint of the meter
                has its base_url.
        """
        if not is_async(client):
            raise BadInput("wrap: a Meter takes AsyncOpenAI; OpenAI is for SyncMeter")
        return self.wrap_any(client, endpoint)

    def wrap_any(self, client: Client, endpoint: str | None) -> Client:
        """As `wrap`, for clients of either kind; call it in the loop."""
        return wrapped(
            client,
            endpoint,
            self._opened,
            self._endpoints,
            self._on_answer,
            self._stack,
        )

    async def _call(self, run: OpenRun, planned: PlannedTrial, lane: Lane) -> Answer:
        images: list[Image] = []
        attempts: list[Attempt] = []

        def take(picture: Picture, content: bytes) -> None:
            is_kept = self._options.images == Keep.KEEP
            path = picture_path(run.data, picture) if is_kept else None
            images.append(Image.of(picture, content, path))

        def told(attempt: Attempt, _: bool) -> None:  # noqa: FBT001  as called
            attempts.append(attempt)

        try:
            await run.carry_out(planned, replace(lane, take=take), told)
        except StorageFailed as error:
            if images:
                raise NotRecorded(error, images) from None
            raise
        if not attempts:
            raise _why_not(run)
        answer = answer_of(run.run_id, planned.trial, attempts, images)
        if self._on_answer is not None:
            self._on_answer(answer)
        return answer

    def _endpoint(self, name: str | None) -> Endpoint:
        if name is None:
            return next(iter(self._endpoints.values()))
        if name not in self._endpoints:
            known = ", ".join(self._endpoints)
            raise BadInput(f"endpoint '{name}': this meter has {known}")
        return self._endpoints[name]

    def _lane(self, endpoint: Endpoint) -> Lane:
        if endpoint.name not in self._lanes:
            key = key_of(endpoint, self._variables)
            contents = partial(content_of, self._opened.data)
            most = self._options.concurrency
            lane = open_lane(endpoint, key, most, self._stack, contents)
            limiter, turns = self._opened.way_to(endpoint)
            self._lanes[endpoint.name] = replace(lane, limiter=limiter, turns=turns)
        return self._lanes[endpoint.name]

    @property
    def _opened(self) -> OpenRun:
        if self._run is None:
            raise BadInput("the meter is closed; use it inside `async with Meter(...)`")
        return self._run


def _why_not(run: OpenRun) -> BenchError:
    gate = run.calls.gate
    reason = gate.reason or "the call was given up before it left"
    kinds = {"credentials": NoCredentials, "storage": StorageFailed}
    return kinds.get(gate.stopped_by or "", NotSent)(reason)

"""Session: an open run of kind metered, from its plan to its end."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakSet

from bench.attempt import Cell
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder, make_folder
from bench.journal import JournalWriter, end_record, session_record
from bench.meter.calls import Calls, Told, open_calls, open_journal
from bench.meter.lanes import Lane, limiter_of
from bench.plan.books import chosen_book
from bench.plan.build import new_run_id
from bench.plan.frozen import PlannedTrial, freeze
from bench.plan.growth import GrowingPlan, open_plan
from bench.plan.options import Options
from bench.prompt import Prompt
from bench.store.ingest import refresh
from bench.traffic.budget import Ledger
from bench.traffic.limiter import EndpointLimiter

Way = tuple[EndpointLimiter, asyncio.Semaphore]


class Additions(list[dict[str, Any]]):
    """Records that continue the plan, not yet handed to the journal."""

    def take(self) -> tuple[dict[str, Any], ...]:
        """All of them, in order; whoever takes them appends them at once."""
        taken = tuple(self)
        self.clear()
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """The turn of a conversation that another goes on from.

    Attributes:
        response_id: What the endpoint calls its answer.
    """

    trial_id: str
    response_id: str


@dataclass(slots=True, kw_only=True)
class OpenRun:
    """A run that is not planned before: trials come as they are asked.

    Attributes:
        said: By a trial that a turn may go on from: it, and those before it.
        responses: Trials by what the endpoint calls their answers, of programs that
            hold a conversation themselves.
    """

    run_id: str
    data: DataFolder
    options: Options
    journal: JournalWriter
    growing: GrowingPlan
    calls: Calls
    additions: Additions
    endpoints: tuple[Endpoint, ...]
    loop: asyncio.AbstractEventLoop
    is_ended: bool = False
    said: dict[str, tuple[PlannedTrial, ...]] = field(
        default_factory=dict[str, tuple[PlannedTrial, ...]]
    )
    responses: dict[str, str] = field(default_factory=dict[str, str])
    ways: dict[str, Way] = field(default_factory=dict[str, Way])
    clients: WeakSet[object] = field(default_factory=WeakSet[object])
    tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def plan(
        self,
        endpoint: Endpoint,
        cell: Cell,
        prompt: Prompt,
        follows: Follows | None = None,
    ) -> PlannedTrial:
        """A trial for what is asked; durable before the next intent is.

        Raises:
            BadInput: There is no price, or this is another loop than the run's.
        """
        self.refuse_outside()
        before = () if follows is None else self.said.get(follows.trial_id, ())
        addition = self.growing.add(endpoint, cell, prompt, before)
        self.additions.extend(addition.records)
        planned, trial = addition.planned, addition.planned.trial
        if cell.api == "responses":
            self.said[trial.trial_id] = (*before, planned)
        if follows is None:
            return planned
        name = follows.response_id
        return replace(planned, trial=replace(trial, previous_response_id=name))

    def refuse_outside(self) -> None:
        """Stay in the loop that the run was opened in, while it is open.

        Raises:
            BadInput: This is another one, or the run ended.
        """
        if self.is_ended:
            raise BadInput("the meter ended")
        if asyncio.get_running_loop() is not self.loop:
            raise BadInput(
                "the meter is used in another event loop than it was entered in; "
                "enter one there, or use SyncMeter"
            )

    def way_to(self, endpoint: Endpoint) -> Way:
        """Limits and turns that all requests to an endpoint share."""
        if endpoint.name not in self.ways:
            most = self.options.concurrency
            n_at_once = min(most, endpoint.limits.concurrency or most)
            turns = asyncio.Semaphore(n_at_once)
            self.ways[endpoint.name] = (limiter_of(endpoint), turns)
        return self.ways[endpoint.name]

    def start(self, call: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Make a call in a task of its own; the run waits for it."""
        task = asyncio.create_task(call)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def carry_out(
        self, planned: PlannedTrial, lane: Lane, told: Told, due_ns: int | None = None
    ) -> None:
        """Carry out a trial, due now or then; who is cancelled here breaks it off.

        Raises:
            StorageFailed: An attempt's end could not be recorded.
        """
        task = self.start(self.calls.carry_out(planned, lane, 0, told, due_ns))
        try:
            # What was sent is recorded to its end, whoever waits for it.
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self.calls.bracket.give_up(planned.trial.trial_id)
            raise

    async def end(self, kind: type[BaseException] | None) -> None:
        """Wait for what is in flight, and write the last record.

        Who is cancelled meanwhile breaks it off, but waits for the records.

        Args:
            kind: The exception that the program left with; then what is in
                flight is broken off.
        """
        if kind is not None:
            self._break_off(kind)
        try:
            await self._recorded()
        except asyncio.CancelledError as error:
            self._break_off(type(error))
            await self._recorded()
            await self._write_end()
            raise
        await self._write_end()

    def _break_off(self, kind: type[BaseException]) -> None:
        self.calls.gate.close("user", f"its program left by {kind.__name__}")
        self.calls.bracket.break_off()

    async def _recorded(self) -> None:
        """Return when nothing is in flight; who is cancelled cancels nothing."""
        while self.tasks:
            ended = asyncio.gather(*self.tasks, return_exceptions=True)
            await asyncio.shield(ended)

    async def _write_end(self) -> None:
        self.is_ended = True
        gate, state = self.calls.gate, "finished"
        if gate.stopped_by is not None:
            state = "interrupted" if gate.stopped_by == "user" else "stopped"
        # Where the disk is full the journal ends without its last line.
        with suppress(StorageFailed):
            end = end_record(state, gate.stopped_by, gate.reason)
            told = await self.calls.check.last_records(self.endpoints)
            await self.journal.append(*self.additions.take(), *told, end)

    async def refresh_index(self) -> None:
        """Leave the index current.

        Raises:
            StorageFailed: It can't be used; the records are whole without it.
        """
        await asyncio.to_thread(refresh, self.data)


async def open_run(  # noqa: PLR0913  what a run is made of
    data: DataFolder,
    name: str,
    endpoints: tuple[Endpoint, ...],
    options: Options,
    *,
    tags: Mapping[str, str],
    note: str | None,
    stack: AsyncExitStack,
) -> OpenRun:
    """Freeze an open plan and hold its run; the stack closes it.

    Raises:
        BadInput: A tag or note can't be recorded, or a price book is wrong.
        StorageFailed: The data folder can't be written.
    """
    make_folder(data.root)
    book = chosen_book(data.root)
    plan = open_plan(new_run_id(), name, endpoints, options, tags, note)
    run = data.run(plan.run_id)
    freeze(plan, run)
    stack.enter_context(run.hold())
    journal = open_journal(run)
    stack.callback(journal.close)
    await journal.append(session_record(run.run_id, "meter", plan.version))
    growing, additions = GrowingPlan(plan.run_id, book), Additions()
    calls = open_calls(
        data=data,
        options=options,
        prices=growing.prices,
        journal=journal,
        spent=Ledger(),
        stack=stack,
        is_asked=False,
        preamble=additions.take,
    )
    return OpenRun(
        run_id=plan.run_id,
        data=data,
        options=options,
        journal=journal,
        growing=growing,
        calls=calls,
        additions=additions,
        endpoints=endpoints,
        loop=asyncio.get_running_loop(),
    )

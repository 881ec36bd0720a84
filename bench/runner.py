"""Runner: a plan carried out by a bounded number of workers."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.attempt import Attempt
from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.inputs.shelf import content_of
from bench.interrupts import listen
from bench.journal import JournalWriter, end_record, read_run, session_record
from bench.load.model import Closed, Goal
from bench.load.schedule import LATE_FROM_S, due_offsets_s
from bench.memory import keep_room, spared_collector
from bench.meter.calls import Calls, open_calls, open_journal
from bench.meter.lanes import Lane, allow_connections, open_lane
from bench.pacing import Pacer
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.options import Options
from bench.record import RunHistory, read_history
from bench.standing import Ending, Standing, Watcher, above_bound
from bench.turns import Piece, Turns, pieces
from bench.waves import Waves

if TYPE_CHECKING:
    from bench.seeking import Found, Seeker

TICK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What the workers of one process share."""

    calls: Calls
    lanes: Mapping[str, Lane]
    history: RunHistory
    turns: Turns
    n_due: int
    journal: JournalWriter

    def is_closed(self) -> bool:
        """Whether nothing may be sent to any endpoint that there is work for."""
        return all(map(self.calls.gate.is_closed_for, self.lanes))


class Runner:
    """Sends what a plan and its journals leave to be sent."""

    def __init__(
        self,
        plan: Plan,
        data: DataFolder,
        keys: Mapping[str, str],
        options: Options,
        watcher: Watcher,
    ) -> None:
        """Nothing is sent yet.

        Args:
            plan: The frozen plan.
            data: The data folder.
            keys: The secrets of endpoints with trials left, by their variable.
            options: How this process carries the plan out.
            watcher: Told about progress.
        """
        self._plan = plan
        self._data = data
        self._keys = keys
        self._options = options
        self._watcher = watcher
        self._n_ended = 0
        self._n_late = 0
        self._mistakes: list[Exception] = []
        self._pacer: Pacer | None = None
        self._seeker: Seeker | None = None

    async def run(self, command: str) -> Ending:
        """Send until nothing is left or something stops it.

        Raises:
            DamagedJournal: What was sent before can't be known.
            StorageFailed: The journal could not be opened.
        """
        keep_room()
        run = self._data.run(self._plan.run_id)
        history = read_history(read_run(run))
        due = history.left(self._plan.trials)
        # Those to one endpoint still rest while those to another are used.
        allow_connections(self._options.concurrency * len(self._plan.endpoints))
        async with AsyncExitStack() as stack:
            journal = open_journal(run)
            stack.callback(journal.close)
            session = session_record(run.run_id, command, self._plan.version)
            await journal.append(session)
            calls = open_calls(
                data=self._data,
                options=self._options,
                prices=self._plan.prices,
                journal=journal,
                spent=history.ledger,
                stack=stack,
                # A schedule asks for instants: what is late says how it was kept.
                is_asked=not self._options.is_open,
            )
            self._listen(calls, stack)
            work = _Work(
                calls=calls,
                lanes=self._lanes(due, stack),
                history=history,
                turns=Turns(history, self._watcher.notice),
                n_due=len(due),
                journal=journal,
            )
            stack.enter_context(spared_collector())
            ending = await self._sent(work, due, stack)
            # Where the disk is full the journal ends without its last line.
            with suppress(StorageFailed):
                await journal.append(
                    *await calls.check.last_records(self._plan.endpoints),
                    end_record(ending.state, ending.stopped_by, ending.reason),
                )
        return ending

    async def _sent(
        self, work: _Work, due: tuple[PlannedTrial, ...], stack: AsyncExitStack
    ) -> Ending:
        """Send what is due, watched; why it is over."""
        ticking = asyncio.create_task(self._tick(work))
        stack.callback(ticking.cancel)
        found = await self._work(work, due)
        if self._mistakes:
            # The first says what to mend, the others only how many.
            raise self._mistakes[0]
        gate = work.calls.gate
        return Ending(stopped_by=gate.stopped_by, reason=gate.reason, found=found)

    def _lanes(
        self, due: tuple[PlannedTrial, ...], stack: AsyncExitStack
    ) -> dict[str, Lane]:
        return {
            endpoint.name: open_lane(
                endpoint,
                self._keys[endpoint.api_key_env],
                self._options.concurrency,
                stack,
                partial(content_of, self._data),
            )
            for endpoint in self._plan.endpoints_of(due)
        }

    def _listen(self, calls: Calls, stack: AsyncExitStack) -> None:
        """Ctrl-C once: finish what is in flight; twice: break it off."""

        def ends() -> None:
            calls.gate.close("user", "stopped by its user")
            self._watcher.notice(
                f"stopping: {calls.bracket.n_in_flight} requests in flight are "
                "finished, no more are sent; Ctrl-C again breaks them off"
            )

        listen(ends, calls.bracket.break_off, stack)

    async def _tick(self, work: _Work) -> None:
        """Who watches is told the time, also while no request ends."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tell(work, None)

    async def _work(self, work: _Work, due: tuple[PlannedTrial, ...]) -> "Found | None":
        """Begin what is due: by the schedule, or as slots become free."""
        self._tell(work, None)
        if isinstance(load := self._options.load, Closed):
            calls, begin = work.calls, partial(self._safely, work)
            waves = Waves(self._options, calls.gate, calls.check.watch, begin)
            await waves.send(pieces(due))
            return None
        gate, most = work.calls.gate, self._options.concurrency
        self._pacer = pacer = Pacer(gate, most, partial(self._paced, work))
        if self._options.goal is not None:
            return await self._seek(work, due, pacer, self._options.goal)
        offsets_s = due_offsets_s(load, self._plan.seed)
        await pacer.pace(iter(due), offsets_s, len(due), is_enough=work.is_closed)
        return None

    async def _seek(
        self, work: _Work, due: tuple[PlannedTrial, ...], pacer: Pacer, goal: Goal
    ) -> "Found":
        # It loads numpy, which nothing but a search needs before the end.
        from bench.seeking import Seeker  # noqa: PLC0415  as said

        async def record(stage: dict[str, Any]) -> None:
            # Where the disk is full the gate says so.
            with suppress(StorageFailed):
                await work.journal.append(stage)

        self._seeker = Seeker(
            self._options, goal, self._plan.seed, pacer, self._watcher.notice, record
        )
        return await self._seeker.seek(due, work.is_closed)

    async def _paced(self, work: _Work, planned: PlannedTrial, due_ns: int) -> None:
        await self._safely(work, (planned,), due_ns)

    async def _safely(
        self, work: _Work, piece: Piece, due_ns: int | None = None
    ) -> None:
        """Carry a piece out; what fails in it closes the way."""
        gate = work.calls.gate
        try:
            last: Attempt | None = None
            for planned in piece:
                if gate.is_closed_for(planned.trial.cell.endpoint):
                    break
                if (ready := work.turns.ready(planned, last)) is None:
                    break
                last = await self._carry_out(work, ready, due_ns)
        except StorageFailed as error:
            gate.close("storage", str(error))
        except Exception as error:  # noqa: BLE001  raised when all have ended
            # Our own mistake: what came already is recorded, no more is sent.
            gate.close("stall", f"{type(error).__name__}: {error}")
            self._mistakes.append(error)
            work.calls.bracket.break_off()

    async def _carry_out(
        self, work: _Work, planned: PlannedTrial, due_ns: int | None
    ) -> Attempt | None:
        def told(attempt: Attempt, is_over: bool) -> None:  # noqa: FBT001  as called
            if is_over:
                self._n_ended += 1
                self._n_late += (attempt.stamps.late_s or 0) > LATE_FROM_S
                if self._seeker is not None:
                    self._seeker.note(planned, attempt)
            self._tell(work, attempt)

        trial = planned.trial
        n_before = work.history.trials[trial.trial_id].n_attempts
        lane = work.lanes[trial.cell.endpoint]
        return await work.calls.carry_out(planned, lane, n_before, told, due_ns)

    def _tell(self, work: _Work, last: Attempt | None) -> None:
        if last is not None and "above_bound" in last.money.flags:
            self._watcher.notice(above_bound(last))
        bracket, pacer = work.calls.bracket, self._pacer
        self._watcher.progress(
            Standing(
                n_due=work.n_due,
                n_ended=self._n_ended,
                n_in_flight=bracket.n_in_flight,
                ledger=bracket.ledger,
                last=last,
                n_offered=pacer and pacer.n_offered(),
                n_begun=pacer.n_begun if pacer else 0,
                n_late=self._n_late,
            )
        )

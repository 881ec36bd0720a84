"""Runner: a plan carried out by a bounded number of workers."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from bench.attempt import Attempt
from bench.errors import StorageFailed
from bench.folder import DataFolder
from bench.journal import end_record, read_run, session_record
from bench.memory import keep_room, spared_collector
from bench.meter.calls import Calls, open_calls, open_journal
from bench.meter.lanes import Lane, open_lane
from bench.plan.frozen import Options, Plan, PlannedTrial
from bench.record import RunHistory, read_history
from bench.traffic.budget import Ledger
from bench.traffic.gate import Closed

TICK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is, for those who watch.

    Attributes:
        n_due: Trials that this process may send.
        n_ended: Trials among them whose attempts are over.
        ledger: Dollars of the whole run so far.
        last: The attempt that just ended, None when none did.
    """

    n_due: int
    n_ended: int
    n_in_flight: int
    ledger: Ledger
    last: Attempt | None


class Watcher(Protocol):
    """Who is told about a run under way; called in the loop, so be quick."""

    def progress(self, standing: Standing) -> None:
        """An attempt ended, or a second has passed."""
        ...

    def notice(self, sentence: str) -> None:
        """Something that a person should read now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why the sending is over; `stopped_by` None when nothing was left."""

    stopped_by: str | None
    reason: str | None

    @property
    def state(self) -> str:
        """The run's state in the words of the record."""
        if self.stopped_by is None:
            return "finished"
        return "interrupted" if self.stopped_by == "user" else "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What the workers of one process share."""

    calls: Calls
    lanes: Mapping[str, Lane]
    history: RunHistory
    n_due: int


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
        self._n_interrupts = 0
        self._n_ended = 0

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
            )
            self._listen(calls, stack)
            work = _Work(
                calls=calls,
                lanes=self._lanes(due, stack),
                history=history,
                n_due=len(due),
            )
            stack.enter_context(spared_collector())
            ticking = asyncio.create_task(self._tick(work))
            stack.callback(ticking.cancel)
            try:
                await self._work(work, due)
            except ExceptionGroup as mistakes:
                # Ours; the first says what to mend, the group only how many.
                raise mistakes.exceptions[0] from None
            ending = Ending(stopped_by=calls.gate.stopped_by, reason=calls.gate.reason)
            # Where the disk is full the journal ends without its last line.
            with suppress(StorageFailed):
                await journal.append(
                    end_record(ending.state, ending.stopped_by, ending.reason)
                )
        return ending

    def _lanes(
        self, due: tuple[PlannedTrial, ...], stack: AsyncExitStack
    ) -> dict[str, Lane]:
        return {
            endpoint.name: open_lane(
                endpoint,
                self._keys[endpoint.api_key_env],
                self._options.concurrency,
                stack,
            )
            for endpoint in self._plan.endpoints_of(due)
        }

    def _listen(self, calls: Calls, stack: AsyncExitStack) -> None:
        """Ctrl-C once: finish what is in flight; twice: break it off."""
        loop = asyncio.get_running_loop()

        def interrupted() -> None:
            self._n_interrupts += 1
            if self._n_interrupts == 1:
                calls.gate.close("user", "stopped by its user")
                self._watcher.notice(
                    f"stopping: {calls.bracket.n_in_flight} requests in flight are "
                    "finished, no more are sent; Ctrl-C again breaks them off"
                )
            else:
                calls.bracket.break_off()

        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under nohup a closed terminal is no wish to stop.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, interrupted)
            stack.callback(loop.remove_signal_handler, number)

    async def _tick(self, work: _Work) -> None:
        """Who watches is told the time, also while no request ends."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tell(work, None)

    async def _work(self, work: _Work, due: tuple[PlannedTrial, ...]) -> None:
        self._tell(work, None)
        gate = work.calls.gate
        size = self._options.wave or max(1, len(due))
        for start in range(0, len(due), size):
            wave = [
                planned
                for planned in due[start : start + size]
                if not gate.is_closed_for(planned.trial.cell.endpoint)
            ]
            if start and wave:
                with suppress(Closed):
                    await gate.wait_for(asyncio.sleep(self._options.wave_pause_s))
            await self._wave(work, wave)

    async def _wave(self, work: _Work, wave: list[PlannedTrial]) -> None:
        """Some trials, in their order, by as many workers as may be in flight."""
        queue = iter(wave)
        gate = work.calls.gate

        async def worker() -> None:
            for planned in queue:
                if gate.is_closed:
                    return
                if gate.is_closed_for(planned.trial.cell.endpoint):
                    continue
                try:
                    await self._carry_out(work, planned)
                except StorageFailed as error:
                    gate.close("storage", str(error))
                except Exception as error:
                    # Our own mistake: the others break off, and send no more.
                    gate.close("stall", f"{type(error).__name__}: {error}")
                    raise

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._options.concurrency, len(wave))):
                group.create_task(worker())

    async def _carry_out(self, work: _Work, planned: PlannedTrial) -> None:
        def told(attempt: Attempt, is_over: bool) -> None:  # noqa: FBT001  as called
            self._n_ended += is_over
            self._tell(work, attempt)

        trial = planned.trial
        n_before = work.history.trials[trial.trial_id].n_attempts
        lane = work.lanes[trial.cell.endpoint]
        await work.calls.carry_out(planned, lane, n_before, told)

    def _tell(self, work: _Work, last: Attempt | None) -> None:
        if last is not None and "above_bound" in last.money.flags:
            self._watcher.notice(
                f"{last.attempt_id} cost {last.money.charge_usd} USD, more than its "
                "upper bound; the cap can't be trusted for this model"
            )
        bracket = work.calls.bracket
        self._watcher.progress(
            Standing(
                n_due=work.n_due,
                n_ended=self._n_ended,
                n_in_flight=bracket.n_in_flight,
                ledger=bracket.ledger,
                last=last,
            )
        )

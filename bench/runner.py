"""Runner: a plan carried out by a bounded number of workers."""

import asyncio
import itertools
import random
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from bench.attempt import Attempt, Outcome
from bench.client import ImageClient
from bench.endpoint import Endpoint
from bench.errors import StorageFailed
from bench.folder import DataFolder, RunFolder
from bench.images.checker import PictureChecker
from bench.images.shelf import Keep
from bench.journal import JournalWriter, end_record, read_run, session_record
from bench.meter import Lane, Meter
from bench.plan.frozen import Options, Plan, PlannedTrial
from bench.record import RunHistory, read_history
from bench.traffic.budget import Budget, Ledger
from bench.traffic.gate import Closed, Gate
from bench.traffic.limiter import EndpointLimiter
from bench.traffic.retry import wait_s

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
        self._gate = Gate()
        self._n_interrupts = 0
        self._n_ended = 0
        # Jitter alone hangs on it.
        self._chance = random.Random()  # noqa: S311

    async def run(self, command: str) -> Ending:
        """Send until nothing is left or something stops it.

        Raises:
            DamagedJournal: What was sent before can't be known.
            StorageFailed: The journal could not be opened.
        """
        run = self._data.run(self._plan.run_id)
        history = read_history(read_run(run))
        due = history.left(self._plan.trials)
        async with AsyncExitStack() as stack:
            journal = _open_journal(run)
            stack.callback(journal.close)
            session = session_record(run.run_id, command, self._plan.version)
            await journal.append(session)
            endpoints = self._plan.endpoints_of(due)
            meter = await self._meter(endpoints, journal, history.ledger, stack)
            self._listen(meter, stack)
            ticking = asyncio.create_task(self._tick(meter, len(due)))
            stack.callback(ticking.cancel)
            try:
                await self._work(meter, due, history)
            except ExceptionGroup as mistakes:
                # Ours; the first says what to mend, the group only how many.
                raise mistakes.exceptions[0] from None
            ending = Ending(stopped_by=self._gate.stopped_by, reason=self._gate.reason)
            # Where the disk is full the journal ends without its last line.
            with suppress(StorageFailed):
                await journal.append(
                    end_record(ending.state, ending.stopped_by, ending.reason)
                )
        return ending

    async def _meter(
        self,
        endpoints: tuple[Endpoint, ...],
        journal: JournalWriter,
        spent: Ledger,
        stack: AsyncExitStack,
    ) -> Meter:
        lanes: dict[str, Lane] = {}
        for endpoint in endpoints:
            secret = self._keys[endpoint.api_key_env]
            n_at_once = min(
                self._options.concurrency,
                endpoint.limits.concurrency or self._options.concurrency,
            )
            client = ImageClient(endpoint, secret, n_at_once)
            stack.push_async_callback(client.close)
            lanes[endpoint.name] = Lane(
                client=client,
                limiter=EndpointLimiter(
                    endpoint.limits.requests_per_minute,
                    endpoint.limits.images_per_minute,
                ),
                turns=asyncio.Semaphore(n_at_once),
                secret=secret,
            )
        worker = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        checker = PictureChecker(worker)
        stack.push_async_callback(checker.close)
        return Meter(
            plan=self._plan,
            data=self._data,
            lanes=lanes,
            whole_run=EndpointLimiter(self._options.rate_rpm, None),
            budget=Budget(self._options.max_cost_usd, spent),
            journal=journal,
            checker=checker,
            gate=self._gate,
            keep=Keep(self._options.images),
            worker=worker,
        )

    def _listen(self, meter: Meter, stack: AsyncExitStack) -> None:
        """Ctrl-C once: finish what is in flight; twice: break it off."""
        loop = asyncio.get_running_loop()

        def interrupted() -> None:
            self._n_interrupts += 1
            if self._n_interrupts == 1:
                self._gate.close("user", "stopped by its user")
                self._watcher.notice(
                    f"stopping: {meter.n_in_flight} requests in flight are finished, "
                    "no more are sent; Ctrl-C again breaks them off"
                )
            else:
                meter.break_off()

        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under nohup a closed terminal is no wish to stop.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, interrupted)
            stack.callback(loop.remove_signal_handler, number)

    async def _tick(self, meter: Meter, n_due: int) -> None:
        """Who watches is told the time, also while no request ends."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tell(meter, n_due, None)

    async def _work(
        self, meter: Meter, due: tuple[PlannedTrial, ...], history: RunHistory
    ) -> None:
        self._tell(meter, len(due), None)
        size = self._options.wave or max(1, len(due))
        for start in range(0, len(due), size):
            wave = [
                planned
                for planned in due[start : start + size]
                if not self._gate.is_closed_for(planned.trial.cell.endpoint)
            ]
            if start and wave:
                with suppress(Closed):
                    pause = asyncio.sleep(self._options.wave_pause_s)
                    await self._gate.wait_for(pause)
            await self._wave(meter, wave, len(due), history)

    async def _wave(
        self, meter: Meter, wave: list[PlannedTrial], n_due: int, history: RunHistory
    ) -> None:
        """Some trials, in their order, by as many workers as may be in flight."""
        queue = iter(wave)

        async def worker() -> None:
            for planned in queue:
                if self._gate.is_closed:
                    return
                if self._gate.is_closed_for(planned.trial.cell.endpoint):
                    continue
                n_before = history.trials[planned.trial.trial_id].n_attempts
                try:
                    await self._carry_out(meter, planned, n_before, n_due)
                except StorageFailed as error:
                    self._gate.close("storage", str(error))
                except Exception as error:
                    # Our own mistake: the others break off, and send no more.
                    self._gate.close("stall", f"{type(error).__name__}: {error}")
                    raise

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._options.concurrency, len(wave))):
                group.create_task(worker())

    async def _carry_out(
        self, meter: Meter, planned: PlannedTrial, n_before: int, n_due: int
    ) -> None:
        """One trial: an attempt, and others only after a rate limit."""
        scheduled_ns = time.monotonic_ns()
        for number in itertools.count(1):
            attempt = await meter.attempt(planned, n_before + number, scheduled_ns)
            if attempt is None:
                return
            pause_s = None
            if attempt.outcome is Outcome.RATE_LIMITED:
                pause_s = wait_s(number, attempt.retry_after_s, self._chance)
            self._n_ended += pause_s is None
            self._tell(meter, n_due, attempt)
            if pause_s is None:
                return
            try:
                await self._gate.wait_for(asyncio.sleep(pause_s), attempt.endpoint)
            except Closed:
                return

    def _tell(self, meter: Meter, n_due: int, last: Attempt | None) -> None:
        if last is not None and "above_bound" in last.money.flags:
            self._watcher.notice(
                f"{last.attempt_id} cost {last.money.charge_usd} USD, more than its "
                "upper bound; the cap can't be trusted for this model"
            )
        self._watcher.progress(
            Standing(
                n_due=n_due,
                n_ended=self._n_ended,
                n_in_flight=meter.n_in_flight,
                ledger=meter.ledger,
                last=last,
            )
        )


def _open_journal(run: RunFolder) -> JournalWriter:
    try:
        return JournalWriter(run)
    except OSError as error:
        raise StorageFailed(
            f"{run.journal}: no journal can be opened ({error.strerror}); "
            "nothing was sent"
        ) from None

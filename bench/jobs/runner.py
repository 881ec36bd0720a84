"""Runner: a plan carried out by jobs of the Batch API."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial

from bench.attempt import Attempt
from bench.client.jobs import JobClient
from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from bench.inputs.shelf import content_of
from bench.interrupts import listen
from bench.jobs.before import Before
from bench.jobs.collector import Collector
from bench.jobs.follower import Follower
from bench.jobs.job import Job, Step
from bench.jobs.parcels import Packer, grouped
from bench.jobs.settler import Settler
from bench.jobs.submitter import Refusal, Submitter, refusal_of
from bench.jobs.told import read_json
from bench.journal import JournalWriter, end_record, session_record
from bench.meter.calls import open_examiner, open_journal
from bench.meter.secret import without_key
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.options import Options
from bench.standing import Ending, Standing, Watcher, above_bound
from bench.traffic.budget import Budget
from bench.traffic.gate import Gate

TICK_S = 1.0
# What ends a run whatever becomes of its jobs.
_FIRST = frozenset({"storage", "credentials"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one process carries jobs out with."""

    clients: Mapping[str, JobClient]
    secrets: Mapping[str, str]
    budget: Budget
    gate: Gate
    submitter: Submitter
    follower: Follower


class JobRunner:
    """Makes jobs of what a plan leaves to be sent, waits for them, collects."""

    def __init__(
        self,
        plan: Plan,
        data: DataFolder,
        keys: Mapping[str, str],
        options: Options,
        watcher: Watcher,
    ) -> None:
        """Nothing is sent yet; the arguments are those of `bench.runner.Runner`."""
        self._plan = plan
        self._data = data
        self._keys = keys
        self._options = options
        self._watcher = watcher
        self._n_due = 0
        self._n_ended = 0
        self._refusals: list[Refusal] = []
        self._lists: dict[str, bool] = {}
        self._is_submitted = asyncio.Event()

    async def run(self, command: str) -> Ending:
        """Submit what is due, collect what ended; until all is, or it is stopped.

        Raises:
            DamagedJournal: What was sent before can't be known.
            StorageFailed: The journal could not be opened.
        """
        run = self._data.run(self._plan.run_id)
        before = Before.read(run, self._plan)
        async with AsyncExitStack() as stack:
            journal = open_journal(run)
            stack.callback(journal.close)
            session = session_record(run.run_id, command, self._plan.version)
            await journal.append({**session, "batch": True})
            work = self._open(before, journal, stack)
            sending = asyncio.ensure_future(self._work(work, before))
            leave = partial(work.follower.leave, "stopped by its user")
            listen(leave, sending.cancel, stack)
            ticking = asyncio.create_task(self._tick(work))
            stack.callback(ticking.cancel)
            with suppress(asyncio.CancelledError):
                await sending
            ending = self._ending(work)
            # Where the disk is full the journal ends without its last line.
            with suppress(StorageFailed):
                await journal.append(
                    end_record(ending.state, ending.stopped_by, ending.reason)
                )
        return ending

    def _open(
        self, before: Before, journal: JournalWriter, stack: AsyncExitStack
    ) -> _Work:
        options, notice = self._options, self._watcher.notice
        run = self._data.run(self._plan.run_id)
        keys = {e.name: self._keys[e.api_key_env] for e in before.endpoints}
        contents = partial(content_of, self._data)
        clients = {
            e.name: JobClient(e, keys[e.name], contents) for e in before.endpoints
        }
        for client in clients.values():
            stack.push_async_callback(client.close)
        gate = Gate()
        budget = Budget(options.max_cost_usd, before.ledger())
        settler = Settler(
            plan=self._plan,
            trials=before.trials,
            secrets=keys,
            journal=journal,
            budget=budget,
            gate=gate,
            examiner=open_examiner(self._data, options, stack),
            told=lambda attempt: self._tell(work, attempt),
            submitted_ns={},
        )
        collector = Collector(run.path, settler, options.look_every_s, notice)
        work = _Work(
            clients=clients,
            secrets=keys,
            budget=budget,
            gate=gate,
            submitter=Submitter(
                run.run_id, settler, options.look_every_s, notice, before.settled
            ),
            follower=Follower(collector, journal, options, before.settled),
        )
        return work

    async def _work(self, work: _Work, before: Before) -> None:
        """Take up what is open, submit what is due, and follow all of it."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(self._wait(work))
            async with asyncio.TaskGroup() as jobs:
                await self._safely(work, self._begin(work, before, jobs))
                self._is_submitted.set()
            waiting.cancel()

    async def _begin(
        self, work: _Work, before: Before, jobs: asyncio.TaskGroup
    ) -> None:
        due = await self._taken_up(work, before, jobs)
        due = () if self._options.cancel else due
        self._n_due = len(due) + work.follower.n_open()
        self._tell(work, None)
        await self._submit(work, before, due, jobs)

    async def _taken_up(
        self, work: _Work, before: Before, jobs: asyncio.TaskGroup
    ) -> tuple[PlannedTrial, ...]:
        """Follow the jobs of earlier processes; the trials that are still to send."""
        free = {planned.trial.trial_id for planned in before.left}
        for job in before.jobs:
            taken, refusal = job, None
            if job.batch_id is None:
                client = work.clients[job.endpoint]
                taken, refusal = await work.submitter.take_up(client, job)
            work.follower.know(taken)
            if refusal is not None:
                self._refuse(work, job.endpoint, refusal)
            elif taken.step is Step.NOT_SUBMITTED:
                free |= {name.rpartition(".")[0] for name in job.attempt_ids}
            else:
                jobs.create_task(self._safely(work, self._follow(work, taken)))
        return tuple(p for p in before.trials.values() if p.trial.trial_id in free)

    async def _submit(
        self,
        work: _Work,
        before: Before,
        due: tuple[PlannedTrial, ...],
        jobs: asyncio.TaskGroup,
    ) -> None:
        """Make jobs of what is due, as far as the cap and the endpoints let us."""
        packer = Packer(work.budget, work.gate, before.n_attempts, self._is_submitted)
        for (endpoint, *_), trials in grouped(due).items():
            client = work.clients[endpoint]
            if not await self._may_submit(work, endpoint):
                continue
            async with aclosing(packer.parcels(client, trials)) as parcels:
                async for parcel in parcels:
                    if not await self._may_submit(work, endpoint):
                        await packer.give_back(parcel)
                        break
                    job, refusal = await work.submitter.submit(client, parcel)
                    work.follower.know(job)
                    if refusal is not None:
                        self._refuse(work, endpoint, refusal)
                    if job.batch_id is not None:
                        jobs.create_task(self._safely(work, self._follow(work, job)))

    async def _may_submit(self, work: _Work, endpoint: str) -> bool:
        """Whether another job may be made; an endpoint is asked once if it has any.

        One that can't list its jobs could not be asked for a lost one.
        """
        if work.follower.has_left or work.gate.is_closed_for(endpoint):
            return False
        if endpoint not in self._lists:
            answer = await work.submitter.again(work.clients[endpoint].page)
            self._lists[endpoint] = isinstance(read_json(answer).get("data"), list)
            if not self._lists[endpoint]:
                refusal = refusal_of(endpoint, answer, "GET /batches")
                self._refuse(work, endpoint, refusal)
        return self._lists[endpoint]

    async def _follow(self, work: _Work, job: Job) -> None:
        refusal = await work.follower.follow(work.clients[job.endpoint], job)
        if refusal is not None:
            self._refuse(work, job.endpoint, refusal)

    def _refuse(self, work: _Work, endpoint: str, refusal: Refusal) -> None:
        """No more jobs for an endpoint; those at others go on."""
        reason = without_key(refusal.reason, work.secrets[endpoint])
        refusal = replace(refusal, reason=reason)
        self._lists[endpoint] = False
        if self._refusals or work.gate.is_closed:
            self._watcher.notice(refusal.reason)
        self._refusals.append(refusal)

    async def _safely(self, work: _Work, doing: Awaitable[None]) -> None:
        """Do something; what can't be kept ends the waiting."""
        try:
            await doing
        except* (StorageFailed, BadInput) as errors:
            first = str(_first(errors))
            stopped_by = "storage" if errors.subgroup(StorageFailed) else "stall"
            work.gate.close(stopped_by, first)
            work.follower.leave(first)

    async def _wait(self, work: _Work) -> None:
        """Leave when the patience of this process is over."""
        wait_s = self._options.wait_s
        if wait_s is None:
            return
        begun = time.monotonic()
        await self._is_submitted.wait()
        await asyncio.sleep(wait_s - (time.monotonic() - begun))
        work.follower.leave(f"--wait {wait_s:g} is over")

    def _ending(self, work: _Work) -> Ending:
        gate, follower = work.gate, work.follower
        n_jobs, refusals = len(follower.open_jobs), self._refusals
        if gate.stopped_by in _FIRST:
            return Ending(stopped_by=gate.stopped_by, reason=gate.reason)
        if follower.why_left is not None and (n_jobs or not refusals):
            jobs = "1 job goes" if n_jobs == 1 else f"{n_jobs} jobs go"
            on = f"; {jobs} on at the endpoint, to be collected later"
            reason = f"{follower.why_left}{on if n_jobs else ''}"
            return Ending(stopped_by="user", reason=reason)
        if gate.stopped_by is None and refusals:
            first = refusals[0]
            return Ending(stopped_by=first.stopped_by, reason=first.reason)
        if self._options.cancel and gate.stopped_by is None:
            return Ending(stopped_by="user", reason="its jobs were to be cancelled")
        return Ending(stopped_by=gate.stopped_by, reason=gate.reason)

    async def _tick(self, work: _Work) -> None:
        """Who watches is told the time, also while no job ends."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tell(work, None)

    def _tell(self, work: _Work, last: Attempt | None) -> None:
        if last is not None:
            self._n_ended += 1
            if "above_bound" in last.money.flags:
                self._watcher.notice(above_bound(last))
        self._watcher.progress(
            Standing(
                n_due=self._n_due,
                n_ended=self._n_ended,
                n_in_flight=work.follower.n_open(),
                ledger=work.budget.ledger,
                last=last,
                jobs=work.follower.standings(),
            )
        )


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    """The first error of a group, however deep it lies."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

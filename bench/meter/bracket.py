"""Bracket: one attempt, from its turn in the queue to its outcome."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from bench.attempt import Attempt, Trial
from bench.client.exchange import Exchange
from bench.client.understood import cancelled
from bench.crashpoint import passed
from bench.errors import StorageFailed
from bench.journal import JournalWriter, now_utc
from bench.meter.examiner import Examiner
from bench.meter.lanes import Lane
from bench.meter.moment import Moment
from bench.meter.secret import without_secret
from bench.plan.frozen import PlannedTrial
from bench.plan.prices import PricedModel, priced_of
from bench.record import intent_record, outcome_record
from bench.selfcheck.check import SelfCheck
from bench.settle import Sending, settle
from bench.traffic.budget import Budget, Ledger
from bench.traffic.gate import Closed, Gate
from bench.traffic.held import Held
from bench.traffic.limiter import EndpointLimiter
from bench.transport.stamps import RequestStamps
from bench.wire.reading import Reading


class Bracket:
    """Carries out attempts: limits, budget, intent, request, outcome."""

    def __init__(  # noqa: PLR0913  the rooms that one call passes
        self,
        *,
        prices: Mapping[tuple[str, str], PricedModel],
        whole_run: EndpointLimiter,
        budget: Budget,
        journal: JournalWriter,
        gate: Gate,
        examiner: Examiner,
        check: SelfCheck,
        preamble: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
    ) -> None:
        """Nothing is sent yet.

        `preamble` gives what is to be durable before the next intent.
        `prices` are looked up by endpoint and model when an attempt settles.
        """
        self._prices = prices
        self._whole_run = whole_run
        self._budget = budget
        self._journal = journal
        self._gate = gate
        self._examiner = examiner
        self._check = check
        self._watch = check.watch
        self._moment = Moment()
        self._preamble = preamble
        self._held = Held()
        self._calls: dict[str, asyncio.Future[Exchange]] = {}
        self._waits: dict[str, asyncio.Future[Any]] = {}
        self._given_up: set[str] = set()

    @property
    def n_in_flight(self) -> int:
        """Attempts from their intent to their outcome."""
        return self._watch.n_in_flight

    @property
    def ledger(self) -> Ledger:
        """Dollars of the run so far."""
        return self._budget.ledger

    def break_off(self) -> None:
        """Give up the requests in flight; each is recorded as cancelled."""
        for call in tuple(self._calls.values()):
            call.cancel()

    def give_up(self, trial_id: str) -> None:
        """Break off what is in flight for a trial, and send no more for it."""
        self._given_up.add(trial_id)
        for held in (self._calls, self._waits):
            if trial_id in held:
                held[trial_id].cancel()

    async def wait(
        self, trial: Trial, waiting: Callable[[], Awaitable[object]]
    ) -> None:
        """Wait, with nothing reserved, before a request of a trial leaves.

        Raises:
            Closed: The way closed, or the trial was given up.
        """
        if trial.trial_id in self._given_up:
            raise Closed
        way = asyncio.ensure_future(self._gate.wait_for(waiting(), trial.cell.endpoint))
        self._waits[trial.trial_id] = way
        try:
            await way
        except asyncio.CancelledError:
            if trial.trial_id in self._given_up:
                raise Closed from None
            raise
        finally:
            del self._waits[trial.trial_id]

    async def attempt(
        self,
        planned: PlannedTrial,
        lane: Lane,
        attempt_no: int,
        scheduled_ns: int,
        behind_ns: int | None = None,
    ) -> Attempt | None:
        """Make one attempt; None when the way closed before it left.

        Args:
            planned: Its trial.
            lane: The way to its endpoint.
            attempt_no: From 1 within the trial.
            scheduled_ns: When the trial was due.
            behind_ns: How late it came from its schedule; None without one.

        Raises:
            StorageFailed: The attempt's end could not be recorded.
        """
        trial = planned.trial
        endpoint = trial.cell.endpoint
        # What is late waited since it was due, but for its retries.
        is_due = behind_ns is not None and attempt_no == 1
        waiting_ns = scheduled_ns if is_due else time.monotonic_ns()
        if self._is_off(planned):
            return None
        try:
            held_ns = await self._wait_for_room(trial)
            # What need not wait costs no task: each takes processor time.
            if lane.turns.locked():
                await self._gate.wait_for(lane.turns.acquire(), endpoint)
            else:
                await lane.turns.acquire()
        except Closed:
            return None
        try:
            if not await self._may_leave(planned, lane):
                return None
            sending = Sending(
                planned=planned,
                attempt_id=f"{trial.trial_id}.{attempt_no}",
                attempt_no=attempt_no,
                scheduled_ns=scheduled_ns,
                waiting_ns=waiting_ns,
                started_at=now_utc(),
                ready_ns=time.monotonic_ns(),
                behind_ns=None if behind_ns is None else behind_ns + held_ns,
            )
            return await self._bracket(sending, lane)
        finally:
            lane.turns.release()

    def _is_off(self, planned: PlannedTrial) -> bool:
        """Whether a request must not leave any more."""
        trial = planned.trial
        is_given_up = trial.trial_id in self._given_up
        return is_given_up or self._gate.is_closed_for(trial.cell.endpoint)

    async def _wait_for_room(self, trial: Trial) -> int:
        """Nanoseconds that earlier answers, not yet recorded, held a request up.

        Raises:
            Closed: The way closed meanwhile, or the trial was given up.
        """
        if not self._held.is_full:
            return 0
        since_ns = time.monotonic_ns()
        await self.wait(trial, self._held.room)
        return time.monotonic_ns() - since_ns

    async def _may_leave(self, planned: PlannedTrial, lane: Lane) -> bool:
        """Wait for the limits and reserve the bound; False when closed."""
        n_images, endpoint = planned.trial.cell.n, planned.trial.cell.endpoint
        try:
            for limiter in (self._whole_run, lane.limiter):
                if not limiter.is_open:
                    take = partial(limiter.take, n_images)
                    await self.wait(planned.trial, take)
            has_room = self._budget.reserve_at_once(
                planned.bound_usd
            ) or await self._gate.wait_for(
                self._budget.reserve(planned.bound_usd), endpoint
            )
        except Closed:
            return False
        if not has_room:
            self._gate.close(
                "budget",
                f"the next request may cost up to {planned.bound_usd} USD, "
                "which --max-cost leaves no room for",
            )
            return False
        if self._is_off(planned):
            await self._budget.settle(planned.bound_usd, Decimal(0), Decimal(0))
            return False
        passed("reserved")
        return True

    async def _bracket(self, sending: Sending, lane: Lane) -> Attempt:
        """Intent, request, outcome, settlement; the reservation always ends."""
        bound_usd = sending.planned.bound_usd
        charge_usd, possibly_usd = Decimal(0), bound_usd
        self._watch.begun()
        try:
            try:
                await self._journal.append(*self._preamble(), intent_record(sending))
            except StorageFailed as error:
                self._gate.close("storage", str(error))
                possibly_usd = Decimal(0)
                raise
            passed("intent_durable")
            attempt, reading = await self._request(sending, lane)
            await self._journal_outcome(attempt, lane.spare_s)
            passed("outcome_durable")
            charge_usd = attempt.money.charge_usd or Decimal(0)
            possibly_usd = attempt.money.possibly_billed_usd
        finally:
            self._watch.over()
            await self._budget.settle(bound_usd, charge_usd, possibly_usd)
        passed("settled")
        if reading.stops and lane.closes:
            self._close_lane(attempt, reading)
        return attempt

    async def _request(self, sending: Sending, lane: Lane) -> tuple[Attempt, Reading]:
        priced = priced_of(self._prices, sending.planned.trial.cell)
        stamps = RequestStamps(started_ns=time.monotonic_ns())
        answer = await self._ask(sending, lane, stamps)
        if answer is None:
            reading = cancelled(stamps)
            nothing = Exchange(stamps=stamps)
            return settle(sending, nothing, reading, (), priced), reading
        passed("answered")
        wants_contents = lane.take is not None
        with self._held.holding(len(answer.body or b"")):
            if lane.spare_s:
                await self._moment.over(lane.spare_s)
            examining = self._examiner.examine(answer, wants_contents=wants_contents)
            answer = replace(answer, body=None)
            seen = await examining
        passed("pictures_durable")
        if seen.not_kept:
            # The picture is paid: its attempt is recorded, the next not sent.
            self._gate.close("storage", seen.not_kept)
        if lane.take is not None:
            for picture, content in zip(seen.pictures, seen.contents, strict=True):
                lane.take(picture, content)
        attempt = settle(sending, answer, seen.reading, seen.pictures, priced)
        return without_secret(attempt, lane.secret), seen.reading

    async def _ask(
        self, sending: Sending, lane: Lane, stamps: RequestStamps
    ) -> Exchange | None:
        """Send the one request; None when it was broken off or stayed here."""
        trial = sending.planned.trial
        if self._is_off(sending.planned):
            # Closed while the intent was made durable.
            return None
        call = asyncio.ensure_future(lane.send(trial, sending.attempt_id, stamps))
        self._calls[trial.trial_id] = call
        self._watch.sent()
        try:
            answer = await call
        except asyncio.CancelledError:
            return None
        finally:
            del self._calls[trial.trial_id]
            self._watch.answered()
        self._check.witness.saw(
            trial.cell.endpoint, sending.attempt_id, stamps.sent_ns, answer.headers
        )
        return answer

    async def _journal_outcome(self, attempt: Attempt, within_s: float) -> None:
        try:
            await self._journal.append(outcome_record(attempt), within_s=within_s)
        except StorageFailed as error:
            self._gate.close("storage", str(error))
            raise

    def _close_lane(self, attempt: Attempt, reading: Reading) -> None:
        said = attempt.error_message or f"HTTP {attempt.http_status}"
        self._gate.close(
            reading.stops or "quota",
            f"endpoint {attempt.endpoint} answered {attempt.http_status}: {said}",
            attempt.endpoint,
        )

"""Calls: attempts of a trial, one after the other, until the last."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.aside import Aside
from bench.attempt import Attempt, Outcome
from bench.errors import StorageFailed
from bench.folder import DataFolder, RunFolder
from bench.images.pool import CheckerPool
from bench.images.shelf import Keep
from bench.journal import LATER_S, JournalWriter
from bench.meter.bracket import Bracket
from bench.meter.examiner import Examiner
from bench.meter.lanes import Lane
from bench.plan.frozen import PlannedTrial
from bench.plan.options import Options
from bench.plan.prices import PricedModel
from bench.selfcheck.check import SelfCheck
from bench.traffic.budget import Budget, Ledger
from bench.traffic.gate import Closed, Gate
from bench.traffic.limiter import EndpointLimiter
from bench.traffic.retry import wait_s

_N_SHELF_THREADS = 4
# Told after each attempt, and whether its trial is over with it.
Told = Callable[[Attempt, bool], None]


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes calls: the harness and the library alike."""

    bracket: Bracket
    gate: Gate
    check: SelfCheck
    chance: random.Random

    async def carry_out(
        self,
        planned: PlannedTrial,
        lane: Lane,
        n_before: int,
        told: Told,
        due_ns: int | None = None,
    ) -> Attempt | None:
        """One trial: an attempt, and others only after a rate limit.

        Args:
            planned: The trial.
            lane: The way to its endpoint.
            n_before: Attempts that earlier processes made.
            told: Is told each attempt.
            due_ns: When its schedule wants it; None is now.

        Returns:
            The last attempt; None when the way closed before the first left.

        Raises:
            StorageFailed: An attempt's end could not be recorded.
        """
        now_ns = time.monotonic_ns()
        scheduled_ns = now_ns if due_ns is None else due_ns
        behind_ns = None if due_ns is None else max(0, now_ns - due_ns)
        last: Attempt | None = None
        for number in itertools.count(1):
            attempt = await self.bracket.attempt(
                planned, lane, n_before + number, scheduled_ns, behind_ns
            )
            if attempt is None:
                break
            last, pause_s = attempt, None
            if attempt.outcome is Outcome.RATE_LIMITED:
                pause_s = wait_s(number, attempt.retry_after_s, self.chance)
            told(attempt, pause_s is None)
            if pause_s is None:
                break
            try:
                pause = partial(asyncio.sleep, pause_s)
                await self.bracket.wait(planned.trial, pause)
            except Closed:
                break
        return last


def open_calls(  # noqa: PLR0913  what a run is made of
    *,
    data: DataFolder,
    options: Options,
    prices: Mapping[tuple[str, str], PricedModel],
    journal: JournalWriter,
    spent: Ledger,
    stack: AsyncExitStack,
    is_asked: bool = True,
    preamble: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
) -> Calls:
    """What all calls of a run share; it closes with the stack.

    Args:
        data: Where pictures are kept.
        options: The cap, the rate over all endpoints, what stays of pictures.
        prices: By endpoint and model; may grow while calls are made.
        journal: Where attempts are recorded.
        spent: Dollars of the run before this process.
        stack: Closes what is opened here.
        is_asked: Whether `options` ask for a number of requests in flight.
        preamble: Records that are to be durable before the next intent.
    """
    examiner = open_examiner(data, options, stack)
    gate = Gate()
    check = SelfCheck(partial(journal.append, within_s=LATER_S), is_asked=is_asked)
    stack.callback(check.watch.stop)
    bracket = Bracket(
        prices=prices,
        whole_run=EndpointLimiter(options.rate_rpm, None),
        budget=Budget(options.max_cost_usd, spent),
        journal=journal,
        gate=gate,
        examiner=examiner,
        check=check,
        preamble=preamble,
    )
    # Jitter alone hangs on it.
    chance = random.Random()  # noqa: S311
    return Calls(bracket=bracket, gate=gate, check=check, chance=chance)


def open_examiner(
    data: DataFolder, options: Options, stack: AsyncExitStack
) -> Examiner:
    """What opens the answers of a run; it closes with the stack."""
    # One thread: each has a heap of its own, which large answers fill.
    aside = Aside("answers")
    stack.callback(aside.close)
    # Each waits for the disk; together they share its syncs.
    shelf = Aside("shelf", _N_SHELF_THREADS)
    stack.callback(shelf.close)
    checkers = CheckerPool(aside)
    stack.push_async_callback(checkers.close)
    return Examiner(data, Keep(options.images), checkers, aside, shelf)


def open_journal(run: RunFolder) -> JournalWriter:
    """A new journal of a run.

    Raises:
        StorageFailed: It can't be written; nothing was sent.
    """
    try:
        return JournalWriter(run)
    except OSError as error:
        raise StorageFailed(
            f"{run.journal}: no journal can be opened ({error.strerror}); "
            "nothing was sent"
        ) from None

"""Budget: charge + possibly billed + reserved never pass the cap."""

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.traffic.budget import Budget, Ledger

CENTS = st.integers(0, 40).map(lambda cents: Decimal(cents) / 100)
REQUESTS = st.lists(
    st.tuples(CENTS, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=25
)


def _budget(cap: str | None, **spent: str) -> Budget:
    ledger = Ledger(**{name: Decimal(usd) for name, usd in spent.items()})
    return Budget(None if cap is None else Decimal(cap), ledger)


async def _turns(n_turns: int) -> None:
    for _ in range(n_turns):
        await asyncio.sleep(0)


@given(REQUESTS, CENTS, CENTS, st.tuples(st.integers(1, 6), st.integers(0, 2**32)))
@settings(deadline=None)
def test_the_cap_holds_at_every_instant_under_any_interleaving(
    requests: list[tuple[Decimal, float, float]],
    cap: Decimal,
    before: Decimal,
    moment: tuple[int, int],
) -> None:
    n_workers, seed = moment
    chance = random.Random(seed)
    before = min(before, cap)
    budget = Budget(cap, Ledger(charge_usd=before))
    queue = iter(requests)
    refused: list[Decimal] = []

    async def worker() -> None:
        for bound, charged_share, possibly_share in queue:
            await _turns(chance.randrange(4))
            if not await budget.reserve(bound):
                refused.append(bound)
                return
            assert budget.ledger.committed_usd <= cap
            await _turns(chance.randrange(4))
            charge = bound * Decimal(charged_share)
            possibly = (bound - charge) * Decimal(possibly_share)
            await budget.settle(bound, charge, possibly)
            assert budget.ledger.committed_usd <= cap

    async def go() -> None:
        workers = [worker() for _ in range(n_workers)]
        await asyncio.wait_for(asyncio.gather(*workers), 30)

    asyncio.run(go())
    assert budget.ledger.reserved_usd == 0
    assert budget.is_exhausted is bool(refused)
    # The cap is used up as far as the bounds of what was left allow.
    is_used_up = budget.ledger.committed_usd + max(refused, default=Decimal(0)) > cap
    assert is_used_up is bool(refused)
    assert refused or next(queue, None) is None


def test_a_request_that_just_fits_is_let_through() -> None:
    async def go() -> None:
        budget = _budget("0.30", charge_usd="0.05", possibly_billed_usd="0.05")
        assert await budget.reserve(Decimal("0.20"))
        assert budget.ledger.committed_usd == Decimal("0.30")

    asyncio.run(go())


def test_one_that_is_a_hair_too_dear_is_refused_and_all_after_it() -> None:
    async def go() -> None:
        budget = _budget("0.30")
        assert not await budget.reserve(Decimal("0.300000000001"))
        assert budget.is_exhausted
        assert not await budget.reserve(Decimal("0.01"))
        assert budget.ledger.committed_usd == 0

    asyncio.run(go())


@pytest.mark.parametrize(
    ("charge", "possibly", "has_room"),
    [("0.01", "0", True), ("0", "0", True), ("0.10", "0", False), ("0", "0.10", False)],
)
def test_a_request_waits_for_an_open_reservation_before_it_gives_up(
    charge: str, possibly: str, *, has_room: bool
) -> None:
    async def go() -> None:
        budget, bound = _budget("0.15"), Decimal("0.10")
        assert await budget.reserve(bound)
        waiting = asyncio.ensure_future(budget.reserve(bound))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        await budget.settle(bound, Decimal(charge), Decimal(possibly))
        assert await waiting is has_room
        assert budget.is_exhausted is not has_room

    asyncio.run(go())


def test_all_who_wait_are_let_go_when_the_last_reservation_settles() -> None:
    async def go() -> None:
        budget, bound = _budget("0.10"), Decimal("0.10")
        assert await budget.reserve(bound)
        waiting = [asyncio.ensure_future(budget.reserve(bound)) for _ in range(5)]
        await asyncio.sleep(0)
        await budget.settle(bound, bound, Decimal(0))
        assert await asyncio.wait_for(asyncio.gather(*waiting), 30) == [False] * 5

    asyncio.run(go())


def test_one_who_stops_waiting_leaves_no_reservation() -> None:
    async def go() -> None:
        budget, bound = _budget("0.10"), Decimal("0.10")
        assert await budget.reserve(bound)
        waiting = asyncio.ensure_future(budget.reserve(bound))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await budget.settle(bound, Decimal(0), Decimal(0))
        assert budget.ledger.committed_usd == 0
        assert await budget.reserve(bound)

    asyncio.run(go())


def test_without_a_cap_there_is_always_room() -> None:
    async def go() -> None:
        budget = _budget(None)
        for _ in range(3):
            assert await budget.reserve(Decimal(10**6))
        assert budget.ledger.reserved_usd == 3 * 10**6

    asyncio.run(go())


def test_a_run_that_earlier_processes_used_up_sends_nothing() -> None:
    async def go() -> None:
        budget = _budget("1", charge_usd="0.7", possibly_billed_usd="0.4")
        assert not await budget.reserve(Decimal(0))
        assert budget.is_exhausted

    asyncio.run(go())

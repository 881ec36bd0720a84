"""Limiter, retry, gate: when a request may leave, and when none may."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.traffic.gate import Closed, Gate
from bench.traffic.limiter import WINDOW_S, EndpointLimiter, SlidingWindow
from bench.traffic.retry import LONGEST_ASKED_S, MOST_ATTEMPTS, wait_s


class Clock:
    """Virtual time: sleeping moves it, nothing else does."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.n_sleeps = 0

    def read(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.n_sleeps += 1
        assert self.n_sleeps < 1_000, "the limiter spins"
        self.now_s += seconds
        await asyncio.sleep(0)


ARRIVALS = st.lists(
    st.tuples(st.floats(0, 90), st.integers(1, 12)), min_size=1, max_size=40
)


@given(ARRIVALS, st.integers(1, 8), st.floats(0, 1e7))
@settings(deadline=None)
def test_no_window_of_60_seconds_holds_more_than_the_limit(
    arrivals: list[tuple[float, int]], limit: int, start_s: float
) -> None:
    clock = Clock(start_s)
    window = SlidingWindow(limit, clock.read, clock.sleep)
    taken: list[tuple[float, int]] = []

    async def go() -> None:
        for pause_s, units in arrivals:
            clock.now_s += pause_s
            await window.take(units)
            taken.append((clock.now_s, min(units, limit)))

    asyncio.run(go())
    for begin_s, _ in taken:
        inside = [u for at, u in taken if begin_s <= at < begin_s + WINDOW_S]
        assert sum(inside) <= limit


@given(st.integers(1, 5), st.integers(1, 30))
@settings(deadline=None)
def test_turns_come_in_order_and_none_waits_longer_than_it_must(
    limit: int, n_requests: int
) -> None:
    clock = Clock(0.0)
    window = SlidingWindow(limit, clock.read, clock.sleep)
    order: list[int] = []

    async def one(number: int) -> None:
        await window.take(1)
        order.append(number)

    async def go() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(n_requests):
                group.create_task(one(number))

    asyncio.run(go())
    assert order == list(range(n_requests))
    assert clock.now_s == ((n_requests - 1) // limit) * WINDOW_S


def test_one_who_stops_waiting_takes_nothing_and_blocks_nobody() -> None:
    clock = Clock(0.0)
    asleep = asyncio.Event()

    async def forever(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async def go() -> None:
        window = SlidingWindow(1, clock.read, forever)
        await window.take(1)
        waiting = asyncio.ensure_future(window.take(1))
        await asleep.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        clock.now_s = WINDOW_S
        await asyncio.wait_for(window.take(1), 30)

    asyncio.run(go())


def test_an_endpoint_without_limits_lets_everything_through() -> None:
    async def go() -> None:
        limiter = EndpointLimiter(None, None)
        for _ in range(1000):
            await limiter.take(10)

    asyncio.run(go())


@pytest.mark.parametrize(("requests", "images"), [(2, None), (None, 6), (2, 6), (9, 6)])
def test_an_endpoint_holds_back_by_requests_and_by_images(
    requests: int | None, images: int | None
) -> None:
    async def go() -> None:
        limiter = EndpointLimiter(requests, images)
        await limiter.take(3)
        await limiter.take(3)
        third = asyncio.ensure_future(limiter.take(3))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not third.done()
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)

    asyncio.run(go())


CHANCE = random.Random(1)


@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0.001, LONGEST_ASKED_S))
def test_a_wait_is_never_shorter_than_asked(attempt_no: int, asked_s: float) -> None:
    waited_s = wait_s(attempt_no, asked_s, CHANCE)
    assert waited_s is not None
    assert asked_s <= waited_s <= asked_s + 10


@pytest.mark.parametrize("asked_s", [None, 0.0])
def test_without_a_wish_the_wait_doubles_with_jitter(asked_s: float | None) -> None:
    for attempt_no, longest_s in ((1, 1.0), (2, 2.0)):
        waits = [wait_s(attempt_no, asked_s, CHANCE) for _ in range(200)]
        known = [wait for wait in waits if wait is not None]
        assert len(known) == 200
        assert longest_s / 2 <= min(known) < max(known) <= longest_s
        assert len(set(known)) > 100


@pytest.mark.parametrize(
    ("attempt_no", "asked_s"),
    [(MOST_ATTEMPTS, None), (MOST_ATTEMPTS, 1.0), (99, None), (1, 300.1), (1, 1e300)],
)
def test_the_last_attempt_and_a_wish_too_long_are_given_up(
    attempt_no: int, asked_s: float | None
) -> None:
    assert wait_s(attempt_no, asked_s, CHANCE) is None


@pytest.mark.parametrize(
    ("closings", "all_closed", "closed", "stopped_by"),
    [
        ([], False, set[str](), None),
        ([("quota", "a")], False, {"a"}, "quota"),
        ([("credentials", "a"), ("quota", "b")], False, {"a", "b"}, "credentials"),
        ([("budget", "a")], True, {"a", "b", "c"}, "budget"),
        ([("storage", None)], True, {"a", "b", "c"}, "storage"),
        ([("user", None), ("quota", "a")], True, {"a", "b", "c"}, "user"),
        ([("quota", "a"), ("user", None)], True, {"a", "b", "c"}, "user"),
        ([("budget", "a"), ("user", None)], True, {"a", "b", "c"}, "budget"),
        ([("stall", "b")], True, {"a", "b", "c"}, "stall"),
    ],
)
def test_a_gate_closes_for_one_endpoint_or_for_all_and_says_why(
    closings: list[tuple[str, str | None]],
    closed: set[str],
    stopped_by: str | None,
    *,
    all_closed: bool,
) -> None:
    gate = Gate()
    for word, endpoint in closings:
        gate.close(word, f"because of {word}", endpoint)
    assert gate.is_closed is all_closed
    assert {name for name in "abc" if gate.is_closed_for(name)} == closed
    assert gate.stopped_by == stopped_by
    assert gate.reason == (stopped_by and f"because of {stopped_by}")


def test_waiting_ends_when_the_gate_closes_for_all() -> None:
    async def go() -> None:
        gate, given_up = Gate(), asyncio.Event()

        async def long() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

        waiting = asyncio.ensure_future(gate.wait_for(long()))
        await asyncio.sleep(0)
        gate.close("quota", "one endpoint", "a")
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        gate.close("user", "all")
        with pytest.raises(Closed):
            await waiting
        assert given_up.is_set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(go())


def test_an_open_gate_passes_results_and_errors_on() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def go() -> None:
        gate = Gate()
        assert await gate.wait_for(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ZeroDivisionError):
            await gate.wait_for(fail())

    asyncio.run(go())


def test_what_was_done_before_the_gate_closed_is_not_lost() -> None:
    async def go() -> None:
        gate = Gate()

        async def last() -> str:
            gate.close("user", "at the same instant")
            return "reserved"

        assert await gate.wait_for(last()) == "reserved"

    asyncio.run(go())


def test_one_who_is_cancelled_leaves_no_task_behind() -> None:
    async def go() -> None:
        gate = Gate()
        waiting = asyncio.ensure_future(gate.wait_for(asyncio.Event().wait()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(go())

"""The watch over our own process, and the rule that judges what it saw."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.selfcheck import watch
from bench.selfcheck.lags import added_up, bucket_of, edge_s, quantile_s
from bench.selfcheck.verdict import Figures, judge
from bench.selfcheck.watch import Level, Watch

KEPT_UP = Figures(
    n_ok=100,
    service_p50_s=8.0,
    loop_lag_p99_s=0.002,
    loop_lag_max_s=0.01,
    cpu_share=0.2,
    gc_n_long=0,
    gc_longest_s=0.001,
    in_flight_asked=16.0,
    in_flight_mean=15.5,
)


@given(st.floats(0, 100))
def test_a_lag_lies_in_its_bucket(lag_s: float) -> None:
    bucket = bucket_of(lag_s)
    assert lag_s <= edge_s(bucket)
    assert bucket == bucket_of(0) or lag_s > edge_s(bucket - 1)


def test_the_limit_of_the_rule_is_the_edge_of_a_bucket() -> None:
    assert edge_s(bucket_of(0.005)) == 0.005
    assert edge_s(bucket_of(0.0050001)) > 0.005


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=50),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_a_quantile_of_buckets_is_never_less_than_the_lag_and_at_most_a_fifth_more(
    lags_s: list[float], share: float
) -> None:
    counts = added_up([[(bucket_of(lag_s), 1)] for lag_s in lags_s])
    ranked = sorted(lags_s)
    exact_s = next(
        lag_s for i, lag_s in enumerate(ranked, 1) if i >= share * len(ranked)
    )
    told_s = quantile_s(counts, share)
    assert told_s is not None
    assert exact_s <= told_s <= max(exact_s * 1.2, edge_s(bucket_of(0)))


def test_a_mean_over_time_weighs_each_number_by_how_long_it_held() -> None:
    level = Level()
    level.step(2, 0)
    level.step(1, 10)
    level.step(-3, 20)
    assert level.take(40) == (2 * 10 + 3 * 10, 3)
    level.step(1, 50)
    assert level.take(60) == (10, 1)


def watched(hold: Any) -> dict[str, Any]:
    """What is recorded of a request that lasts as long as `hold` does."""

    async def work() -> dict[str, Any]:
        async def keep(_: object) -> None:
            raise AssertionError("shorter than an interval")

        check = Watch(keep, is_asked=True)
        check.begun()
        check.sent()
        await hold()
        check.answered()
        check.over()
        record = await check.last_record()
        assert record is not None
        return record

    return asyncio.run(work())


def test_a_loop_that_is_held_up_is_late_for_every_probe_that_was_due() -> None:
    async def hold() -> None:
        await asyncio.sleep(0.03)
        time.sleep(0.3)  # noqa: ASYNC251  it is to hold the loop up
        await asyncio.sleep(0.03)

    record = watched(hold)
    n_late = sum(n for bucket, n in record["loop_lags"] if edge_s(bucket) > 0.1)
    # Of the thirty probes in 0.3 s, twenty are more than 0.1 s late.
    assert n_late >= 19
    assert record["loop_lag_max_s"] >= 0.28
    assert record["n_probes"] == sum(n for _, n in record["loop_lags"])


def test_processor_time_and_requests_in_flight_are_told_by_the_time_watched() -> None:
    async def hold() -> None:
        begun = time.process_time()
        while time.process_time() - begun < 0.1:  # noqa: ASYNC110  no event tells it
            await asyncio.sleep(0)

    record = watched(hold)
    assert record["cpu_s"] >= 0.1
    assert 0.5 < record["in_flight_mean"] <= record["in_flight_asked"] <= 1
    assert record["in_flight_max"] == 1


def test_a_long_garbage_collection_is_counted() -> None:
    class Slow:
        """Takes long to be thrown away."""

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            time.sleep(0.03)

    async def hold() -> None:
        Slow()
        gc.collect()

    record = watched(hold)
    assert record["gc_n_long"] == 1
    assert record["gc_longest_s"] >= 0.03


def test_nothing_is_probed_while_nothing_is_under_way() -> None:
    async def work() -> None:
        async def keep(_: object) -> None:
            return

        check = Watch(keep, is_asked=False)
        n_callbacks = len(gc.callbacks)
        check.begun()
        assert len(gc.callbacks) == n_callbacks + 1
        check.over()
        while len(gc.callbacks) > n_callbacks:  # noqa: ASYNC110  nothing tells it
            await asyncio.sleep(0.005)
        loop: Any = asyncio.get_running_loop()
        assert not [timer for timer in loop._scheduled if not timer.cancelled()]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(work())


def test_two_watches_in_one_process_leave_each_other_alone() -> None:
    async def work() -> list[Any]:
        async def keep(_: object) -> None:
            return

        n_callbacks = len(gc.callbacks)
        first, second = (Watch(keep, is_asked=False) for _ in range(2))
        first.begun()
        second.begun()
        second.stop()
        gc.collect()
        found = await first.last_record()
        assert len(gc.callbacks) == n_callbacks
        assert found is not None
        return [found["gc_n"]]

    assert asyncio.run(work()) >= [1]


def test_a_host_that_empties_the_list_of_callbacks_breaks_no_run() -> None:
    async def hold() -> None:
        kept = list(gc.callbacks)
        gc.callbacks.clear()
        await asyncio.sleep(0)
        gc.callbacks.extend(one for one in kept if not isinstance(one, watch.Pauses))

    assert watched(hold)["gc_n_long"] == 0


def test_what_waits_to_be_recorded_keeps_nothing_back_once_all_has_begun() -> None:
    async def work() -> dict[str, Any]:
        async def keep(_: object) -> None:
            return

        check = Watch(keep, is_asked=True)
        for _ in range(4):
            check.begun()
            check.sent()
        check.has_more = False
        await asyncio.sleep(0.05)
        for _ in range(4):
            check.answered()
        await asyncio.sleep(0.2)
        for _ in range(4):
            check.over()
        assert check.n_in_flight == 0
        record = await check.last_record()
        assert record is not None
        return record

    record = asyncio.run(work())
    # Were the four asked for until recorded, it would be a fifth of that.
    assert record["in_flight_mean"] >= 0.8 * record["in_flight_asked"]
    assert record["in_flight_max"] == 4


def test_a_long_run_records_stretch_by_stretch_and_loses_no_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "INTERVAL_NS", 50_000_000)

    async def work() -> list[Any]:
        records: list[Any] = []

        async def keep(record: object) -> None:
            records.append(record)

        check = Watch(keep, is_asked=True)
        begun = time.monotonic()
        check.begun()
        await asyncio.sleep(0.2)
        check.over()
        last = await check.last_record()
        took_s = time.monotonic() - begun
        assert sum(r["interval_s"] for r in [*records, last]) <= took_s
        return [*records, last]

    records = asyncio.run(work())
    assert len(records) >= 2
    assert sum(r["n_probes"] for r in records) >= 15


@pytest.mark.parametrize(
    ("changes", "limited"),
    [
        ({}, False),
        ({"loop_lag_p99_s": 0.0801}, True),
        ({"loop_lag_p99_s": 0.08}, False),
        ({"loop_lag_p99_s": 0.0051, "service_p50_s": 0.4}, True),
        ({"loop_lag_p99_s": 0.005, "service_p50_s": 0.4}, False),
        ({"loop_lag_p99_s": 0.0051, "service_p50_s": None, "n_ok": 0}, True),
        # Where the kernel told of every answer, the loop is not asked.
        ({"loop_lag_p99_s": 1.0, "lag_p99_s": 0.001, "n_lag_known": 100}, False),
        ({"loop_lag_p99_s": 0.001, "lag_p99_s": 1.0, "n_lag_known": 100}, True),
        # Where it told of some only, whichever is worse decides.
        ({"loop_lag_p99_s": 1.0, "lag_p99_s": 0.001, "n_lag_known": 99}, True),
        ({"loop_lag_p99_s": 0.001, "lag_p99_s": 1.0, "n_lag_known": 99}, True),
        ({"n_held": 1}, False),
        ({"n_held": 2}, True),
        ({"late_p99_s": 0.09}, True),
        ({"in_flight_mean": 14.3}, True),
        ({"in_flight_mean": 14.5}, False),
        ({"in_flight_mean": 0.5, "in_flight_asked": 1.0}, False),
        ({"in_flight_mean": 3.0, "in_flight_asked": None}, False),
        ({"gc_n_long": 3, "gc_longest_s": 0.1, "cpu_share": 0.95}, False),
        ({"n_unwatched": 1}, None),
        ({"n_unwatched": 1, "loop_lag_p99_s": None}, None),
        ({"loop_lag_p99_s": None}, None),
        ({"n_unwatched": 1, "loop_lag_p99_s": 1.0}, True),
    ],
)
def test_the_rule_holds_at_its_edges(
    changes: dict[str, Any],
    limited: bool | None,  # noqa: FBT001  the verdict
) -> None:
    verdict = judge(replace(KEPT_UP, **changes))
    assert verdict.client_limited is limited
    assert bool(verdict.reasons) == (limited is not False)


def test_what_was_busy_is_told_though_it_did_no_harm() -> None:
    busy = replace(KEPT_UP, gc_n_long=2, gc_longest_s=0.0314, cpu_share=0.93)
    first, second = judge(busy).remarks
    assert "2 garbage collections above 20 ms, the longest 31.4 ms" in first
    assert "93.0% of a processor core" in second

"""Ctrl-C once, twice, and the polite end signal."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Desk, Double, Ended

CONCURRENCY = 8
N_TRIALS = 24


def in_full_flight(
    desk: Desk, double: Double, service_s: float
) -> subprocess.Popen[str]:
    """A run whose first eight requests are all at the emulator."""
    desk.suite(repeats=N_TRIALS // 3, fixed={"size": "1024x640"})
    desk.endpoint(double.url)
    double.serves_in(service_s)
    process = desk.start(*desk.run_arguments("--concurrency", CONCURRENCY))
    desk.until(lambda: double.in_flight == CONCURRENCY, "no full flight")
    return process


def notice(process: subprocess.Popen[str], after: int) -> str:
    """Send a signal; wait until the program says that it heard it."""
    process.send_signal(after)
    assert process.stderr is not None
    for line in process.stderr:
        if "pixelmeter.notice/1" in line:
            return line
    raise AssertionError("the program said nothing")


def interrupted(ended: Ended) -> dict[str, Any]:
    answer = ended.answer
    assert (ended.code, answer["state"]) == (130, "interrupted"), ended
    assert answer["stopped_by"] == "user"
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_sends_no_more_and_finishes_what_is_in_flight(
    desk: Desk,
    direct: Double,
    judge_of: Callable[[Desk, Double], Any],
    number: signal.Signals,
) -> None:
    process = in_full_flight(desk, direct, 3)
    said = notice(process, number)
    assert f"{CONCURRENCY} requests in flight" in said
    answer = interrupted(desk.end(process))
    judge = judge_of(desk, direct)
    status = judge.check()
    assert len(direct.posts) == CONCURRENCY
    assert status["trials"]["done"] == CONCURRENCY
    assert status["trials"]["not_sent"] == N_TRIALS - CONCURRENCY
    assert answer["possibly_billed_usd"] == "0"
    assert [record["state"] for record in desk.records("end")] == ["interrupted"]
    direct.serves_in(0)
    again = desk.resume("--concurrency", CONCURRENCY)
    assert (again.code, again.answer["trials"]["done"]) == (0, N_TRIALS)
    judge.check()
    assert len(direct.posts) == N_TRIALS


@pytest.mark.slow
def test_two_signals_break_off_and_what_left_stays_possibly_billed(
    desk: Desk,
    start_double: Callable[..., Double],
    judge_of: Callable[[Desk, Double], Any],
) -> None:
    double = start_double()
    process = in_full_flight(desk, double, 15)
    notice(process, signal.SIGINT)
    process.send_signal(signal.SIGINT)
    answer = interrupted(desk.end(process))
    # Only breaking off can end it while the emulator still works on all of them.
    assert double.in_flight == CONCURRENCY or double.total_usd > 0
    records = desk.outcomes.values()
    assert {r["outcome"] for r in records} == {"cancelled"}
    assert {r["billing"] for r in records} == {"possibly_billed"}
    trials = answer["trials"]
    assert trials["possibly_billed"] == CONCURRENCY
    assert trials["not_sent"] == N_TRIALS - CONCURRENCY
    judge = judge_of(desk, double)
    judge.check()
    double.serves_in(0)
    again = desk.resume("--concurrency", CONCURRENCY)
    assert (again.code, again.answer["state"]) == (0, "finished")
    judge.check()
    assert len(double.posts) == N_TRIALS


def test_a_signal_while_waiting_for_a_turn_ends_at_once(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url, limits={"requests_per_minute": 1})
    process = desk.start(*desk.run_arguments())
    desk.until(lambda: len(direct.posts_now) == 1, "no first request")
    notice(process, signal.SIGINT)
    answer = interrupted(desk.end(process))
    assert answer["trials"]["done"] == len(direct.posts) == 1


def test_a_signal_outranks_the_quota_of_one_route(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    direct.fault("quota_exhausted")
    gateway.serves_in(3)
    both = ("--endpoint", "direct", "--endpoint", "half", "--concurrency", 2)
    process = desk.start(*desk.run_arguments(*both))
    desk.until(lambda: gateway.in_flight and direct.posts_now, "not under way")
    notice(process, signal.SIGINT)
    interrupted(desk.end(process))


def test_one_who_stops_reading_the_progress_breaks_off_nothing(
    desk: Desk, direct: Double
) -> None:
    desk.suite(repeats=2)
    desk.endpoint(direct.url)
    direct.serves_in(1)
    options = ("--concurrency", 3, "--max-cost", "0.022")
    process = desk.start(*desk.run_arguments(*options))
    assert process.stderr is not None
    assert process.stderr.readline()
    process.stderr.close()
    ended = desk.end(process)
    assert (ended.code, ended.answer["stopped_by"]) == (5, "budget")
    outcomes = [record["outcome"] for record in desk.outcomes.values()]
    assert outcomes == ["ok"] * len(direct.posts)
    assert len(outcomes) >= 3

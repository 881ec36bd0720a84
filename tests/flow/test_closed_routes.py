"""A route that refuses for good: what waits for it is given up at once.

Each wait here is longer than the patience of the desk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Desk, Double


def test_a_refused_key_ends_waits_for_the_limits(desk: Desk, direct: Double) -> None:
    desk.suite(repeats=2)
    desk.endpoint(direct.url, limits={"requests_per_minute": 1})
    direct.fault("unauthorized")
    ended = desk.run("--concurrency", 4)
    assert (ended.code, ended.answer["stopped_by"]) == (3, "credentials")
    assert len(direct.posts) == ended.answer["attempts"] == 1


def test_a_spent_quota_ends_waits_after_a_rate_limit(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    limited = {"scenario": "rate_limited", "times": 1, "retry_after_s": 280}
    direct.faults(limited, {"scenario": "quota_exhausted"})
    ended = desk.run("--concurrency", 2)
    assert (ended.code, ended.answer["stopped_by"]) == (5, "quota")
    assert ended.answer["trials"]["failed"] == len(direct.posts) == 2


def test_waves_of_a_closed_route_are_not_paused_for(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    direct.fault("quota_exhausted")
    ended = desk.run("--wave", 1, "--wave-pause", 200)
    assert (ended.code, ended.answer["stopped_by"]) == (5, "quota")
    assert ended.answer["trials"]["not_sent"] == 2


def test_the_other_route_goes_on(desk: Desk, direct: Double, gateway: Double) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    direct.fault("unauthorized")
    both = ("--endpoint", "direct", "--endpoint", "half")
    ended = desk.run(*both, "--wave", 2, "--wave-pause", 0)
    assert (ended.code, ended.answer["stopped_by"]) == (3, "credentials")
    assert ended.answer["trials"]["done"] == len(gateway.posts) == 3


def test_a_schedule_of_a_closed_route_is_not_waited_for(
    desk: Desk, direct: Double
) -> None:
    desk.suite(repeats=10)
    desk.endpoint(direct.url)
    direct.fault("quota_exhausted")
    ended = desk.run("--load", "constant:6/min")
    assert (ended.code, ended.answer["stopped_by"]) == (5, "quota")
    assert ended.answer["trials"]["not_sent"] == 29

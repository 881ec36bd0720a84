"""--max-cost holds whatever happens, and is used up as far as bounds allow."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double, Ended

N_TRIALS = 45
OPTIONS = ("--concurrency", 32)


def planned(desk: Desk, double: Double) -> Decimal:
    """Write the suite; returns the largest bound of one request."""
    suite = desk.suite(repeats=N_TRIALS // 3, fixed={"size": "1024x640"})
    desk.endpoint(double.url)
    double.serves_in(0.5)
    ask = ("plan", suite, "--endpoints", desk.endpoints, "--concurrency", 1, "--json")
    return Decimal(desk.pixelmeter(*ask).answer["at_risk_usd"])


def committed(ended: Ended) -> Decimal:
    figures = ended.answer
    assert figures["reserved_usd"] == "0"
    return Decimal(figures["charge_usd"]) + Decimal(figures["possibly_billed_usd"])


@pytest.mark.slow
def test_the_cap_holds_for_the_life_of_a_run_and_is_used_up(
    desk: Desk, direct: Double, judge_of: Callable[[Desk, Double], Any]
) -> None:
    bound = planned(desk, direct)
    # Every fourth answer leaves its bound possibly billed.
    direct.fault("server_error", share=0.25)
    judge = judge_of(desk, direct)
    for cap in (bound * 10, bound * 10, bound * 20):
        resumes = desk.data.exists()
        carry_out = desk.resume if resumes else desk.run
        ended = carry_out(*OPTIONS, "--max-cost", cap)
        judge.check()
        assert (ended.code, ended.answer["stopped_by"]) == (5, "budget")
        assert ended.answer["state"] == "stopped"
        assert cap - bound < committed(ended) <= cap
        assert direct.total_usd <= cap
        assert ended.answer["trials"]["not_sent"] > 0
        assert any(line.startswith("budget: ") for line in ended.said)
    direct.mend()
    ended = desk.resume(*OPTIONS, "--max-cost", bound * 60, "--max-failed-share", 1)
    assert ended.code == 0
    assert ended.answer["trials"]["not_sent"] == 0
    judge.check()


def test_a_cap_below_one_request_sends_nothing(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    ended = desk.run("--max-cost", "0.0001")
    assert (ended.code, ended.answer["trials"]["not_sent"]) == (5, 3)
    assert direct.posts == []


def test_a_higher_cap_is_asked_for_like_a_run(desk: Desk, direct: Double) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["high"]})
    desk.endpoint(direct.url)
    assert desk.run("--max-cost", "0").code == 5
    refused = desk.resume("--max-cost", "600")
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    # What is left to send costs far less than the rise of the cap.
    assert "600 USD, so up to $0.6" in refused.err
    assert direct.posts == []

"""Jobs at the emulator: our dollars are its own, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.batching import FAST
from tests.painted import painted

if TYPE_CHECKING:
    from tests.conftest import Desk, Double

OPERATIONS: dict[str, dict[str, Any]] = {
    "generate": {},
    "compose": {"operation": "compose", "inputs": ["one.png", "two.png"]},
    "responses": {
        "api": "responses",
        "axes": {"model": ["gpt-image-2"], "mainline_model": ["gpt-5.2"]},
        "fixed": {"size": "1024x1024", "quality": "low"},
    },
}
# In an answer, a refusal and a limit stand beside pictures.
FAULTS = ("moderation_blocked", "rate_limited", "missing_usage")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_job_costs_what_the_emulator_says_it_costs(
    desk: Desk, direct: Double, name: str
) -> None:
    for number, file in enumerate(("one.png", "two.png"), 1):
        (desk.folder / file).write_bytes(painted(320 * number, 256))
    desk.suite(**OPERATIONS[name])
    desk.endpoint(direct.url, api=["images", "responses"])
    ended = desk.run(*FAST, "--yes")
    assert ended.code == 0, ended
    answer = ended.answer
    assert (answer["trials"]["done"], answer["possibly_billed_usd"]) == (3, "0")
    assert Decimal(answer["charge_usd"]) == direct.total_usd > 0
    assert all(outcome["simulated"] for outcome in desk.outcomes.values())
    shown = desk.pixelmeter("show", "latest", "--json").answer
    assert [job["state"] for job in shown["jobs"]] == ["completed"]
    anew = desk.pixelmeter("reprice", "latest", "--json").answer
    assert anew["repriced_usd"] == anew["charge_usd"]


def test_lines_that_failed_are_outcomes_and_a_limited_one_is_sent_again(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    lines = {"path": "/v1/images/generations"}
    direct.faults(*({"scenario": f, "times": 1, "when": lines} for f in FAULTS))
    ended = desk.run(*FAST, "--max-failed-share", 1)
    found = {r["outcome"]: r["billing"] for r in desk.outcomes.values()}
    assert found == {"refused": "unbilled", "rate_limited": "unbilled", "ok": "billed"}
    assert (ended.code, ended.answer["trials"]["failed"]) == (0, 1), ended
    estimated = [r["usage_source"] for r in desk.outcomes.values() if r["images"]]
    assert estimated == ["estimated"]
    again = desk.resume(*FAST[1:])
    assert (again.code, again.answer["trials"]["done"]) == (0, 3), again
    assert [r["attempt_no"] for r in desk.outcomes.values()].count(2) == 1
    assert again.answer["attempts"] == 4

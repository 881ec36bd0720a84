"""Every fault as its user sees it: outcome, money, requests, exit code."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Desk, Double

# scenario: outcome, billing, bucket, which money is above 0, error code, flag.
POSSIBLY = ("possibly_billed", "possibly_billed", "possibly")
UNUSABLE = ("unusable", "billed_unusable", "failed", "charge")
SERVED = ("ok", "billed", "done", "charge")
CASES: dict[str, tuple[str | None, ...]] = {
    "fine": (*SERVED, None, None),
    "moderation_blocked": (
        *("refused", "unbilled", "done", "nothing"),
        *("moderation_blocked", None),
    ),
    "not_found": (
        *("client_error", "unbilled", "failed", "nothing"),
        *("model_not_found", None),
    ),
    "rate_limited": (
        *("rate_limited", "unbilled", "failed", "nothing"),
        *("rate_limit_exceeded", None),
    ),
    "server_error": ("server_error", *POSSIBLY, None, None),
    "overloaded": ("server_error", *POSSIBLY, None, None),
    "gateway_timeout": ("server_error", *POSSIBLY, None, None),
    "reset_before_headers": ("lost", *POSSIBLY, None, None),
    "slow_headers": ("timed_out", *POSSIBLY, None, None),
    "slow_body": (*UNUSABLE, "cut_body", None),
    "reset_in_body": (*UNUSABLE, "cut_body", None),
    "truncated_body": (*UNUSABLE, "cut_body", None),
    "html_200": (*UNUSABLE, "html", None),
    "bad_json_200": (*UNUSABLE, "bad_json", None),
    "no_image_200": (*UNUSABLE, "no_image", None),
    "corrupt_image_200": (*UNUSABLE, "bad_image", None),
    "wrong_size": (*SERVED, None, "size_not_as_asked"),
    "wrong_quality": (*SERVED, None, "quality_not_as_asked"),
    "missing_usage": (*SERVED, None, None),
    "zero_usage": (*SERVED, None, "usage_zero"),
}
NO_USAGE = {"slow_body", "reset_in_body", "truncated_body", "html_200", "bad_json_200"}
ESTIMATED = NO_USAGE | {"missing_usage", "zero_usage"}
TIMEOUT_S = 4


def money_of(record: dict[str, Any]) -> str:
    charge = Decimal(record["charge_usd"] or 0)
    possibly = Decimal(record["possibly_billed_usd"])
    assert not (charge and possibly)
    return "charge" if charge else "possibly" if possibly else "nothing"


def run_all_faults(desk: Desk, direct: Double) -> Any:
    """One prompt for each scenario, each hit by its own fault alone."""
    prompts = [{"id": name, "text": f"a sign: {name}!"} for name in CASES]
    desk.suite(prompts=prompts)
    desk.endpoint(direct.url, timeout_s=TIMEOUT_S)
    # Slow answers take 60 simulated seconds; the others come at once.
    instant = {"distribution": "constant", "median_s": 0, "sigma": 0}
    direct.profile(time_scale=0.15, service_time=instant)
    direct.faults(
        *(
            {"scenario": name, "when": {"prompt_contains": f" {name}!"}}
            for name in CASES
            if name != "fine"
        )
    )
    return desk.run("--concurrency", 4)


@pytest.mark.slow
def test_each_fault_is_one_request_with_its_outcome_and_its_money(
    desk: Desk, direct: Double
) -> None:
    ended = run_all_faults(desk, direct)
    places = {t["trial_id"]: t["prompt"] for t in desk.plan["trials"]}
    names = list(CASES)
    n_posts: dict[str, int] = dict.fromkeys(CASES, 0)
    for post in direct.posts:
        trial_id = post["client_request_id"].rsplit(".", 1)[0]
        n_posts[names[places[trial_id]]] += 1
    assert n_posts == {**dict.fromkeys(CASES, 1), "rate_limited": 3}

    seen: dict[str, tuple[str | None, ...]] = {}
    for record in desk.outcomes.values():
        name = names[places[record["trial_id"]]]
        outcome, billing, bucket, _, code, flag = CASES[name]
        seen[name] = (
            *(record["outcome"], record["billing"], bucket, money_of(record)),
            record["error_code"] if code else None,
            flag if flag in record["flags"] else None,
        )
        assert record["outcome"] == outcome, record
        assert record["billing"] == billing, record
        if money_of(record) == "charge":
            is_estimated = record["usage_source"] == "estimated"
            assert is_estimated == (name in ESTIMATED), record
    assert seen == CASES

    buckets = [bucket for _, _, bucket, *_ in CASES.values()]
    trials = ended.answer["trials"]
    assert ended.code == 4
    assert trials["planned"] == len(CASES)
    for bucket in ("done", "failed", "possibly_billed", "not_sent"):
        assert trials[bucket] == buckets.count(bucket), bucket
    charge = Decimal(ended.answer["charge_usd"])
    possibly = Decimal(ended.answer["possibly_billed_usd"])
    assert charge + possibly >= direct.total_usd

    direct.mend()
    again = desk.resume("--max-failed-share", 1)
    assert again.code == 0
    assert again.answer["trials"]["done"] == trials["done"] + 1
    assert len(direct.posts) == len(CASES) + 2 + 1


STOPS = {
    "quota_exhausted": (5, "quota"),
    "spend_limit": (5, "quota"),
    "unauthorized": (3, "credentials"),
    "org_unverified": (3, "credentials"),
}


@pytest.mark.parametrize("scenario", STOPS)
def test_no_money_or_no_right_stops_the_route_and_leaves_the_other(
    desk: Desk, direct: Double, gateway: Double, scenario: str
) -> None:
    code, stopped_by = STOPS[scenario]
    desk.suite()
    desk.two_endpoints(direct, gateway)
    direct.fault(scenario)
    ended = desk.run("--endpoint", "direct", "--endpoint", "half", "--concurrency", 1)
    answer = ended.answer
    assert (ended.code, answer["state"]) == (code, "stopped")
    assert answer["stopped_by"] == stopped_by
    assert (len(direct.posts), len(gateway.posts)) == (1, 3)
    assert answer["trials"]["done"] == 3
    assert (answer["trials"]["failed"], answer["trials"]["not_sent"]) == (1, 2)
    (sentence,) = [line for line in ended.said if line.startswith(stopped_by)]
    assert "direct" in sentence


@pytest.mark.parametrize(
    ("scenario", "n_again"), [("quota_exhausted", 3), ("unauthorized", 2)]
)
def test_resume_sends_what_the_route_left_and_what_the_quota_refused(
    desk: Desk, direct: Double, scenario: str, n_again: int
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    direct.fault(scenario, times=1)
    assert desk.run("--concurrency", 1).code == STOPS[scenario][0]
    again = desk.resume("--max-failed-share", 1)
    assert (again.code, again.answer["stopped_by"]) == (0, None)
    assert len(direct.posts) == 1 + n_again
    assert again.answer["trials"]["failed"] == 3 - n_again
    assert Decimal(again.answer["charge_usd"]) == direct.total_usd


def test_failures_up_to_the_share_end_well(desk: Desk, direct: Double) -> None:
    desk.suite(repeats=2)
    desk.endpoint(direct.url)
    direct.fault("not_found", times=1)
    ended = desk.run("--concurrency", 1)
    assert (ended.code, ended.answer["trials"]["failed"]) == (0, 1)

"""Replay: routing policies over recorded pairs, worked out by hand."""

from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from bench.commands import replay
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.plan.prices import PricedModel
from pricing.book import shipped_book
from pricing.scheme import parse_multiplier

Make = Callable[..., Any]
Tell = Callable[..., str]
DIRECT_USD, GATEWAY_USD = "0.04", "0.02"
# Pairs begin 20 s apart; direct takes 4 s, the gateway what stands here.
GATEWAY_S = (2.0, 8.0, 3.0, 3.0)
BY_LATENCY = "latency:threshold_s=5,window_s=30,last_n=1"


@pytest.fixture
def tell(data_folder: DataFolder) -> Tell:
    """Run `replay` on the data folder; its stdout."""
    app = typer.Typer(pretty_exceptions_enable=False)
    replay.register(app)
    # With a single command Typer would take its name for an argument.
    app.command("nothing")(lambda: None)

    def run(*arguments: str) -> str:
        given = ["replay", "latest", *arguments, "--data", str(data_folder.root)]
        result = CliRunner().invoke(app, given, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def _at(second: int) -> str:
    return f"2026-11-21T13:{second // 60:02}:{second % 60:02}.000000Z"


def _paired(
    run: Any, gateway_s: tuple[float, ...] = GATEWAY_S, apart_s: int = 20
) -> Callable[[Any], dict[str, Any]]:
    def members(trial: dict[str, Any]) -> dict[str, Any]:
        number = trial["prompt"]
        is_direct = run.endpoint_of(trial) == "openai"
        usd = DIRECT_USD if is_direct else GATEWAY_USD
        return {
            # The gateway's part of a pair is sent a second later.
            "started_at": _at(number * apart_s + (not is_direct)),
            "service_s": 4.0 if is_direct else gateway_s[number],
            "charge_usd": usd,
            "list_usd": DIRECT_USD,
        }

    return members


def _by_name(answer: str) -> dict[str, Any]:
    found = orjson.loads(answer)
    assert found["schema"] == "pixelmeter.replay/1"
    return {policy["name"]: policy for policy in found["policies"]}


def test_a_policy_by_latency_is_worked_out_request_by_request(
    synthetic_run: Make, tell: Tell
) -> None:
    # 0 s: nothing seen, gateway, 2 s. 20 s: 2 s seen, gateway, 8 s. 40 s: 8 s seen,
    # direct. 60 s: the 8 s ended 32 s ago, outside the window, gateway, 3 s.
    run = synthetic_run(n_prompts=4, repeats=1)
    run.settle_all(_paired(run))
    found = _by_name(tell("--policy", BY_LATENCY, "--policy", "gateway", "--json"))
    by_latency = found[BY_LATENCY]
    assert by_latency["n_gateway"] == 3
    assert by_latency["gateway_share"] == 0.75
    # 3 x 0.02 + 0.04 = 0.10, over 4 pictures; 2, 8, 4 and 3 s have the median 3.5.
    assert by_latency["charge_usd"] == "0.1"
    assert by_latency["usd_per_usable_image"] == "0.025"
    assert by_latency["saving_usd_per_usable_image"] == "0.015"
    assert (by_latency["p50_s"], by_latency["max_s"]) == (3.5, 8.0)
    assert found["direct"]["charge_usd"] == "0.16"
    assert found["gateway"]["charge_usd"] == "0.08"
    assert by_latency["why_no_band"] == "n=4 prompts; a band needs 6"


def test_a_policy_sees_no_answer_before_it_has_ended(
    synthetic_run: Make, tell: Tell
) -> None:
    # All four are sent within 3 s, while the first still waits for its 8 s.
    run = synthetic_run(n_prompts=4, repeats=1)
    run.settle_all(_paired(run, (8.0, 8.0, 8.0, 8.0), apart_s=1))
    found = _by_name(tell("--policy", BY_LATENCY, "--json"))
    assert found[BY_LATENCY]["n_gateway"] == 4


def test_failed_trials_count_as_recorded_and_a_timeout_as_so_long(
    synthetic_run: Make, tell: Tell
) -> None:
    # The second gateway trial fails after 9 s: no latency, so the third goes there too,
    # and times out after 30 s: the fourth, 20 s later, has not seen it yet.
    ends: dict[int, dict[str, Any]] = {
        1: {"outcome": "server_error", "billing": "unbilled", "service_s": 9.0},
        2: {"outcome": "timed_out", "billing": "possibly_billed", "total_s": 30.0},
    }
    run = synthetic_run(n_prompts=5, repeats=1)
    members = _paired(run, (2.0, 9.0, 30.0, 3.0, 3.0))

    def told(trial: dict[str, Any]) -> dict[str, Any]:
        end = ends.get(trial["prompt"])
        if run.endpoint_of(trial) == "openai" or end is None:
            return members(trial)
        held = "0.21" if end["outcome"] == "timed_out" else "0"
        usd = {"charge_usd": "0" if held == "0" else None, "list_usd": None}
        more = {"images": 0, "pictures": [], "possibly_billed_usd": held}
        return members(trial) | usd | more | end

    run.settle_all(told)
    policy = "latency:threshold_s=5,window_s=300,last_n=1"
    found = _by_name(tell("--policy", policy, "--json"))[policy]
    # At 80 s the 30 s of the request sent at 40 s are known: the fifth goes direct.
    assert found["n_gateway"] == 4
    assert (found["n_ok"], found["n_settled"]) == (3, 5)
    assert found["n_charge_unknown"] == 1
    assert found["possibly_billed_usd"] == "0.21"
    # 0.02 + 0 + 0.02 + 0.04 over three pictures; the unknown one is in neither.
    assert found["usd_per_usable_image"] == "0.026666666667"


def test_an_unknown_charge_stays_unknown_and_is_counted(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=4, repeats=1)
    members = _paired(run)
    unknown = {"charge_usd": None, "list_usd": None}
    run.settle_all(lambda t: members(t) | (unknown if t["prompt"] == 0 else {}))
    found = _by_name(tell("--policy", "gateway", "--json"))["gateway"]
    assert (found["n_charge_unknown"], found["charge_usd"]) == (1, "0.06")
    assert found["usd_per_usable_image"] == "0.02"
    text = tell("--policy", "gateway")
    assert "$0.0600 + 1 unknown" in text


def test_bands_and_verdicts_rest_on_whole_prompts(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=8, repeats=2)
    run.settle_all(_paired(run, (4.4,) * 8))
    text = tell("--policy", "gateway")
    assert (
        "cost: gateway costs $0.0200 less a usable picture than direct "
        "(90% band $0.0200)" in text
    )
    assert "service time: gateway 10.0% slower than direct" in text
    assert "16 requests of 8 prompts that were sent to openai and to halfprice" in text
    assert "left out" not in text
    found = _by_name(tell("--policy", "gateway", "--json"))["gateway"]
    assert found["saving_usd_per_usable_image_band"] == ["0.02", "0.02"]
    assert found["usd_per_usable_image_band"] == ["0.02", "0.02"]


def test_priorities_are_drawn_alike_for_a_seed_and_only_where_they_are_asked(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=20, repeats=2)
    run.settle_all(_paired(run, (9.0,) * 20, apart_s=10))
    asked = ("--policy", "priority", "--high-share", "0.3", "--batch-share", "0.5")
    found = orjson.loads(tell(*asked, "--json"))
    mix = found["mix"]
    assert mix["n_high"] + mix["n_batch"] + mix["n_normal"] == found["n_pairs"] == 40
    assert min(mix["n_high"], mix["n_batch"], mix["n_normal"]) > 0
    by_priority = found["policies"][1]
    assert by_priority["n_gateway"] >= mix["n_batch"]
    assert 40 - by_priority["n_gateway"] >= mix["n_high"]
    assert orjson.loads(tell(*asked, "--json")) == found
    other = orjson.loads(tell(*asked, "--seed", "1", "--json"))
    assert other["policies"][1] != by_priority
    with pytest.raises(BadInput, match="give --high-share and --batch-share"):
        tell("--policy", "priority")
    with pytest.raises(BadInput, match="add --policy priority"):
        tell("--high-share", "0.2")
    with pytest.raises(BadInput, match="more than 1 together"):
        tell("--policy", "priority", "--high-share", "0.7", "--batch-share", "0.5")


def test_a_request_of_high_priority_does_not_send_the_rest_away_from_the_gateway(
    synthetic_run: Make, tell: Tell
) -> None:
    # 4.5 s are under the threshold of 5 s, but not under the 4 s that lead back.
    run = synthetic_run(n_prompts=20, repeats=1)
    run.settle_all(_paired(run, (4.5,) * 20, apart_s=10))
    asked = ("--policy", "priority", "--high-share", "0.3")
    found = orjson.loads(tell(*asked, "--json"))
    assert found["mix"]["n_high"] > 0
    assert found["policies"][1]["n_gateway"] == found["mix"]["n_normal"]


@pytest.mark.parametrize(("factor", "n_gateway"), [("0.5", 4), ("2", 0)])
def test_the_cheapest_way_is_chosen_by_the_prices_of_the_plan_not_by_the_answers(
    synthetic_run: Make, tell: Tell, factor: str, n_gateway: int
) -> None:
    # What was charged says 0.02 through the gateway against 0.04, whatever the plan.
    run = synthetic_run(n_prompts=4, repeats=1)
    card = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21))
    schemes = {"openai": None, "halfprice": parse_multiplier(factor)}
    run.plan["cards"] = [
        {
            "endpoint": name,
            "model": "gpt-image-2",
            **PricedModel(card=card, scheme=scheme).to_json(),
        }
        for name, scheme in schemes.items()
    ]
    expected = {"input_text_tokens": 9, "cached_text_tokens": 0}
    expected |= {"input_image_tokens": 0, "output_image_tokens": 196}
    for trial in run.trials:
        trial |= {"bound_usd": "0.21", "expected": expected, "why_bounded": []}
    run.freeze()
    run.settle_all(_paired(run))
    found = _by_name(tell("--policy", "cheapest:bound_s=10", "--json"))
    assert found["cheapest:bound_s=10"]["n_gateway"] == n_gateway


def test_trials_without_a_partner_are_left_out_and_counted(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=4, repeats=1)
    members = _paired(run)
    kept = [t for t in run.trials if (t["prompt"], run.endpoint_of(t)) != (3, "openai")]
    records = [run.session()]
    for trial in kept:
        records += [run.intent(trial), run.outcome(trial, **members(trial))]
    run.journal([*records, run.end()])
    text = tell("--policy", "gateway")
    assert "3 requests of 3 prompts" in text
    assert "2 trials without such a partner are left out" in text


def test_a_run_with_one_way_only_is_refused_in_one_sentence(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(endpoints=(("openai", "direct"),))
    run.settle_all()
    with pytest.raises(BadInput, match="of route gateway it has none"):
        tell()


def test_of_several_gateways_one_must_be_named(synthetic_run: Make, tell: Tell) -> None:
    places = (("openai", "direct"), ("one", "gateway"), ("two", "gateway"))
    run = synthetic_run(endpoints=places)
    run.settle_all()
    with pytest.raises(BadInput, match=r"several, one, two: name one with --gateway"):
        tell()
    with pytest.raises(BadInput, match=r"--gateway three: .*; it has one, two"):
        tell("--gateway", "three")
    found = orjson.loads(tell("--gateway", "two", "--json"))
    assert (found["direct"], found["gateway"]) == ("openai", "two")

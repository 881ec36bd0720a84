import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from bench.commands import compare, ingest, runs
from bench.errors import BadInput
from bench.folder import DataFolder

Make = Callable[..., Any]
Tell = Callable[..., str]
HALF = "0.02115"


@pytest.fixture
def tell(data_folder: DataFolder) -> Tell:
    """Run a command on the data folder; its stdout."""
    app = typer.Typer(pretty_exceptions_enable=False)
    for group in (compare, ingest, runs):
        group.register(app)

    def run(*arguments: str) -> str:
        given = [*arguments, "--data", str(data_folder.root)]
        result = CliRunner().invoke(app, given, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def half_price(run: Any, *, slower: float = 1.0) -> Callable[[Any], dict[str, Any]]:
    """A gateway at half the price, so many times as slow; prompts differ."""

    def members(trial: dict[str, Any]) -> dict[str, Any]:
        base_s = 5.0 + trial["prompt"] + trial["repeat"] / 7
        if run.endpoint_of(trial) == "openai":
            return {"service_s": base_s}
        return {"service_s": base_s * slower, "charge_usd": HALF}

    return members


def test_a_gateway_at_half_price_is_told_so_with_exact_dollars(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=12)
    run.settle_all(half_price(run, slower=1.08))
    answer = orjson.loads(tell("compare", "latest", "--by", "endpoint", "--json"))
    assert answer["schema"] == "pixelmeter.compare/1"
    direct, gateway = answer["levels"]
    assert (direct["name"], direct["charge_usd"]) == ("openai", "1.0152")
    assert (gateway["name"], gateway["charge_usd"]) == ("halfprice", "0.5076")
    (difference,) = answer["differences"]
    assert difference["cost"]["difference_usd_per_image"] == "-0.02115"
    assert difference["cost"]["difference_share"] == -0.5
    assert difference["cost"]["n_prompts"] == 12
    assert difference["service_time"]["ratio"] == pytest.approx(1.08)
    assert difference["service_time"]["verdict"] == "different"
    assert difference["success"]["verdict"] == "no clear difference"
    text = tell("compare", "latest")
    assert "halfprice costs 50.0% less than openai: −$0.0212 an image" in text
    assert "halfprice 8.0% slower than openai" in text
    assert "success: no clear difference" in text
    assert "simulated" not in text


def test_total_dollars_equal_the_sum_of_the_journal_to_the_last_digit(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=7, repeats=3)
    charges: dict[str, Decimal] = {"openai": Decimal(0), "halfprice": Decimal(0)}

    def charge(trial: dict[str, Any]) -> dict[str, Any]:
        usd = Decimal(trial["position"] * 7919 + 1).scaleb(-12)
        charges[run.endpoint_of(trial)] += usd
        return {"charge_usd": format(usd, "f")}

    run.settle_all(charge)
    answer = orjson.loads(tell("compare", "latest", "--json"))
    for level in answer["levels"]:
        assert Decimal(level["charge_usd"]) == charges[level["name"]]


def test_few_prompts_get_their_figures_but_no_verdict(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=3, repeats=9)
    run.settle_all(half_price(run, slower=2.0))
    text = tell("compare", "latest")
    assert "costs 50.0% less" in text
    assert "n=3 prompts, too few for an interval" in text
    assert "service time: too few prompts to tell" in text


def test_failures_count_in_shares_and_stay_out_of_times(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=10, repeats=2)
    failed = {"outcome": "server_error", "billing": "unbilled", "service_s": 500.0}
    run.settle_all(
        lambda trial: (
            failed
            if run.endpoint_of(trial) == "halfprice" and trial["repeat"] == 1
            else {}
        )
    )
    answer = orjson.loads(tell("compare", "latest", "--json"))
    _, gateway = answer["levels"]
    assert (gateway["n_ok"], gateway["n_settled"], gateway["max_s"]) == (10, 20, 8.0)
    success = answer["differences"][0]["success"]
    assert (success["only_first_ok"], success["only_second_ok"]) == (10, 0)
    assert success["share_difference"] == -0.5
    assert success["p"] == pytest.approx(2 / 2**10)
    assert answer["differences"][0]["service_time"]["ratio"] == pytest.approx(1)
    assert "halfprice 50.0 points lower than openai" in tell("compare", "latest")


def test_what_is_simulated_says_so(synthetic_run: Make, tell: Tell) -> None:
    run = synthetic_run(n_prompts=6)
    run.settle_all(lambda _: {"simulated": True})
    assert orjson.loads(tell("compare", "latest", "--json"))["simulated"] is True
    assert "simulated" in tell("compare", "latest")
    assert "simulated" in tell("show", "latest")
    assert "(simulated)" in tell("runs")
    assert orjson.loads(tell("show", "latest", "--json"))["simulated"] is True


def test_qualities_of_one_run_are_paired_within_their_endpoint(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=6, qualities=("low", "high"))
    run.settle_all(lambda trial: {"charge_usd": "0.4" if trial["cell"] >= 2 else "0.1"})
    answer = orjson.loads(tell("compare", "latest", "--by", "quality", "--json"))
    assert [level["name"] for level in answer["levels"]] == ["low", "high"]
    assert answer["differences"][0]["n_pairs"] == 24
    text = tell("compare", "latest", "--by", "quality")
    assert "high costs 4.0 times as much as low" in text


def test_three_levels_are_compared_pair_by_pair(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=6, models=("a", "b", "c"))
    run.settle_all()
    answer = orjson.loads(tell("compare", "latest", "--by", "model", "--json"))
    pairs = [(d["first"], d["second"]) for d in answer["differences"]]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]


def test_two_runs_are_paired_by_prompt_variant_and_endpoint(
    synthetic_run: Make, tell: Tell
) -> None:
    first = synthetic_run("20261121-130000-00000a", n_prompts=8)
    first.settle_all()
    second = synthetic_run("20261121-140000-00000b", n_prompts=8)
    second.settle_all(lambda _: {"charge_usd": "0.0420"})
    names = (first.run.run_id, second.run.run_id)
    answer = orjson.loads(tell("compare", *names, "--json"))
    assert answer["by"] == "run"
    assert [level["charge_usd"] for level in answer["levels"]] == ["1.3536", "1.344"]
    assert answer["differences"][0]["n_pairs"] == 32
    assert "too narrow" not in tell("compare", *names)


def test_runs_of_one_endpoint_each_stand_for_each_other(
    synthetic_run: Make, tell: Tell
) -> None:
    for number, name in enumerate(("direct", "gateway")):
        run = synthetic_run(
            f"20261121-13000{number}-00000a", n_prompts=6, endpoints=((name, name),)
        )
        run.settle_all()
    names = ("20261121-130000-00000a", "20261121-130001-00000a")
    answer = orjson.loads(tell("compare", *names, "--json"))
    assert answer["differences"][0]["n_pairs"] == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "latest", "--by", "colour"), "--by colour: choose one of"),
        (("compare", "latest", "--by", "model"), "only one, gpt-image-2"),
        (("compare", "latest", "latest"), "is named twice"),
        (("compare", "nothing"), "run 'nothing' is not in"),
        (("show", "../../etc"), "a run is named like"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused_in_a_sentence(
    synthetic_run: Make, tell: Tell, arguments: tuple[str, ...], words: str
) -> None:
    synthetic_run().settle_all()
    with pytest.raises(BadInput, match=re.escape(words)):
        tell(*arguments)


def test_show_lists_what_may_have_been_billed_one_by_one(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run()
    lost, failed, *rest = run.trials
    cut = {"outcome": "timed_out", "billing": "possibly_billed"}
    run.journal(
        [
            run.session(),
            run.intent(lost),
            run.intent(failed),
            run.outcome(failed, **cut, possibly_billed_usd="0.11"),
            *[run.outcome(trial) for trial in rest],
        ]
    )
    text = tell("show", "latest")
    assert "2 possibly billed" in text
    assert "up to $0.3200 possibly billed" in text
    for trial in (lost, failed):
        assert f"{trial['trial_id']}.1" in text
    answer = orjson.loads(tell("show", "latest", "--json"))
    assert [row["possibly_billed_usd"] for row in answer["possibly_billed"]] == [
        "0.21",
        "0.11",
    ]
    assert answer["state"] == "interrupted"
    assert answer["trials"]["possibly_billed"] == 2


def test_show_prints_a_p95_only_from_seventy_two_times_on(
    synthetic_run: Make, tell: Tell
) -> None:
    few = synthetic_run("20261121-130000-00000a", n_prompts=71, repeats=1)
    few.settle_all()
    assert "p95 8.0 s" not in tell("show", few.run.run_id)
    assert "max 8.0 s" in tell("show", few.run.run_id)
    many = synthetic_run("20261121-140000-00000b", n_prompts=72, repeats=1)
    many.settle_all()
    assert "p95 8.0 s (8.0 to 8.0 s)" in tell("show", many.run.run_id)


def test_runs_are_listed_newest_first_with_their_note(
    synthetic_run: Make, tell: Tell
) -> None:
    synthetic_run("20261121-130000-00000a").settle_all()
    later = synthetic_run("20261121-140000-00000b")
    later.plan["created_at"] = "2026-11-21T14:00:00.000000Z"
    later.freeze()
    lines = tell("runs").splitlines()
    assert lines[1].startswith("20261121-140000-00000b")
    assert "0/8" in lines[1]
    assert "8/8" in lines[2]
    assert "a note; who=test" in lines[2]
    answer = orjson.loads(tell("runs", "--json"))
    assert answer["schema"] == "pixelmeter.runs/1"
    assert answer["runs"][1]["trials"]["done"] == 8


def test_an_empty_folder_has_no_runs(tell: Tell) -> None:
    assert "no runs in" in tell("runs")
    assert orjson.loads(tell("runs", "--json"))["runs"] == []


def test_ingest_says_what_it_read(
    synthetic_run: Make, data_folder: DataFolder, tell: Tell
) -> None:
    synthetic_run().settle_all()
    answer = orjson.loads(tell("ingest", "--json"))
    assert (answer["attempts"], answer["rebuilt"]) == (8, False)
    data_folder.index.write_bytes(b"spoilt")
    answer = orjson.loads(tell("ingest", "--rebuild", "--json"))
    assert (answer["attempts"], answer["rebuilt"]) == (8, True)
    assert answer["moved_aside"].startswith(str(data_folder.index))
    assert "8 attempts of 1 runs read" in tell("ingest", "--rebuild")

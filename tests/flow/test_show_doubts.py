"""Show: token counts against the rule, told costs against our charge."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from bench.plan.prices import PricedModel
from dashboards.commands import report
from pricing.book import shipped_book
from pricing.scheme import parse_multiplier

Make = Callable[..., Any]
Tell = Callable[..., Result]
NOTHING_IN = {
    "input_text_tokens": 0,
    "cached_text_tokens": 0,
    "input_image_tokens": 0,
    "cached_image_tokens": 0,
    "output_text_tokens": 0,
}


def _usd(tokens: int, factor: str = "1") -> str:
    """Image output of gpt-image-2 at 30 dollars a million."""
    return format(Decimal(tokens) * 30 / 1_000_000 * Decimal(factor), "f")


@pytest.fixture
def run(synthetic_run: Make) -> Any:
    """Two endpoints at 3472x1488 low, the gateway at half price; rates frozen."""
    made = synthetic_run(n_prompts=3, repeats=1)
    card = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21))
    for cell in made.plan["cells"]:
        cell["parameters"]["size"] = "3472x1488"
    half = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
    made.plan["endpoints"][1]["prices"] = half
    made.plan["cards"] = [
        {
            "endpoint": name,
            "model": "gpt-image-2",
            **PricedModel(card=card, scheme=scheme).to_json(),
        }
        for name, scheme in (("openai", None), ("halfprice", parse_multiplier("0.5")))
    ]
    for trial in made.trials:
        trial |= {"bound_usd": "0.21", "expected": None, "why_bounded": []}
    made.freeze()
    return made


def _told(run: Any, gateway_tokens: Callable[[int], int]) -> Callable[[Any], Any]:
    """What each answer reports: the direct one the rule's 201 tokens."""

    def members(trial: dict[str, Any]) -> dict[str, Any]:
        is_direct = run.endpoint_of(trial) == "openai"
        tokens = 201 if is_direct else gateway_tokens(trial["prompt"])
        return NOTHING_IN | {
            "output_image_tokens": tokens,
            "charge_usd": _usd(tokens, "1" if is_direct else "0.5"),
            "list_usd": _usd(tokens),
        }

    return members


def test_a_gateway_that_reports_717_tokens_where_the_rule_says_201_is_told_so(
    run: Any, tell: Tell
) -> None:
    # new-api#4474. Two answers of 717: 2 x 516 x 30 / 1,000,000 = 0.03096, half of it.
    run.settle_all(_told(run, lambda prompt: 201 if prompt == 2 else 717))
    told = tell("show", "latest").stdout
    assert (
        "halfprice reports other image tokens than the published rule in 2 of 3 "
        "answers, such as 717 where the rule says 201; that makes $0.0155 more in "
        "charges" in told
    )
    assert "openai reports" not in told
    direct, gateway = orjson.loads(tell("show", "latest", "--json").stdout)[
        "token_gaps"
    ]
    assert (direct["n_compared"], direct["n_off"], direct["off"]) == (3, 0, [])
    assert (gateway["n_compared"], gateway["n_off"]) == (3, 2)
    assert (gateway["gap_usd"], gateway["gap_list_usd"]) == ("0.01548", "0.03096")
    (off,) = gateway["off"]
    assert (off["rule_tokens"], off["reported_tokens"]) == (201, 717)


def test_dollars_of_a_gap_leave_what_text_models_cost_out(run: Any, tell: Tell) -> None:
    author, mainline = "gpt-5-mini", "gpt-4.1-mini"
    drawn = {"output_format": "svg", "svg_model": author}
    for cell in run.plan["cells"]:
        cell |= {"api": "responses", "mainline_model": mainline}
        cell["parameters"] |= drawn
    book, day = shipped_book(), date(2026, 11, 21)
    run.plan["cards"] += [
        {**card, "model": model, "card": book.card("openai", model, day).to_json()}
        for card in run.plan["cards"]
        for model in (author, mainline)
    ]
    run.freeze()
    # 2,000 and 100 at 0.40 and 1.60, 1,000 and 2,000 at 0.25 and 2 dollars a million.
    text_usd = Decimal("0.00096") + Decimal("0.00425")
    members = _told(run, lambda prompt: 201 if prompt == 2 else 717)

    def with_text(trial: dict[str, Any]) -> dict[str, Any]:
        told = members(trial)
        share = 1 if run.endpoint_of(trial) == "openai" else Decimal("0.5")
        return told | {
            "charge_usd": format(Decimal(told["charge_usd"]) + text_usd * share, "f"),
            "list_usd": format(Decimal(told["list_usd"]) + text_usd, "f"),
            "mainline_input_tokens": 2_000,
            "mainline_cached_tokens": 0,
            "mainline_cache_write_tokens": 0,
            "mainline_output_tokens": 100,
            "svg_input_tokens": 1_000,
            "svg_output_tokens": 2_000,
        }

    run.settle_all(with_text)
    _, gateway = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert (gateway["gap_usd"], gateway["gap_list_usd"]) == ("0.01548", "0.03096")


def test_text_that_is_not_told_from_pictures_is_said_to_be_among_their_tokens(
    run: Any, tell: Tell
) -> None:
    # gpt-image-1.5 writes text beside its picture; a gateway may drop the split.
    members = _told(run, lambda _: 603)
    run.settle_all(lambda t: members(t) | {"flags": ["output_split_missing"]})
    assert "all of it counts as image tokens" in tell("show", "latest").stdout
    gaps = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert gaps[1]["off"][0]["output_split_missing"] is True


def test_a_report_says_what_was_told_otherwise(run: Any, tell: Tell) -> None:
    run.settle_all(_told(run, lambda _: 717))
    assert tell("show", "latest").exit_code == 0
    app = typer.Typer(pretty_exceptions_enable=False)
    report.register(app)
    folder = run.run.path.parents[1]
    given = ["latest", "--data", str(folder), "--output", str(folder / "r.html")]
    CliRunner().invoke(app, given, catch_exceptions=False)
    page = (folder / "r.html").read_text("utf-8")
    told = "halfprice reports other image tokens than the published rule in 3 of 3"
    assert f"Told otherwise: {told}" in page
    assert '"gap_usd":"0.02322"' in page


def test_a_run_whose_counts_are_the_rules_says_nothing_of_them(
    run: Any, tell: Tell
) -> None:
    run.settle_all(_told(run, lambda _: 201))
    assert "published rule" not in tell("show", "latest").stdout


def test_fewer_tokens_than_the_rule_are_less_money_with_their_sign(
    run: Any, tell: Tell
) -> None:
    run.settle_all(_told(run, lambda _: 200))
    assert "that makes <$0.0001 less in charges" in tell("show", "latest").stdout
    gaps = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert gaps[1]["gap_usd"] == "-0.000045"


def test_auto_is_held_against_the_quality_and_size_that_were_served(
    run: Any, tell: Tell
) -> None:
    for cell in run.plan["cells"]:
        cell["parameters"] = {"quality": "auto", "size": "auto"}
    run.freeze()
    members = _told(run, lambda _: 717)
    run.settle_all(lambda t: members(t) | {"served_size": "3472x1488"})
    gaps = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert [gap["n_off"] for gap in gaps] == [0, 3]


def test_partial_images_that_did_not_come_are_no_gap(run: Any, tell: Tell) -> None:
    # 201 without a partial, 401 with both; 301 is one that came, 402 is too many.
    for cell in run.plan["cells"]:
        cell["parameters"] |= {"partial_images": 2}
    run.freeze()
    run.settle_all(_told(run, lambda prompt: (301, 401, 402)[prompt]))
    _, gateway = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert [one["reported_tokens"] for one in gateway["off"]] == [402]
    assert gateway["off"][0]["rule_tokens"] == 401


def test_dollars_of_a_gap_are_unknown_where_the_rates_of_the_run_are(
    run: Any, tell: Tell
) -> None:
    run.plan["cards"] = []
    run.freeze()
    run.settle_all(_told(run, lambda _: 717))
    assert "what that makes in dollars is not known" in tell("show", "latest").stdout
    gaps = orjson.loads(tell("show", "latest", "--json").stdout)["token_gaps"]
    assert gaps[1]["gap_usd"] is None


def test_a_cost_that_differs_from_our_charge_is_listed_with_both(
    run: Any, tell: Tell
) -> None:
    members = _told(run, lambda _: 201)
    ours = _usd(201, "0.5")
    costs = {0: "0.01", 1: ours}

    def told(trial: dict[str, Any]) -> dict[str, Any]:
        usd = costs.get(trial["prompt"])
        if run.endpoint_of(trial) == "openai" or usd is None:
            return members(trial)
        flags = [] if usd == ours else ["cost_not_as_charged"]
        more = {"reported_usd": usd, "reported_usd_from": "usage.cost"}
        return members(trial) | more | {"flags": flags}

    run.settle_all(told)
    text = tell("show", "latest").stdout
    # 0.01 - 201 x 30 / 1,000,000 / 2 = 0.01 - 0.003015 = 0.006985.
    assert (
        "halfprice (usage.cost) tells another cost than our charge in 1 of 2 answers: "
        "+$0.0070 against ours in all" in text
    )
    (gap,) = orjson.loads(tell("show", "latest", "--json").stdout)["cost_gaps"]
    assert (gap["n_told"], gap["n_otherwise"], gap["n_without_price"]) == (2, 1, 0)
    assert gap["difference_usd"] == "0.006985"
    (one,) = gap["otherwise"]
    assert (one["charge_usd"], one["reported_usd"]) == ("0.003015", "0.01")


def test_a_cost_told_where_we_know_no_price_stands_alone(run: Any, tell: Tell) -> None:
    unknown = {
        "charge_usd": None,
        "list_usd": None,
        "reported_usd": "0.01",
        "reported_usd_from": "x-litellm-response-cost",
        "flags": ["cost_not_as_charged"],
    }
    members = _told(run, lambda _: 201)
    run.settle_all(
        lambda t: members(t) | (unknown if run.endpoint_of(t) != "openai" else {})
    )
    text = tell("show", "latest").stdout
    assert "tells a cost in 3 answers that we know no price of" in text
    (gap,) = orjson.loads(tell("show", "latest", "--json").stdout)["cost_gaps"]
    assert (gap["n_without_price"], gap["charge_usd"]) == (3, None)
    assert gap["otherwise"][0]["difference_usd"] is None


def test_what_was_charged_without_a_reported_usage_is_told_with_its_dollars(
    run: Any, tell: Tell
) -> None:
    members = _told(run, lambda _: 201)
    assumed = {"usage_source": "estimated"}
    run.settle_all(
        lambda t: members(t) | (assumed if run.endpoint_of(t) != "openai" else {})
    )
    # 3 x 201 x 30 / 1,000,000 / 2 = 0.009045.
    text = tell("show", "latest").stdout
    assert "estimated: $0.0090 for 3 requests, by published rules" in text
    answer = orjson.loads(tell("show", "latest", "--json").stdout)
    assert answer["estimated"] == {"requests": 3, "charge_usd": "0.009045"}
    replayed = tell("replay", "latest").stdout
    assert "estimated: charges of 3 of these 6 trials" in replayed

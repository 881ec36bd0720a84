"""Scenarios: months to project, checked before anything is priced."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bench.errors import BadInput
from bench.scenario.form import MeasuredMix
from bench.scenario.reading import read_scenario, scenario_schema
from bench.scenario.written import read_growth

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "bench" / "starter" / "scenarios").glob("*.yaml"))
OURS = sorted((ROOT / "data" / "scenarios").glob("*.yaml"))
PLAIN = {
    "name": "plain",
    "images_per_month": 10_000,
    "baseline": "direct",
    "alternatives": [
        {"name": "direct", "usd_per_image": "0.07"},
        {"name": "gateway", "of": {"alternative": "direct", "multiplier": "0.5"}},
    ],
}
DIRECT, GATEWAY = PLAIN["alternatives"]


def _content(**changes: Any) -> dict[str, Any]:
    """The plain scenario with changes; None takes a key away."""
    return {k: v for k, v in {**PLAIN, **changes}.items() if v is not None}


def _scenario(folder: Path, **changes: Any) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(_content(**changes)), "utf-8")
    return path


def test_numbers_are_read_exactly_as_written(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: x\nimages_per_month: 5\nbaseline: a\ngrowth: 2.5%/month\n"
        "alternatives:\n- {name: a, usd_per_image: 0.1000000000000000055}\n"
    )
    found = read_scenario(path)
    assert found.alternatives[0].usd_per_image == Decimal("0.1000000000000000055")
    assert found.growth == Decimal("0.025")


def test_who_is_compared_with_whom(tmp_path: Path) -> None:
    tokens = {"name": "tokens", "usd_per_image": "0.04"}
    half = {"name": "half", "usd_per_image": "0.02", "against": "tokens"}
    path = _scenario(tmp_path, alternatives=[DIRECT, GATEWAY, tokens, half])
    found = read_scenario(path)
    against = {c.name: found.against(c) for c in found.alternatives}
    assert against == {
        "direct": None,
        "gateway": "direct",
        "tokens": None,
        "half": "tokens",
    }


@pytest.mark.parametrize(
    ("text", "share"),
    [("5%/month", "0.05"), ("-2.5%", "-0.025"), ("+0.1 %", "0.001"), ("0%", "0")],
)
def test_growth_is_read_as_a_share_a_month(text: str, share: str) -> None:
    assert read_growth(text) == Decimal(share)


MIX = [{"share": 0.5, "model": "a"}, {"share": 0.4, "model": "b"}]
TWICE = [DIRECT, GATEWAY, DIRECT]


def _alternatives(**second: Any) -> dict[str, Any]:
    return {"alternatives": [DIRECT, {"name": "gateway", **second}]}


# What a schema can refuse as well as our reader.
REFUSED_BY_SCHEMA = [
    ({"name": None}, "key 'name' is missing"),
    ({"name": ""}, "name: "),
    ({"name": "a\u001bb"}, "name: "),
    ({"description": "a\u001bb"}, "description: "),
    ({"baselin": "x"}, "key 'baselin' is not known"),
    ({"images_per_month": None}, "key 'images_per_month' is missing"),
    ({"images_per_month": -1}, "images_per_month: .*, not -1"),
    ({"images_per_month": 1.5}, "images_per_month: .*, not "),
    ({"images_per_month": "10000"}, 'images_per_month: .*, not "10000"'),
    ({"images_per_month": []}, "images_per_month: .*a list"),
    ({"images_per_month": [1, -2]}, "images_per_month.1: .*, not -2|a list of one"),
    ({"months": 0}, "months: .*, not 0"),
    ({"months": 121}, "months: .*, not 121"),
    ({"growth": 0.05}, "growth: should read like 5%/month"),
    ({"growth": "5"}, "growth: should read like 5%/month"),
    ({"alternatives": []}, "alternatives: "),
    ({"mix": []}, "mix: "),
    ({"mix": [{"share": 1.5}]}, "mix.0.share: should be a share from 0 to 1"),
    ({"mix": [{"share": 1, "colour": "x"}]}, "key 'mix.0.colour' is not known"),
    (_alternatives(usd_per_image="-1"), "alternatives.1.usd_per_image: .*negative"),
    (_alternatives(usd_per_image="1e3"), "usd_per_image: should be a plain number"),
    (_alternatives(usd_per_image=True), "usd_per_image: should be a plain number"),
    (_alternatives(), "'gateway' has no price"),
    (
        _alternatives(usd_per_image="1", book={}),
        "'gateway' has usd_per_image and book; give one of",
    ),
    (_alternatives(from_run={"run": "latest"}), "give either endpoint or route"),
    (
        _alternatives(from_run={"run": "x", "route": "direct", "endpoint": "y"}),
        "give either endpoint or route",
    ),
    (_alternatives(from_run={"run": "x", "route": "side"}), "from_run.route: "),
    (_alternatives(book={"tier": "fast"}), "book.tier: "),
    (_alternatives(book={"providr": "openai"}), "key 'alternatives.1.book.providr'"),
    (_alternatives(of={"alternative": "direct"}), "of.multiplier' is missing"),
    ({"start": "2027-13"}, 'start: should be a month such as 2027-01, not "2027-13"'),
    ({"start": "2027-01", "seasonality": [1] * 11}, "seasonality: .* it has 11"),
    (
        {"start": "2027-01", "seasonality": {"dezember": 2}},
        "seasonality: 'dezember' is no month; write january",
    ),
    ({"start": "2027-01", "seasonality": {"may": -1}}, "seasonality: .*negative"),
    ({"failures": {"unusable_share": 1.2}}, "failures.unusable_share: .*from 0 to 1"),
    ({"failures": {"lost_share": 0.1}}, "key 'failures.lost_share' is not known"),
    ({"cache_hit_share": -0.1}, 'cache_hit_share: should not be negative, not "-0.1"'),
    ({"batch_share": 1.01}, 'batch_share: should be a share from 0 to 1, not "1.01"'),
    ({"mix": {"from_runs": "x"}}, "key 'mix.from_runs' is not known"),
]
REFUSED_BY_READER = [
    ({"mix": MIX}, "mix: the shares sum to 0.9; make them sum to 1"),
    (_alternatives(usd_per_image="1", mix=MIX), "alternatives.1.mix: the shares sum"),
    ({"growth": "-100%"}, "growth: should read like"),
    ({"baseline": "nobody"}, "baseline: 'nobody' is not among direct, gateway"),
    ({"alternatives": TWICE}, "alternatives.2.name: 'direct' stands twice"),
    (_alternatives(usd_per_image="1", against="gateway"), "against: 'gateway' is not"),
    (
        {"alternatives": [{**GATEWAY, "name": "a"}, DIRECT]},
        "of.alternative: 'direct' does not stand before 'a'; move it up",
    ),
    ({"images_per_month": [1, 2], "months": 2}, "months: .*lists each month"),
    ({"images_per_month": [1, 2], "growth": "5%"}, "growth: .*lists each month"),
    ({"seasonality": {"may": 2}}, "seasonality: .*add start: 2027-01"),
    ({"failures": {"unusable_share": 0.5, "retried_share": 0.45}}, "is 0.95; at most"),
    (
        {"failures": {"from_run": "x", "retried_share": 0.1}},
        "failures.retried_share: from_run measures it",
    ),
    ({"failures": {"route": "direct"}}, "failures.route: it belongs to from_run"),
    ({"mix": {}}, "mix: give either from_run or from_usage"),
    (
        _alternatives(of={"alternative": "direct", "multiplier": 1}, mix=[{}]),
        "alternatives.1.mix: of takes the mix of direct along",
    ),
    (
        _alternatives(from_run={"run": "x", "route": "direct"}, failures={}),
        "alternatives.1.failures: a cost that was measured",
    ),
    (_alternatives(book={}, batch_usd_per_image=1), "batch_usd_per_image: it stands"),
    (_alternatives(book={"tier": "batch"}, batch_share=1), "book.tier: batch is for"),
    (
        _alternatives(book={"multiplier": 1, "scheme": {"kind": "multiplier"}}),
        "book.multiplier: scheme says how",
    ),
    (_alternatives(book={"scheme": {"kind": "magic"}}), "book.scheme: .*'magic'"),
    (
        _alternatives(
            book={"scheme": {"kind": "fee", "share": 0.05, "purchase_usd": 10}}
        ),
        "book.scheme: purchase_usd needs to know each purchase",
    ),
]


@pytest.mark.parametrize(
    ("changes", "sentence"), [*REFUSED_BY_SCHEMA, *REFUSED_BY_READER]
)
def test_a_scenario_that_can_not_be_meant_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    path = _scenario(tmp_path, **changes)
    with pytest.raises(BadInput, match=sentence) as refusal:
        read_scenario(path)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(str(path))


@pytest.mark.parametrize("changes", [changes for changes, _ in REFUSED_BY_SCHEMA])
def test_the_published_schema_refuses_the_same(changes: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_content(**changes), scenario_schema())


@pytest.mark.parametrize("path", [*SHIPPED, *OURS], ids=lambda path: path.name)
def test_the_published_schema_accepts_our_scenarios(path: Path) -> None:
    content = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506  texts only
    plain = _with_numbers(content)
    jsonschema.validate(plain, scenario_schema())
    assert read_scenario(path).name == path.stem


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_numbers(part) for part in value]
    return int(value) if value.isdigit() else value


def test_the_scenario_of_the_documentation_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "projections.md").read_text("utf-8")
    path = tmp_path / "next-year.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0], "utf-8")
    assert len(read_scenario(path).alternatives) == 4


def test_a_usage_file_lies_beside_its_scenario(tmp_path: Path) -> None:
    path = _scenario(tmp_path, mix={"from_usage": "usage.csv"})
    mix = read_scenario(path).mix
    assert isinstance(mix, MeasuredMix)
    assert mix.from_usage == str(tmp_path / "usage.csv")


def test_a_scenario_too_deep_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("name: " + "[" * 30 + "]" * 30)
    with pytest.raises(BadInput, match="nested deeper than 20 levels"):
        read_scenario(path)
    path.write_text("name: x\n" + "# filler\n" * 300_000)
    with pytest.raises(BadInput, match="more than the 2,000,000"):
        read_scenario(path)


def test_more_alternatives_than_anybody_reads_are_refused(tmp_path: Path) -> None:
    many = [{"name": f"a{i}", "usd_per_image": 1} for i in range(1001)]
    with pytest.raises(BadInput, match="alternatives: "):
        read_scenario(_scenario(tmp_path, alternatives=many, baseline="a0"))


def test_what_is_shipped_in_the_package_lies_in_the_data_folder_too() -> None:
    names = ["after-gpt-image-1.yaml", "guides-2025.yaml", "quality-mix.yaml"]
    assert [path.name for path in SHIPPED] == names
    for path in SHIPPED:
        assert (ROOT / "data" / "scenarios" / path.name).read_text() == path.read_text()

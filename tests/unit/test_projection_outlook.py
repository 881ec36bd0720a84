"""Outlook: alternatives priced from options, books and runs, and compared."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bench.errors import BadInput
from bench.scenario.form import Part, Scenario
from bench.studies.assumptions import assumptions, numbers
from bench.studies.outlook import Outlook, choices_of_run, outlook
from bench.studies.priced import Pricer
from bench.studies.run_price import MeasuredRun, RunRecord
from bench.words.assumed import value_words
from dashboards.commands.asking import asked
from dashboards.report.outlook_prose import sentences_of

TODAY = date(2026, 11, 21)
USD = {"low": Decimal("0.01"), "medium": Decimal("0.05")}


def _row(prompt: int, endpoint: str, quality: str, **changes: Any) -> dict[str, Any]:
    factor = Decimal("0.5") if endpoint.startswith("g") else Decimal(1)
    return {
        "run_id": "r",
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "repeat": 1,
        "endpoint": endpoint,
        "route": "gateway" if endpoint.startswith("g") else "direct",
        "model": "m",
        "quality": quality,
        "size": "1024x1024",
        "parameters": "{}",
        "simulated": False,
        "from_cache": False,
        "warmup": False,
        "bucket": "done",
        "outcome": "ok",
        "images": 1,
        "charge_usd": factor * USD[quality] + Decimal(prompt).scaleb(-4),
        "possibly_billed_usd": Decimal(0),
        "charge_unknown": False,
        **changes,
    }


def _record(endpoints: tuple[str, ...] = ("d", "g"), n: int = 8) -> RunRecord:
    rows = [
        _row(i, endpoint, quality)
        for i in range(n)
        for endpoint in endpoints
        for quality in USD
    ]
    return RunRecord(run_id="r", trials=rows, cards={})


def _outlook(record: RunRecord | None = None, **scenario: Any) -> Outlook:
    content = {"name": "x", "images_per_month": 100, "baseline": "a", **scenario}
    pricer = Pricer(lambda _: record or _record(), TODAY)
    return outlook(Scenario.model_validate(content), pricer)


def _given(name: str, usd: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "usd_per_image": usd, **more}


def _of_run(name: str, endpoint: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "from_run": {"run": "r", "endpoint": endpoint}, **more}


LOW = [{"quality": "low"}]


def test_another_alternative_times_a_factor_keeps_its_band_and_its_pairing() -> None:
    half = {"name": "b", "of": {"alternative": "a", "multiplier": "0.5"}}
    found = _outlook(alternatives=[_of_run("a", "d"), half], mix=LOW)
    first, second = (line.priced.unit for line in found.lines)
    assert second.usd * 2 == first.usd
    assert second.low * 2 == first.low < first.high
    (compared,) = found.compared
    band = compared.saving.month.band
    assert band
    # Half of the same draws is saved, not a difference of two spreads.
    assert band.low_usd == first.low * 50
    assert band.high_usd == first.high * 50


def test_a_measured_cost_against_a_given_one_has_the_band_of_the_measured() -> None:
    found = _outlook(alternatives=[_given("a", "0.02"), _of_run("b", "d")], mix=LOW)
    unit = found.lines[1].priced.unit
    (compared,) = found.compared
    band = compared.saving.month.band
    assert band
    assert band.low_usd == (Decimal("0.02") - unit.high) * 100
    assert band.high_usd == (Decimal("0.02") - unit.low) * 100


def test_a_mix_may_differ_between_alternatives() -> None:
    medium = [{"quality": "medium"}]
    both = [{"quality": "low", "share": "0.5"}, {"quality": "medium", "share": "0.5"}]
    found = _outlook(
        alternatives=[_of_run("a", "d"), _of_run("b", "d", mix=medium)], mix=both
    )
    mixed, dear = (line.priced.unit.usd for line in found.lines)
    spread = Decimal("0.00035")
    assert mixed == Decimal("0.03") + spread
    assert dear == Decimal("0.05") + spread


def test_a_book_prices_a_mix_by_its_shares() -> None:
    mix = [
        {"share": "0.9", "model": "gpt-image-1", "quality": "low", "size": "1024x1024"},
        {
            "share": "0.1",
            "model": "gpt-image-1",
            "quality": "high",
            "size": "1024x1024",
        },
    ]
    book = {"name": "a", "book": {"as_of": "2025-06-01"}}
    found = _outlook(alternatives=[book], mix=mix)
    # 272 and 4,160 tokens at 40 USD a million.
    assert found.lines[0].priced.unit.usd == Decimal("0.9") * Decimal(
        "0.01088"
    ) + Decimal("0.1") * Decimal("0.1664")
    assert found.lines[0].priced.source.books[0].valid_from == date(2025, 4, 23)
    assert "a: prompt tokens were not given and count 0" in assumptions(found)


def test_batch_is_half_where_the_book_has_it_and_refused_where_not() -> None:
    part = {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"}
    plain = {"name": "a", "book": {}}
    batch = {"name": "b", "book": {"tier": "batch"}}
    found = _outlook(alternatives=[plain, batch], mix=[part])
    assert found.compared[0].saving.share == Decimal("0.5")
    with pytest.raises(BadInput, match=r"alternative 'b': .*batch"):
        _outlook(
            alternatives=[plain, batch], mix=[part | {"model": "gpt-image-2.5-flare"}]
        )


ASKED = {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"}


@pytest.mark.parametrize(
    ("book", "asked", "batch_share", "words"),
    [
        ({}, {"model": "gpt-image-9"}, None, "mend model; `pixelmeter prices` lists"),
        (
            {"provider": "google"},
            {"model": "gemini-3-pro-image"},
            None,
            "no rule says .* takes; give its price, or what a run measured",
        ),
        ({}, {"quality": None}, None, "; name quality and size, or give its price"),
        ({}, {"size": "auto"}, None, "; name quality and size, or give its price"),
        (
            {"tier": "batch"},
            {"model": "gpt-image-2.5-flare"},
            None,
            "no batch rates of gpt-image-2.5-flare; else leave tier: batch out",
        ),
        (
            {"as_of": "2025-06-01"},
            {"model": "gpt-image-1"},
            "0.5",
            "lies outside; give as_of a day that has them; else give batch_share: 0",
        ),
    ],
)
def test_a_price_that_is_not_to_be_had_is_told_with_its_cure(
    book: dict[str, str], asked: dict[str, str], batch_share: str | None, words: str
) -> None:
    choice = {"name": "a", "book": book, "batch_share": batch_share}
    with pytest.raises(BadInput, match=words):
        _outlook(alternatives=[choice], mix=[{**ASKED, **asked}])


def test_what_a_price_leaves_open_is_said_in_words_and_nothing_else() -> None:
    flat = {"kind": "flat_per_call", "usd": "0.03"}
    fee = {"kind": "fee", "share": "0.05", "minimum_usd": "0.8"}
    ahead = {"as_of": "2027-01-01", "input_text_tokens": 9}
    found = _outlook(
        alternatives=[
            {"name": "a", "book": {"scheme": [flat, fee]}},
            {"name": "b", "book": ahead},
        ],
        mix=[ASKED],
    )
    told = [one for one in assumptions(found) if one.startswith(("a:", "b:"))]
    assert told == [
        "a: the fee's minimum is left out, since what is bought at once is not known",
        "b: nobody knows the prices of 2027-01-01 yet; they are those of 2026-11-21",
    ]


def test_a_difference_that_is_not_clear_is_given_no_share() -> None:
    record = _record(("d", "g"))
    for row in record.trials:
        off = Decimal("0.003") * (-1) ** int(row["prompt_id"][1:]) + Decimal("0.001")
        if row["endpoint"] == "g":
            row.update(charge_usd=Decimal("0.01") + off)  # pyright: ignore[reportAttributeAccessIssue]
    found = _outlook(
        record, alternatives=[_of_run("a", "d"), _of_run("b", "g")], mix=LOW
    )
    (compared,) = found.compared
    assert compared.saving.share
    told = sentences_of(found, compared)
    assert all("%" not in one.replace("90%", "") for one in told)
    assert told[0].startswith("no clear difference a month between b and a")


def test_what_the_command_line_changes_in_a_scenario_is_noted() -> None:
    pricer = Pricer(lambda _: _record(), TODAY)
    assert asked("guides-2025", None, {}, pricer).notes == ()
    given = {"images_per_month": 500, "cache_hit_share": "0.2"}
    (note,) = asked("guides-2025", None, given, pricer).notes
    assert note == (
        "changed on the command line: --images-per-month 500, --cache-hit-share 0.2; "
        "what the scenario says of itself is of its own figures"
    )


def test_every_alternative_of_a_run_stands_against_its_first_direct_endpoint() -> None:
    run = MeasuredRun(_record(("d2", "d1", "g")))
    choices, left_out = choices_of_run(run, Part(quality="low"))
    assert [(c.name, c.against) for c in choices] == [
        ("d1", None),
        ("d2", "d1"),
        ("g", "d1"),
    ]
    assert left_out == ()


def test_a_variant_without_a_usable_picture_is_left_out_and_named() -> None:
    record = _record()
    for row in record.trials:
        if row["quality"] == "low" and row["endpoint"] == "g":
            row.update(outcome="unusable", images=0)  # pyright: ignore[reportAttributeAccessIssue]
    choices, left_out = choices_of_run(MeasuredRun(record), Part())
    assert [c.name for c in choices] == [
        "m medium 1024x1024, d",
        "m medium 1024x1024, g",
    ]
    assert left_out == (
        "m low 1024x1024 is left out: no usable picture of known price at g",
    )
    with pytest.raises(BadInput, match="run r: m low 1024x1024 is left out"):
        choices_of_run(MeasuredRun(record), Part(quality="low"))


@pytest.mark.parametrize(
    ("endpoints", "words"),
    [
        (("d",), r"has no gateway endpoint, only d \(direct\)"),
        (("g",), r"has no direct endpoint, only g \(gateway\)"),
    ],
)
def test_a_run_at_one_route_says_which_is_missing(
    endpoints: tuple[str, ...], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        choices_of_run(MeasuredRun(_record(endpoints)), Part())


def test_a_run_without_trials_is_refused() -> None:
    with pytest.raises(BadInput, match="run r has no trials to read"):
        MeasuredRun(RunRecord(run_id="r", trials=[], cards={}))


def test_several_endpoints_of_a_route_must_be_named() -> None:
    by_route = {"name": "a", "from_run": {"run": "r", "route": "gateway"}}
    with pytest.raises(BadInput, match=r"'a': run r has several gateway .*g1, g2"):
        _outlook(_record(("d", "g1", "g2")), alternatives=[by_route], mix=LOW)


def test_figures_beyond_what_a_record_holds_are_refused() -> None:
    factor = "999999999999"
    first = _given("a", factor)
    second = {"name": "b", "of": {"alternative": "a", "multiplier": factor}}
    third = {"name": "c", "of": {"alternative": "b", "multiplier": factor}}
    with pytest.raises(BadInput, match="passes 10"):
        _outlook(alternatives=[first, second, third])


def test_no_pictures_cost_nothing_and_save_nothing() -> None:
    found = _outlook(
        images_per_month=0, alternatives=[_given("a", "1"), _given("b", "2")]
    )
    assert found.compared[0].saving.whole.usd == 0
    assert found.compared[0].saving.share is None


def test_the_assumptions_name_growth_fees_sources_and_what_is_left_out() -> None:
    record = _record()
    unknown = {"charge_usd": None, "charge_unknown": True}
    record.trials[0].update(possibly_billed_usd=Decimal("0.2"), **unknown)  # pyright: ignore[reportAttributeAccessIssue]
    found = _outlook(
        record,
        growth="-10%/month",
        alternatives=[_of_run("a", "d"), _given("b", "1", setup_usd=7)],
        mix=LOW,
    )
    told = "\n".join(assumptions(found))
    for words in (
        "volume: 100 images in the first month, 10.0% less each month (31 in month 12",
        "a: 1 of 8 trials of m low 1024x1024 hold money of unknown amount",
        "up to $0.2000 is possibly billed",
        "every picture is taken for usable",
        "not how prices may change",
    ):
        assert words in told
    listed = {one.what: (value_words(one), one.source) for one in numbers(found)}
    assert listed == {
        "usable images in the first month": ("100", "the scenario"),
        "growth a month, compound": ("−10%", "the scenario"),
        "a: US$ an image, low": (
            "$0.0104",
            "measured in run r at d, n=7 images of 8 prompts",
        ),
        "b: US$ an image, low": ("$1", "the price as given"),
        "b: set-up, once in the first month": ("$7", "the scenario"),
    }

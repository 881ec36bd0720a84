"""Request ends: failure rates of a run, and what they do to a book's price."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bench.errors import BadInput
from bench.scenario.form import Failing, Scenario
from bench.studies.assumptions import assumptions, numbers
from bench.studies.outlook import Outlook, outlook
from bench.studies.priced import Pricer
from bench.studies.request_ends import request_ends
from bench.studies.run_price import RunRecord
from bench.words.assumed import range_words
from pricing.failures import Failures

ENDS = {
    "ok": ("ok", "billed"),
    "unusable": ("unusable", "billed_unusable"),
    "unbilled_unusable": ("unusable", "unbilled"),
    "refused": ("refused", "unbilled"),
    "refused_billed": ("refused", "billed_unusable"),
    "limited": ("rate_limited", "unbilled"),
    "billed_error": ("server_error", "billed_unusable"),
    "lost": ("lost", "possibly_billed"),
}


def _row(prompt: int, end: str, n: int, endpoint: str = "d") -> dict[str, Any]:
    outcome, billing = ENDS[end]
    return {
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "endpoint": endpoint,
        "route": "direct" if endpoint == "d" else "gateway",
        "outcome": outcome,
        "billing": billing,
        "simulated": False,
        "n_requests": n,
    }


# 100 requests of known billing at d: 80 ok, 8 unusable, 4 refused (one billed), 8
# others (2 billed); 3 more that nobody knows of.
DIRECT = [
    *(_row(prompt, "ok", 10) for prompt in range(8)),
    *(_row(prompt, "unusable", 4) for prompt in (0, 1)),
    *(_row(0, "refused", 3), _row(1, "refused_billed", 1)),
    *(_row(2, "limited", 4), _row(3, "billed_error", 2)),
    *(_row(4, "unbilled_unusable", 2), _row(5, "lost", 3)),
]
GATEWAY = [_row(prompt, "ok", 5, "g") for prompt in range(3)]


def test_each_request_counts_once_and_unknown_ones_are_left_out() -> None:
    found = request_ends("r", [*DIRECT, *GATEWAY], Failing(endpoint="d"))
    assert (found.n_requests, found.n_prompts, found.n_unknown) == (100, 8, 3)
    assert found.failures == Failures(
        unusable_share=Decimal("0.08"),
        refused_share=Decimal("0.04"),
        retried_share=Decimal("0.08"),
        refused_billed_share=Decimal("0.25"),
        retried_billed_share=Decimal("0.25"),
    )
    # 80 usable, 8 + 1 + 2 billed for nothing.
    assert found.failures.pictures_billed == Decimal(91) / 80
    band = found.bands["unusable_share"]
    assert band
    # Its band is of prompts: two of eight hold all the unusable ones.
    assert 0 <= band.low_usd < Decimal("0.08") < band.high_usd < Decimal("0.2")


def test_few_prompts_give_shares_without_a_band_and_say_why() -> None:
    found = request_ends("r", [*DIRECT, *GATEWAY], Failing(route="gateway"))
    assert found.failures == Failures()
    assert set(found.bands.values()) == {None}
    assert found.why_no_band == "n=3 prompts; a band needs 6"


def test_an_endpoint_without_requests_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(BadInput, match=r"at nobody; it has d \(direct\), g \(gateway"):
        request_ends("r", [*DIRECT, *GATEWAY], Failing(endpoint="nobody"))
    with pytest.raises(BadInput, match="no request would give a usable picture"):
        request_ends("r", [_row(1, "refused", 3)], Failing())


def _outlook(requests: Any = DIRECT, **changes: Any) -> Outlook:
    content = {
        "name": "x",
        "images_per_month": 1000,
        "baseline": "given",
        "failures": {"from_run": "r", "endpoint": "d"},
        "alternatives": [
            {"name": "given", "usd_per_image": "0.08"},
            {"name": "half", "of": {"alternative": "given", "multiplier": "0.5"}},
        ],
        **changes,
    }
    trial = {
        "endpoint": "d",
        "route": "direct",
        "from_cache": True,
        "model": "m",
        "quality": "q",
        "size": "s",
    }
    record = RunRecord(run_id="r", trials=[trial], cards={}, requests=requests)
    scenario = Scenario.model_validate(content)
    return outlook(scenario, Pricer(lambda _: record, date(2026, 11, 21)))


def test_a_given_price_takes_the_failures_of_a_run_with_their_band() -> None:
    found = _outlook()
    given, half = found.lines
    # 0.08 x 91 / 80.
    assert given.priced.unit.usd == Decimal("0.091")
    assert given.priced.unit.n == 100
    low, high = given.priced.unit.low, given.priced.unit.high
    assert Decimal("0.08") <= low < Decimal("0.091") < high
    assert (half.priced.unit.low, half.priced.unit.high) == (low / 2, high / 2)
    (compared,) = found.compared
    # The same requests are redrawn for both, so half of each draw is saved.
    assert compared.unit_band
    assert compared.unit_band.low_usd == low / 2
    swung = {one.what: one.reach for one in compared.swings}
    assert swung["requests that give an unusable image"] == "90% band"
    told = {one.what: range_words(one) for one in numbers(found)}
    assert told["requests that give an unusable image"].endswith(", 90% band")
    assert any(
        "3 requests of run r may have been billed" in s for s in assumptions(found)
    )


def test_failures_that_can_not_be_worse_are_varied_at_one_end_alone() -> None:
    # Half of all prompts mostly give nothing usable, half are mostly refused.
    requests = [_row(prompt, "ok", 2) for prompt in range(8)]
    requests += [_row(k, "unusable" if k < 4 else "refused", 18) for k in range(8)]
    found = _outlook(requests)
    swung = {one.what: one for one in found.lines[0].swings}
    worst = swung["requests that give an unusable image"]
    assert worst.reach == "90% band, low end alone"
    assert worst.low_usd < worst.high_usd == found.lines[0].course.whole.usd


def test_cache_and_own_terms_come_along_with_the_price_that_is_followed() -> None:
    choices = [
        {"name": "given", "usd_per_image": "0.08", "cache_hit_share": "0.25",
         "failures": {"unusable_share": "0.2"}},
        {"name": "half", "of": {"alternative": "given", "multiplier": "0.5"}},
        {"name": "bare", "of": {"alternative": "given", "multiplier": "0.5"},
         "cache_hit_share": 0, "failures": {}},
    ]  # fmt: skip
    found = _outlook(alternatives=choices)
    units = [line.priced.unit.usd for line in found.lines]
    # 0.08 / 0.8 x 0.75; half of it; 0.04 alone.
    assert units == [Decimal("0.075"), Decimal("0.0375"), Decimal("0.04")]


GPT = {"model": "gpt-image-2", "size": "1024x1024"}
LOW, MEDIUM = {**GPT, "quality": "low"}, {**GPT, "quality": "medium"}


def test_a_batch_share_takes_the_batch_price_of_the_book_or_is_refused() -> None:
    batch = {"name": "given", "book": {}, "batch_share": "0.5"}
    found = _outlook(alternatives=[batch], mix=[LOW], failures=None)
    # 196 tokens at 30 USD a million; half of them at 15.
    assert found.lines[0].priced.unit.usd == Decimal("0.00441")
    for choice, words in (
        ({"name": "given", "book": {"as_of": "2025-06-01"}}, "batch_share: .*batch"),
        ({"name": "given", "usd_per_image": "1"}, "batch_share: there is no batch"),
    ):
        mix = [{**LOW, "model": "gpt-image-1"}]
        with pytest.raises(BadInput, match=f"'given': {words}"):
            _outlook(alternatives=[choice], mix=mix, batch_share="0.5")
    # Where no batch is wanted, none need exist.
    assert _outlook(batch_share=0).lines


def test_a_gateways_scheme_prices_each_part_of_the_mix() -> None:
    mix = [{**LOW, "share": "0.75"}, {**MEDIUM, "share": "0.25"}]
    flat = [{"kind": "flat_per_call", "usd": "0.03"}, {"kind": "fee", "share": "0.1"}]
    found = _outlook(
        mix=mix,
        failures=None,
        alternatives=[
            {"name": "given", "book": {}},
            {"name": "times", "book": {"multiplier": "0.8"}},
            {"name": "flat", "book": {"scheme": flat}},
        ],
    )
    direct, times, flat_usd = (line.priced.unit.usd for line in found.lines)
    # 196 and 1,756 tokens at 30 USD a million.
    assert direct == Decimal("0.75") * Decimal("0.00588") + Decimal("0.01317")
    assert times == direct * Decimal("0.8")
    assert flat_usd == Decimal("0.033")
    # A rate of the book moves both; a flat price is the gateway's own.
    swings = {c.saving.alternative: [s.what for s in c.swings] for c in found.compared}
    assert "openai prices of gpt-image-2" in swings["times"]
    assert "price of flat" in swings["flat"]


def test_doubt_about_a_rate_of_medium_confidence_stands_apart_from_the_band() -> None:
    found = _outlook(
        mix=[{"model": "fal-ai/flux-pro/v1.1"}],
        failures=None,
        months=2,
        medium_price_range="0.25",
        alternatives=[
            {"name": "given", "usd_per_image": "0.07"},
            {"name": "fal", "book": {"provider": "fal"}},
            {"name": "half", "of": {"alternative": "fal", "multiplier": "0.5"}},
        ],
    )
    first, second = found.compared
    # 2,000 images at 0.04, and at 0.03 to 0.05: a saving of 60, of 80 to 40.
    assert first.saving.whole.usd == 60
    assert first.medium
    assert (first.medium.low_usd, first.medium.high_usd) == (80, 40)
    assert first.medium.reach == "±25%"
    assert first.saving.whole.band is None
    assert second.medium
    assert (second.medium.low_usd, second.medium.high_usd) == (110, 90)


def test_a_model_that_ends_within_the_months_is_warned_of() -> None:
    mini = {"model": "gpt-image-1-mini", "quality": "low", "size": "1024x1024"}
    book = {"name": "given", "book": {"as_of": "2026-11-21"}}
    changes = {"mix": [mini], "failures": None, "alternatives": [book], "months": 4}
    found = _outlook(start="2026-10", **changes)
    (warning,) = found.warnings
    assert "gpt-image-1-mini can't be bought from 2026-12-01 on" in warning
    assert "2 of 4 months" in warning
    (warning,) = _outlook(**changes).warnings
    assert warning.startswith("gpt-image-1-mini can't be bought from 2026-12-01 on; ")
    assert "give start, the first month" in warning
    assert _outlook(start="2026-08", **changes).warnings == ()

"""Schemes: what a gateway takes, each figure worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from pricing.charge import Charge
from pricing.errors import BadForm, BadScheme
from pricing.money import usd_text
from pricing.picture import charge_flat
from pricing.question import answer
from pricing.scheme import parse_multiplier, parse_scheme

# 1,756 output tokens at 30 and 60 text tokens at 5 USD a million: 0.05268 + 0.0003.
MEDIUM: dict[str, Any] = {
    "model": "gpt-image-2",
    "as_of": "2026-11-01",
    "usage": {
        "input_text_tokens": 60,
        "cached_text_tokens": 0,
        "output_image_tokens": 1756,
    },
}
FLAT: dict[str, Any] = {"mode": "flat", "flat_price": "0.07"}


def _ask(question: dict[str, Any], scheme: object, **more: Any) -> dict[str, Any]:
    return answer({**question, "scheme": scheme, **more})


@pytest.mark.parametrize(
    ("question", "scheme", "more", "usd"),
    [
        # 0.05298 / 2
        (MEDIUM, {"kind": "multiplier", "factor": "0.5"}, {}, "0.02649"),
        # 0.03 a call, whatever was asked; three calls
        (MEDIUM, {"kind": "flat_per_call", "usd": "0.03"}, {"requests": 3}, "0.09"),
        # Dearer than a low picture at the direct price: a saving below nothing.
        (
            {"model": "gpt-image-2", "as_of": "2026-11-01"}
            | {"mode": "estimate", "quality": "low", "size": "1024x1024"},
            {"kind": "flat_per_call", "usd": "0.03"},
            {},
            "0.03",
        ),
        # 1,756 x 22.50 / 10^6 = 0.03951; the text stays: + 0.0003
        (
            MEDIUM,
            {"kind": "per_class", "rates": {"output_image": "22.50"}},
            {},
            "0.03981",
        ),
        # 0.03951 + 60 x 3.75 / 10^6 = 0.000225
        (
            MEDIUM,
            {
                "kind": "per_class",
                "rates": {"output_image_tokens": "22.50", "input_text": "3.75"},
            },
            {},
            "0.039735",
        ),
        # 0.05298 x 1.1
        (MEDIUM, {"kind": "region", "factor": "1.1"}, {}, "0.058278"),
        # each call to the next cent: 0.06, not the total 0.15894
        (MEDIUM, {"kind": "round_up", "to_usd": "0.01"}, {"requests": 3}, "0.18"),
        # 0.07 is a whole cent already
        (FLAT, {"kind": "round_up", "to_usd": "0.01"}, {}, "0.07"),
        # 0.0706 in steps of 0.0005 is 0.071
        (
            FLAT | {"flat_price": "0.0706"},
            {"kind": "round_up", "to_usd": "0.0005"},
            {},
            "0.071",
        ),
        # 1,048,576 px are one megapixel
        (
            FLAT | {"size": "1024x1024"},
            {"kind": "round_up", "to_megapixel": "1"},
            {},
            "0.07",
        ),
        # 1,572,864 px are 1.5: two
        (
            FLAT | {"size": "1024x1536"},
            {"kind": "round_up", "to_megapixel": "1"},
            {"images": 2},
            "0.28",
        ),
        # in halves: 1.5
        (
            FLAT | {"size": "1024x1536"},
            {"kind": "round_up", "to_megapixel": "0.5"},
            {},
            "0.105",
        ),
        # 10 credits of which a dollar buys 211: 0.04739336492890995...
        (
            FLAT | {"flat_price": "10"},
            {"kind": "credits", "per_usd": "211"},
            {},
            "0.047393364929",
        ),
        # on the total: 30 credits, 0.142180094786729..., not three rounded parts
        (
            FLAT | {"flat_price": "10"},
            {"kind": "credits", "per_usd": "211"},
            {"requests": 3},
            "0.142180094787",
        ),
        # 0.5 CNY of which a dollar buys 7.1
        (
            FLAT | {"flat_price": "0.5"},
            {
                "kind": "currency",
                "code": "CNY",
                "per_usd": "7.1",
                "as_of": "2026-11-01",
            },
            {},
            "0.070422535211",
        ),
        # a share of the use where nobody says what is bought
        (FLAT, {"kind": "fee", "share": "0.055"}, {}, "0.07385"),
        # 5.5 % of 10 is 0.55, below the minimum of 0.80
        (
            FLAT,
            {
                "kind": "fee",
                "share": "0.055",
                "minimum_usd": "0.80",
                "purchase_usd": "10",
            },
            {"requests": 100},
            "7.8",
        ),
        # 5.5 % of 100 is 5.50
        (
            FLAT,
            {
                "kind": "fee",
                "share": "0.055",
                "minimum_usd": "0.80",
                "purchase_usd": "100",
            },
            {"requests": 100},
            "12.5",
        ),
    ],
)
def test_a_scheme_takes_what_its_words_say(
    question: dict[str, Any], scheme: object, more: dict[str, Any], usd: str
) -> None:
    found = _ask(question, scheme, **more)
    assert found["error"] is None
    assert found["usd"] == usd
    assert sum(Decimal(line["usd"]) for line in found["lines"]) == Decimal(usd)


def test_a_minimum_that_nothing_can_be_held_against_is_flagged() -> None:
    fee = {"kind": "fee", "share": "0.055", "minimum_usd": "0.80"}
    found = _ask(FLAT, fee)
    assert (found["usd"], found["flags"]) == ("0.07385", ["fee_minimum_not_applied"])
    assert _ask(FLAT, fee | {"purchase_usd": "5"})["flags"] == []


def test_steps_on_a_call_come_before_steps_on_the_total_each_in_its_order() -> None:
    steps = [
        {"kind": "fee", "share": "0.1"},
        {"kind": "multiplier", "factor": "0.5"},
        {"kind": "round_up", "to_usd": "0.01"},
    ]
    # 0.07 / 2 = 0.035, up to 0.04, three calls 0.12, a tenth more
    assert _ask(FLAT, steps, requests=3)["usd"] == "0.132"
    # 0.07, up to 0.07, half of it, three calls 0.105, a tenth more
    turned = [steps[0], steps[2], steps[1]]
    assert _ask(FLAT, turned, requests=3)["usd"] == "0.1155"


def test_a_fee_in_another_currency_is_taken_before_it_is_exchanged() -> None:
    yuan = {"kind": "currency", "code": "CNY", "per_usd": "8", "as_of": "2026-11-01"}
    fee = {"kind": "fee", "share": "0.1", "purchase_usd": "100"}
    # (0.07 + 10) / 8 against 0.07 / 8 + 10
    assert _ask(FLAT, [fee, yuan])["usd"] == "1.25875"
    assert _ask(FLAT, [yuan, fee])["usd"] == "10.00875"


def test_a_scheme_adds_one_line_rounded_once_and_calls_multiply_after_it() -> None:
    third = parse_multiplier("0.333333333333333333333333")
    one = third.per_call(charge_flat(Decimal("0.000000000001")))
    assert usd_text(one.usd) == "0"
    assert usd_text(one.times(10**6).usd) == "0"
    small = charge_flat(Decimal("0.000000000003"))
    half = parse_multiplier("0.5").per_call(small).times(1000)
    assert usd_text(half.usd) == "0.000000002"
    assert [line.name for line in half.lines] == ["image", "adjustment"]


def test_a_list_of_schemes_is_applied_in_order() -> None:
    steps = [
        {"kind": "multiplier", "factor": "0.5"},
        {"kind": "multiplier", "factor": "1.1"},
    ]
    found = parse_scheme(steps).apply(charge_flat(Decimal("0.1")))
    assert [usd_text(line.usd) for line in found.lines] == ["0.1", "-0.05", "0.005"]


EVERY: list[dict[str, Any]] = [
    {"kind": "per_class", "rates": {"output_image": "22.5"}},
    {"kind": "multiplier", "factor": "0.5"},
    {"kind": "flat_per_call", "usd": "0.03"},
    {"kind": "region", "factor": "1.1"},
    {"kind": "round_up", "to_usd": "0.01"},
    {"kind": "round_up", "to_megapixel": "1"},
    {"kind": "credits", "per_usd": "211"},
    {"kind": "currency", "code": "CNY", "per_usd": "7.1", "as_of": "2026-11-01"},
    {"kind": "fee", "share": "0.055", "minimum_usd": "0.8"},
    {"kind": "fee", "share": "0.055", "minimum_usd": "0.8", "purchase_usd": "10"},
]


def test_every_scheme_survives_json() -> None:
    assert parse_scheme(EVERY).to_json() == EVERY
    for scheme in EVERY:
        assert parse_scheme(scheme).to_json() == scheme


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ({"kind": "multiplier", "factor": "-1"}, "negative"),
        ({"kind": "multiplier", "factor": "half"}, "no factor"),
        ({"kind": "flat_per_call", "usd": "-0.03"}, "negative"),
        ({"kind": "flat_per_call", "usd": "1e-2"}, "plain decimal"),
        ({"kind": "per_class", "rates": {}}, "no class"),
        ({"kind": "per_class", "rates": {"pictures": "1"}}, "'pictures' is unknown"),
        ({"kind": "per_class", "rates": {"image": "-1"}}, "negative"),
        ({"kind": "region", "factor": "-1.1"}, "negative"),
        ({"kind": "round_up"}, "one of"),
        ({"kind": "round_up", "to_usd": "0.01", "to_megapixel": "1"}, "one of"),
        ({"kind": "round_up", "to_usd": "0"}, "above 0"),
        ({"kind": "round_up", "to_megapixel": "0"}, "above 0"),
        ({"kind": "credits", "per_usd": "0"}, "above 0"),
        (
            {"kind": "currency", "code": "yuan", "per_usd": "7", "as_of": "2026-11-01"},
            "no code",
        ),
        ({"kind": "fee", "share": "-0.1"}, "negative"),
        ({"kind": "magic"}, "known are multiplier"),
        ([], "at least one"),
        ([{"kind": "multiplier", "factor": "1"}] * 21, "at most 20"),
        (
            [
                {"kind": "multiplier", "factor": "1"},
                {"kind": "per_class", "rates": {"image": "1"}},
            ],
            "before",
        ),
    ],
)
def test_a_scheme_that_can_not_be_applied_says_why(scheme: object, said: str) -> None:
    with pytest.raises(BadScheme, match=said):
        parse_scheme(scheme)
    found = _ask(FLAT, scheme)
    assert found["usd"] is None
    assert said in found["error"]


@pytest.mark.parametrize(
    "scheme",
    [
        "0.5",
        {},
        {"kind": 1},
        {"kind": "multiplier"},
        {"kind": "multiplier", "factor": 0.5},
        {"kind": "multiplier", "factor": "0.5", "share": "1"},
        {"kind": "per_class"},
        {"kind": "per_class", "rates": {"image": 1}},
        {"kind": "currency", "code": "CNY", "per_usd": "7.1"},
        {"kind": "currency", "code": "CNY", "per_usd": "7.1", "as_of": "today"},
        {"kind": "fee"},
        [{"kind": "multiplier", "factor": "1"}, {"kind": "fee"}],
    ],
)
def test_a_scheme_of_the_wrong_form_is_refused_as_such(scheme: object) -> None:
    with pytest.raises(BadForm):
        parse_scheme(scheme)


def test_a_price_a_megapixel_needs_a_size_and_whole_pictures() -> None:
    scheme = {"kind": "round_up", "to_megapixel": "1"}
    assert "size" in _ask(FLAT, scheme)["error"]
    assert "whole pictures" in _ask(MEDIUM | {"size": "1024x1024"}, scheme)["error"]


def test_nothing_is_charged_below_nothing() -> None:
    free = Charge(lines=())
    for scheme in EVERY[:5]:
        assert parse_scheme(scheme).apply(free).usd >= 0

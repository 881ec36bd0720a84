"""Money: exact dollars, from text to text."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import BadAmount
from pricing.money import line_usd, round_usd, share, times, total, usd, usd_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.04224", "0.04224"),
        ("700.00", "700"),
        ("5.00", "5"),
        ("-0.50", "-0.5"),
        ("100", "100"),
        ("0.000000000001", "0.000000000001"),
        ("999999999999", "999999999999"),
    ],
)
def test_an_amount_is_read_and_shown_without_loss(text: str, shown: str) -> None:
    assert usd_text(usd(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        ".5",
        "5.",
        "1e3",
        "1E-7",
        "NaN",
        "inf",
        "-Infinity",
        "0x1",
        "1,000",
        "1_000",
        "١",
        "½",
        "１",
        "1\n",
        "1" * 13,
        "0." + "1" * 41,
        0.04224,
        1,
        True,
        None,
        Decimal(1),
    ],
)
def test_anything_but_plain_decimal_text_is_no_amount(text: Any) -> None:
    with pytest.raises(BadAmount):
        usd(text)


@pytest.mark.parametrize(
    ("quantity", "rate", "per", "expected"),
    [
        (1056, "40", 1_000_000, "0.04224"),
        (1, "0.0000005", 1_000_000, "0"),
        (3, "0.0000005", 1_000_000, "0.000000000002"),
        (5, "0.0000005", 1_000_000, "0.000000000002"),
        (7, "0.0000005", 1_000_000, "0.000000000004"),
        (10_000, "0.07", 1, "700"),
        (1, "1", 3, "0.333333333333"),
        (2, "1", 3, "0.666666666667"),
        (10**12, "30", 1_000_000, "30000000"),
    ],
)
def test_a_line_is_rounded_once_half_even_to_12_decimals(
    quantity: int, rate: str, per: int, expected: str
) -> None:
    assert usd_text(line_usd(quantity, Decimal(rate), per)) == expected


def test_the_precision_of_the_caller_changes_nothing() -> None:
    rate = Decimal("0.123456789012345678901234")
    exact = line_usd(987_654_321, rate, 1_000_000)
    with localcontext() as context:
        context.prec = 3
        assert line_usd(987_654_321, rate, 1_000_000) == exact
        assert total([Decimal("0.1")] * 3 + [Decimal(10**9)]) == Decimal("1000000000.3")
        assert usd_text(times(Decimal("123.456"), 1001)) == "123579.456"


def test_an_amount_that_no_record_can_hold_is_refused() -> None:
    with pytest.raises(BadAmount):
        round_usd(Decimal(10) ** 26)


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(Decimal(1), Decimal(0)) is None
    assert share(Decimal(350), Decimal(700)) == Decimal("0.5")


@given(st.decimals(-(10**11), 10**11, places=12))
def test_text_and_amount_are_each_others_inverse(amount: Decimal) -> None:
    assert usd(usd_text(amount)) == amount

"""Words of a projection: savings with their sign, sums to the cent."""

from decimal import Decimal

import pytest

from bench.words.assumed import range_words, value_words
from bench.words.breakevens import break_even_sentence, payback_sentence
from bench.words.savings import band_text, cents, saving_sentence
from pricing.assumption import Assumption, Unit
from pricing.breakeven import BreakEven, Crossing
from pricing.projection import Band, Banded


def _banded(usd: str, low: str | None = None, high: str | None = None) -> Banded:
    band = None
    if low is not None and high is not None:
        band = Band(low_usd=Decimal(low), high_usd=Decimal(high))
    return Banded(usd=Decimal(usd), band=band)


@pytest.mark.parametrize(
    ("saving", "sentence"),
    [
        (_banded("350"), "gw costs US$350.00 less a month than direct"),
        (_banded("-24.12"), "gw costs US$24.12 more a month than direct"),
        (_banded("0"), "gw and direct cost the same a month"),
        (
            _banded("5", "4", "6.5"),
            (
                "gw costs US$5.00 less a month than direct (90% band US$4.00 "
                "to US$6.50 less)"
            ),
        ),
        (
            _banded("-5", "-6.5", "-4"),
            (
                "gw costs US$5.00 more a month than direct (90% band US$4.00 "
                "to US$6.50 more)"
            ),
        ),
        (
            _banded("1", "-2", "4"),
            (
                "no clear difference a month between gw and direct: measured US$1.00 "
                "less (90% band US$2.00 more to US$4.00 less)"
            ),
        ),
        (
            _banded("5", "4.999", "5.001"),
            "gw costs US$5.00 less a month than direct (90% band too narrow to show)",
        ),
    ],
)
def test_a_saving_is_told_with_its_sign_in_words(saving: Banded, sentence: str) -> None:
    assert saving_sentence("gw", "direct", saving, "a month") == sentence
    when = "a month, set-up apart,"
    assert not saving_sentence("gw", "direct", saving, when).endswith(",")


def test_a_measured_saving_without_a_band_says_why() -> None:
    told = saving_sentence("gw", "direct", _banded("2"), "a month", "n=3 prompts")
    assert told.endswith("than direct (no 90% band: n=3 prompts)")


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("1234567.895", "$1,234,567.90"),
        ("10000", "$10,000.00"),
        ("-24.12", "−$24.12"),
        ("0", "$0.00"),
        ("0.00588", "$0.0059"),
        ("1e26", "$100,000,000,000,000,000,000,000,000.00"),
    ],
)
def test_sums_are_told_to_the_cent(usd: str, text: str) -> None:
    assert cents(Decimal(usd)) == text


def test_a_band_that_rounds_to_one_amount_is_told_once() -> None:
    narrow = Band(low_usd=Decimal("0.05281"), high_usd=Decimal("0.05284"))
    assert band_text(narrow) == "$0.0528"
    assert band_text(None) == "–"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            BreakEven(crossing=Crossing.FROM, images=2001, spend_usd=Decimal(145)),
            (
                "gw costs less from 2,001 images a month on, where direct costs "
                "US$145.00 a month"
            ),
        ),
        (
            BreakEven(crossing=Crossing.UP_TO, images=499, spend_usd=Decimal(40)),
            (
                "gw costs less only up to 499 images a month, where direct costs "
                "US$40.00 a month"
            ),
        ),
        (
            BreakEven(crossing=Crossing.FROM, images=1, spend_usd=Decimal(2)),
            "gw costs less from 1 image a month on, where direct costs US$2.00 a month",
        ),
        (
            BreakEven(crossing=Crossing.ALWAYS),
            "gw costs less than direct at every volume",
        ),
        (BreakEven(crossing=Crossing.NEVER), "gw never costs less than direct"),
        (
            BreakEven(crossing=Crossing.SAME),
            "gw and direct cost the same at every volume",
        ),
    ],
)
def test_a_break_even_is_told_in_words(found: BreakEven, sentence: str) -> None:
    assert break_even_sentence("gw", "direct", found) == sentence


def test_the_band_of_a_break_even_may_end_with_never() -> None:
    first = BreakEven(crossing=Crossing.FROM, images=900, spend_usd=Decimal(1))
    later = BreakEven(crossing=Crossing.FROM, images=1500, spend_usd=Decimal(1))
    never = BreakEven(crossing=Crossing.NEVER)
    told = break_even_sentence("gw", "direct", first, (first, later))
    assert told.endswith(" (90% band: 900 to 1,500)")
    told = break_even_sentence("gw", "direct", first, (first, never))
    assert told.endswith(" (90% band: from 900 to never)")
    assert "band" not in break_even_sentence("gw", "direct", never, (never, never))


def test_a_pay_back_names_its_month_or_says_that_there_is_none() -> None:
    assert "by the end of month 5" in payback_sentence("gw", 5, 12)
    assert "does not pay for its set-up within 12 months" in payback_sentence(
        "gw", None, 12
    )
    assert payback_sentence("gw", None, 1).endswith("within 1 month")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("10000", Unit.IMAGES, "10,000"),
        ("0.04224", Unit.USD, "$0.04224"),
        ("1234500", Unit.USD, "$1,234,500"),
        ("1234.5", Unit.USD, "$1,234.5"),
        ("0.015836864197", Unit.USD, "$0.015836864"),
        ("0.025", Unit.SHARE, "2.5%"),
        ("-0.1", Unit.GROWTH, "−10%"),
        ("0.50", Unit.FACTOR, "0.5"),
    ],
)
def test_an_assumption_shows_every_digit_that_was_given(
    value: str, unit: Unit, text: str
) -> None:
    one = Assumption(key="k", what="w", value=Decimal(value), unit=unit, source="s")
    assert value_words(one) == text
    assert range_words(one) == ""

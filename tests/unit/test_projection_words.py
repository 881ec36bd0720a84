"""Words of a projection: savings with their sign, sums to the cent."""

from decimal import Decimal

import pytest

from bench.words.savings import band_text, cents, saving_sentence
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

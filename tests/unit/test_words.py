from decimal import Decimal

import pytest

from bench.words.differences import (
    Sides,
    cost_sentence,
    success_sentence,
    time_sentence,
)
from bench.words.ended import at_most
from bench.words.figures import (
    dollars,
    expected_dollars,
    percent,
    percent_between,
    seconds,
    seconds_between,
    signed_dollars,
)


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "no price"),
        ("0", "$0.00"),
        ("0.0979", "$0.0979"),
        ("0.00634", "$0.0063"),
        ("0.00063", "$0.00063"),
        ("0.00001", "<$0.0001"),
        ("-41", "−$41.00"),
        ("1234.567", "$1,234.57"),
        ("12345.6", "$12,346"),
        ("-0.00001", "−<$0.0001"),
    ],
)
def test_dollars_are_never_shown_as_nothing_when_they_are_something(
    usd: str | None, words: str
) -> None:
    assert dollars(None if usd is None else Decimal(usd)) == words


def test_a_step_in_dollars_says_its_sign() -> None:
    assert signed_dollars(Decimal("0.0026")) == "+$0.0026"
    assert signed_dollars(Decimal("-0.0026")) == "−$0.0026"
    assert signed_dollars(Decimal(0)) == "$0.00"


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [(None, "–"), (8.25, "8.2 s"), (0.42, "420 ms"), (123.0, "123.0 s")],
)
def test_seconds_have_one_decimal_and_milliseconds_none(
    duration_s: float | None, words: str
) -> None:
    assert seconds(duration_s) == words


def test_two_figures_of_an_interval_share_their_unit() -> None:
    assert seconds_between(0.5, 2.0) == "0.5 to 2.0 s"
    assert seconds_between(0.4, 0.65) == "400 to 650 ms"
    assert percent_between(0.895, 1) == "89.5 to 100.0%"


def test_percentages_have_one_decimal() -> None:
    assert percent(0.98) == "98.0%"
    assert percent(-0.0001) == "0.0%"
    assert percent(None) == "–"


def sides(n: int = 12, *, is_clear: bool = True) -> Sides:
    return Sides(first="openai", second="halfprice", n_prompts=n, is_clear=is_clear)


def test_a_cheaper_side_is_said_to_be_cheaper_with_its_basis() -> None:
    sentence = cost_sentence(
        sides(),
        Decimal("0.0052"),
        Decimal("0.0026"),
        (Decimal("-0.0031"), Decimal("-0.0021")),
    )
    assert sentence == (
        "cost: halfprice costs 50.0% less than openai: −$0.0026 an image "
        "(n=12 prompts, 95% interval −$0.0031 to −$0.0021)"
    )


def test_from_twice_as_much_on_a_cost_is_told_as_a_multiple() -> None:
    sentence = cost_sentence(sides(3), Decimal(1), Decimal(8), None)
    assert "costs 8.0 times as much as openai" in sentence
    assert "n=3 prompts, too few for an interval" in sentence


def test_equal_and_unknown_prices_are_said_as_such() -> None:
    same = cost_sentence(sides(is_clear=False), Decimal(1), Decimal(1), None)
    assert "cost the same" in same
    assert "price is known" in cost_sentence(sides(), None, Decimal(1), None)


def test_an_unclear_difference_is_called_so_beside_its_figures() -> None:
    sentence = cost_sentence(
        sides(is_clear=False), Decimal(1), Decimal("1.1"), (Decimal(-1), Decimal(1))
    )
    assert sentence.startswith(
        "cost: no clear difference between openai and halfprice: +$0.1000"
    )


def test_service_times_are_told_as_slower_or_faster() -> None:
    assert time_sentence(sides(), 1.08, (1.02, 1.15)) == (
        "service time: halfprice 8.0% slower than openai, "
        "95% interval 2.0% slower to 15.0% slower, n=12 prompts"
    )
    unclear = time_sentence(sides(is_clear=False), 0.98, (0.9, 1.1))
    assert unclear.startswith("service time: no clear difference between")
    assert "2.0% faster" in unclear
    assert "too few prompts to tell" in time_sentence(sides(3), 1.5, None)
    assert "no pair of answers" in time_sentence(sides(0), None, None)


def test_success_is_told_in_points_with_its_test() -> None:
    told = success_sentence(sides(), (1.0, 0.8), 60, 0.0005)
    assert "halfprice 20.0 points lower than openai" in told
    assert "McNemar p=0.0005" in told
    assert "too few" in success_sentence(sides(2), (1.0, 0.5), 4, 1.0)
    assert "both ended" in success_sentence(sides(), None, 0, None)


def test_what_no_rule_prices_is_not_expected_to_cost_nothing() -> None:
    assert expected_dollars(Decimal("0.5"), 4, 0) == "$0.5000"
    said = expected_dollars(Decimal("0.5"), 4, 3)
    assert said == "$0.5000 for 1 trial; no published rule prices the other 3"
    said = expected_dollars(None, 4, 4)
    assert said == "not known: no published rule prices any of the 4 trials"


def test_the_most_that_a_dearer_tier_may_cost_is_told_to_be_at_standard_rates() -> None:
    attempt = {"possibly_billed_usd": Decimal("0.5"), "flags": None}
    assert at_most(attempt) == "$0.5000"
    flagged = attempt | {"flags": ["service_tier_unpriced"]}
    assert at_most(flagged) == "$0.5000 at standard rates"

"""Books are appended: a rate that was shipped once stays as it was.

A correction of the past ends a card and begins another; only a rate that was wrong
when it was shipped may change here, and then the list shows it by its own change.
"""

from pathlib import Path

from pricing.book import shipped_book
from pricing.money import usd_text
from pricing.rates import RateCard

LISTED = Path(__file__).parent / "shipped_rates.txt"


def _lines(card: RateCard) -> list[str]:
    head = f"{card.vendor} | {card.model} | {card.tier} | {card.valid_from}"
    rates = [(str(name), rate) for name, rate in card.rates.items()]
    rates += [(f"{name} long", rate) for name, rate in card.long_rates.items()]
    rates += [
        (
            f"{price.quality} {price.size or 'any'} {price.per_px or 'picture'}",
            price.rate,
        )
        for price in card.images
    ]
    return [
        f"{head} | {name} | {usd_text(rate.usd)} per {rate.per}" for name, rate in rates
    ]


def _shipped() -> list[str]:
    return sorted(line for card in shipped_book().cards for line in _lines(card))


def test_every_rate_that_was_ever_shipped_still_stands() -> None:
    listed = LISTED.read_text("utf-8").splitlines()
    assert sorted(set(listed) - set(_shipped())) == []


def test_every_rate_of_the_books_is_in_the_list() -> None:
    listed = LISTED.read_text("utf-8").splitlines()
    assert sorted(set(_shipped()) - set(listed)) == []
    assert listed == sorted(listed)

"""Book price: what a book asks for a picture of each part of a mix."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bench.errors import BadInput
from bench.scenario.form import Book, Part
from pricing.book import PriceBook, shipped_book
from pricing.charge import IMAGE_CLASS, MEGAPIXEL_CLASS
from pricing.errors import OutsideLife, PricingError, UnknownModel, UnknownQuantity
from pricing.money import ratio, times, total, usd, usd_text
from pricing.question import answer
from pricing.rates import ANY_MODEL, BookRef, Confidence, Rate, RateCard, Tier

_FLAGS = {
    "input_unknown": "prompt tokens were not given and count 0",
    "output_text_unknown": "text that a model gives back beside a picture counts 0",
    "fee_minimum_not_applied": "the fee's minimum is left out, since what is bought "
    "at once is not known",
    "own_book": "priced by a book of your own, not by the shipped ones",
}
# Their dollars are a gateway's own and rest on no rate of the book.
_ADVICE = "; give its price, or what a run measured"
_FLAT = "flat_per_call"
_OWN_PRICES = frozenset((_FLAT, "per_class"))
_OF_TOKENS = ("input_unknown", "output_text_unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartUsd:
    """Dollars of a picture, and those of them on rates of medium confidence."""

    usd: Decimal
    medium_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPrice:
    """Dollars a picture of each part, exact, with the rates used and remarks.

    Attributes:
        parts: In the order of the mix.
        ends: The first day on which a model can't be bought any more, by model.
    """

    parts: tuple[PartUsd, ...]
    books: tuple[BookRef, ...]
    notes: tuple[str, ...]
    ends: tuple[tuple[str, date], ...]


class BookPricer:
    """Asks price books for pictures."""

    def __init__(self, today: date, prices: PriceBook | None = None) -> None:
        """Take the day of the prices where none is said, and the books that answer."""
        self._today = today
        self._prices = prices or shipped_book()

    def day(self, book: Book) -> date:
        """The day of a book's prices; one that is no day was refused before."""
        return date.fromisoformat(book.as_of) if book.as_of else self._today

    def price(self, book: Book, mix: Iterable[Part]) -> BookPrice:
        """The price of a picture: flat, or estimated by the published token rule.

        Raises:
            BadInput: There is no price, or no rule that gives one.
        """
        parts: list[PartUsd] = []
        flags: dict[str, None] = {}
        refs: dict[BookRef, None] = {}
        ends: dict[tuple[str, date], None] = {}
        for part in mix:
            found = self._answer(book, part)
            flags |= dict.fromkeys(found["flags"])
            refs |= dict.fromkeys([_ref(found["book"])])
            card = self._card(book, part)
            whole = usd(found["usd"])
            medium = times(whole, _medium_share(book, card, found["lines"]))
            parts.append(PartUsd(usd=whole, medium_usd=medium))
            ends |= dict.fromkeys(self._end(card))
        return BookPrice(
            parts=tuple(parts),
            books=tuple(refs),
            notes=tuple(self._notes(book, flags)),
            ends=tuple(ends),
        )

    def _notes(self, book: Book, flags: Iterable[str]) -> Iterator[str]:
        """What a price leaves open; a flat one leaves no tokens open."""
        open_flags = [f for f in flags if not (_is_flat(book) and f in _OF_TOKENS)]
        yield from (_FLAGS.get(flag, flag.replace("_", " ")) for flag in open_flags)
        if self.day(book) > self._today:
            yield (
                f"nobody knows the prices of {self.day(book)} yet; they are those of "
                f"{self._today}"
            )

    def _card(self, book: Book, part: Part) -> RateCard:
        name = part.model or ANY_MODEL
        return self._prices.card(book.provider, name, self.day(book), Tier(book.tier))

    def _end(self, card: RateCard) -> list[tuple[str, date]]:
        return [
            (life.name, life.retired)
            for life in self._prices.models
            if (life.vendor, life.name) == (card.vendor, card.model) and life.retired
        ]

    def _answer(self, book: Book, part: Part) -> dict[str, Any]:
        question = self._question(book, part)
        try:
            found: dict[str, Any] = answer(question, self._prices, self._today)
        except PricingError as error:
            raise BadInput(str(error)) from None
        if found["usd"] is None:
            limits = _limits(found, part)
            raise BadInput(f"{found['error']}{limits}{self._cure(book, part)}")
        return found

    def _cure(self, book: Book, part: Part) -> str:
        """What to do about a model that is unknown or could not be bought that day."""
        try:
            card = self._card(book, part)
            if not card.images:
                self._prices.rules(card.model)
        except UnknownQuantity:
            return _ADVICE
        except UnknownModel:
            return "; mend model; `pixelmeter prices` lists those that are known"
        except OutsideLife:
            if book.tier == Tier.BATCH:
                return "; give as_of a day that has them"
            return "; give as_of a day on which it could be bought, or another model"
        except (PricingError, ValueError):
            return ""
        return ""

    def _question(self, book: Book, part: Part) -> dict[str, object]:
        factor = book.multiplier
        question: dict[str, object] = {
            "provider": book.provider,
            "tier": book.tier,
            "as_of": book.as_of,
            "model": part.model,
            "quality": part.quality,
            "size": part.size,
            "multiplier": None if factor is None else usd_text(factor),
            "scheme": book.scheme,
        }
        cards = self._cards(book.provider, part.model)
        is_whole = any(card.images for card in cards)
        question["mode"] = "per_image" if is_whole else "estimate"
        prices_input = not is_whole or any(card.images and card.rates for card in cards)
        if book.input_text_tokens is not None and prices_input:
            question["usage"] = {
                "input_text_tokens": book.input_text_tokens,
                "cached_text_tokens": 0,
                "input_image_tokens": 0,
            }
        return {key: value for key, value in question.items() if value is not None}

    def _cards(self, provider: str, model: str | None) -> list[RateCard]:
        """What a book ever asked for a model."""
        name = self._prices.aliases.get((provider, model or ANY_MODEL), model)
        return [
            card
            for card in self._prices.cards
            if card.vendor == provider and card.model in {name, ANY_MODEL}
        ]


def has_own_prices(book: Book) -> bool:
    """Whether a gateway's scheme puts prices of its own in place of the book's."""
    return not _OWN_PRICES.isdisjoint(kinds_of(book))


def _is_flat(book: Book) -> bool:
    return _FLAT in kinds_of(book)


def kinds_of(book: Book) -> list[str]:
    """What the steps of a gateway's scheme do, in order."""
    schemes = book.scheme if isinstance(book.scheme, list) else [book.scheme or {}]
    return [str(one.get("kind", "")) for one in schemes]


def _limits(found: dict[str, Any], part: Part) -> str:
    """Between what a price lies that no rule gives, and what to do about it."""
    span, bound = found.get("range_usd"), found.get("bound_usd")
    advice = _ADVICE
    if not {None, "auto"}.isdisjoint({part.quality, part.size}):
        advice = "; name quality and size, or give its price, or what a run measured"
    if span:
        return f", between US${span['low']} and US${span['high']}{advice}"
    return f", at most US${bound}{advice}" if bound else ""


def _medium_share(book: Book, card: RateCard, lines: list[dict[str, Any]]) -> Decimal:
    """How much of a price rests on rates of medium confidence.

    A gateway's factor carries the share of the direct price along.
    """
    if has_own_prices(book):
        return Decimal(0)
    sums = {one: Decimal(0) for one in Confidence}
    for line in lines:
        for rate in _rates(card, line):
            amounts = (sums[rate.confidence], usd(line["usd"]))
            sums[rate.confidence] = total(amounts)
    whole = total(sums.values())
    return ratio(sums[Confidence.MEDIUM], whole) if whole else Decimal(0)


def _rates(card: RateCard, line: dict[str, Any]) -> list[Rate]:
    """The rate of a line; none where a gateway's step made it."""
    if line["class"] in {IMAGE_CLASS, MEGAPIXEL_CLASS}:
        found = [price.rate for price in card.images]
        return [rate for rate in found if rate.usd == usd(line["rate_usd"])][:1]
    return [rate for name, rate in card.rates.items() if name == line["class"]]


def _ref(book: dict[str, str]) -> BookRef:
    return BookRef(
        vendor=book["vendor"],
        valid_from=date.fromisoformat(book["valid_from"]),
        source=book["source"],
        checked_on=date.fromisoformat(book["checked_on"]),
    )

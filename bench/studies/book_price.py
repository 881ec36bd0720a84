"""Book price: what a price book asks for a picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bench.errors import BadInput
from bench.scenario import Book, Part
from pricing.book import PriceBook, shipped_book
from pricing.errors import PricingError
from pricing.money import times, total, usd
from pricing.question import answer
from pricing.rates import ANY_MODEL, BookRef

_FLAGS = {
    "input_unknown": "prompt tokens were not given and count 0",
    "own_book": "priced by a book of your own, not by the shipped ones",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPrice:
    """Dollars a picture of a mix, exact, with the rates used and remarks."""

    usd: Decimal
    books: tuple[BookRef, ...]
    notes: tuple[str, ...]


def book_price(
    book: Book, mix: Iterable[Part], today: date, prices: PriceBook | None = None
) -> BookPrice:
    """The price of a picture: flat, or estimated by the published token rule.

    Args:
        book: Whose prices, and of which day.
        mix: Parts whose shares sum to 1.
        today: The day of the prices where the book has none.
        prices: The books that answer; the shipped ones if None.

    Raises:
        BadInput: There is no price, or no rule that gives one.
    """
    known = prices or shipped_book()
    answers = [(part.share, _answer(book, part, today, known)) for part in mix]
    flags: dict[str, None] = {}
    for _, found in answers:
        flags |= dict.fromkeys(found["flags"])
    refs = dict.fromkeys(_ref(found["book"]) for _, found in answers)
    return BookPrice(
        usd=total(times(usd(found["usd"]), share) for share, found in answers),
        books=tuple(refs),
        notes=tuple(_FLAGS.get(flag, flag.replace("_", " ")) for flag in flags),
    )


def _answer(book: Book, part: Part, today: date, prices: PriceBook) -> dict[str, Any]:
    question = _question(book, part, prices)
    try:
        found: dict[str, Any] = answer(question, prices, today)
    except PricingError as error:
        raise BadInput(str(error)) from None
    if found["usd"] is None:
        raise BadInput(f"{found['error']}{_limits(found)}")
    return found


def _limits(found: dict[str, Any]) -> str:
    """Between what a price lies that no rule gives, and what to do about it."""
    span, bound = found.get("range_usd"), found.get("bound_usd")
    advice = "; give its price, or what a run measured"
    if span:
        return f", between US${span['low']} and US${span['high']}{advice}"
    return f", at most US${bound}{advice}" if bound else ""


def _question(book: Book, part: Part, prices: PriceBook) -> dict[str, object]:
    question: dict[str, object] = {
        "provider": book.provider,
        "tier": book.tier,
        "as_of": book.as_of,
        "model": part.model,
        "quality": part.quality,
        "size": part.size,
    }
    if _prices_pictures(book.provider, part.model, prices):
        question["mode"] = "per_image"
    else:
        question["mode"] = "estimate"
        if book.input_text_tokens is not None:
            question["usage"] = {
                "input_text_tokens": book.input_text_tokens,
                "cached_text_tokens": 0,
                "input_image_tokens": 0,
            }
    return {key: value for key, value in question.items() if value is not None}


def _prices_pictures(provider: str, model: str | None, prices: PriceBook) -> bool:
    """Whether a book has prices of whole pictures for a model."""
    name = prices.aliases.get((provider, model or ANY_MODEL), model)
    return any(
        card.images
        for card in prices.cards
        if card.vendor == provider and card.model in {name, ANY_MODEL}
    )


def _ref(book: dict[str, str]) -> BookRef:
    return BookRef(
        vendor=book["vendor"],
        valid_from=date.fromisoformat(book["valid_from"]),
        source=book["source"],
        checked_on=date.fromisoformat(book["checked_on"]),
    )

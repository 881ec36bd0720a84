"""Charge: quantities times rates, one line a class, summed exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pricing.errors import BadQuantity, UnknownPrice, UnknownQuantity
from pricing.money import line_usd, minus, round_usd, times, total, usd_text
from pricing.rates import BookRef, RateCard, TokenClass
from pricing.usage import MainlineUsage, Usage, check_quantity

CACHE_UNKNOWN = "cache_unknown_upper_bound"
CACHE_WRITE_UNKNOWN = "cache_write_unknown"
INPUT_UNKNOWN = "input_unknown"
OUTPUT_TEXT_UNKNOWN = "output_text_unknown"
OWN_BOOK = "own_book"
IMAGE_CLASS = "image"
MEGAPIXEL_CLASS = "megapixel"
ADJUSTMENT_CLASS = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """Quantity x rate / per, rounded once to 12 decimals.

    Attributes:
        name: the class: a TokenClass, ``image`` or ``adjustment`` (a price scheme).
    """

    name: str
    quantity: int
    rate_usd: Decimal
    per: int
    usd: Decimal

    def to_json(self) -> dict[str, str | int]:
        """The line as answers and records show it."""
        return {
            "class": self.name,
            "quantity": self.quantity,
            "rate_usd": usd_text(self.rate_usd),
            "per": self.per,
            "usd": usd_text(self.usd),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Lines and what they sum to; ``books`` name the rates used."""

    lines: tuple[LineItem, ...]
    flags: tuple[str, ...] = ()
    books: tuple[BookRef, ...] = ()

    @property
    def usd(self) -> Decimal:
        """The sum of the lines, always."""
        return total(line.usd for line in self.lines)

    @property
    def book(self) -> BookRef | None:
        """The first of the books; None where no book was used."""
        return self.books[0] if self.books else None

    def adjusted_to(self, new_usd: Decimal) -> "Charge":
        """The same charge with one more line that brings it to a new total."""
        line = per_unit_line(ADJUSTMENT_CLASS, 1, minus(new_usd, self.usd))
        return Charge(lines=(*self.lines, line), flags=self.flags, books=self.books)

    def flagged(self, flag: str) -> "Charge":
        """The same charge with one more flag."""
        flags = dict.fromkeys((*self.flags, flag))
        return Charge(lines=self.lines, flags=tuple(flags), books=self.books)

    def times(self, calls: int) -> "Charge":
        """The charge of so many equal calls; each call's lines are rounded first."""
        check_quantity("the number of calls", calls)
        if calls < 1:
            raise BadQuantity("the number of calls must be at least 1")
        lines = tuple(
            LineItem(
                name=line.name,
                quantity=line.quantity * calls,
                rate_usd=line.rate_usd,
                per=line.per,
                usd=round_usd(times(line.usd, calls)),
            )
            for line in self.lines
        )
        return Charge(lines=lines, flags=self.flags, books=self.books)

    def plus(self, other: "Charge") -> "Charge":
        """Both charges in one."""
        flags = dict.fromkeys((*self.flags, *other.flags))
        return Charge(
            lines=self.lines + other.lines,
            flags=tuple(flags),
            books=self.books + other.books,
        )

    def to_json(self) -> dict[str, object]:
        """Dollars, lines, books and flags as plain data."""
        return {
            "usd": usd_text(self.usd),
            "lines": [line.to_json() for line in self.lines],
            "books": [ref.to_json() for ref in self.books],
            "flags": list(self.flags),
        }


def charge(usage: Usage, card: RateCard) -> Charge:
    """Charge a request's reported usage at a card.

    An unknown cached part is priced as uncached and flagged; an unknown input class
    counts 0 and is flagged; an unknown picture output raises UnknownQuantity; tokens
    of a class without a rate raise UnknownPrice.
    """
    if card.images:
        raise UnknownPrice(
            f"{card.vendor} prices {card.title} by whole images, not by tokens"
        )
    if usage.output_image_tokens is None:
        raise UnknownQuantity(
            "output_image_tokens", "output_image_tokens is unknown, so is the price"
        )
    text, text_flag = split_cached(usage.input_text_tokens, usage.cached_text_tokens)
    image, image_flag = split_cached(
        usage.input_image_tokens, usage.cached_image_tokens
    )
    text_out_flag = (
        OUTPUT_TEXT_UNKNOWN
        if usage.output_text_tokens is None and TokenClass.OUTPUT_TEXT in card.rates
        else None
    )
    counted = {
        TokenClass.INPUT_TEXT: text[0],
        TokenClass.CACHED_TEXT: text[1],
        TokenClass.INPUT_IMAGE: image[0],
        TokenClass.CACHED_IMAGE: image[1],
        TokenClass.OUTPUT_IMAGE: usage.output_image_tokens,
        TokenClass.OUTPUT_TEXT: usage.output_text_tokens or 0,
    }
    flags = (text_flag, image_flag, text_out_flag)
    return _token_charge(counted, card, flags)


def charge_mainline(usage: MainlineUsage, card: RateCard) -> Charge:
    """Charge what the text model of a Responses call used.

    Unknown input or output raises UnknownQuantity; unknown cached or cache-written
    parts are priced as plain input and flagged.
    """
    for name in ("input_tokens", "output_tokens"):
        if getattr(usage, name) is None:
            raise UnknownQuantity(
                f"mainline.{name}", f"mainline {name} is unknown, so is the price"
            )
    written = usage.cache_write_tokens
    plain, flag = split_cached(usage.input_tokens, usage.cached_tokens)
    has_writes = TokenClass.MAINLINE_CACHE_WRITE in card.rates
    write_flag = CACHE_WRITE_UNKNOWN if written is None and has_writes else None
    counted = {
        TokenClass.MAINLINE_INPUT: plain[0] - (written or 0),
        TokenClass.MAINLINE_CACHED: plain[1],
        TokenClass.MAINLINE_CACHE_WRITE: written or 0,
        TokenClass.MAINLINE_OUTPUT: usage.output_tokens or 0,
    }
    return _token_charge(counted, card, (flag, write_flag), usage.input_tokens or 0)


def per_unit_line(name: str, quantity: int, rate: Decimal, per: int = 1) -> LineItem:
    """One line, its dollars rounded."""
    return LineItem(
        name=name,
        quantity=quantity,
        rate_usd=rate,
        per=per,
        usd=line_usd(quantity, rate, per),
    )


def own_flag(card: RateCard) -> str | None:
    """The flag of an answer that a book of the user's own gave."""
    return OWN_BOOK if card.own else None


def split_cached(
    whole: int | None, part: int | None
) -> tuple[tuple[int, int], str | None]:
    """Uncached and cached tokens of one input, and the flag that is due."""
    if whole is None:
        return (0, 0), INPUT_UNKNOWN
    flag = CACHE_UNKNOWN if part is None and whole > 0 else None
    return (whole - (part or 0), part or 0), flag


def _token_charge(
    counted: Mapping[TokenClass, int],
    card: RateCard,
    flags: Iterable[str | None],
    input_tokens: int = 0,
) -> Charge:
    """One line for each class that was used."""
    lines: list[LineItem] = []
    for name, quantity in counted.items():
        if quantity:
            rate = card.rate(name, input_tokens)
            lines.append(per_unit_line(name, quantity, rate.usd, rate.per))
    due = dict.fromkeys(flag for flag in (*flags, own_flag(card)) if flag)
    return Charge(lines=tuple(lines), flags=tuple(due), books=(card.ref,))

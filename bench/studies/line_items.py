"""Line items: the words of a bill as a model and a class of tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bench.store.queries import Row
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.rates import Tier, TokenClass

# Words that say nothing about the class.
_FILLING = frozenset({"token", "tokens", "standard", "batch", "api", "the", "of"})
_CLASSES: Mapping[frozenset[str], tuple[TokenClass, ...]] = MappingProxyType(
    {
        frozenset({"text", "input"}): (TokenClass.INPUT_TEXT,),
        frozenset({"image", "input"}): (TokenClass.INPUT_IMAGE,),
        frozenset({"image", "output"}): (TokenClass.OUTPUT_IMAGE,),
        frozenset({"text", "output"}): (TokenClass.OUTPUT_TEXT,),
        frozenset({"cached", "text"}): (TokenClass.CACHED_TEXT,),
        frozenset({"cached", "text", "input"}): (TokenClass.CACHED_TEXT,),
        frozenset({"cached", "image"}): (TokenClass.CACHED_IMAGE,),
        frozenset({"cached", "image", "input"}): (TokenClass.CACHED_IMAGE,),
        frozenset({"input"}): (
            TokenClass.MAINLINE_INPUT,
            TokenClass.INPUT_TEXT,
            TokenClass.INPUT_IMAGE,
        ),
        frozenset({"cached", "input"}): (
            TokenClass.MAINLINE_CACHED,
            TokenClass.CACHED_TEXT,
            TokenClass.CACHED_IMAGE,
        ),
        frozenset({"output"}): (
            TokenClass.MAINLINE_OUTPUT,
            TokenClass.OUTPUT_IMAGE,
            TokenClass.OUTPUT_TEXT,
        ),
    }
)
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line item understood.

    Attributes:
        model: The name in our books where they know it, else the bill's; None where
            the line names none.
        token_class: None where the words fit none of the model, or several.
    """

    vendor: str
    model: str | None
    token_class: str | None
    tier: str
    is_known: bool


def item_of(book: PriceBook, line: Row) -> Item:
    """What a line of a bill is about."""
    vendor = str(line["vendor"] or "openai").lower()
    text = str(line["line_item"] or "")
    head, comma, tail = text.rpartition(", ")
    model = line["model"] or (head if comma else None)
    said = line["token_class"] or (tail if comma else text)
    words = frozenset(_WORD.findall(str(said).lower()))
    tier = Tier.BATCH if "batch" in _WORD.findall(text.lower()) else Tier.STANDARD
    name, is_known = _name(book, vendor, model)
    return Item(
        vendor=vendor,
        model=name,
        token_class=_class(book, vendor, name, words, line) if is_known else None,
        tier=str(tier),
        is_known=is_known,
    )


def _name(book: PriceBook, vendor: str, model: str | None) -> tuple[str | None, bool]:
    if not model:
        return None, False
    # Gateways write the maker before the model.
    for name in (model, model.rpartition("/")[2]):
        try:
            return book.model(vendor, name).name, True
        except PricingError:
            continue
    return model, False


def _class(
    book: PriceBook, vendor: str, model: str | None, words: frozenset[str], line: Row
) -> str | None:
    if line["token_class"] in set(TokenClass):
        return str(line["token_class"])
    meant = _CLASSES.get(words - _FILLING, ())
    try:
        rates = book.card(vendor, model or "", line["day"]).rates
    except PricingError:
        return str(meant[0]) if len(meant) == 1 else None
    fitting = [name for name in meant if name in rates]
    if len(meant) == 1 and not fitting:
        return str(meant[0])
    return str(fitting[0]) if len(fitting) == 1 else None

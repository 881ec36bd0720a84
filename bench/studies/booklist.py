"""Book list: what the price books say, as rows by model, tier and day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

from bench.errors import BadInput
from bench.words.printable import printable
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.money import line_usd
from pricing.rates import ImagePrice, Rate, RateCard, TokenClass
from pricing.tokens import ModelRules
from pricing.variant import AUTO

_MOST_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """One rate of a card: its class, or quality and size, and the unit it is for."""

    name: str
    per: str
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rate that is new (+), gone (-) or another (~) on the later of two days."""

    sign: str
    vendor: str
    model: str
    tier: str
    name: str
    before: Rate | None
    after: Rate | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedBound:
    """The most of a quantity that a run reserves money for, and at which rate."""

    model: str
    quantity: str
    tokens: int
    usd: Decimal | None
    is_assumed: bool
    source: str
    checked_on: date


def priced(card: RateCard) -> tuple[Priced, ...]:
    """All rates of a card, in its order."""
    above = f"above {card.long_above_tokens:,} in" if card.long_above_tokens else ""
    tokens = "1M tokens"
    return (
        *(Priced(name=name, per=tokens, rate=r) for name, r in card.rates.items()),
        *(
            Priced(name=f"{name} {above}", per=tokens, rate=r)
            for name, r in card.long_rates.items()
        ),
        *(_picture(price) for price in card.images),
    )


def _picture(price: ImagePrice) -> Priced:
    size = f" {price.size}" if price.size else ""
    per = "picture"
    if price.per_px:
        per = f"{price.per_px:,} px, rounded up"
    return Priced(name=f"{price.quality}{size}", per=per, rate=price.rate)


def holding(
    book: PriceBook,
    day: date,
    *,
    vendor: str | None = None,
    part: str | None = None,
    tier: str | None = None,
) -> tuple[RateCard, ...]:
    """The cards that hold on a day, as a question would find them.

    Raises:
        BadInput: No book of that vendor.
    """
    if vendor is not None and vendor not in book.vendors:
        raise BadInput(
            f"--vendor: no price book of '{printable(vendor[:40])}'; there are "
            f"{printable(', '.join(book.vendors))}"
        )
    names = dict.fromkeys((c.vendor, c.model, c.tier) for c in book.cards)
    found: list[RateCard] = []
    for key in sorted(names):
        is_meant = vendor in {None, key[0]} and tier in {None, key[2]}
        if is_meant and (part or "").lower() in key[1].lower():
            found.extend(_card(book, *key, day))
    return tuple(found)


def _card(
    book: PriceBook, vendor: str, model: str, tier: str, day: date
) -> Iterator[RateCard]:
    try:
        yield book.card(vendor, model, day, tier)
    except PricingError:
        return  # it has no price on that day


def history(
    book: PriceBook, model: str, vendor: str | None = None
) -> tuple[RateCard, ...]:
    """Every card of a model or alias, by vendor, tier and first day.

    Raises:
        BadInput: No book knows the name; says which are near.
    """
    cards = [
        card
        for card in book.cards
        if vendor in {None, card.vendor}
        and card.model == book.aliases.get((card.vendor, model), model)
    ]
    if not cards:
        where = f"the {vendor} book knows" if vendor else "the books know"
        names = dict.fromkeys(card.model for card in book.cards)
        near = get_close_matches(model, names, _MOST_NEAR)
        advice = f"; near: {', '.join(near)}" if near else ""
        raise BadInput(printable(f"{where} no model '{model[:60]}'{advice}"))
    return tuple(
        sorted(cards, key=lambda c: (c.vendor, c.tier, c.valid_from, not c.own))
    )


def changes(book: PriceBook, first: date, second: date) -> tuple[Change, ...]:
    """What a later day has other than an earlier one, rate by rate."""
    before, after = _rates(book, first), _rates(book, second)
    found: list[Change] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old and new and old.usd == new.usd:
            continue
        sign = "~" if old and new else "+" if new else "-"
        vendor, model, tier, name = key
        change = Change(
            sign=sign,
            vendor=vendor,
            model=model,
            tier=tier,
            name=name,
            before=old,
            after=new,
            why=_why(book, (vendor, model), sign, second),
        )
        found.append(change)
    return tuple(found)


def _why(book: PriceBook, name: tuple[str, str], sign: str, second: date) -> str:
    """What made the change, as far as the dates of the model tell."""
    life = next(one for one in book.models if (one.vendor, one.name) == name)
    if sign == "-":
        is_over = life.retired is not None and life.retired <= second
        return f"retired {life.retired}" if is_over else "no price known any more"
    if sign == "~":
        return "another price"
    return f"first read {life.released}" if life.known_only else "new price"


def _rates(book: PriceBook, day: date) -> dict[tuple[str, str, str, str], Rate]:
    return {
        (card.vendor, card.model, card.tier, one.name): one.rate
        for card in holding(book, day)
        for one in priced(card)
    }


def bounds(book: PriceBook, day: date) -> tuple[AssumedBound, ...]:
    """Every bound of the token rules, at the standard rate that holds or held last."""
    found: list[AssumedBound] = []
    for model in sorted(book.token_rules):
        rules = book.token_rules[model]
        card = _last_card(book.cards, model, day)
        for quantity, tokens, of_class, source in _quantities(rules):
            rate = card.rates.get(of_class) if card else None
            usd = line_usd(tokens, rate.usd, rate.per) if rate else None
            bound = AssumedBound(
                model=model,
                quantity=quantity,
                tokens=tokens,
                usd=usd,
                is_assumed=source.startswith("assumed"),
                source=source,
                checked_on=rules.bounds.checked_on,
            )
            found.append(bound)
    return tuple(found)


def _quantities(rules: ModelRules) -> Iterator[tuple[str, int, TokenClass, str]]:
    """What is bound for a model: its name, tokens, class and source."""
    limits = rules.bounds
    if rules.output_assumed:
        most = rules.output_tokens_bound(AUTO, None)
        name = "output_image_tokens, a picture"
        yield name, most, TokenClass.OUTPUT_IMAGE, rules.output_source
    bound = (
        ("input_image_tokens, a picture", limits.picture_tokens),
        ("output_text_tokens, a picture", limits.output_text_tokens),
        ("input_text_tokens beyond the prompt's bytes", limits.text_overhead_tokens),
    )
    classes = (TokenClass.INPUT_IMAGE, TokenClass.OUTPUT_TEXT, TokenClass.INPUT_TEXT)
    for (name, tokens), of_class in zip(bound, classes, strict=True):
        if tokens:
            yield name, tokens, of_class, limits.source


def _last_card(cards: Iterable[RateCard], model: str, day: date) -> RateCard | None:
    """OpenAI's standard card of a model on a day, or the last one before."""
    known = [
        card
        for card in cards
        if (card.vendor, card.model, card.tier) == ("openai", model, "standard")
    ]
    on_day = [card for card in known if card.holds_on(day)]
    return max(on_day or known, key=lambda card: card.valid_from, default=None)

"""Book check: what contradicts itself, and wrong units."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from pricing.bookfile import TOKENS_PER_RATE, ModelLife
from pricing.rates import Rate, RateCard, Tier, TokenClass

Name = tuple[str, str]
# A rate per token, per 1,000 tokens or in cents falls outside these: the unit trap.
_TOKEN_RATE_USD = (Decimal("0.001"), Decimal(200))
_IMAGE_RATE_USD = (Decimal("0.001"), Decimal(10))
# How far a rate may lie from those of its class in the shipped books, and from the
# shipped rate of the same model: a unit's mistake is a thousandfold.
_FROM_CLASS = 10
_FROM_MODEL = 100
# A price for 100 pictures, as some meters count, is not much more than the dearest.
_FROM_PICTURES = 5
_CACHED = (
    (TokenClass.CACHED_TEXT, TokenClass.INPUT_TEXT),
    (TokenClass.CACHED_IMAGE, TokenClass.INPUT_IMAGE),
    (TokenClass.MAINLINE_CACHED, TokenClass.MAINLINE_INPUT),
)
_DEARER = (
    (TokenClass.OUTPUT_IMAGE, TokenClass.INPUT_TEXT),
    (TokenClass.MAINLINE_OUTPUT, TokenClass.MAINLINE_INPUT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The shipped rates that a book of one's own is compared with."""

    spans: Mapping[TokenClass, tuple[Decimal, Decimal]]
    rates: Mapping[tuple[str, str, Tier, TokenClass], Decimal]
    pictures: tuple[Decimal, Decimal] | None


def neighbours_of(cards: Iterable[RateCard]) -> Neighbours:
    """The lowest and highest rate of each class, and those of each model."""
    known = tuple(cards)
    rates = {
        (card.vendor, card.model, card.tier, name): rate.usd
        for card in known
        for name, rate in card.rates.items()
    }
    usd = [price.rate.usd for card in known for price in card.images]
    spans: dict[TokenClass, tuple[Decimal, Decimal]] = {}
    for (*_, name), rate in rates.items():
        low, high = spans.get(name, (rate, rate))
        spans[name] = (min(low, rate), max(high, rate))
    return Neighbours(
        spans=spans, rates=rates, pictures=(min(usd), max(usd)) if usd else None
    )


def name_faults(names: Iterable[Name]) -> Iterator[str]:
    """Names that stand twice."""
    seen: set[Name] = set()
    for name in names:
        if name in seen:
            yield f"{name[0]}: model '{name[1]}' stands twice"
        seen.add(name)


def alias_faults(aliases: Mapping[Name, str], names: Iterable[Name]) -> Iterator[str]:
    """Aliases that name nothing, or something that has the name itself."""
    known = set(names)
    for (vendor, alias), name in aliases.items():
        said = f"{vendor}: alias '{alias}' of '{name}' leads nowhere"
        if (vendor, alias) in known:
            yield f"{said}: '{alias}' is a model itself"
        elif (vendor, name) in aliases:
            yield f"{said}: '{name}' is an alias too; name the model"
        elif (vendor, name) not in known:
            yield f"{said}: the book has no such model"


def card_faults(
    models: Iterable[ModelLife],
    cards: Iterable[RateCard],
    neighbours: Neighbours | None = None,
) -> Iterator[str]:
    """Cards that contradict themselves, each other or their model's life."""
    lives = {(model.vendor, model.name): model for model in models}
    by_key: dict[tuple[str, str, Tier], list[RateCard]] = {}
    for card in cards:
        yield from _card_faults(card, lives[card.vendor, card.model], neighbours)
        by_key.setdefault((card.vendor, card.model, card.tier), []).append(card)
    for of_key in by_key.values():
        of_key.sort(key=lambda card: card.valid_from)
        for first, second in pairwise(of_key):
            if first.valid_until is None or second.valid_from < first.valid_until:
                yield (
                    f"{first.vendor}: {first.tier} cards of '{first.model}' overlap "
                    f"on {second.valid_from}"
                )


def _card_faults(
    card: RateCard, life: ModelLife, neighbours: Neighbours | None
) -> Iterator[str]:
    """A card without prices, outside its model's life, or in a wrong unit."""
    where = f"{card.vendor}: {card.tier} card of '{card.model}' from {card.valid_from}"
    if not card.rates and not card.images:
        yield f"{where}: needs either rates or images"
    if card.images and not card.rates.keys() <= {
        TokenClass.INPUT_TEXT,
        TokenClass.INPUT_IMAGE,
    }:
        yield f"{where}: beside images there may be rates of plain input alone"
    ends = card.valid_until
    if ends is not None and ends <= card.valid_from:
        yield f"{where}: ends on {ends}, before it begins"
    outlives = life.retired is not None and (ends is None or ends > life.retired)
    if card.valid_from < life.released or outlives:
        yield f"{where}: reaches outside the model's life"
    if card.round_up_usd is not None and not 0 < card.round_up_usd <= 1:
        yield f"{where}: round_up_usd must be above 0 and at most 1 USD"
    yield from _rates_faults(card, where, neighbours)


def _rates_faults(
    card: RateCard, where: str, neighbours: Neighbours | None
) -> Iterator[str]:
    """Amounts in a wrong unit, and pairs of rates that can't both be right."""
    if neighbours and not card.images:
        yield from _stranger_faults(card, where, neighbours)
    for rates in (card.rates, card.long_rates):
        for name, rate in rates.items():
            yield from _unit_faults(rate, _TOKEN_RATE_USD, f"{where}: {name}")
            if rate.per != TOKENS_PER_RATE:
                yield f"{where}: {name} must be per {TOKENS_PER_RATE} tokens"
        yield from _pair_faults(rates, where)
    yield from _picture_faults(card, where, neighbours)


def _picture_faults(
    card: RateCard, where: str, neighbours: Neighbours | None
) -> Iterator[str]:
    """Prices of pictures that stand twice, or can only be meant for many."""
    span = neighbours.pictures if neighbours else None
    seen: set[tuple[str, str]] = set()
    for price in card.images:
        key = (price.quality, str(price.size))
        if key in seen:
            yield f"{where}: {price.quality} at {price.size or 'any size'} stands twice"
        seen.add(key)
        yield from _unit_faults(price.rate, _IMAGE_RATE_USD, f"{where}: {key[0]}")
        if price.rate.unusual or span is None:
            continue
        if _is_far(price.rate.usd, *span, _FROM_PICTURES):
            yield (
                f"{where}: {key[0]}: {price.rate.usd} USD a picture is far from all "
                f"others, {span[0]} to {span[1]}; is it for 100 pictures? "
                "If it is meant, add unusual = true"
            )


def _pair_faults(rates: Mapping[TokenClass, Rate], where: str) -> Iterator[str]:
    """A cached rate above the plain one or without it, an output below the input."""
    for cached, plain in _CACHED:
        if cached in rates and plain not in rates:
            yield f"{where}: {cached} needs {plain} beside it"
        elif cached in rates and rates[cached].usd > rates[plain].usd:
            yield f"{where}: {cached} costs more than {plain}"
    for dear, plain in _DEARER:
        if dear not in rates or plain not in rates or rates[dear].unusual:
            continue
        if rates[dear].usd < rates[plain].usd:
            yield (
                f"{where}: {dear} ({rates[dear].usd}) costs less than {plain} "
                f"({rates[plain].usd}); check the unit"
            )


def _unit_faults(
    rate: Rate, span: tuple[Decimal, Decimal], where: str
) -> Iterator[str]:
    """An amount that is negative, or can only be meant in another unit."""
    low, high = span
    if rate.usd < 0 or not (rate.unusual or low <= rate.usd <= high):
        yield (
            f"{where}: {rate.usd} USD per {rate.per} lies outside {low} to {high}; "
            "check the unit"
        )


def _stranger_faults(
    card: RateCard, where: str, neighbours: Neighbours
) -> Iterator[str]:
    """Rates far from those of the same class, or of the same model, as shipped."""
    for name, rate in card.rates.items():
        if rate.unusual or rate.usd <= 0:
            continue
        advice = (
            "is it per 1,000 tokens or per picture? If it is meant, add unusual = true"
        )
        said = f"{where}: {name}: {rate.usd} USD per {rate.per:,} tokens"
        shipped = neighbours.rates.get((card.vendor, card.model, card.tier, name))
        if shipped and _is_far(rate.usd, shipped, shipped, _FROM_MODEL):
            yield f"{said} is far from the shipped {shipped}; {advice}"
        elif name in neighbours.spans:
            low, high = neighbours.spans[name]
            if _is_far(rate.usd, low, high, _FROM_CLASS):
                yield f"{said} is far from all others, {low} to {high}; {advice}"


def _is_far(usd: Decimal, low: Decimal, high: Decimal, times: int) -> bool:
    """Whether an amount lies that many times below the low or above the high."""
    return usd * times <= low or usd >= high * times

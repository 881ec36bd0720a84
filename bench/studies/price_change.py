"""Price change: which rates a run was charged by and now is not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import orjson

from bench.store.queries import Row
from bench.studies.asked_price import AskedPrice
from pricing.errors import PricingError
from pricing.money import usd_text
from pricing.picture import image_price
from pricing.rates import BookRef, ImagePrice, Rate, RateCard, TokenClass
from pricing.variant import AUTO, parse_size

PICTURE = "picture"
Cards = Mapping[tuple[str, str, str], tuple[RateCard, ...]]
_STANDS_IN_THE_WAY = {
    "request_unknown": "the record of what was asked is damaged",
    "no_usage": "no usage is known, so there are no quantities to price",
    "other_tier": "served in a service tier of which the book has no rates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange:
    """A rate that is another, new (no before) or gone (no after)."""

    name: str
    before: Rate | None
    after: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What made a charge another one.

    Attributes:
        sentences: For people; none where nothing changed.
        rates: Of the classes that the requests used.
        before: The cards that the run was charged by.
        after: The card of the asked book, None without one.
        is_own: It is of a book of the user's own.
    """

    sentences: tuple[str, ...] = ()
    rates: tuple[RateChange, ...] = ()
    before: tuple[BookRef, ...] = ()
    after: BookRef | None = None
    is_own: bool = False


def charged_by(rows: Iterable[Row]) -> Cards:
    """The cards of `bench.store.reprice.frozen_cards`, by run, endpoint and model.

    One that an unknown version wrote is left out.
    """
    found: dict[tuple[str, str, str], list[RateCard]] = defaultdict(list)
    for row in rows:
        try:
            card = RateCard.from_json(orjson.loads(row["card"]))
        except PricingError:
            continue
        found[row["run_id"], row["endpoint"], row["model"]].append(card)
    return {key: tuple(cards) for key, cards in found.items()}


def why_of(
    row: Row, mark: str, price: AskedPrice | None, charged: Sequence[RateCard]
) -> Why:
    """Why requests that are alike cost what they do.

    Args:
        row: Their group: `why`, and tokens by class.
        mark: + - ~ = or ?, as in `bench.store.reprice`.
        price: What they get now; None where nobody knows what was asked.
        charged: The cards that their run froze for endpoint and model.
    """
    before = tuple(dict.fromkeys(card.ref for card in charged))
    card = price.card if price else None
    found = Why(
        before=before,
        after=card.ref if card else None,
        is_own=card is not None and card.own,
    )
    if mark == "=":
        return found
    if mark in {"-", "?"} or price is None or card is None:
        return replace(found, sentences=(_obstacle(row, price),))
    used = [name for name in TokenClass if (row.get(name) or 0) > 0]
    rates = tuple(c for old in charged for c in _changes(old, card, used, price))
    sentences = tuple(dict.fromkeys(_sentences(charged, card, rates, mark)))
    return replace(found, sentences=sentences, rates=rates)


def _obstacle(row: Row, price: AskedPrice | None) -> str:
    """What keeps requests from having a price."""
    if row["why"] in _STANDS_IN_THE_WAY:
        return _STANDS_IN_THE_WAY[row["why"]]
    if price is None or price.card is None:
        return (price and price.why_none) or "the book has no price"
    missing = [
        name
        for name in TokenClass
        if (row.get(name) or 0) > 0 and name not in price.card.rates
    ]
    if missing and not price.card.images:
        return f"{_named(price.card)} has no rate for {', '.join(missing)} tokens"
    return f"the counts contradict themselves, so {_named(price.card)} can't price them"


def _changes(
    old: RateCard, new: RateCard, used: Sequence[TokenClass], price: AskedPrice
) -> Iterator[RateChange]:
    """Rates of the used classes that differ, and the picture's."""
    before, after = _picture(old, price), _picture(new, price)
    if (before or after) and before != after:
        yield RateChange(
            name=PICTURE,
            before=before.rate if before else None,
            after=after.rate if after else None,
        )
    for name in used:
        was, now = old.rates.get(name), new.rates.get(name)
        # Where pictures are priced, what went into them is not.
        is_other_way = bool(before) != bool(after) and not (was and now)
        is_other = _amount(was) != _amount(now)
        if is_other and not is_other_way:
            yield RateChange(name=name, before=was, after=now)


def _amount(rate: Rate | None) -> tuple[Decimal, int] | None:
    return None if rate is None else (rate.usd, rate.per)


def _picture(card: RateCard, price: AskedPrice) -> ImagePrice | None:
    if not card.images:
        return None
    try:
        size = parse_size(price.cell.text("size") or AUTO)
        return image_price(card, price.cell.text("quality") or AUTO, size)
    except PricingError:
        return None


def _sentences(
    charged: Sequence[RateCard],
    card: RateCard,
    rates: Sequence[RateChange],
    mark: str,
) -> Iterator[str]:
    by = f"by {_named(card)}, checked {card.checked_on}, {card.source}"
    if mark == "+":
        yield f"priced {by}"
    elif not charged:
        yield f"{by}; the plan does not hold what it was charged by"
    elif not rates and all(_alike(old, card) for old in charged):
        yield f"the rates are those of its plan; its charge was not made by them ({by})"
    else:
        yield by
    for old in charged:
        if old.tier != card.tier:
            yield f"{card.tier} instead of {old.tier}"
        if old.round_up_usd != card.round_up_usd:
            yield f"each request is rounded up to {_step(card)}, before to {_step(old)}"
    for change in rates:
        yield _changed(change)


def _alike(old: RateCard, card: RateCard) -> bool:
    return (old.tier, old.round_up_usd) == (card.tier, card.round_up_usd)


def _step(card: RateCard) -> str:
    step = card.round_up_usd
    return "nothing" if step is None else f"{usd_text(step)} USD"


def _named(card: RateCard) -> str:
    own = "your own " if card.own else "the "
    return f"{own}{card.vendor} card of {card.title} from {card.valid_from}"


def _changed(change: RateChange) -> str:
    if change.name == PICTURE and change.before is None:
        return f"by the picture, {_usd(change.after)} each, instead of by tokens"
    if change.name == PICTURE and change.after is None:
        return f"by tokens instead of by the picture, {_usd(change.before)} each"
    rate = change.after or change.before
    per = "" if rate is None or rate.per == 1 else f" per {rate.per:,}"
    return f"{change.name}: {_usd(change.before)} -> {_usd(change.after)}{per}"


def _usd(rate: Rate | None) -> str:
    return "no rate" if rate is None else f"{usd_text(rate.usd)} USD"

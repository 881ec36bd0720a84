"""Totals: billed against recorded, by day and model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from bench.store.queries import Row
from bench.studies.line_items import Item, item_of
from bench.studies.reconcile_near import PER_UNIT, Grain
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.money import minus, plus, times
from pricing.rates import TokenClass

# As many as an amount can have.
_MOST_DECIMALS = 36
_OURS: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        TokenClass.INPUT_TEXT: ("input_text_tokens", "cached_text_tokens"),
        TokenClass.CACHED_TEXT: ("cached_text_tokens", None),
        TokenClass.INPUT_IMAGE: ("input_image_tokens", "cached_image_tokens"),
        TokenClass.CACHED_IMAGE: ("cached_image_tokens", None),
        TokenClass.OUTPUT_IMAGE: ("output_image_tokens", None),
        TokenClass.OUTPUT_TEXT: ("output_text_tokens", None),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Tokens of a class on a day, billed and recorded; unknown is None."""

    token_class: str
    billed: Decimal | None
    ours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """A UTC day and a model: bill and record.

    Attributes:
        model: None for lines of a bill that name none.
        verdict: same; differs; only_billed; only_ours; empty (a day of the bill
            without spend, and none of ours); unknown (a charge of ours is); spanned
            (a line of the bill is of several days, this one among them).
        difference_usd: Billed less recorded; None where one of them is unknown, or
            the bill does not say how much of it is of that day.
        has_credit: Whether the bill takes something off on that day.
        images, requests: As the bill counts them, None where it does not.
    """

    day: date
    model: str | None
    verdict: str
    is_settled: bool
    billed_usd: Decimal | None
    charge_usd: Decimal | None
    difference_usd: Decimal | None
    slack_usd: Decimal
    has_credit: bool
    attempts: int
    n_charge_unknown: int
    n_possibly_billed: int
    possibly_billed_usd: Decimal | None
    images: int | None
    our_images: int
    requests: int | None
    quantities: tuple[Quantity, ...]


@dataclass(slots=True)
class _Side:
    """What is known of a day and a model, as it comes together."""

    billed_usd: Decimal | None = None
    n_amounts: int = 0
    decimals: int = _MOST_DECIMALS
    images: int | None = None
    requests: int | None = None
    is_settled: bool = True
    is_empty: bool = True
    has_credit: bool = False
    is_spanned: bool = False
    tokens: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    ours: Row | None = None


def day_totals(
    book: PriceBook,
    lines: Iterable[Row],
    spent: Iterable[Row],
    *,
    has_amounts: bool,
) -> tuple[DayTotal, ...]:
    """Every day and model that either side knows.

    `lines` and `spent` are rows of `bench.store.bills`, each line with
    `is_settled` and `decimals`, how finely its files tell money; `has_amounts` is
    whether such a bill says dollars at all.
    """
    sides: dict[tuple[date, str | None], _Side] = {}
    settled = True
    settled_on: dict[date, bool] = {}
    told = list(lines)
    for line in told:
        item = item_of(book, line)
        key = (line["day"], item.model)
        _add_line(sides.setdefault(key, _Side()), line, item.token_class)
        settled_on[line["day"]] = (
            settled_on.get(line["day"], True) and line["is_settled"]
        )
        settled = settled and line["is_settled"]
    recorded = list(spent)
    names = our_names(book, recorded)
    for row in recorded:
        key = (row["day"], names[row["model"]])
        side = sides.setdefault(key, _Side())
        side.ours = row
        # A model that is missing in the bill may come with what is still to come.
        side.is_settled = settled_on.get(row["day"], settled)
    for line in told:
        if line["ends_on"]:
            _mark_spanned(sides, (line["day"], line["ends_on"]), item_of(book, line))
    return tuple(_totals(sides, has_amounts=has_amounts))


def _mark_spanned(
    sides: Mapping[tuple[date, str | None], _Side], span: tuple[date, date], item: Item
) -> None:
    """Days of a model that a line of several days is about."""
    for (day, model), side in sides.items():
        if span[0] <= day <= span[1] and item.model == model:
            side.is_spanned = True


def our_names(book: PriceBook, spent: Iterable[Row]) -> dict[str, str | None]:
    """Models that we asked for, each by its name in the book that prices it."""
    names: dict[str, str | None] = {}
    for row in spent:
        model = row["model"]
        try:
            names[model] = book.model(row["book"] or "openai", model).name
        except PricingError:
            names[model] = model or None
    return names


def _add_line(side: _Side, line: Row, token_class: str | None) -> None:
    side.is_settled = side.is_settled and line["is_settled"]
    said = ("amount", "images", "requests", "line_item", "model")
    side.has_credit = side.has_credit or bool(line["is_credit"])
    side.is_empty = side.is_empty and all(line[name] is None for name in said)
    if line["amount"] is not None:
        side.billed_usd = plus(side.billed_usd or Decimal(0), line["amount"])
        side.n_amounts += line["n_amounts"]
        side.decimals = min(side.decimals, line["decimals"])
    for name in ("images", "requests"):
        if line[name] is not None:
            setattr(side, name, (getattr(side, name) or 0) + line[name])
    per = PER_UNIT.get(str(line["unit"]).lower())
    if token_class and per and line["quantity"] is not None:
        before = side.tokens.get(token_class, Decimal(0))
        side.tokens[token_class] = plus(before, times(line["quantity"], per))


def _totals(
    sides: Mapping[tuple[date, str | None], _Side], *, has_amounts: bool
) -> Iterator[DayTotal]:
    ordered = sorted(sides.items(), key=lambda e: (e[0][0], e[0][1] or ""))
    busy = {day for (day, _), side in ordered if not side.is_empty or side.ours}
    for (day, model), side in ordered:
        # An empty row beside others says nothing.
        if side.is_empty and side.ours is None and day in busy:
            continue
        yield _total(day, model, side, has_amounts=has_amounts)


def _total(day: date, model: str | None, side: _Side, *, has_amounts: bool) -> DayTotal:
    row = side.ours or {}
    charge: Decimal | None = row.get("charge_usd")
    attempts = row.get("attempts", 0)
    unknown = row.get("n_charge_unknown", 0)
    grain = Grain(n_rows=side.n_amounts, decimals=side.decimals, attempts=attempts)
    billed = side.billed_usd
    if billed is None and has_amounts:
        # No line in a bill of that day: nothing was charged as far as it goes.
        billed = Decimal(0)
    difference = None
    if billed is not None and not unknown and not side.is_spanned:
        difference = minus(billed, charge or Decimal(0))
    slack = grain.slack(charge or Decimal(0))
    return DayTotal(
        day=day,
        model=model,
        verdict=_verdict(side, billed, difference, slack),
        is_settled=side.is_settled,
        billed_usd=billed,
        charge_usd=charge,
        difference_usd=difference,
        slack_usd=slack,
        has_credit=side.has_credit,
        attempts=attempts,
        n_charge_unknown=unknown,
        n_possibly_billed=row.get("n_possibly_billed", 0),
        possibly_billed_usd=row.get("possibly_billed_usd"),
        images=side.images,
        our_images=row.get("images", 0),
        requests=side.requests,
        quantities=tuple(_quantities(side)),
    )


def _verdict(
    side: _Side, billed: Decimal | None, difference: Decimal | None, slack: Decimal
) -> str:
    if side.ours is None or side.is_spanned:
        alone = "empty" if side.is_empty else "only_billed"
        return "spanned" if side.is_spanned else alone
    if billed is None:
        # A bill of counts: pictures are all that it can be compared by.
        if side.images is None:
            return "only_ours"
        return "same" if side.images == side.ours["images"] else "differs"
    if difference is None:
        return "unknown"
    if abs(difference) <= slack:
        return "same"
    return "differs" if side.billed_usd is not None else "only_ours"


def _quantities(side: _Side) -> Iterator[Quantity]:
    row = side.ours
    for name, (whole, part) in _OURS.items():
        ours = None
        if row is not None:
            ours = row[whole] - (row[part] if part else 0)
        billed = side.tokens.get(name)
        if billed is not None or (ours and side.tokens):
            yield Quantity(token_class=str(name), billed=billed, ours=ours)

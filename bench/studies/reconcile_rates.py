"""Rates: what a bill charges for a unit, against what our books say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bench.store.queries import Row
from bench.studies.line_items import Item, item_of
from bench.studies.reconcile_near import PER_UNIT, Grain, per_million, plain_rate
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.money import plus, ratio, times
from pricing.rates import RateCard, Tier, TokenClass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCheck:
    """A rate of a bill beside ours, over days on which both stayed the same.

    Attributes:
        verdict: same; differs; mixed (between two of our rates, such as standard and
            batch); no_rate (our books have none); too_coarse (amounts are rounded
            too much); not_compared (`why` says why).
        billed_usd, book_usd: Dollars for a million tokens.
        tier: The tier whose rate the bill has.
        own: Whether a book of the user's own gave the rate.
    """

    vendor: str
    model: str | None
    token_class: str | None
    line_item: str | None
    tier: str
    verdict: str
    billed_usd: Decimal | None
    book_usd: Decimal | None
    first_on: date
    last_on: date
    n_days: int
    amount_usd: Decimal
    quantity: Decimal | None
    unit: str | None
    is_settled: bool
    own: bool = False
    why: str | None = None


def rate_checks(book: PriceBook, lines: Iterable[Row]) -> tuple[RateCheck, ...]:
    """All rates of a bill, days with the same rates put together.

    `lines` are rows of `bench.store.bills.lines`, each with `is_settled`
    and `decimals`, how finely its files tell money.
    """
    told = [line for line in lines if line["amount"] is not None]
    checks = [_check(book, line) for line in told]
    return tuple(_together(checks))


def _check(book: PriceBook, line: Row) -> RateCheck:
    item = item_of(book, line)
    plain = RateCheck(
        vendor=item.vendor,
        model=item.model,
        token_class=item.token_class,
        line_item=line["line_item"],
        tier=item.tier,
        verdict="not_compared",
        billed_usd=None,
        book_usd=None,
        first_on=line["day"],
        last_on=line["day"],
        n_days=1,
        amount_usd=line["amount"],
        quantity=line["quantity"],
        unit=line["unit"],
        is_settled=line["is_settled"],
    )
    why = _why_not(item, line)
    if why:
        return replace(plain, why=why)
    tokens = times(line["quantity"], PER_UNIT[str(line["unit"]).lower()])
    grain = Grain(n_rows=line["n_amounts"], decimals=line["decimals"])
    return _compared(book, plain, tokens, grain)


def _why_not(item: Item, line: Row) -> str | None:
    """The first reason for which a line says no rate."""
    unit, quantity = line["unit"], line["quantity"] or 0
    reasons = (
        ("the line names no model", item.model is None),
        ("a credit says no rate", line["is_credit"] and quantity >= 0),
        ("the line has no quantity", not quantity),
        ("billed 0: free, or paid by a credit", line["is_free"]),
        ("its quantity is negative", quantity < 0 and not line["is_credit"]),
        (f"the unit '{unit}' is not tokens", str(unit).lower() not in PER_UNIT),
        (f"the {item.vendor} book knows no model '{item.model}'", not item.is_known),
        ("its words fit no single class of tokens", item.token_class is None),
    )
    return next((why for why, holds in reasons if holds), None)


def _compared(
    book: PriceBook, check: RateCheck, tokens: Decimal, grain: Grain
) -> RateCheck:
    billed = plain_rate(check.amount_usd, tokens, grain)
    check = replace(check, billed_usd=billed)
    rates = list(_rates(book, check))
    if not rates:
        return replace(check, verdict="no_rate", why="our books have no rate that day")
    _, first, own = rates[0]
    check = replace(check, book_usd=first, own=own)
    priced = [
        (tier, rate, ratio(times(tokens, rate), Decimal(MILLION)))
        for tier, rate, _ in rates
    ]
    # An equal amount proves a rate; one that is near may only be rounded to it.
    for is_like in (grain.equal, grain.same):
        for tier, rate, expected in priced:
            if is_like(check.amount_usd, expected):
                is_told = is_like == grain.equal or not grain.too_coarse(expected)
                verdict = "same" if is_told else "too_coarse"
                return replace(check, verdict=verdict, tier=tier, book_usd=rate)
    known = [rate for _, rate, _ in rates]
    is_between = min(known) < per_million(check.amount_usd, tokens) < max(known)
    return replace(check, verdict="mixed" if is_between else "differs")


def _rates(book: PriceBook, check: RateCheck) -> Iterator[tuple[str, Decimal, bool]]:
    """Our rates for a million tokens: the tier that is named, then all others."""
    tiers = [check.tier]
    if check.tier == Tier.STANDARD:
        tiers.append(str(Tier.BATCH))
    for tier in tiers:
        try:
            card = book.card(check.vendor, check.model or "", check.first_on, tier)
        except PricingError:
            continue
        yield from _of_card(card, tier, TokenClass(check.token_class or ""))


def _of_card(
    card: RateCard, tier: str, name: TokenClass
) -> Iterator[tuple[str, Decimal, bool]]:
    for label, rates in ((tier, card.rates), (f"{tier}, long", card.long_rates)):
        if name in rates:
            usd = ratio(times(rates[name].usd, MILLION), Decimal(rates[name].per))
            yield label, usd.normalize(), card.own


def _together(checks: Iterable[RateCheck]) -> Iterator[RateCheck]:
    """One row for days on which a line had the same rate and the same verdict."""
    joined: dict[tuple[object, ...], RateCheck] = {}
    for check in checks:
        # The rate of a mix is another one every day.
        billed = None if check.verdict in {"mixed", "too_coarse"} else check.billed_usd
        key = (
            *(check.vendor, check.model, check.token_class, check.line_item),
            *(check.tier, check.verdict, billed, check.book_usd, check.is_settled),
            *(check.why, check.unit),
        )
        before = joined.get(key)
        joined[key] = check if before is None else _plus(before, check)
    yield from sorted(joined.values(), key=_place)


def _place(check: RateCheck) -> tuple[str, str, date]:
    return check.model or "", check.token_class or "", check.first_on


def _plus(first: RateCheck, later: RateCheck) -> RateCheck:
    quantity = first.quantity
    if quantity is not None and later.quantity is not None:
        quantity = plus(quantity, later.quantity)
    is_new_day = later.first_on != first.last_on
    return replace(
        first,
        last_on=later.last_on,
        n_days=first.n_days + is_new_day,
        amount_usd=plus(first.amount_usd, later.amount_usd),
        quantity=quantity,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """What a settled bill says that our books should say.

    Attributes:
        from_usd: Our rate for a million tokens; None where we have none.
        to_usd: The bill's.
    """

    vendor: str
    model: str
    token_class: str
    tier: str
    from_usd: Decimal | None
    to_usd: Decimal
    first_on: date
    last_on: date
    amount_usd: Decimal
    own: bool


def book_changes(checks: Iterable[RateCheck]) -> tuple[BookChange, ...]:
    """The rates that our books should change, from settled days alone.

    What is paid back, and how much of it, makes no rate.
    """
    found: list[BookChange] = []
    for check in checks:
        is_meant = check.verdict in {"differs", "no_rate"} and check.is_settled
        if (
            is_meant
            and check.amount_usd > 0
            and check.model
            and check.token_class
            and check.billed_usd is not None
        ):
            change = BookChange(
                vendor=check.vendor,
                model=check.model,
                token_class=check.token_class,
                tier=check.tier,
                from_usd=check.book_usd,
                to_usd=check.billed_usd,
                first_on=check.first_on,
                last_on=check.last_on,
                amount_usd=check.amount_usd,
                own=check.own,
            )
            found.append(change)
    return tuple(found)

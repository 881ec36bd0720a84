"""Asked price: what a cell's requests cost by another book or day."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from bench.attempt import Cell
from bench.plan.prices import PricedModel
from bench.store.queries import Row
from pricing.book import PriceBook
from pricing.charge import Charge
from pricing.errors import PricingError
from pricing.picture import charge_images
from pricing.rates import RateCard, Tier
from pricing.scheme import Scheme, parse_scheme
from pricing.usage import MainlineUsage, Usage
from pricing.variant import AUTO, parse_size

COUNTS = tuple(Usage.__slots__)
_MAINLINE = tuple(f"mainline_{name}" for name in MainlineUsage.__slots__)
_AUTHOR = ("svg_input_tokens", "svg_output_tokens")
_BILLED = frozenset({"billed", "billed_unusable"})
FREE = frozenset({"not_sent", "unbilled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose prices, of which day.

    Attributes:
        vendor: The book that takes the place of each endpoint's own; None keeps it.
        as_of: The day of the prices; None is the day (UTC) of each request.
        tier: None keeps that of each run: batch where it went by jobs.
    """

    vendor: str | None = None
    as_of: date | None = None
    tier: Tier | None = None

    def tier_of(self, row: Row) -> Tier:
        """The tier that a row of `bench.store.reprice.asked_places` is priced at."""
        return self.tier or (Tier.BATCH if row["by_jobs"] else Tier.STANDARD)

    def tiers_of(self, rows: Iterable[Row]) -> str:
        """That of all such rows; `as_sent` where they differ."""
        tiers = {self.tier_of(row) for row in rows}
        return "as_sent" if len(tiers) > 1 else str(next(iter(tiers), Tier.STANDARD))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPrice:
    """The rates that a cell's requests get, or why there are none.

    Attributes:
        card: None where the book has no price.
        mainline: Rates of the text model of a Responses call.
        author: Those of the text model that wrote an SVG.
        why_none: One sentence, where there is no card.
    """

    cell: Cell
    card: RateCard | None = None
    mainline: RateCard | None = None
    author: RateCard | None = None
    scheme: Scheme | None = None
    why_none: str | None = None

    def usd(self, row: Row) -> Decimal | None:
        """What a recorded attempt costs, by `pricing` itself.

        Args:
            row: Its billing and counts, named as in `v_attempt`; tokens of the
                text models as `mainline_*` and `svg_*`; `n_came`, pictures of a
                whole answer; `is_other_tier`, served in one without rates.

        Returns:
            0 where nothing was billed, None where it has no price.
        """
        if row["billing"] in FREE:
            return Decimal(0)
        if row["billing"] not in _BILLED or self.card is None:
            return None
        if row["is_other_tier"]:
            return None
        try:
            return self._charge(row, self.card).usd
        except PricingError:
            return None

    def _charge(self, row: Row, card: RateCard) -> Charge:
        priced = PricedModel(
            card=card, scheme=self.scheme, mainline=self.mainline, author=self.author
        )
        counts = {name: row[name] for name in (*COUNTS, *_MAINLINE, *_AUTHOR)}
        return priced.charges(counts, self.cell, row["n_came"]).endpoint


def asked_price(row: Row, book: PriceBook, wanted: Wanted) -> AskedPrice:
    """The price of a row of `bench.store.reprice.asked_places`."""
    found = AskedPrice(cell=_cell(row))
    vendor, scheme = _prices(row["prices"])
    day, tier = wanted.as_of or row["day"], wanted.tier_of(row)
    if not (vendor := wanted.vendor or vendor):
        why = "its plan does not say whose prices hold; name a book with --book"
        return replace(found, why_none=why)
    try:
        parsed = None if scheme is None else parse_scheme(scheme)
        card = book.card(vendor, row["model"], day, tier)
        text_model = row["mainline_model"] if row["api"] == "responses" else None
        mainline = book.card(vendor, text_model, day, tier) if text_model else None
        writes = found.cell.author_model
        author = book.card(vendor, writes, day, tier) if writes else None
    except PricingError as error:
        return replace(found, why_none=str(error))
    priced = replace(found, card=card, mainline=mainline, author=author, scheme=parsed)
    why = _why_no_picture(priced, card) if card.images else None
    return replace(found, why_none=why) if why else priced


def _why_no_picture(price: AskedPrice, card: RateCard) -> str | None:
    """What keeps a whole picture from its price: the same for each request."""
    quality = price.cell.text("quality") or AUTO
    try:
        size = parse_size(price.cell.text("size") or AUTO)
        one = charge_images(card, quality, size, price.cell.n)
        if price.scheme:
            price.scheme.apply(one, size)
    except PricingError as error:
        return str(error)
    return None


def _prices(written: str | None) -> tuple[str | None, object]:
    """Vendor and scheme, as the endpoint's `prices` write them."""
    prices: str | dict[str, Any] | None = orjson.loads(written) if written else None
    if isinstance(prices, dict):
        return str(prices["of"]), prices["scheme"]
    return prices, None


def _cell(row: Row) -> Cell:
    sent: dict[str, Any] = orjson.loads(row["parameters"])
    return Cell(
        endpoint=row["endpoint"],
        api=row["api"],
        operation=row["operation"],
        model=row["model"],
        parameters=tuple(sorted(sent.items())),
    )

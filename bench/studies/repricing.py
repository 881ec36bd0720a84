"""Repricing: what recorded runs cost by another book or day, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.store.price_rows import Place
from bench.store.queries import Row
from bench.store.reprice import asked_places, frozen_cards
from bench.studies.asked_price import Wanted
from bench.studies.asked_prices import AskedPrices
from bench.studies.judged import attempt_groups, judge, known_sum
from bench.studies.price_change import Cards, Why, charged_by, why_of
from pricing.book import PriceBook
from pricing.money import minus
from pricing.rates import TokenClass

if TYPE_CHECKING:
    import duckdb

# Enough to see a mistake of ours, and quick.
N_JUDGED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Requests of a cell that changed alike.

    Attributes:
        mark: + has a price now, - has none any more, ~ another, = the same,
            ? never had one.
        is_estimated: Their tokens are estimates, no answer reported them.
        possibly_billed_usd: The most that they may have cost, at the run's price.
    """

    mark: str
    why: Why
    is_estimated: bool
    requests: int
    charge_usd: Decimal | None
    repriced_usd: Decimal | None
    possibly_billed_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Requests and their money; unknown is None and counted, never 0.

    Attributes:
        difference_usd: Repriced less charged, of requests that have both.
        requests: By mark.
    """

    charge_usd: Decimal | None
    repriced_usd: Decimal | None
    difference_usd: Decimal | None
    possibly_billed_usd: Decimal | None
    requests: Mapping[str, int]
    n_estimated: int

    @property
    def n_requests(self) -> int:
        """All of them."""
        return sum(self.requests.values())

    @property
    def is_of_all(self) -> bool:
        """Whether all of them have both prices, so that the difference is of all."""
        return not (self.n_without_price or self.requests["+"])

    @property
    def n_without_price(self) -> int:
        """Those that have no price now."""
        return self.requests["-"] + self.requests["?"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricedCell:
    """A cell of a run; `asked` is its row of `asked_places`, without day."""

    run_id: str
    cell_index: int
    asked: Row
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """All cells that were asked for; `n_judged` agreed with `pricing`."""

    cells: tuple[RepricedCell, ...]
    n_judged: int

    @property
    def why_nothing(self) -> str | None:
        """Why no price holds for anything; None where some does, or none is due."""
        every = [change for cell in self.cells for change in cell.changes]
        if any(c.mark in "+~=" and c.why.after is not None for c in every):
            return None
        gone = (c.why.sentences[0] for c in every if c.mark == "-")
        return next(gone, None)


def reprice(
    con: "duckdb.DuckDBPyConnection",
    run_ids: Sequence[str],
    book: PriceBook,
    wanted: Wanted,
    *,
    n_judged: int = N_JUDGED,
) -> Repricing:
    """Price the recorded attempts of runs anew; nothing is written.

    About `n_judged` of them, chosen by chance, are priced by `pricing` too.

    Raises:
        Misjudged: A charge of the judged sample differs; a mistake of ours.
    """
    asked = asked_places(con, run_ids)
    prices = AskedPrices(book, wanted)
    places = [
        Place(
            place_id=number,
            run_id=row["run_id"],
            cell_index=row["cell_index"],
            day=row["day"],
            price_id=prices.of(row),
        )
        for number, row in enumerate(asked)
    ]
    groups, repriced = attempt_groups(con, places, prices)
    every = max(1, sum(row["attempts"] for row in asked) // n_judged)
    agreed = judge(repriced.sample(every), places, prices)
    cards = charged_by(frozen_cards(con, run_ids))
    return Repricing(
        cells=_cells(groups, (asked, places, prices), cards), n_judged=agreed
    )


def _cells(
    groups: Iterable[Row],
    known: tuple[Sequence[Row], Sequence[Place], AskedPrices],
    cards: Cards,
) -> tuple[RepricedCell, ...]:
    """Groups by run and cell; days of one price are one."""
    asked, places, prices = known
    found: dict[tuple[str, int], dict[tuple[Any, ...], list[Row]]] = {}
    of_cell: dict[tuple[str, int], Row] = {}
    for group in groups:
        place = places[int(group["place_id"])]
        cell = (place.run_id, place.cell_index)
        of_cell[cell] = asked[int(group["place_id"])]
        alike = (
            place.price_id,
            *(group[name] for name in ("mark", "why", "is_estimated")),
        )
        found.setdefault(cell, {}).setdefault(alike, []).append(group)
    return tuple(
        RepricedCell(
            run_id=cell[0],
            cell_index=cell[1],
            asked=of_cell[cell],
            changes=tuple(
                _change(key, rows, of_cell[cell], (prices, cards))
                for key, rows in alike.items()
            ),
        )
        for cell, alike in sorted(found.items())
    )


def _change(
    key: tuple[Any, ...], rows: list[Row], asked: Row, by: tuple[AskedPrices, Cards]
) -> Change:
    price_id, mark, code, is_estimated = key
    prices, cards = by
    used = {name: sum(row.get(name) or 0 for row in rows) for name in TokenClass}
    charged = cards.get((asked["run_id"], asked["endpoint"], asked["model"]), ())
    price = None if price_id is None else prices.found[int(price_id)]
    return Change(
        mark=mark,
        why=why_of({"why": code, **used}, mark, price, charged),
        is_estimated=is_estimated,
        requests=sum(row["requests"] for row in rows),
        charge_usd=known_sum(row["charge_usd"] for row in rows),
        repriced_usd=known_sum(row["repriced_usd"] for row in rows),
        possibly_billed_usd=known_sum(row["possibly_billed_usd"] for row in rows),
    )


def sums(changes: Iterable[Change]) -> Sums:
    """What some changes come to."""
    every = tuple(changes)
    return Sums(
        charge_usd=known_sum(c.charge_usd for c in every),
        repriced_usd=known_sum(c.repriced_usd for c in every),
        difference_usd=known_sum(
            minus(c.repriced_usd, c.charge_usd)
            for c in every
            if c.charge_usd is not None and c.repriced_usd is not None
        ),
        possibly_billed_usd=known_sum(c.possibly_billed_usd for c in every),
        requests={m: sum(c.requests for c in every if c.mark == m) for m in "+-~=?"},
        n_estimated=sum(c.requests for c in every if c.is_estimated),
    )

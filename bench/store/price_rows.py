"""Price rows: prices as whole numbers of 10^-12 US dollars, for SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import orjson

from pricing.rates import TokenClass

# Steps of a scheme: the total times `by` over `to`, rounded half-even; a total of
# its own; the total up to whole multiples of `by` over `to`.
SCALED, FLAT, ROUNDED_UP = "scaled", "flat", "rounded_up"
IMAGE_CLASSES = tuple(str(c) for c in TokenClass if not c.startswith("mainline"))
MAINLINE_CLASSES = tuple(str(c) for c in TokenClass if c.startswith("mainline"))
_PLACE = {
    "place_id": "INTEGER",
    "run_id": "VARCHAR",
    "cell_index": "INTEGER",
    "day": "DATE",
    "price_id": "INTEGER",
}
_PRICE = {
    "price_id": "INTEGER",
    "is_long": "BOOLEAN",
    "has_price": "BOOLEAN",
    "is_for_python": "BOOLEAN",
    "long_above_tokens": "BIGINT",
    "takes_inputs": "BOOLEAN",
    "has_mainline": "BOOLEAN",
    "picture_e12": "VARCHAR",
    "n_pictures": "INTEGER",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The attempts of a cell on a day, and the price that they get.

    Attributes:
        price_id: None where nobody knows what was asked.
    """

    place_id: int
    run_id: str
    cell_index: int
    day: date
    price_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A whole number over another."""

    by: int
    to: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a scheme: SCALED, FLAT or ROUNDED_UP."""

    kind: str
    ratio: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A price as whole numbers of 10^-12 US dollars.

    Attributes:
        is_long: Holds above `long_above_tokens` of mainline input.
        has_price: False where the book has none: nothing can be priced.
        is_for_python: Whole numbers can't hold it.
        picture_e12: A request's whole pictures; None where tokens are priced.
        n_pictures: So many they are; a request that made others is for Python.
        takes_inputs: Whether a price of whole pictures has rates for input.
        has_mainline: Whether a text model's tokens are priced too.
        rates: Of each token class that has one.
    """

    price_id: int
    is_long: bool = False
    has_price: bool = True
    is_for_python: bool = False
    long_above_tokens: int | None = None
    picture_e12: int | None = None
    n_pictures: int | None = None
    takes_inputs: bool = False
    has_mainline: bool = False
    rates: Mapping[str, Ratio] = field(default_factory=dict[str, Ratio])
    steps: tuple[Step, ...] = ()


def load_places(con: duckdb.DuckDBPyConnection, places: Iterable[Place]) -> None:
    """Make the temporary tables `reprice_place` and `reprice_one`, of one row."""
    con.execute("CREATE OR REPLACE TEMP TABLE reprice_one AS SELECT 1 AS one")
    rows = [{name: getattr(place, name) for name in _PLACE} for place in places]
    _load(con, "reprice_place", _PLACE, rows)


def load_prices(
    con: duckdb.DuckDBPyConnection, prices: Sequence[PriceRow], whole: str
) -> None:
    """Make the temporary table `reprice_price`, its numbers of the type `whole`.

    Raises:
        duckdb.ConversionException: One does not fit.
    """
    columns = {**_PRICE, "picture_e12": whole}
    for name in (*IMAGE_CLASSES, *MAINLINE_CLASSES):
        columns |= {f"{name}_by": whole, f"{name}_to": whole}
    for number in range(most_steps(prices)):
        columns |= {f"step_{number}": "VARCHAR"}
        columns |= {f"step_{number}_by": whole, f"step_{number}_to": whole}
    rows = [
        {name: getattr(price, name) for name in _PRICE} | _factors(price)
        for price in prices
    ]
    _load(con, "reprice_price", columns, rows)


def most_steps(prices: Iterable[PriceRow]) -> int:
    """How many steps the longest scheme has."""
    return max((len(price.steps) for price in prices), default=0)


def _factors(price: PriceRow) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, rate in price.rates.items():
        found |= {f"{name}_by": rate.by, f"{name}_to": rate.to}
    for number, step in enumerate(price.steps):
        found[f"step_{number}"] = step.kind
        found[f"step_{number}_by"] = step.ratio.by
        found[f"step_{number}_to"] = step.ratio.to
    return found


def _load(
    con: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    rows: Iterable[Mapping[str, Any]],
) -> None:
    """Through texts: a whole number may have more than 64 bits."""
    texts = [
        {name: None if row.get(name) is None else str(row[name]) for name in columns}
        for row in rows
    ]
    members = ", ".join(f'"{name}": "VARCHAR"' for name in columns)
    cast = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {cast} FROM ("  # noqa: S608  own names
        f"SELECT unnest(from_json($rows::JSON, '[{{{members}}}]'), recursive := true))",
        {"rows": orjson.dumps(texts).decode()},
    )

"""Text cost: what text models took of the charges of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import orjson

from bench.store.queries import Row
from pricing.charge import per_unit_line
from pricing.errors import PricingError
from pricing.money import total
from pricing.rates import RateCard, TokenClass


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCost:
    """A text model's part of a cell's charges: a mainline model, or an SVG's author.

    Attributes:
        model: The text model.
        requests: That were answered.
        input_tokens, cached_tokens, output_tokens: Of those with a known charge;
            None where nobody told.
        usd: At the direct book's price; None where it has none.
        list_usd: All models' tokens of the same requests, at that price.
        n_reported, n_zero, n_absent: Answers with a picture by what they told:
            of a mainline model's those of the image tool, of an author's its own.
    """

    cell_index: int
    model: str
    requests: int
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    usd: Decimal | None
    list_usd: Decimal | None
    n_reported: int
    n_zero: int
    n_absent: int


def text_costs(rows: Iterable[Row]) -> tuple[TextCost, ...]:
    """One a cell, from rows of text models of `bench.store.modes`."""
    by_cell: dict[int, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell_index"], []).append(row)
    return tuple(_cost(cell_index, found) for cell_index, found in by_cell.items())


def _cost(cell_index: int, rows: list[Row]) -> TextCost:
    card = RateCard.from_json(orjson.loads(rows[0]["card"]))
    lists_usd = [row["list_usd"] for row in rows if row["list_usd"] is not None]
    return TextCost(
        cell_index=cell_index,
        model=card.model,
        requests=sum(row["requests"] for row in rows),
        input_tokens=_sum(rows, "input_tokens"),
        cached_tokens=_sum(rows, "cached_tokens"),
        output_tokens=_sum(rows, "output_tokens"),
        usd=_usd(card, rows),
        list_usd=total(lists_usd) if lists_usd else None,
        n_reported=sum(row["n_reported"] for row in rows),
        n_zero=sum(row["n_zero"] for row in rows),
        n_absent=sum(row["n_absent"] for row in rows),
    )


def _usd(card: RateCard, rows: Iterable[Row]) -> Decimal | None:
    """Sums of tokens at their rates: a sum need not be rounded part by part."""
    told = [row for row in rows if row["input_tokens"] is not None]
    try:
        return total(_line_usd(card, row) for row in told) if told else None
    except PricingError:
        return None


def _line_usd(card: RateCard, row: Row) -> Decimal:
    # Which rates hold hangs on each request's input, and not on their sum.
    n_input = (card.long_above_tokens or 0) + 1 if row["is_long"] else 0
    cached = row["cached_tokens"] or 0
    written = row["cache_write_tokens"] or 0
    counted = {
        TokenClass.MAINLINE_INPUT: row["input_tokens"] - cached - written,
        TokenClass.MAINLINE_CACHED: cached,
        TokenClass.MAINLINE_CACHE_WRITE: written,
        TokenClass.MAINLINE_OUTPUT: row["output_tokens"] or 0,
    }
    lines = (
        per_unit_line(name, n, (rate := card.rate(name, n_input)).usd, rate.per)
        for name, n in counted.items()
        if n
    )
    return total(line.usd for line in lines)


def _sum(rows: Iterable[Row], name: str) -> int | None:
    told = [row[name] for row in rows if row[name] is not None]
    return sum(told) if told else None

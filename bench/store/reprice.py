"""Reprice: recorded attempts at the prices of another book or day."""

from collections.abc import Iterable, Sequence

import duckdb

from bench.store.price_rows import (
    IMAGE_CLASSES,
    MAINLINE_CLASSES,
    Place,
    PriceRow,
    load_places,
    load_prices,
    most_steps,
)
from bench.store.products import (
    FOR_PYTHON,
    FREE,
    WHYS,
    priced_attempts,
)
from bench.store.queries import Row, rows_of

# Sixty-four bits hold every usual charge and are eight times as fast.
_WHOLE = ("BIGINT", "HUGEINT")
RECORDED = "SELECT * FROM recorded_attempt WHERE NOT in_flight"
MARKS = "+-~=?"
_MARK = f"""CASE
    WHEN charge_usd IS NULL AND {FREE} THEN 3
    WHEN charge_usd IS NULL AND repriced_usd IS NULL THEN 4
    WHEN charge_usd IS NULL THEN 0
    WHEN repriced_usd IS NULL THEN 1
    WHEN charge_usd = repriced_usd THEN 3
    ELSE 2
END::TINYINT"""


class TooLargeForSql(ArithmeticError):
    """A product of quantities and rates passes 128 bits."""


def asked_places(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[Row]:
    """Cells of runs by the days on which they were asked, with what was asked.

    A row without an endpoint stands for attempts whose trial is not known.
    `prices` and `parameters` are JSON; `attempts` counts those in flight too;
    `by_jobs` says that the run went by jobs of the Batch API, at its rates.
    """
    return rows_of(
        con,
        """
        SELECT
            t.run_id, t.cell_index, t.day, t.attempts, c.endpoint, e.route,
            e.simulated, e.prices, c.api, c.operation, c.model, c.mainline_model,
            c.quality, c.size, c.parameters, r.load = 'batch' AS by_jobs
        FROM (
            SELECT run_id, cell_index, day, sum(attempts)::BIGINT AS attempts
            FROM tally WHERE day IS NOT NULL AND run_id IN (SELECT unnest($run_ids))
            GROUP BY ALL
        ) AS t
        LEFT JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
        LEFT JOIN endpoint AS e ON e.run_id = c.run_id AND e.endpoint = c.endpoint
        LEFT JOIN run AS r ON r.run_id = t.run_id
        ORDER BY t.run_id, t.cell_index, t.day
        """,
        {"run_ids": list(run_ids)},
    )


def frozen_cards(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[Row]:
    """What runs were charged by: run_id, endpoint, model, card and scheme (JSON)."""
    return rows_of(
        con,
        """
        SELECT run_id, endpoint, model, card, scheme FROM card
        WHERE run_id IN (SELECT unnest($run_ids)) ORDER BY ALL
        """,
        {"run_ids": list(run_ids)},
    )


class Repriced:
    """Attempts at other prices; ask while the connection is open."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        places: Iterable[Place],
        prices: Sequence[PriceRow],
        source: str = RECORDED,
    ) -> None:
        """Lay places and prices beside the attempts.

        Args:
            con: An index.
            places: What is to be priced, each cell and day once.
            prices: Their prices; one with a long context has two rows.
            source: Rows like those of `RECORDED`.
        """
        self._con = con
        self.prices = prices
        self._source = source
        self._has_mainline = any(price.has_mainline for price in prices)
        load_places(con, places)

    def groups(self) -> list[Row]:
        """Attempts of a place that are alike, summed; without those for Python.

        Returns:
            place_id, mark (+ has a price now, - has none any more, ~ another, =
            the same, ? has none), why (priced, or what stands in the way),
            is_estimated, requests, charge_usd, repriced_usd,
            possibly_billed_usd, and the tokens of each class.

        Raises:
            TooLargeForSql: A product passes 128 bits.
        """
        classes = (*IMAGE_CLASSES, *(MAINLINE_CLASSES if self._has_mainline else ()))
        sums = ", ".join(f"sum({name})::HUGEINT AS {name}" for name in classes)
        rows = self._ask(
            f"""
            SELECT
                place_id, {_MARK} AS mark, why,
                coalesce(usage_source = 'estimated', false) AS is_estimated,
                count(*) AS requests,
                sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
                sum(repriced_usd)::DECIMAL(38,12) AS repriced_usd,
                sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
                {sums}
            FROM repriced WHERE why <> {FOR_PYTHON}
            GROUP BY place_id, mark, why, is_estimated
            ORDER BY place_id, mark, why, is_estimated
            """  # noqa: S608  own names
        )
        return [
            {**row, "mark": MARKS[row["mark"]], "why": WHYS[row["why"]]} for row in rows
        ]

    def sample(self, every: int) -> list[Row]:
        """About one attempt in so many, with counts and `repriced_usd`."""
        where = f"hash(attempt_id) % {every:d} = 0"
        return self._ask(f"FROM repriced WHERE why <> {FOR_PYTHON}", where)

    def for_python(self) -> list[Row]:
        """Attempts whose price whole numbers can't hold, with counts."""
        return self._ask(f"FROM repriced WHERE why = {FOR_PYTHON}")

    def _ask(self, query: str, where: str = "true") -> list[Row]:
        chosen = f"SELECT * FROM ({self._source}) WHERE {where}"  # noqa: S608  own names
        attempts = priced_attempts(
            chosen, most_steps(self.prices), has_mainline=self._has_mainline
        )
        for whole in _WHOLE:
            try:
                load_prices(self._con, self.prices, whole)
                return rows_of(self._con, f"WITH {attempts} {query}")
            except (duckdb.OutOfRangeException, duckdb.ConversionException):
                continue
        raise TooLargeForSql

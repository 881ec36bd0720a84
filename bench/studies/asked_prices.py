"""Asked prices: the prices of all cells of some runs, each once."""

from typing import Any

from bench.store.price_rows import PriceRow
from bench.store.queries import Row
from bench.studies.asked_price import AskedPrice, Wanted, asked_price
from bench.studies.whole_price import price_rows
from pricing.book import PriceBook


class AskedPrices:
    """The prices of all places, each once."""

    def __init__(self, book: PriceBook, wanted: Wanted) -> None:
        """Begin without any.

        Args:
            book: Where cards are looked up.
            wanted: Whose, and of which day.
        """
        self._book, self._wanted = book, wanted
        self._by_question: dict[tuple[Any, ...], int] = {}
        self._by_rates: dict[tuple[Any, ...], int] = {}
        self.found: list[AskedPrice] = []

    def of(self, row: Row) -> int | None:
        """The number of the price of a place, None where no trial is known."""
        if row["endpoint"] is None:
            return None
        asked = (row["prices"], row["api"], row["mainline_model"], row["parameters"])
        day, tier = self._wanted.as_of or row["day"], self._wanted.tier_of(row)
        question = (*asked, row["model"], day, tier)
        if question not in self._by_question:
            price = asked_price(row, self._book, self._wanted)
            # A book has one object a card, so most days have the same rates.
            cards = (price.card, price.mainline, price.author)
            rates = (*asked, *map(id, cards), price.why_none)
            if rates not in self._by_rates:
                self._by_rates[rates] = len(self.found)
                self.found.append(price)
            self._by_question[question] = self._by_rates[rates]
        return self._by_question[question]

    def rows(self, *, all_for_python: bool) -> tuple[PriceRow, ...]:
        """As SQL needs them."""
        if all_for_python:
            numbers = range(len(self.found))
            return tuple(PriceRow(price_id=n, is_for_python=True) for n in numbers)
        return tuple(
            row for n, price in enumerate(self.found) for row in price_rows(n, price)
        )

"""Sheets: rows of a run in a spreadsheet, with text that stays text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bench.exports.lines import harmless, json_text
from pricing.money import usd_text

MOST_ROWS = 1_048_576
# Above the data of a sheet stand a line about the run, and the names.
N_HEAD_ROWS = 2
_LONGEST_TEXT = 32_767
# A spreadsheet shows so many digits of a number, and a double holds them.
_EXACT_DIGITS = 15
_LARGEST_WHOLE = 10**_EXACT_DIGITS
_WIDTH = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The formats of a workbook; a text under `quoted` stays one when edited."""

    title: Any
    name: Any
    money: Any
    share: Any
    instant: Any
    text: Any
    quoted: Any


def looks_of(book: Any) -> Looks:  # noqa: ANN401  xlsxwriter has no types
    """Make the formats of a workbook."""
    return Looks(
        title=book.add_format({"bold": True, "font_size": 12}),
        name=book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
        money=book.add_format({"num_format": "0.00##########"}),
        share=book.add_format({"num_format": "0.0%"}),
        instant=book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"}),
        text=book.add_format({"num_format": "@"}),
        quoted=book.add_format({"num_format": "@", "quote_prefix": True}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A live formula, and its value for what doesn't calculate.

    Attributes:
        is_share: shown as a percentage.
    """

    text: str
    value: Decimal | int | str
    is_share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet that is written row by row, from the top."""

    sheet: Any
    looks: Looks

    def write_row(self, row: int, values: Iterable[object]) -> None:
        """Write values from the first column on; None leaves a cell empty."""
        for column, value in enumerate(values):
            if value is not None:
                self._write(row, column, value)

    def write_head(self, title: str, names: Sequence[str]) -> None:
        """Write the line about the run and the names of the columns."""
        self.sheet.write_string(0, 0, title, self.looks.title)
        for column, name in enumerate(names):
            self.sheet.write_string(1, column, name, self.looks.name)
        self.sheet.freeze_panes(N_HEAD_ROWS, 0)
        self.sheet.set_column(0, len(names) - 1, _WIDTH)

    def _write(self, row: int, column: int, value: object) -> None:
        sheet, looks = self.sheet, self.looks
        match value:
            case Formula():
                found = value.value
                is_number = isinstance(found, Decimal)
                kind = looks.money if is_number else None
                if value.is_share:
                    kind = looks.share
                result = float(found) if is_number else found
                sheet.write_formula(row, column, value.text, kind, result)
            case bool():
                sheet.write_boolean(row, column, value)
            case Decimal():
                sheet.write_number(row, column, float(value), looks.money)
            case datetime():
                sheet.write_datetime(row, column, value, looks.instant)
            case float():
                sheet.write_number(row, column, value)
            case int() if abs(value) < _LARGEST_WHOLE:
                sheet.write_number(row, column, value)
            case _:
                self._write_text(row, column, _text(value))

    def _write_text(self, row: int, column: int, text: str) -> None:
        is_harmless = harmless(text) == text
        look = self.looks.text if is_harmless else self.looks.quoted
        self.sheet.write_string(row, column, text, look)


def _text(value: object) -> str:
    text = json_text(value) if isinstance(value, list | dict) else str(value)
    if len(text) <= _LONGEST_TEXT:
        return text
    mark = f" [cut: {len(text)} characters; csv holds all]"
    return text[: _LONGEST_TEXT - len(mark)] + mark


def letters_of(column: int) -> str:
    """The letters of a column counted from 0: A, ..., Z, AA, ..."""
    letters = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        letters = chr(ord("A") + letter) + letters
        column -= 1
    return letters


def money_columns(columns: Sequence[str], kinds: Sequence[str]) -> tuple[str, ...]:
    """The names of those that hold dollars."""
    return tuple(
        name
        for name, kind in zip(columns, kinds, strict=True)
        if kind.startswith("DECIMAL")
    )


def exact_texts(row: Mapping[str, Any], names: Iterable[str]) -> list[str | None]:
    """Dollars as text, for amounts of which a number would lose digits."""
    return [_exact(row[name]) for name in names]


def _exact(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    text = usd_text(amount)
    n_digits = len(text.lstrip("-0.").replace(".", ""))
    return text if n_digits > _EXACT_DIGITS else None

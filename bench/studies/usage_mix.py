"""Usage mix: what was asked for, from a CSV file of past usage."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bench.errors import BadInput
from bench.scenario.form import MOST_PARTS, Part
from bench.words.printable import printable

_NEEDED = ("model", "quality", "size", "images")
_DAYS = ("date", "month")
_MOST_DIGITS = 15
_DAY_LETTERS = 10
_MONTH_LETTERS = 7
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
Asked = tuple[str, str, str]


class CsvRows(Protocol):
    """What the reader of the standard library is."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """Each row as its fields."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Pictures of the past by what was asked; a part's share is its count.

    Attributes:
        first_on, last_on: The days that the file covers; None where it has none.
    """

    parts: tuple[Part, ...]
    n_images: int
    n_rows: int
    first_on: date | None
    last_on: date | None


def read_usage(path: Path) -> Usage:
    """Read a usage file row by row, however long it is.

    Raises:
        BadInput: Names the file, the row and the column.
    """
    try:
        with path.open("rb") as raw:
            if raw.read(2) in _UTF16:
                raise BadInput(f"{path}: it is UTF-16; save it as CSV UTF-8")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            empty: list[str] = []
            try:
                return _Tally(path, next(rows, empty)).read(rows)
            except csv.Error as error:
                raise BadInput(f"{path}: row {rows.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: it is not UTF-8 ({error.reason}); save it so"
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror})") from None


class _Tally:
    """Counts by what was asked; what was seen before is not looked at again."""

    def __init__(self, path: Path, header: list[str]) -> None:
        self._path = path
        self._header = header
        self._check_header()
        self._at = [header.index(name) for name in _NEEDED]
        self._day_at = next((header.index(n) for n in _DAYS if n in header), None)
        self._counts: dict[Asked, int] = {}
        self._days: dict[str, date] = {}

    def read(self, rows: "CsvRows") -> Usage:
        n_rows = 0
        for row in rows:
            if len(row) != len(self._header):
                if not row:
                    continue
                self._refuse_width(rows.line_num, row)
            n_rows += 1
            self._count(rows.line_num, row)
        n_images = sum(self._counts.values())
        if not n_images:
            raise BadInput(
                f"{self._path}: it holds no images; a mix needs at least one"
            )
        return Usage(
            parts=tuple(_part(a, n) for a, n in sorted(self._counts.items()) if n),
            n_images=n_images,
            n_rows=n_rows,
            first_on=min(self._days.values(), default=None),
            last_on=max(self._days.values(), default=None),
        )

    def _count(self, number: int, row: list[str]) -> None:
        model, quality, size, images = self._at
        asked = (row[model].strip(), row[quality].strip(), row[size].strip())
        if asked not in self._counts:
            self._check_new(number, asked)
        self._counts[asked] = self._counts.get(asked, 0) + self._images(
            number, row[images]
        )
        if self._day_at is not None:
            text = row[self._day_at].strip()
            text = text if len(text) == _MONTH_LETTERS else text[:_DAY_LETTERS]
            if text and text not in self._days:
                self._days[text] = self._day(number, text)

    def _check_new(self, number: int, asked: Asked) -> None:
        if not asked[0]:
            raise self._bad(number, "model: it is empty; name the model")
        if len(self._counts) == MOST_PARTS:
            raise self._bad(
                number,
                f"more than {MOST_PARTS} different models, qualities and sizes; leave "
                "out or join the rare ones",
            )

    def _images(self, number: int, text: str) -> int:
        plain = text.strip()
        if not plain.isascii() or not plain.isdigit() or len(plain) > _MOST_DIGITS:
            raise self._bad(
                number,
                f"images: '{printable(text)[:40]}' is no whole number of 0 or more, "
                "such as 1200",
            )
        return int(plain)

    def _day(self, number: int, text: str) -> date:
        """The day of a row, of a month its first."""
        try:
            return date.fromisoformat(text + "-01" * (len(text) == _MONTH_LETTERS))
        except ValueError:
            name = self._header[self._day_at or 0]
            raise self._bad(
                number,
                f"{name}: '{printable(text)[:40]}' is no day such as 2026-11-21 and "
                "no month such as 2026-11",
            ) from None

    def _refuse_width(self, number: int, row: list[str]) -> None:
        if len(row) > len(self._header):
            raise self._bad(number, "it has more fields than the header")
        raise self._bad(number, f"{self._header[len(row)]}: the row ends before it")

    def _bad(self, number: int, sentence: str) -> BadInput:
        return BadInput(f"{self._path}: row {number}: {sentence}")

    def _check_header(self) -> None:
        for name in _NEEDED:
            if name not in self._header:
                found = printable(", ".join(self._header))[:80] or "nothing"
                raise self._bad(
                    1,
                    f"the header has no column '{name}', it has {found}; it should "
                    "read model,quality,size,images and may hold date",
                )
        for name in self._header:
            if self._header.count(name) > 1:
                raise self._bad(1, f"column '{printable(name)[:40]}' stands twice")


def _part(asked: Asked, n_images: int) -> Part:
    model, quality, size = (value or None for value in asked)
    # A count in place of a share: shares are taken as parts of their sum.
    return Part.model_construct(
        share=Decimal(n_images), model=model, quality=quality, size=size
    )

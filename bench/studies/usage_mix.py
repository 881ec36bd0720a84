"""Usage mix: what was asked for, from a CSV file of past usage."""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

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
            return _read(path, csv.DictReader(file, strict=True))
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: it is not UTF-8 ({error.reason}); save it so"
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror})") from None


def _read(path: Path, rows: "csv.DictReader[str]") -> Usage:
    counts: dict[Asked, int] = {}
    n_rows, first, last = 0, None, None
    for where, row in _rows(path, rows):
        n_rows += 1
        asked = (row["model"].strip(), row["quality"].strip(), row["size"].strip())
        counts[asked] = counts.get(asked, 0) + _images(where, row["images"])
        if len(counts) > MOST_PARTS:
            raise BadInput(
                f"{where}: more than {MOST_PARTS} different models, qualities and "
                "sizes; leave out or join the rare ones"
            )
        if (day := _day(where, row)) is not None:
            first = day if first is None else min(first, day)
            last = day if last is None else max(last, day)
    n_images = sum(counts.values())
    if not n_images:
        raise BadInput(f"{path}: it holds no images; a mix needs at least one")
    return Usage(
        parts=tuple(_part(asked, n) for asked, n in sorted(counts.items()) if n),
        n_images=n_images,
        n_rows=n_rows,
        first_on=first,
        last_on=last,
    )


def _rows(
    path: Path, rows: "csv.DictReader[str]"
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place, every needed column there."""
    try:
        _check_header(path, tuple(rows.fieldnames or ()))
        for row in rows:
            where = f"{path}: row {rows.line_num}"
            if None in row:
                raise BadInput(f"{where}: it has more fields than the header")
            for name in _NEEDED:
                if row[name] is None:
                    raise BadInput(f"{where}: {name}: the row ends before it")
            if not row["model"].strip():
                raise BadInput(f"{where}: model: it is empty; name the model")
            yield where, row
    except csv.Error as error:
        raise BadInput(f"{path}: row {rows.reader.line_num}: {error}") from None


def _check_header(path: Path, header: tuple[str, ...]) -> None:
    for name in _NEEDED:
        if name not in header:
            found = printable(", ".join(header))[:80] or "nothing"
            raise BadInput(
                f"{path}: row 1: the header has no column '{name}', it has {found}; "
                "it should read model,quality,size,images and may hold date"
            )
    for name in header:
        if header.count(name) > 1:
            raise BadInput(
                f"{path}: row 1: column '{printable(name)[:40]}' stands twice"
            )


def _images(where: str, text: str) -> int:
    plain = text.strip()
    if not plain.isascii() or not plain.isdigit() or len(plain) > _MOST_DIGITS:
        raise BadInput(
            f"{where}: images: '{printable(text)[:40]}' is no whole number of 0 or "
            "more, such as 1200"
        )
    return int(plain)


def _day(where: str, row: Mapping[str, str | None]) -> date | None:
    """The day of a row, of a month its first; None where the file has none."""
    for name in _DAYS:
        text = (row.get(name) or "").strip()
        if not text:
            continue
        is_month = len(text) == _MONTH_LETTERS
        begin = f"{text}-01" if is_month else text[:_DAY_LETTERS]
        try:
            return date.fromisoformat(begin)
        except ValueError:
            raise BadInput(
                f"{where}: {name}: '{printable(text)[:40]}' is no day such as "
                "2026-11-21 and no month such as 2026-11"
            ) from None
    return None


def _part(asked: Asked, n_images: int) -> Part:
    model, quality, size = (value or None for value in asked)
    # A count in place of a share: shares are taken as parts of their sum.
    return Part.model_construct(
        share=Decimal(n_images), model=model, quality=quality, size=size
    )

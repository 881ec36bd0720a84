"""Lines: rows as CSV and as JSON lines."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from bench.store.exported import Table
from pricing.money import usd_text

# A spreadsheet takes a cell that begins so for a formula; some take full-width
# signs for it too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What stands before such a text; a text that begins with it gets one more, so
# that taking one away always gives the text back.
_HARMLESS = "'"
_QUOTED = frozenset('",\r\n')


def csv_lines(table: Table) -> Iterator[bytes]:
    """A header of column names, then one line a row, each with its newline.

    Unknown is an empty cell, an empty text is `""`; text that a spreadsheet
    would run begins with an apostrophe.
    """
    yield csv_line(table.columns)
    for row in table.rows():
        yield csv_line(row)


def csv_line(values: Iterable[Any]) -> bytes:
    """One line of CSV with its newline; a text is a text by its type."""
    return (",".join(map(_cell, values)) + "\n").encode()


def json_lines(table: Table) -> Iterator[bytes]:
    """One JSON object a row, each with its newline; money as decimal text."""
    is_json = [kind == "JSON" for kind in table.kinds]
    for row in table.rows():
        record = {
            name: _parsed(value) if is_parsed else value
            for name, value, is_parsed in zip(table.columns, row, is_json, strict=True)
        }
        yield _json(record) + b"\n"


def _cell(value: Any) -> str:  # noqa: ANN401  a cell of any column
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(harmless(value)) or '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | datetime):
        return _plain(value)
    if isinstance(value, list | dict):
        return _quoted(json_text(value))
    return str(value)


def harmless(text: str) -> str:
    """A text that no spreadsheet runs; one apostrophe less gives it back."""
    return _HARMLESS + text if text.startswith((*_FORMULA, _HARMLESS)) else text


def _quoted(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _parsed(text: str | None) -> Any:  # noqa: ANN401  any JSON
    return None if text is None else orjson.loads(text)


def json_text(value: Any) -> str:  # noqa: ANN401  any JSON
    """A list or an object as JSON, money and instants as in CSV."""
    return _json(value).decode()


def _json(value: Any) -> bytes:  # noqa: ANN401  any JSON
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: Decimal | datetime) -> str:
    """Exact dollars; an instant in UTC, `2026-11-21T13:00:00.000000Z`."""
    if isinstance(value, Decimal):
        return usd_text(value)
    return f"{value.isoformat(timespec='microseconds')}Z"

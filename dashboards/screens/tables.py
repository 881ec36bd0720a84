"""Tables: rows as aligned figures that sort by their values."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from bench.words.figures import (
    UNKNOWN,
    dollars,
    percent,
    seconds,
    seconds_between,
)

Row = Mapping[str, Any]
_FADED = "color: #8b949e"
_MOST_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        value: What a row holds, for sorting; text, a number or None.
        words: How a known value is shown; None shows it as it is.
        unknown: How None is shown.
        is_faded: Rows whose value says little.
    """

    heading: str
    value: Callable[[Row], Any]
    words: Callable[[Any], str] | None = None
    unknown: str = UNKNOWN
    is_faded: Callable[[Row], bool] | None = None
    help: str | None = None
    is_wide: bool = False


def text(
    heading: str, key: str | Callable[[Row], Any], *, is_wide: bool = False
) -> Column:
    """A column of text, shown letter by letter."""
    return Column(
        heading=heading, value=_getter(key), words=_one_line, unknown="", is_wide=is_wide
    )


def count(heading: str, key: str | Callable[[Row], Any]) -> Column:
    """A column of counts."""
    return Column(heading=heading, value=_getter(key), words="{:,}".format)


def usd(
    heading: str, key: str | Callable[[Row], Any], *, unknown: str = "no price"
) -> Column:
    """A column of US dollars."""
    return Column(
        heading=heading, value=_getter(key), words=dollars, unknown=unknown
    )


def time(heading: str, key: str | Callable[[Row], Any]) -> Column:
    """A column of durations in seconds."""
    return Column(heading=heading, value=_getter(key), words=seconds)


def share(heading: str, key: str | Callable[[Row], Any]) -> Column:
    """A column of shares, 0 to 1."""
    return Column(heading=heading, value=_getter(key), words=percent)


def between(heading: str, low: str, high: str) -> Column:
    """A column of intervals of durations; open where a bound is not known."""

    def shown(row: Row) -> str:
        if row[low] is None and row[high] is None:
            return UNKNOWN
        if row[low] is None:
            return f"up to {seconds(row[high])}"
        if row[high] is None:
            return f"from {seconds(row[low])}"
        return seconds_between(row[low], row[high])

    return Column(heading=heading, value=shown)


def show(
    rows: Iterable[Row], columns: Sequence[Column], *, alt: str, key: str
) -> None:
    """A table; figures sort by their values, whatever words show them."""
    listed = list(rows)
    frame = pd.DataFrame(
        {c.heading: pd.Series([c.value(row) for row in listed], dtype=object) for c in columns}
    )
    styled = frame.style
    for column in columns:
        words = _shower(column)
        styled = styled.format(words, subset=[column.heading])
        if column.is_faded is not None:
            faded = [_FADED if column.is_faded(row) else "" for row in listed]
            styled = styled.apply(lambda _, css=faded: css, subset=[column.heading])
    st.dataframe(
        styled,
        hide_index=True,
        height="content" if len(listed) <= _MOST_SHOWN else "auto",
        row_height=30,
        column_config={
            c.heading: st.column_config.Column(
                help=c.help, width="large" if c.is_wide else None
            )
            for c in columns
        },
        alt=alt,
        key=key,
    )


def _shower(column: Column) -> Callable[[Any], str]:
    def shown(value: Any) -> str:  # noqa: ANN401  a cell holds anything
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return column.unknown
        return str(value) if column.words is None else column.words(value)

    return shown


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _getter(key: str | Callable[[Row], Any]) -> Callable[[Row], Any]:
    if callable(key):
        return key
    return lambda row: row[key]

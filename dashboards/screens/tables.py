"""Tables: rows as aligned figures that sort by their values."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from bench.stats import wilson_interval
from bench.words.figures import (
    UNKNOWN,
    dollars,
    percent,
    percent_between,
    seconds,
    seconds_between,
)
from bench.words.variants import beside_variant
from dashboards.filters.choosing import NOT_SENT
from dashboards.screens.frame import endpoint_of

Row = Mapping[str, Any]
_FADED = "color: #8b949e"
_MOST_SHOWN = 30
_BETWEEN_PX = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        value: What a row holds, for sorting; text, a number or None.
        words: How a known figure is shown; None shows it as it is.
        unknown: How None is shown.
        is_faded: Rows whose value says little.
        width_px: Where a grid would cut the first digits of what it can't measure.
    """

    heading: str
    value: Callable[[Row], Any]
    words: Callable[[Any], str] | None = None
    unknown: str = UNKNOWN
    is_faded: Callable[[Row], bool] | None = None
    help: str | None = None
    is_wide: bool = False
    is_figure: bool = True
    width_px: int | None = None


def text(
    heading: str, key: str | Callable[[Row], Any], *, is_wide: bool = False
) -> Column:
    """A column of text, shown letter by letter."""
    return Column(
        heading=heading,
        value=_getter(key),
        unknown="",
        is_wide=is_wide,
        is_figure=False,
    )


def count(heading: str, key: str | Callable[[Row], Any]) -> Column:
    """A column of counts."""
    return Column(heading=heading, value=_getter(key), words="{:,}".format)


def usd(
    heading: str, key: str | Callable[[Row], Any], *, unknown: str = "no price"
) -> Column:
    """A column of US dollars."""
    return Column(heading=heading, value=_getter(key), words=dollars, unknown=unknown)


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

    return Column(heading=heading, value=shown, width_px=_BETWEEN_PX)


def show(rows: Iterable[Row], columns: Sequence[Column], *, alt: str, key: str) -> None:
    """A table; figures sort by their values, whatever words show them."""
    listed = list(rows)
    frame = pd.DataFrame({c.heading: _cells(c, listed) for c in columns})
    styled = frame.style
    for column in columns:
        styled = styled.format(_shower(column), subset=[column.heading])
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
                help=c.help,
                width="large" if c.is_wide else c.width_px,
                alignment="right" if c.is_figure else "left",
            )
            for c in columns
        },
        placeholder=UNKNOWN,
        alt=alt,
        key=key,
    )


def _cells(column: Column, rows: Sequence[Row]) -> "pd.Series[Any]":
    """What a column holds: values, or words where a missing value has its own.

    A grid shows every missing value alike, and "no price" must not look like
    "not measured".
    """
    values = [column.value(row) for row in rows]
    if column.unknown != UNKNOWN and None in values:
        values = [_shower(column)(value) for value in values]
    return pd.Series(values, dtype=object)


def _shower(column: Column) -> Callable[[Any], str]:
    def shown(value: Any) -> str:  # noqa: ANN401  a cell holds anything
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return column.unknown
        if column.words is None or isinstance(value, str):
            return _one_line(value)
        return column.words(value)

    return shown


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _getter(key: str | Callable[[Row], Any]) -> Callable[[Row], Any]:
    if callable(key):
        return key
    return lambda row: row[key]


def cell_columns(rows: Iterable[Row]) -> list[Column]:
    """The columns that name a cell; one for all else where some row has more."""
    is_more = any(beside_variant(row) for row in rows)
    return [
        text("Endpoint", endpoint_of),
        *(text(name.capitalize(), sent(name)) for name in ("model", "quality", "size")),
        *([text("Asked", beside_variant)] if is_more else []),
    ]


def sent(key: str) -> Callable[[Row], str]:
    """What was sent of a parameter."""
    return lambda row: str(row[key] or NOT_SENT)


def success_columns() -> list[Column]:
    """How many trials ended, and the share of them that was ok."""
    return [
        count("n", "n_settled"),
        share("Success", "ok_share"),
        Column(heading="95% interval", value=success_between),
    ]


def success_between(row: Row) -> str:
    """Wilson's interval of the share that was ok."""
    found = wilson_interval(row["n_ok"], row["n_settled"])
    if found.low is None or found.high is None:
        return UNKNOWN
    return percent_between(found.low, found.high)


def time_columns(rows: Sequence[Row]) -> list[Column]:
    """p50 and p95 with intervals; the longest where no row has a p95."""
    median = [time("p50", "p50_s"), between("95% of p50", "p50_low_s", "p50_high_s")]
    if all(row["p95_s"] is None for row in rows):
        return [*median, time("Longest", "max_s")]
    tail = [time("p95", "p95_s"), between("95% of p95", "p95_low_s", "p95_high_s")]
    return [*median, *tail]


def doubt_columns(rows: Sequence[Row]) -> list[Column]:
    """Money that sums leave out, where there is any."""
    found: list[Column] = []
    if any(row["possibly_billed_usd"] for row in rows):
        found.append(usd("Possibly billed", "possibly_billed_usd", unknown="$0.00"))
    if any(row["n_charge_unknown"] for row in rows):
        found.append(count("Unknown prices", "n_charge_unknown"))
    return found

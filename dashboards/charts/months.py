"""Months: what direct and gateway come to as months pass."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboards.charts.canvas import Row, canvas, nothing, plain
from dashboards.charts.inks import Ink, inks_of

TITLE = "US$ spent as months pass"
_BAND = 0.18


def months(rows: Sequence[Row], *, title: str = TITLE, remark: str = "") -> go.Figure:
    """A rising line a name, with its band.

    Args:
        rows: `{name, route, month, usd, usd_low, usd_high}`: cumulative dollars
            at the end of a month, counted from 1; bounds None without a band;
            optional `simulated`.
        remark: Said in the subtitle, such as the level of the band and its n.
        title: Stands above the figure.
    """
    if not rows:
        return nothing(title, "nothing projected yet")
    figure = canvas(title, rows, remark=remark)
    for name, ink in inks_of(rows, "name").items():
        own = sorted(
            (row for row in rows if str(row["name"]) == name),
            key=lambda row: row["month"],
        )
        if all(row["usd_low"] is not None for row in own):
            figure.add_trace(_band(name, own, ink))
        figure.add_trace(_line(name, own, ink))
    figure.update_xaxes(title="months", dtick=1 if _last(rows) <= 12 else None)  # noqa: PLR2004  a year
    figure.update_yaxes(
        title="US$, cumulative", tickprefix="$", rangemode="tozero", tickformat=",~r"
    )
    return figure


def _last(rows: Sequence[Row]) -> int:
    return max(row["month"] for row in rows)


def _line(name: str, own: Sequence[Row], ink: Ink) -> go.Scatter:
    return go.Scatter(
        # Nothing is spent before the first month.
        x=[0, *(row["month"] for row in own)],
        y=[0.0, *(float(row["usd"]) for row in own)],
        mode="lines+markers",
        name=plain(name),
        legendgroup=plain(name),
        line={"color": ink.colour, "dash": ink.dash, "width": 2},
        marker={"symbol": ink.marker, "size": 7},
        hovertemplate="after month %{x}: $%{y:,.2f}<extra>%{fullData.name}</extra>",
    )


def _band(name: str, own: Sequence[Row], ink: Ink) -> go.Scatter:
    there = [0, *(row["month"] for row in own)]
    low = [0.0, *(float(row["usd_low"]) for row in own)]
    high = [0.0, *(float(row["usd_high"]) for row in own)]
    return go.Scatter(
        x=[*there, *reversed(there)],
        y=[*high, *reversed(low)],
        mode="lines",
        fill="toself",
        fillcolor=_see_through(ink.colour),
        line={"width": 0},
        name=plain(name),
        legendgroup=plain(name),
        showlegend=False,
        hoverinfo="skip",
    )


def _see_through(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{_BAND})"

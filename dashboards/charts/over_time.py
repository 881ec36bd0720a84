"""Over time: p50, p95 and errors in each stretch of a run."""

from collections.abc import Sequence
from datetime import timedelta

import plotly.graph_objects as go

from dashboards.charts.canvas import Row, canvas, nothing, number
from dashboards.charts.inks import BLUE, GREY, VERMILLION, hatched

TITLE = "Service time and errors over time"
_FEW = 3
_AROUND = timedelta(seconds=30)
# Key, word, colour, dash and marker.
_LINES = (
    ("p50_s", "p50", BLUE, "solid", "circle"),
    ("p95_s", "p95", VERMILLION, "dash", "diamond"),
)


def over_time(rows: Sequence[Row], *, title: str = TITLE) -> go.Figure:
    """Two lines of time above bars of errors, one point a stretch.

    Args:
        rows: `{at, n, n_errors, p50_s, p95_s}`, `at` the instant (UTC) that the
            stretch begins; optional `simulated`. Times are None without answers.
        title: Stands above the figure.
    """
    if not rows:
        return nothing(title)
    n = sum(row["n"] for row in rows)
    figure = canvas(title, rows, remark=f"n={n:,}")
    most = max(row["n_errors"] for row in rows)
    for line in _LINES:
        if any(row[line[0]] is not None for row in rows):
            figure.add_trace(_line(rows, *line))
    figure.add_trace(_errors(rows))
    figure.update_xaxes(title="time (UTC)", type="date", anchor="y2")
    first, last = rows[0]["at"], rows[-1]["at"]
    if first == last:
        # Around a single instant plotly would count parts of a millisecond.
        figure.update_xaxes(range=[first - _AROUND, last + _AROUND])
    return figure.update_layout(
        yaxis={"title": "service time, s", "domain": [0.32, 1], "rangemode": "tozero"},
        yaxis2={
            "title": "not ok",
            "domain": [0, 0.22],
            "rangemode": "tozero",
            # Without an error plotly would count 0, 1, 1.
            "range": [0, 1.1 * max(1, most)],
            "dtick": 1 if most <= _FEW else None,
            "tickformat": "d",
        },
        height=440,
        hovermode="x unified",
    )


def _line(
    rows: Sequence[Row], key: str, word: str, colour: str, dash: str, symbol: str
) -> go.Scatter:
    return go.Scatter(
        x=[row["at"] for row in rows],
        y=[number(row[key]) for row in rows],
        mode="lines+markers",
        name=word,
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 6},
        customdata=[row["n"] for row in rows],
        hovertemplate=f"{word} %{{y:.3g}} s, n=%{{customdata}}<extra></extra>",
    )


def _errors(rows: Sequence[Row]) -> go.Bar:
    return go.Bar(
        x=[row["at"] for row in rows],
        y=[row["n_errors"] for row in rows],
        yaxis="y2",
        name="not ok",
        marker=hatched(GREY, "x"),
        customdata=[row["n"] for row in rows],
        hovertemplate="%{y} of %{customdata} not ok<extra></extra>",
    )

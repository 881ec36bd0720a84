"""ECDF: the share of answers that took at most so long."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.canvas import (
    Row,
    canvas,
    nothing,
    number,
    plain,
    seconds_axis,
)
from dashboards.charts.inks import Ink, inks_of

TITLE = "Service time: share of answers within it"
_MARKED = ((0.5, "median", "p50_s"), (0.95, "p95", "p95_s"))
Points = list[tuple[float, float]]


def ecdf(
    rows: Sequence[Row],
    by: str,
    *,
    quantiles: Sequence[Row] = (),
    title: str = TITLE,
    is_log: bool = True,
) -> go.Figure:
    """One curve a level, median and p95 marked.

    Args:
        rows: Bins of a histogram, `{level, low_s, high_s, n}` and, where known,
            `route` and `simulated`. A bin of no width is an exact value.
        by: What the levels are, for the legend: endpoint, model ...
        quantiles: `{level, p50_s, p95_s}` from the measurements themselves,
            None where there are too few; without them marks are read off the
            curve, as exact as its bins.
        title: Stands above the figure.
        is_log: Whether the axis of seconds is logarithmic.
    """
    counted = [row for row in rows if row["n"]]
    if not counted:
        return nothing(title)
    figure = canvas(title, rows)
    known = {str(row["level"]): row for row in quantiles}
    for level, ink in inks_of(counted, "level").items():
        own = [row for row in counted if str(row["level"]) == level]
        points, n = _curve(sorted(own, key=lambda row: row["high_s"]))
        figure.add_trace(_line(level, points, n, ink))
        figure.add_trace(_marks(level, points, known.get(level), ink))
    seen = [float(row[key]) for row in counted for key in ("low_s", "high_s")]
    figure.update_layout(xaxis=seconds_axis("service time", seen, is_log=is_log))
    figure.update_yaxes(title="share of answers", tickformat=".0%", range=[0, 1.02])
    return figure.update_layout(legend_title_text=plain(by))


def _curve(bins: Sequence[Row]) -> tuple[Points, int]:
    """The corners of the curve: it climbs within a bin and is level between."""
    n = sum(row["n"] for row in bins)
    points: Points = []
    below = 0
    for row in bins:
        points.append((float(row["low_s"]), below / n))
        below += row["n"]
        points.append((float(row["high_s"]), below / n))
    return points, n


def _line(level: str, points: Points, n: int, ink: Ink) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        name=f"{plain(level)} (n={n:,})",
        legendgroup=plain(level),
        line={"color": ink.colour, "dash": ink.dash, "width": 2},
        hovertemplate="%{y:.1%} within %{x:.3g} s<extra></extra>",
    )


def _marks(level: str, points: Points, known: Row | None, ink: Ink) -> go.Scatter:
    marks = [
        (x_s, share, word)
        for share, word, key in _MARKED
        if (x_s := _time_at(points, share, known, key)) is not None
    ]
    return go.Scatter(
        x=[x_s for x_s, _, _ in marks],
        y=[share for _, share, _ in marks],
        text=[word for _, _, word in marks],
        name=plain(level),
        mode="markers",
        legendgroup=plain(level),
        showlegend=False,
        marker={
            "color": ink.colour,
            "symbol": ink.marker,
            "size": 10,
            "line": {"width": 1, "color": "white"},
        },
        hovertemplate="%{text} %{x:.3g} s<extra></extra>",
    )


def _time_at(
    points: Points, share: float, known: Mapping[str, Any] | None, key: str
) -> float | None:
    if known is not None:
        return number(known[key])
    before = points[0]
    for x, y in points:
        if y >= share:
            rise = y - before[1]
            part = (share - before[1]) / rise if rise else 1.0
            return before[0] + (x - before[0]) * part
        before = (x, y)
    return points[-1][0]

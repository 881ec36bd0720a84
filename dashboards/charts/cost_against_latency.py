"""Cost against latency: which cells no other one beats in both."""

from collections.abc import Sequence
from math import log10
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.canvas import (
    Row,
    canvas,
    dollar_axis,
    nothing,
    plain,
    seconds_axis,
)
from dashboards.charts.inks import Ink, inks_of

TITLE = "US$ an image against median service time"
_FADED = 0.35
_MOST_NAMED = 9
# Names hang below their dots in steps: they would cover each other.
_STEPS_PX = (26, 44, 62)


def cost_against_latency(
    rows: Sequence[Row], *, title: str = TITLE, is_log: bool = True
) -> go.Figure:
    """A dot a cell; faded where another is no dearer and no slower.

    Args:
        rows: `{label, endpoint, route, simulated, n, p50_s, p50_low_s,
            p50_high_s, usd_per_image}` and, where known, `usd_low`, `usd_high`.
            Cells without time or price are left out.
        title: Stands above the figure.
        is_log: Whether both axes are logarithmic.
    """
    known = [r for r in rows if r["p50_s"] is not None and r["usd_per_image"]]
    if not known:
        return nothing(title)
    remark = "faded: another cell is no dearer and no slower"
    figure = canvas(title, rows, remark=remark)
    best = [row for row in known if not is_dominated(row, known)]
    rest = [row for row in known if is_dominated(row, known)]
    for name, ink in inks_of(known).items():
        for cells, is_best in ((rest, False), (best, True)):
            own = [row for row in cells if str(row["endpoint"]) == name]
            figure.add_trace(_dots(name, own, ink, is_best=is_best))
    if len(best) <= _MOST_NAMED:
        _name(figure, best, is_log=is_log)
    usd = [float(row["usd_per_image"]) for row in known]
    return figure.update_layout(
        xaxis=seconds_axis("median service time", is_log=is_log),
        yaxis=dollar_axis("US$ an image", usd, is_log=is_log, below=0.35),
        height=460,
    )


def _name(figure: go.Figure, best: Sequence[Row], *, is_log: bool) -> None:
    """Below and right of the best cells there is no dot that could be hidden.

    What is dominated is named when pointed at.
    """
    for i, row in enumerate(sorted(best, key=lambda row: row["p50_s"])):
        x, y = float(row["p50_s"]), float(row["usd_per_image"])
        figure.add_annotation(
            text=plain(row["label"]),
            x=log10(x) if is_log else x,
            y=log10(y) if is_log else y,
            ax=12,
            ay=_STEPS_PX[i % len(_STEPS_PX)],
            xanchor="left",
            arrowhead=0,
            arrowwidth=1,
            standoff=6,
            borderpad=1,
            font={"size": 11},
        )


def is_dominated(row: Row, rows: Sequence[Row]) -> bool:
    """Whether another row is as good in both figures and better in one."""
    own = (row["p50_s"], row["usd_per_image"])
    return any(
        other["p50_s"] <= own[0]
        and other["usd_per_image"] <= own[1]
        and (other["p50_s"], other["usd_per_image"]) != own
        for other in rows
    )


def _dots(name: str, own: Sequence[Row], ink: Ink, *, is_best: bool) -> go.Scatter:
    return go.Scatter(
        x=[float(row["p50_s"]) for row in own],
        y=[float(row["usd_per_image"]) for row in own],
        mode="markers",
        name=plain(name),
        legendgroup=name,
        showlegend=is_best,
        opacity=1.0 if is_best else _FADED,
        marker={"color": ink.colour, "symbol": ink.marker, "size": 10},
        error_x=_bars(own, "p50_s", "p50_low_s", "p50_high_s"),
        error_y=_bars(own, "usd_per_image", "usd_low", "usd_high"),
        customdata=[[plain(row["label"]), row["n"]] for row in own],
        hovertemplate=(
            "%{customdata[0]}<br>p50 %{x:.3g} s, $%{y:.4f} an image, "
            "n=%{customdata[1]}<extra>%{fullData.name}</extra>"
        ),
        cliponaxis=False,
    )


def _bars(rows: Sequence[Row], centre: str, low: str, high: str) -> dict[str, Any]:
    def reach(row: Row, bound: str) -> float:
        value = row.get(bound)
        return 0.0 if value is None else abs(float(value) - float(row[centre]))

    return {
        "type": "data",
        "symmetric": False,
        "array": [reach(row, high) for row in rows],
        "arrayminus": [reach(row, low) for row in rows],
        "thickness": 1,
        "width": 3,
    }

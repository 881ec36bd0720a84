"""Cost against latency: which cells no other one beats in both."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.canvas import (
    Row,
    canvas,
    counted,
    dollar_axis,
    nothing,
    plain,
    seconds_axis,
)
from dashboards.charts.inks import Ink, inks_of

TITLE = "US$ an image against median service time"
_FADED = 0.35
_LINE_PX = 20


def cost_against_latency(
    rows: Sequence[Row], *, title: str = TITLE, is_log: bool = True
) -> go.Figure:
    """A dot a cell; numbered and named where no other beats it in both.

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
    remark = f"{counted(known)}\nfaded: beaten, another cell is no dearer and no slower"
    figure = canvas(title, rows, remark=remark)
    best = [row for row in known if not is_dominated(row, known)]
    rest = [row for row in known if is_dominated(row, known)]
    for name, ink in inks_of(known).items():
        own = [row for row in rest if str(row["endpoint"]) == name]
        if own:
            figure.add_trace(_dots(f"{plain(name)}, beaten", own, ink, _FADED))
    inks = inks_of(known)
    for i, row in enumerate(sorted(best, key=lambda row: row["p50_s"]), 1):
        name = str(row["endpoint"])
        title = f"{i}: {plain(name)}, {plain(row['label'])}"
        figure.add_trace(_dots(title, [row], inks[name]).update(_numbered(i)))
    usd = [float(row["usd_per_image"]) for row in known]
    keys = ("p50_s", "p50_low_s", "p50_high_s")
    seen = [float(row[key]) for row in known for key in keys if row[key] is not None]
    return figure.update_layout(
        xaxis=seconds_axis("median service time", seen, is_log=is_log),
        yaxis=dollar_axis("US$ an image", usd, is_log=is_log),
        height=420 + _LINE_PX * len(best),
    )


def _numbered(number: int) -> dict[str, Any]:
    """A number in the dot: names beside it would cover other dots."""
    return {
        "mode": "markers+text",
        "text": [str(number)],
        "textfont": {"color": "white", "size": 11, "weight": 700},
        "marker": {"size": 19},
    }


def is_dominated(row: Row, rows: Sequence[Row]) -> bool:
    """Whether another row is as good in both figures and better in one."""
    own = (row["p50_s"], row["usd_per_image"])
    return any(
        other["p50_s"] <= own[0]
        and other["usd_per_image"] <= own[1]
        and (other["p50_s"], other["usd_per_image"]) != own
        for other in rows
    )


def _dots(name: str, own: Sequence[Row], ink: Ink, opacity: float = 1.0) -> go.Scatter:
    return go.Scatter(
        x=[float(row["p50_s"]) for row in own],
        y=[float(row["usd_per_image"]) for row in own],
        mode="markers",
        name=name,
        opacity=opacity,
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

"""Cost against latency: which cells no other one beats in both."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.canvas import Row, canvas, nothing, plain
from dashboards.charts.inks import Ink, inks_of

TITLE = "US$ an image against median service time"
_FADED = 0.3
_MOST_NAMED = 14


def cost_against_latency(rows: Sequence[Row], *, title: str = TITLE) -> go.Figure:
    """A dot a cell; faded where another is no dearer and no slower.

    Args:
        rows: `{label, endpoint, route, simulated, n, p50_s, p50_low_s,
            p50_high_s, usd_per_image}` and, where known, `usd_low`, `usd_high`.
            Cells without time or price are left out.
        title: Stands above the figure.
    """
    known = [r for r in rows if r["p50_s"] is not None and r["usd_per_image"]]
    if not known:
        return nothing(title)
    remark = "faded: another cell is no dearer and no slower"
    figure = canvas(title, rows, remark=remark)
    for name, ink in sorted(inks_of(known).items()):
        own = [row for row in known if str(row["endpoint"]) == name]
        figure.add_trace(_dots(name, own, known, ink))
    figure.update_xaxes(title="median service time, s", rangemode="tozero")
    figure.update_yaxes(title="US$ an image", tickprefix="$", rangemode="tozero")
    return figure.update_layout(height=460)


def is_dominated(row: Row, rows: Sequence[Row]) -> bool:
    """Whether another row is as good in both figures and better in one."""
    own = (row["p50_s"], row["usd_per_image"])
    return any(
        other["p50_s"] <= own[0]
        and other["usd_per_image"] <= own[1]
        and (other["p50_s"], other["usd_per_image"]) != own
        for other in rows
    )


def _dots(name: str, own: Sequence[Row], known: Sequence[Row], ink: Ink) -> go.Scatter:
    best = [not is_dominated(row, known) for row in own]
    are_named = sum(not is_dominated(row, known) for row in known) <= _MOST_NAMED
    return go.Scatter(
        x=[float(row["p50_s"]) for row in own],
        y=[float(row["usd_per_image"]) for row in own],
        mode="markers+text" if are_named else "markers",
        # What is dominated is named when pointed at: dots lie close.
        text=[
            plain(row["label"]) if is_best else ""
            for row, is_best in zip(own, best, strict=True)
        ],
        textposition="middle right",
        textfont={"size": 11},
        name=plain(name),
        marker={
            "color": ink.colour,
            "symbol": [ink.marker + ("" if is_best else "-open") for is_best in best],
            "size": 10,
            "opacity": [1.0 if is_best else _FADED for is_best in best],
        },
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

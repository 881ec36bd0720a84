"""Cost bars: US$ an image of every cell, charge beside list price."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboards.charts.canvas import (
    Row,
    canvas,
    counted,
    height_px,
    name_axis,
    nothing,
    number,
    places,
    plain,
)
from dashboards.charts.inks import fill, inks_of

TITLE = "US$ an image"
NO_PRICE = "no price known yet"


def cost_bars(rows: Sequence[Row], *, title: str = TITLE) -> go.Figure:
    """A bar a cell, and a line where the direct list price is.

    Args:
        rows: `{label, endpoint, route, simulated, images, usd_per_image,
            list_usd_per_image}`; unknown prices are None and have no bar.
        title: Stands above the figure.
    """
    priced = [row for row in rows if row["usd_per_image"] is not None]
    if not priced:
        return nothing(title, NO_PRICE)
    n_without = len(rows) - len(priced)
    remark = f"{n_without} of {len(rows)} cells have no price" if n_without else ""
    figure = canvas(title, rows, remark=remark)
    lines = places([str(row["label"]) for row in priced])
    inks = inks_of(priced)
    for name in reversed(inks):
        own = [row for row in priced if str(row["endpoint"]) == name]
        figure.add_trace(
            go.Bar(
                y=[lines[str(row["label"])] for row in own],
                x=[number(row["usd_per_image"]) for row in own],
                orientation="h",
                name=f"{plain(name)}, charged ({counted(own, 'images')})",
                marker=fill(inks[name]),
                customdata=[[plain(row["label"]), row["images"]] for row in own],
                hovertemplate=(
                    "%{customdata[0]}<br>$%{x:.4f} an image, n=%{customdata[1]} images"
                    "<extra>%{fullData.name}</extra>"
                ),
            )
        )
    figure.add_trace(_list_prices(priced, lines))
    figure.update_xaxes(title="US$ an image", tickprefix="$", rangemode="tozero")
    figure.update_yaxes(**name_axis(lines))
    # Upright axes count from below: what is drawn last stands uppermost.
    return figure.update_layout(
        barmode="group",
        legend_traceorder="reversed",
        height=height_px(len(lines) * (1 + len(inks)) // 2),
    )


def _list_prices(priced: Sequence[Row], lines: dict[str, int]) -> go.Scatter:
    known = {
        (lines[str(row["label"])], float(row["list_usd_per_image"])): plain(
            row["label"]
        )
        for row in priced
        if row["list_usd_per_image"] is not None
    }
    return go.Scatter(
        x=[usd for _, usd in known],
        y=[place for place, _ in known],
        mode="markers",
        name="direct list price",
        marker={
            "symbol": "line-ns",
            "size": 22,
            "color": "#808080",
            "line": {"width": 2, "color": "#808080"},
        },
        customdata=list(known.values()),
        hovertemplate="%{customdata}<br>list price $%{x:.4f} an image<extra></extra>",
    )

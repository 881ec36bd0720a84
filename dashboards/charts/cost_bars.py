"""Cost bars: US$ an image of every cell, charge beside list price."""

from collections.abc import Mapping, Sequence

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
from dashboards.charts.inks import GREY, Ink, fill, inks_of

TITLE = "US$ an image"
_FILLED = 0.8
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
    width = _FILLED / len(inks)
    for i, (name, ink) in enumerate(inks.items()):
        own = [row for row in priced if str(row["endpoint"]) == name]
        # The first bar of a line stands uppermost.
        offset = _FILLED / 2 - (i + 1) * width
        figure.add_trace(_bars(name, own, lines, ink, (offset, width)))
        middle = offset + width / 2
        figure.add_trace(_list_prices(own, lines, middle, is_first=i == 0))
    figure.update_xaxes(title="US$ an image", tickprefix="$", rangemode="tozero")
    figure.update_yaxes(**name_axis(lines))
    height = height_px(len(lines) * (1 + len(inks)) // 2, lines)
    return figure.update_layout(barmode="overlay", height=height)


def _bars(
    name: str,
    own: Sequence[Row],
    lines: Mapping[str, int],
    ink: Ink,
    place: tuple[float, float],
) -> go.Bar:
    return go.Bar(
        y=[lines[str(row["label"])] for row in own],
        x=[number(row["usd_per_image"]) for row in own],
        orientation="h",
        offset=place[0],
        width=place[1],
        name=f"{plain(name)}, charged ({counted(own, 'images')})",
        marker=fill(ink),
        customdata=[[plain(row["label"]), row["images"]] for row in own],
        hovertemplate=(
            "%{customdata[0]}<br>$%{x:.4f} an image, n=%{customdata[1]} images"
            "<extra>%{fullData.name}</extra>"
        ),
    )


def _list_prices(
    own: Sequence[Row], lines: Mapping[str, int], middle: float, *, is_first: bool
) -> go.Scatter:
    known = [row for row in own if row["list_usd_per_image"] is not None]
    return go.Scatter(
        x=[number(row["list_usd_per_image"]) for row in known],
        y=[lines[str(row["label"])] + middle for row in known],
        mode="markers",
        name="the same usage at the direct list price",
        legendgroup="list",
        showlegend=is_first,
        marker={
            "symbol": "line-ns",
            "size": 14,
            "line": {"width": 2.5, "color": GREY},
        },
        customdata=[plain(row["label"]) for row in known],
        hovertemplate="%{customdata}<br>list price $%{x:.4f} an image<extra></extra>",
    )

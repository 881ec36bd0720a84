"""Tornado: how far a saving moves with each assumption, widest first."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.canvas import (
    Row,
    canvas,
    height_px,
    name_axis,
    nothing,
    places,
)
from dashboards.charts.inks import BLUE, VERMILLION, hatched

TITLE = "What moves the saving most"


def tornado(rows: Sequence[Row], *, title: str = TITLE, remark: str = "") -> go.Figure:
    """Two bars an assumption, from the saving as assumed to both its ends.

    Args:
        rows: `{what, reach, base_usd, low_usd, high_usd}`, widest first; optional
            `simulated`.
        remark: Said in the subtitle.
        title: Stands above the figure.
    """
    if not rows:
        return nothing(title, "no assumption moves it")
    figure = canvas(title, rows, remark=remark)
    names = [f"{row['what']} ({row['reach']})" for row in rows]
    at = places(names)
    looks: dict[str, tuple[str, dict[str, Any]]] = {
        "low_usd": ("at the low end", {"color": BLUE}),
        "high_usd": ("at the high end", hatched(VERMILLION, "/")),
    }
    for key, (words, marker) in looks.items():
        figure.add_trace(
            go.Bar(
                orientation="h",
                name=words,
                y=[at[name] for name in names],
                base=[float(row["base_usd"]) for row in rows],
                x=[float(row[key] - row["base_usd"]) for row in rows],
                customdata=[float(row[key]) for row in rows],
                marker=marker,
                hovertemplate=f"$%{{customdata:,.2f}} {words}<extra></extra>",
            )
        )
    figure.update_yaxes(name_axis(at))
    figure.update_xaxes(title="US$ saved over all months", tickformat="$,~r")
    return figure.update_layout(barmode="overlay", height=height_px(len(rows)))

"""Parts: where the seconds of an answer go, as stacked bars."""

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
from dashboards.charts.inks import BLUE, GREY, OCHRE, SKY, hatched

TITLE = "Where the seconds go: means"
# Key, words, colour and pattern of the parts, in the order in which they pass.
_PARTS = (
    ("queued_s", "queued", GREY, "x"),
    ("connect_s", "connect", OCHRE, "/"),
    ("first_byte_s", "to first byte", BLUE, ""),
    ("rest_s", "first to last byte", SKY, "."),
)


def parts(rows: Sequence[Row], *, title: str = TITLE) -> go.Figure:
    """A bar a cell, in the parts of its mean time.

    Means, because they add up; medians do not.

    Args:
        rows: `{label, endpoint, simulated, n, queued_s, connect_s,
            first_byte_s, rest_s}`: means over the same answers, None unknown.
        title: Stands above the figure.
    """
    timed = [row for row in rows if row["n"] and row["first_byte_s"] is not None]
    if not timed:
        return nothing(title)
    figure = canvas(title, rows, remark=counted(timed))
    lines = places([_line(row) for row in timed])
    for key, words, colour, pattern in _PARTS:
        figure.add_trace(
            go.Bar(
                y=[lines[_line(row)] for row in timed],
                x=[number(row[key]) for row in timed],
                orientation="h",
                name=words,
                marker=hatched(colour, pattern),
                customdata=[[plain(_line(row)), row["n"]] for row in timed],
                hovertemplate=(
                    f"%{{customdata[0]}}<br>{words} %{{x:.3g}} s, n=%{{customdata[1]}}"
                    "<extra></extra>"
                ),
            )
        )
    figure.update_xaxes(title="mean, s", rangemode="tozero")
    figure.update_yaxes(**name_axis(lines))
    return figure.update_layout(barmode="stack", height=height_px(len(lines)))


def _line(row: Row) -> str:
    return f"{row['label']} @ {row['endpoint']}" if row["label"] else row["endpoint"]

"""Intervals: p50 and p95 of every cell as dots with their intervals."""

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
    seconds_axis,
)
from dashboards.charts.inks import inks_of

TITLE = "Service time: median and p95"
_SPREAD = 0.5


def intervals(
    rows: Sequence[Row], *, title: str = TITLE, is_log: bool = False
) -> go.Figure:
    """A line a variant; within it a filled p50 and an open p95 an endpoint.

    Args:
        rows: `{label, endpoint, route, simulated, n, p50_s, p50_low_s,
            p50_high_s, p95_s, p95_low_s, p95_high_s}`; what is None is left out.
        title: Stands above the figure.
        is_log: Whether the axis of seconds is logarithmic.
    """
    timed = [row for row in rows if row["p50_s"] is not None]
    if not timed:
        return nothing(title)
    figure = canvas(title, rows, remark="bars are 95% intervals")
    lines = places([str(row["label"]) for row in timed])
    inks = inks_of(timed)
    for i, (name, ink) in enumerate(inks.items()):
        own = [row for row in timed if str(row["endpoint"]) == name]
        offset = _SPREAD * (i / (len(inks) - 1) - 0.5) if len(inks) > 1 else 0.0
        heights = [lines[str(row["label"])] - offset for row in own]
        for quantile, is_open in (("p50", False), ("p95", True)):
            figure.add_trace(
                _dots(own, heights, quantile).update(
                    name=f"{plain(name)} {quantile} ({counted(own)})",
                    marker={
                        "color": ink.colour,
                        "symbol": ink.marker + ("-open" if is_open else ""),
                        "size": 10,
                    },
                )
            )
    keys = [f"{p}{bound}_s" for p in ("p50", "p95") for bound in ("", "_low", "_high")]
    seen = [float(row[key]) for row in timed for key in keys if row[key] is not None]
    figure.update_layout(xaxis=seconds_axis("service time", seen, is_log=is_log))
    figure.update_yaxes(**name_axis(lines))
    return figure.update_layout(height=height_px(len(lines) * (1 + len(inks)) // 2))


def _dots(rows: Sequence[Row], heights: Sequence[float], quantile: str) -> go.Scatter:
    known = [
        (row, height)
        for row, height in zip(rows, heights, strict=True)
        if row[f"{quantile}_s"] is not None
    ]
    return go.Scatter(
        x=[number(row[f"{quantile}_s"]) for row, _ in known],
        y=[height for _, height in known],
        mode="markers",
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_reach(row, quantile, "high") for row, _ in known],
            "arrayminus": [_reach(row, quantile, "low") for row, _ in known],
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[[plain(row["label"]), row["n"]] for row, _ in known],
        hovertemplate=(
            f"%{{customdata[0]}}<br>{quantile} %{{x:.3g}} s, n=%{{customdata[1]}}"
            "<extra>%{fullData.name}</extra>"
        ),
    )


def _reach(row: Row, quantile: str, end: str) -> float:
    bound, centre = row[f"{quantile}_{end}_s"], row[f"{quantile}_s"]
    return 0.0 if bound is None else abs(float(bound) - float(centre))

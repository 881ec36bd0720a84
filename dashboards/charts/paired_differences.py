"""Paired differences: how many times as long or dear, prompt by prompt."""

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

import plotly.graph_objects as go

from bench.words.figures import so_many
from dashboards.charts.canvas import Row, canvas, height_px, nothing, plain
from dashboards.charts.inks import BLUE, VERMILLION

TITLE = "Service time, prompt by prompt"
_MOST_NAMED = 40
_HIGHEST_PX = 900
_NEAR = 1.05
_LONGEST_LINE = 60


def paired_differences(
    rows: Sequence[Row],
    summary: Mapping[str, Any] | None = None,
    *,
    title: str = TITLE,
    axis: str = "times as long",
) -> go.Figure:
    """A dot a prompt, from the smallest ratio to the largest.

    Args:
        rows: `{prompt_id, ratio, n}`: ratio of second over first, mean over the
            n pairs of that prompt; optional `simulated`.
        summary: `{first, second, estimate, low, high, n_prompts}` of the same
            pairs, as a comparison gives it; bounds None without an interval.
        title: Stands above the figure.
        axis: What the ratio counts, in words.
    """
    known = sorted((r for r in rows if r["ratio"]), key=lambda r: -r["ratio"])
    if not known:
        return nothing(title, "no pair of answers that were both ok and timed")
    figure = canvas(title, rows, remark=f"n={so_many(len(known), 'prompt')}")
    heights = list(range(len(known)))
    _draw_summary(figure, summary)
    figure.add_trace(_dots(known, heights))
    # 0 of a log axis is the ratio 1: no difference.
    figure.add_vline(x=1, line={"dash": "dot", "width": 1.5, "color": "#808080"})
    figure.update_xaxes(title=_words(summary, axis), type="log", tickformat="~r")
    if all(1 / _NEAR <= float(row["ratio"]) <= _NEAR for row in known):
        # A part of a percent must not look like a difference.
        figure.update_xaxes(range=[-log10(_NEAR), log10(_NEAR)])
    are_named = len(known) <= _MOST_NAMED
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[plain(row["prompt_id"], 24) for row in known],
        showticklabels=are_named,
        showgrid=False,
        zeroline=False,
        range=[-0.8, len(known) - 0.2],
        title=None if are_named else "prompts",
    )
    return figure.update_layout(height=min(_HIGHEST_PX, height_px(len(known) * 3 // 4)))


def _dots(known: Sequence[Row], heights: Sequence[int]) -> go.Scatter:
    return go.Scatter(
        x=[float(row["ratio"]) for row in known],
        y=heights,
        mode="markers",
        name="one prompt",
        marker={"color": BLUE, "size": 8},
        customdata=[[plain(row["prompt_id"]), row["n"]] for row in known],
        hovertemplate=(
            "%{customdata[0]}<br>%{x:.3f} times, n=%{customdata[1]} pairs"
            "<extra></extra>"
        ),
    )


def _words(summary: Mapping[str, Any] | None, axis: str) -> str:
    if summary is None:
        return f"{axis}<br>(log axis; 1 is no difference)"
    # A line each: two long names beside each other would not fit.
    second, first = plain(summary["second"]), plain(summary["first"])
    fits = len(second) + len(axis) + len(first) <= _LONGEST_LINE
    between = " " if fits else "<br>"
    return f"{second}: {axis}{between}as {first}<br>(log axis; 1 is no difference)"


def _draw_summary(figure: go.Figure, summary: Mapping[str, Any] | None) -> None:
    if summary is None or summary["estimate"] is None:
        return
    low, high = summary["low"], summary["high"]
    words = f"all prompts: {summary['estimate']:.3f}"
    if low is not None and high is not None:
        figure.add_vrect(
            x0=low,
            x1=high,
            fillcolor=VERMILLION,
            opacity=0.18,
            line_width=0,
            layer="below",
        )
        words += f", 95% interval {low:.3f} to {high:.3f}"
    figure.add_trace(
        go.Scatter(
            x=[summary["estimate"]] * 2,
            y=[-0.8, summary["n_prompts"] - 0.2],
            mode="lines",
            name=words,
            line={"color": VERMILLION, "width": 2, "dash": "dash"},
            hoverinfo="skip",
        )
    )

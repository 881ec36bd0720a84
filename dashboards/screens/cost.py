"""Cost: what an image costs in each cell, and which cell to choose."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from bench.stats import N_FOR_P95
from bench.store.figures import CELL, cells, tokens
from bench.store.reported import reported_tokens, reported_usages
from bench.studies.token_gaps import readable_plans, token_gaps
from bench.words.figures import dollars, seconds, so_many
from dashboards.charts.cost_against_latency import cost_against_latency
from dashboards.charts.cost_bars import cost_bars
from dashboards.screens import tables
from dashboards.screens.frame import (
    MOST_PLAN_BYTES,
    Row,
    Visit,
    chart,
    charted,
    endpoint_of,
    note,
    say,
    side_by_side,
    variant_of,
)

_QUANTILES = ("p50", "p95")
_CLASSES = (
    ("Text in", "input_text_tokens"),
    ("Cached", "cached_text_tokens"),
    ("Image in", "input_image_tokens"),
    ("Cached image", "cached_image_tokens"),
    ("Image out", "output_image_tokens"),
    ("Text out", "output_text_tokens"),
)
_MAINLINE = (
    ("Mainline in", "mainline_input_tokens"),
    ("Cached mainline", "mainline_cached_tokens"),
    ("Mainline out", "mainline_output_tokens"),
)
_AUTHOR = (
    ("SVG author in", "svg_input_tokens"),
    ("SVG author out", "svg_output_tokens"),
)


def show(visit: Visit) -> None:
    """Choice, prices of each cell, tokens by class."""
    found = [_labelled(row) for row in visit.ask(cells, visit.chosen)]
    left, right = side_by_side()
    with left:
        _choice(found)
        chart(
            cost_against_latency(charted(found)),
            "US dollars an image against median service time, a dot for each cell; the "
            "table below holds both",
            "cost-latency",
        )
    with right:
        chart(
            cost_bars([_of_priced(row) for row in charted(found)]),
            "US dollars an image of each cell beside the direct list price; the table "
            "below holds both",
            "cost-bars",
        )
    _prices(found)
    _tokens(visit.ask(tokens, visit.chosen))
    _gaps(visit)


def _labelled(row: Row) -> dict[str, Any]:
    return {**row, "label": variant_of(row), "n": row["n_timed"]}


def _of_priced(row: Row) -> dict[str, Any]:
    """A row whose images are those that its dollars an image are taken of."""
    return {**row, "images": row["priced_images"]}


def _choice(found: Sequence[Row]) -> None:
    """The cheapest cell under a latency that the visitor names."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        limit_s = st.number_input(
            "Slowest I accept, seconds (0: any)",
            min_value=0.0,
            value=0.0,
            step=0.1,
            format="%.1f",
            width=240,
            key="within",
            bind="query-params",
        )
        quantile = st.segmented_control(
            "of",
            _QUANTILES,
            default=_QUANTILES[0],
            required=True,
            key="at",
            bind="query-params",
        )
    key = f"{quantile if quantile in _QUANTILES else _QUANTILES[0]}_s"
    say(_advice(found, key, float(limit_s or 0)))


def _advice(found: Sequence[Row], key: str, limit_s: float) -> str:
    quantile = key.removesuffix("_s")
    fitting = [
        row
        for row in found
        if row["usd_per_image"] is not None
        and row[key] is not None
        and (not limit_s or row[key] <= limit_s)
    ]
    bound = f" with a {quantile} of at most {seconds(limit_s)}" if limit_s else ""
    if not fitting:
        needs = f" It needs {N_FOR_P95} timed trials a cell." if key == "p95_s" else ""
        return f"No cell{bound or f' with a known price and {quantile}'}.{needs}"
    best = min(fitting, key=lambda row: (row["usd_per_image"], row[key]))
    words = (
        f"Cheapest per usable image{bound}: {best['label']} at {endpoint_of(best)}, "
        f"{dollars(best['usd_per_image'])} an image "
        f"(n={so_many(best['priced_images'], 'image')}), "
        f"{quantile} {seconds(best[key])} (n={best['n_timed']:,})."
    )
    high_s = best[f"{quantile}_high_s"]
    if limit_s and (high_s is None or high_s > limit_s):
        words += f" Its 95% interval reaches past {seconds(limit_s)}: measure more."
    return words


def _prices(found: Sequence[Row]) -> None:
    st.subheader("Prices")
    tables.show(
        sorted(
            found, key=lambda row: (row["usd_per_image"] is None, row["usd_per_image"])
        ),
        [
            *tables.cell_columns(found),
            tables.count("Images", "images"),
            tables.usd("US$ a usable image", "usd_per_image"),
            tables.time("p50", "p50_s"),
            tables.usd("US$ a 1,000", "usd_per_1000"),
            tables.usd("List, an image", "list_usd_per_image"),
            tables.usd("Charged", "charge_usd"),
            tables.usd("At list price", "list_usd"),
            *tables.doubt_columns(found),
        ],
        alt="Price of each cell an image and a thousand, charged and at list price",
        key="cost-prices",
    )
    note(
        "US$ a usable image: all charges of the cell, failed and repeated attempts "
        "too, over its usable images; trials with money of unknown amount are in "
        "neither. List: the same usage at the direct book's price. Sums leave out what "
        "has no known price, and count it."
    )


def _tokens(rows: Sequence[Row]) -> None:
    st.subheader("Tokens")
    tables.show(
        rows,
        [
            *tables.cell_columns(rows),
            *(tables.count(heading, key) for heading, key in _CLASSES),
            *(tables.count(heading, key) for heading, key in _of_text_models(rows)),
            tables.count("Reported", "n_reported"),
            tables.count("Estimated", "n_estimated"),
            tables.count("Absent", "n_absent"),
        ],
        alt="Tokens of each cell by class, and where the counts are from",
        key="cost-tokens",
    )
    note(
        "Sums over all attempts; input totals include their cached part. Reported, "
        "estimated, absent: attempts by where their usage is from."
    )


def _of_text_models(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Columns of mainline models and of authors of SVGs, where there are such."""
    parts = (part for part in (_MAINLINE, _AUTHOR) if _has_one(rows, part[0][1]))
    return tuple(column for part in parts for column in part)


def _has_one(rows: Sequence[Row], name: str) -> bool:
    return any(row[name] is not None for row in rows)


def _gaps(visit: Visit) -> None:
    """Cells whose answers report other image tokens than the rule; none, no table."""
    gaps = token_gaps(
        visit.ask(reported_tokens, visit.chosen),
        lambda alike: visit.ask(reported_usages, visit.chosen, alike),
        readable_plans(visit.ask.folder, MOST_PLAN_BYTES),
    )
    off = [gap for gap in gaps if gap.off]
    if not off:
        return
    st.subheader("Image tokens against the published rule")
    rows = [
        {
            **{name: getattr(gap, name) for name in (*CELL, "n_compared")},
            "n_off": gap.n_off,
            "rule_tokens": gap.off[0].rule_tokens,
            "reported_tokens": gap.off[0].reported_tokens,
            "gap_usd": gap.charge_usd,
        }
        for gap in off
    ]
    tables.show(
        rows,
        [
            *tables.cell_columns(rows),
            tables.count("Answers", "n_compared"),
            tables.count("Off", "n_off"),
            tables.count("By the rule", "rule_tokens"),
            tables.count("Reported", "reported_tokens"),
            tables.usd("Made of the charge", "gap_usd", unknown="not known"),
        ],
        alt="Image tokens that answers report and that the published rule gives",
        key="cost-token-gaps",
    )
    note(
        "By the rule, reported: tokens of one answer, of the most frequent gap. Made "
        "of the charge: dollars charged above what the rule's tokens would cost, all "
        "gaps together. pixelmeter show RUN lists every one."
    )

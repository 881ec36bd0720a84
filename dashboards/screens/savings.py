"""Savings: a month direct and through a gateway, and how sure."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from bench.store.chosen import Chosen
from bench.store.figures import totals
from bench.studies.saving import Saving
from bench.studies.unit_cost import variant_text
from bench.words.figures import UNKNOWN, dollars, dollars_between, percent, so_many
from dashboards.charts.months import months
from dashboards.charts.points import month_points
from dashboards.screens import tables
from dashboards.screens.compared import ask_of_run, pick_run, saved
from dashboards.screens.frame import (
    SIMULATED,
    Row,
    Visit,
    chart,
    inert,
    note,
    say,
    side_by_side,
)

_USUAL = 10_000
_MOST = 10_000_000
_MOST_ON_SLIDER = 100_000


def show(visit: Visit) -> None:
    """A volume, what it comes to each month, every variant beside it."""
    left, right = side_by_side()
    with left:
        run_id = pick_run(visit)
    volume = _volume(right)
    if run_id is None:
        return
    with st.spinner("Pairing trials", show_time=True):
        each = ask_of_run(visit, saved, run_id)
    if not each:
        st.info(
            "This run, as filtered, has no pair of a direct and a gateway endpoint "
            "whose prices are both known. One run with both gives it: `pixelmeter run "
            "SUITE --endpoint DIRECT --endpoint GATEWAY`."
        )
        return
    all_savings = tuple(saving.at(volume) for saving in each)
    is_simulated = bool(visit.ask(totals, Chosen(runs=(run_id,)))["simulated"])
    chosen = _variant(all_savings)
    _month(chosen, is_simulated=is_simulated)
    _months(chosen, is_simulated=is_simulated)
    _variants(all_savings, is_simulated=is_simulated)


def _volume(place: Any) -> int:  # noqa: ANN401  Streamlit's containers have no public type
    """Images a month, by a box and a slider that follow each other."""
    state = st.session_state

    def to_slider() -> None:
        state["volume-slider"] = min(state["volume"], _MOST_ON_SLIDER)

    def to_box() -> None:
        state["volume"] = state["volume-slider"]

    box, slider = place.columns([1, 2], vertical_alignment="bottom")
    volume = box.number_input(
        "Images a month",
        min_value=0,
        max_value=_MOST,
        value=_USUAL,
        step=1_000,
        key="volume",
        bind="query-params",
        on_change=to_slider,
    )
    state.setdefault("volume-slider", min(int(volume or 0), _MOST_ON_SLIDER))
    slider.slider(
        "Images a month, by hand",
        min_value=0,
        max_value=_MOST_ON_SLIDER,
        step=500,
        key="volume-slider",
        on_change=to_box,
        label_visibility="collapsed",
    )
    return min(max(int(volume or 0), 0), _MOST)


def _title(saving: Saving) -> str:
    return f"{variant_text(saving.variant)}: {saving.gateway} against {saving.direct}"


def _variant(found: Sequence[Saving]) -> Saving:
    titles = {_title(saving): saving for saving in found}
    picked = st.selectbox(
        "Variant", list(titles), key="variant", bind="query-params", width=520
    )
    return titles.get(str(picked), found[0])


def _basis(saving: Saving) -> str:
    return f"n={so_many(saving.n_prompts, 'prompt')}"


def _between(saving: Saving) -> str:
    bounds = saving.saving_band_usd
    if bounds is None:
        return "too few prompts for a band"
    low, high = map(dollars, bounds)
    return "too narrow to show" if low == high else dollars_between(*bounds)


def _month(saving: Saving, *, is_simulated: bool) -> None:
    found = saving.projection
    cards = (
        (
            "Direct, a month",
            dollars(found.direct_usd),
            f"{dollars(found.direct.usd)} an image",
        ),
        (
            "Gateway, a month",
            dollars(found.alternative_usd),
            f"{dollars(found.alternative.usd)} an image",
        ),
        (
            "Saving a month",
            dollars(found.saving_usd),
            f"90% band {_between(saving)}",
        ),
        ("Saving a year", dollars(found.saving_year_usd), _basis(saving)),
    )
    with st.grid(4, min_column_width=170, gap="small"):
        for label, value, below in cards:
            st.metric(
                label,
                inert(value),
                inert(below),
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
            )
    say(("Simulated. " if is_simulated else "") + _sentence(saving))


def _sentence(saving: Saving) -> str:
    found, bounds = saving.projection, saving.saving_band_usd
    volume = f"At {found.images_per_month:,} images a month"
    if not found.images_per_month:
        return f"{volume} nothing is spent."
    figures = f"90% band of the saving {_between(saving)}, {_basis(saving)}"
    if bounds is None:
        figures = f"{_between(saving)}, {_basis(saving)}"
    elif bounds[0] <= 0 <= bounds[1]:
        return (
            f"{volume}: no clear difference between {saving.direct} and "
            f"{saving.gateway} ({figures})."
        )
    usd = found.saving_usd
    words = f"{dollars(abs(usd))} {'less' if usd >= 0 else 'more'} than"
    share = UNKNOWN if found.saving_share is None else percent(abs(found.saving_share))
    sides = f"{saving.gateway} costs {words} {saving.direct}"
    return f"{volume}, {sides} ({share}; {figures})."


def _months(saving: Saving, *, is_simulated: bool) -> None:
    rows = month_points(saving, simulated=is_simulated)
    band = "" if saving.saving_band_usd is None else "90% band of the saving, "
    chart(
        months(rows, remark=f"{band}{_basis(saving)}"),
        "US dollars spent as months pass, direct and gateway; the table below holds "
        "them",
        "savings-months",
    )
    with st.expander("Months as a table"):
        tables.show(
            rows,
            [
                tables.count("Month", "month"),
                tables.text("Endpoint", "name"),
                tables.usd("US$ so far", "usd"),
                tables.usd("Low", "usd_low", unknown=UNKNOWN),
                tables.usd("High", "usd_high", unknown=UNKNOWN),
            ],
            alt="US dollars spent after each month",
            key="savings-months-table",
        )


def _variants(found: Sequence[Saving], *, is_simulated: bool) -> None:
    mark = SIMULATED if is_simulated else ""
    st.subheader(f"Every variant at this volume{mark}", anchor=False)
    is_more = any(saving.variant[3] for saving in found)
    named = [tables.text("Direct", "direct"), tables.text("Gateway", "gateway")]
    if len({(saving.direct, saving.gateway) for saving in found}) == 1:
        named = []
        say(f"{found[0].gateway} against {found[0].direct}")
    tables.show(
        [_line(saving) for saving in found],
        [
            *(tables.text(name, name) for name in ("Model", "Quality", "Size")),
            *([tables.text("Asked", "Asked")] if is_more else []),
            *named,
            tables.usd("Direct a month", "direct_usd"),
            tables.usd("Gateway a month", "gateway_usd"),
            tables.usd("Saving a month", "saving_usd"),
            tables.Column(heading="90% band", value=lambda row: row["between"]),
            tables.share("Share", "share"),
            tables.usd("Saving a year", "year_usd"),
            tables.count("Prompts", "n_prompts"),
        ],
        alt="A month of each variant direct and through the gateway",
        key="savings-variants",
    )
    note(
        "Each variant at the whole volume. A unit cost is all known money of a variant "
        "at an endpoint, failed and repeated attempts in, over its usable pictures; "
        "the 90% band resamples whole prompts and knows nothing of prices that change."
    )


def _line(saving: Saving) -> Row:
    found = saving.projection
    model, quality, size, asked = saving.variant
    return {
        "Model": model,
        "Quality": quality,
        "Size": size,
        "Asked": asked,
        "direct": saving.direct,
        "gateway": saving.gateway,
        "direct_usd": found.direct_usd,
        "gateway_usd": found.alternative_usd,
        "saving_usd": found.saving_usd,
        "between": _between(saving),
        "share": found.saving_share,
        "year_usd": found.saving_year_usd,
        "n_prompts": saving.n_prompts,
    }

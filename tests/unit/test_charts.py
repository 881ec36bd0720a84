"""Charts: what figures hold, read from their data."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboards.charts.canvas import SIMULATED, plain
from dashboards.charts.cost_against_latency import cost_against_latency, is_dominated
from dashboards.charts.cost_bars import cost_bars
from dashboards.charts.daily_spend import daily_spend
from dashboards.charts.ecdf import ecdf
from dashboards.charts.inks import BLUE, GREEN, GREY, OCHRE, PINK, SKY, VERMILLION, inks
from dashboards.charts.inline import figure_content, template_content
from dashboards.charts.intervals import intervals
from dashboards.charts.months import months
from dashboards.charts.over_time import over_time
from dashboards.charts.paired_differences import paired_differences
from dashboards.charts.parts import parts
from dashboards.charts.theme import FONTS, Theme, dress

EVIL = "<b>x</b><a href='javascript:alert(1)'>&lt;"
SIDES = (("direct", "direct"), ("half", "gateway"))


def cell(endpoint: str = "direct", **changes: Any) -> dict[str, Any]:
    return {
        "label": "low",
        "endpoint": endpoint,
        "route": "gateway" if endpoint == "half" else "direct",
        "simulated": False,
        "n": 12,
        "images": 12,
        "p50_s": 8.0,
        "p50_low_s": 7.0,
        "p50_high_s": 10.0,
        "p95_s": None,
        "p95_low_s": None,
        "p95_high_s": None,
        "usd_per_image": Decimal("0.0423"),
        "list_usd_per_image": Decimal("0.0423"),
        "queued_s": 0.1,
        "connect_s": 0.0,
        "first_byte_s": 7.5,
        "rest_s": 0.5,
        **changes,
    }


def bin_(level: str, low_s: float, high_s: float, n: int) -> dict[str, Any]:
    return {"level": level, "low_s": low_s, "high_s": high_s, "n": n}


def month(name: str = "direct", **changes: Any) -> dict[str, Any]:
    row = {"name": name, "route": "direct", "month": 1, "usd": Decimal("527.76")}
    return {**row, "usd_low": None, "usd_high": None, **changes}


def stretch(minute: int, **changes: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {"at": at, "n": 20, "n_errors": 1, "p50_s": 8.0, "p95_s": None, **changes}


def spent(**changes: Any) -> dict[str, Any]:
    row = {"day": date(2026, 11, 21), "endpoint": "direct", "route": "direct"}
    return {**row, "charge_usd": Decimal("1.5"), "n_charge_unknown": 0, **changes}


def pair(prompt_id: str, ratio: float) -> dict[str, Any]:
    return {"prompt_id": prompt_id, "ratio": ratio, "n": 2}


def named(figure: Any, beginning: str) -> Any:
    (found,) = [t for t in figure.data if (t.name or "").startswith(beginning)]
    return found


KINDS = {
    "ecdf": (lambda rows: ecdf(rows, "endpoint"), bin_("direct", 1, 2, 3)),
    "intervals": (intervals, cell()),
    "cost_bars": (cost_bars, cell()),
    "cost_against_latency": (cost_against_latency, cell()),
    "daily_spend": (daily_spend, spent()),
    "over_time": (over_time, stretch(0)),
    "parts": (parts, cell()),
    "paired_differences": (paired_differences, pair("p", 1.1)),
    "months": (months, month()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_without_rows_a_figure_says_so_in_place_of_axes(kind: str) -> None:
    draw, _ = KINDS[kind]
    figure: Any = draw([])
    assert not figure.data
    (said,) = figure.layout.annotations
    assert said.text
    assert figure.layout.xaxis.visible is False


@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_carries_the_mark_of_simulated_rows(kind: str) -> None:
    draw, row = KINDS[kind]
    subtitles = [
        draw([{**row, "simulated": simulated}]).layout.title.subtitle.text or ""
        for simulated in (True, False)
    ]
    assert [SIMULATED in text for text in subtitles] == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_axes_name_what_they_measure_and_letters_know_chinese(kind: str) -> None:
    draw, row = KINDS[kind]
    figure: Any = draw([row])
    words = f"{figure.layout.xaxis.title.text} {figure.layout.yaxis.title.text}"
    assert any(unit in words for unit in (", s", "US$", "times as", "months"))
    for theme in Theme:
        dressed: Any = dress(figure, theme)
        assert dressed.layout.template.layout.font.family == FONTS
    assert "Noto Sans CJK SC" in FONTS


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_shown_letter_by_letter(kind: str) -> None:
    draw, row = KINDS[kind]
    names = ("level", "endpoint", "label", "prompt_id", "name")
    hostile = {**row, **{key: EVIL for key in names if key in row}}
    text = str(figure_content(draw([hostile])))
    assert "<b>x" not in text
    assert "<a " not in text
    if any(key in row for key in names):
        assert "&lt;b&gt;x&lt;/b&gt;" in text
        assert "&amp;lt;" in text


def test_letters_that_steer_others_are_left_out_and_long_names_cut() -> None:
    assert plain("a\u202eb\x00c\n d") == "abc d"
    assert plain("x" * 100, 10) == "xxxxxxxxx…"


def test_numbers_and_days_as_names_stay_names() -> None:
    figure: Any = cost_bars([cell(label="1024"), cell(label="2026-11-21")])
    assert list(figure.layout.yaxis.ticktext) == ["1024", "2026-11-21"]
    assert list(figure.layout.yaxis.tickvals) == [1, 0]


def test_a_curve_climbs_through_its_bins_and_marks_median_and_p95() -> None:
    rows = [bin_("a", 1, 2, 50), bin_("a", 4, 8, 50)]
    figure: Any = ecdf(rows, "endpoint")
    line, marks = figure.data
    assert list(line.x) == [1, 2, 4, 8]
    assert list(line.y) == [0, 0.5, 0.5, 1]
    assert line.name == "a (n=100)"
    assert list(marks.x) == pytest.approx([2, 4 + 4 * 0.9])
    assert list(marks.text) == ["median", "p95"]


def test_exact_values_make_exact_steps_and_known_quantiles_stand_as_measured() -> None:
    rows = [bin_("a", t, t, 1) for t in (3.0, 1.0)]
    known = [{"level": "a", "p50_s": 2.0, "p95_s": None}]
    figure: Any = ecdf(rows, "endpoint", quantiles=known)
    line, marks = figure.data
    assert list(zip(line.x, line.y, strict=True)) == [
        (1.0, 0.0),
        (1.0, 0.5),
        (3.0, 0.5),
        (3.0, 1.0),
    ]
    assert list(marks.x) == [2.0]


def test_the_axis_of_seconds_is_logarithmic_or_begins_at_0() -> None:
    rows = [bin_("a", 1, 2, 1)]
    figures: Any = [ecdf(rows, "endpoint", is_log=is_log) for is_log in (True, False)]
    log, linear = (figure.layout.xaxis for figure in figures)
    assert (log.type, "log axis" in log.title.text) == ("log", True)
    assert (linear.rangemode, linear.title.text) == ("tozero", "service time, s")


@pytest.mark.parametrize(("low_s", "high_s"), [(0.4, 0.83), (2.1, 2.11), (0.9, 90)])
def test_a_logarithmic_axis_always_has_three_ticks_in_sight(
    low_s: float, high_s: float
) -> None:
    rows = [cell(p50_s=low_s, p50_low_s=None), cell(p50_s=high_s, p50_low_s=None)]
    timed: Any = cost_against_latency([{**row, "p50_high_s": None} for row in rows])
    curve: Any = ecdf([bin_("a", low_s, high_s, 1)], "endpoint")
    for axis in (timed.layout.xaxis, timed.layout.yaxis, curve.layout.xaxis):
        least, most = axis.range
        ticks = [t for t in axis.tickvals if least <= math.log10(t) <= most]
        assert len(ticks) >= 3


def test_intervals_reach_from_bound_to_bound_and_unknown_p95_is_not_drawn() -> None:
    figure: Any = intervals([cell(), cell("half", n=8, p95_s=20.0, p95_high_s=25.0)])
    direct = named(figure, "direct p50")
    assert direct.name == "direct p50 (n=12)"
    assert list(direct.x) == [8.0]
    assert list(direct.error_x.array) == [2.0]
    assert list(direct.error_x.arrayminus) == [1.0]
    assert list(named(figure, "direct p95").x) == []
    half = named(figure, "half p95")
    assert (list(half.error_x.array), list(half.error_x.arrayminus)) == ([5.0], [0.0])
    assert half.marker.symbol == "diamond-open"


def test_bars_hold_charges_beside_list_prices_and_begin_at_0() -> None:
    figure: Any = cost_bars(
        [
            cell(),
            cell("half", usd_per_image=Decimal("0.02115")),
            cell(label="auto", usd_per_image=None),
        ]
    )
    assert list(named(figure, "half").x) == [0.02115]
    lists = [trace for trace in figure.data if trace.legendgroup == "list"]
    assert [list(trace.x) for trace in lists] == [[0.0423], [0.0423]]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    middles = [bar.y[0] + bar.offset + bar.width / 2 for bar in bars]
    assert middles == pytest.approx([trace.y[0] for trace in lists])
    assert middles == sorted(middles, reverse=True)
    assert figure.layout.xaxis.rangemode == "tozero"
    assert "1 of 3 cells have no price" in figure.layout.title.subtitle.text
    assert named(figure, "half").marker.pattern.shape
    assert not named(figure, "direct, charged").marker.pattern.shape


def test_a_cell_is_beaten_by_one_that_is_no_dearer_and_no_slower() -> None:
    cheap = cell("half", label="a", p50_s=9.0, usd_per_image=Decimal("0.02"))
    fast = cell(label="b", p50_s=5.0, usd_per_image=Decimal("0.04"))
    beaten = cell(label="c", p50_s=9.0, usd_per_image=Decimal("0.04"))
    rows = [cheap, fast, beaten]
    assert [is_dominated(row, rows) for row in rows] == [False, False, True]
    figure: Any = cost_against_latency(rows)
    assert named(figure, "1: direct, b").opacity == 1
    assert named(figure, "2: half, a").opacity == 1
    faded = named(figure, "direct, beaten")
    assert faded.opacity < 0.5
    assert list(faded.x) == [9.0]


def test_equal_cells_do_not_beat_each_other() -> None:
    rows = [cell(label="a"), cell("half", label="b")]
    assert not any(is_dominated(row, rows) for row in rows)


def test_a_day_is_stacked_by_endpoint_and_unknown_charges_are_counted() -> None:
    rows = [
        spent(charge_usd=Decimal("0.1")),
        spent(charge_usd=Decimal("0.2")),
        spent(endpoint="half", route="gateway", charge_usd=None, n_charge_unknown=3),
        spent(endpoint="half", route="gateway", day=date(2026, 11, 22)),
    ]
    figure: Any = daily_spend(rows)
    assert list(named(figure, "direct").y) == [0.3]
    assert list(named(figure, "half").x) == ["2026-11-22"]
    assert figure.layout.barmode == "stack"
    assert "3 requests at unknown prices" in figure.layout.title.subtitle.text


def test_a_stretch_without_answers_leaves_a_gap_and_errors_stand_below() -> None:
    figure: Any = over_time([stretch(0), stretch(1, p50_s=None, n_errors=20)])
    assert list(named(figure, "p50").y) == [8.0, None]
    assert list(named(figure, "not ok").y) == [1, 20]
    assert named(figure, "not ok").yaxis == "y2"
    assert figure.layout.title.subtitle.text == "n=40"


def test_a_lone_stretch_stands_in_a_minute_of_its_own() -> None:
    figure: Any = over_time([stretch(0)])
    first, last = figure.layout.xaxis.range
    assert last - first == timedelta(minutes=1)


def test_parts_are_stacked_in_the_order_in_which_they_pass() -> None:
    figure: Any = parts([cell()])
    assert [(t.name, t.x[0]) for t in figure.data] == [
        ("queued", 0.1),
        ("connect", 0.0),
        ("to first byte", 7.5),
        ("first to last byte", 0.5),
    ]
    assert figure.layout.barmode == "stack"


def test_pairs_rise_from_below_and_the_interval_is_told() -> None:
    summary = {"first": "direct", "second": "half", "estimate": 1.2}
    bounds = {"low": 1.1, "high": 1.3, "n_prompts": 3}
    rows = [pair("b", 1.2), pair("c", 1.3), pair("a", 1.1)]
    figure: Any = paired_differences(rows, {**summary, **bounds})
    assert list(named(figure, "one prompt").x) == [1.3, 1.2, 1.1]
    line = named(figure, "all prompts")
    assert line.name == "all prompts: 1.200, 95% interval 1.100 to 1.300"
    assert "half: times as long as direct" in figure.layout.xaxis.title.text
    name = "responses with gpt-4.1-mini"
    long = {"second": name, "first": name.replace("4.1", "5")}
    words = paired_differences(rows[:1], {**summary, **bounds, **long}).layout
    assert f"{name}: times as long<br>as {long['first']}<br>" in words.xaxis.title.text
    assert words.title.subtitle.text == "n=1 prompt"
    unsure = {**summary, "low": None, "high": None, "n_prompts": 3}
    assert named(paired_differences(rows, unsure), "all").name == "all prompts: 1.200"


def test_months_begin_at_0_and_bands_are_drawn_where_they_are_known() -> None:
    rows = [
        month(),
        month(month=2, usd=Decimal("1055.52")),
        month("half", route="gateway", usd_low=Decimal(200), usd_high=Decimal(300)),
    ]
    figure: Any = months(rows)
    line = named(figure, "direct")
    assert list(line.x) == [0, 1, 2]
    assert list(line.y) == [0, 527.76, 1055.52]
    band, dashed = [t for t in figure.data if t.name == "half"]
    assert (list(band.y), dashed.line.dash) == ([0, 300, 200, 0], "dash")


def test_a_name_keeps_its_ink_whatever_else_is_shown() -> None:
    alone = inks({"openai": "direct"})["openai"]
    beside = inks({"openai": "direct", "half": "gateway", "lite": "gateway"})
    assert beside["openai"] == alone
    assert beside["half"].marker != alone.marker
    assert beside["half"].dash != alone.dash
    assert beside["half"].pattern
    assert not alone.pattern


def test_many_names_are_told_apart_without_colour_alone() -> None:
    found = inks({f"e{i}": "gateway" for i in range(9)})
    drawn = {(ink.colour, ink.marker, ink.dash) for ink in found.values()}
    assert len(drawn) == 9


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [BLUE, VERMILLION, GREEN, PINK, SKY, OCHRE, GREY])
@pytest.mark.parametrize("paper", ["#ffffff", "#0d1117"])
def test_every_ink_stands_out_from_both_papers(colour: str, paper: str) -> None:
    low, high = sorted((_luminance(colour), _luminance(paper)))
    assert (high + 0.05) / (low + 0.05) >= 3


# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
_PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216))
_DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413))


@pytest.mark.parametrize("eyes", [_PROTAN, _DEUTAN])
def test_direct_and_gateway_differ_for_eyes_without_red_or_green(eyes: Any) -> None:
    def seen(colour: str) -> list[float]:
        rgb = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
        mixed = [sum(w * c for w, c in zip(row, rgb, strict=True)) for row in eyes]
        return [*mixed, rgb[2]]

    assert math.dist(seen(BLUE), seen(VERMILLION)) > 0.3


def test_content_for_a_page_holds_no_template_and_both_themes_are_ours() -> None:
    content = figure_content(cost_bars([cell()]))
    layout: Any = content["layout"]
    assert "template" not in layout
    light, dark = (template_content(theme) for theme in Theme)
    assert light != dark

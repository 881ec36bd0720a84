"""Figures on the screens, against sums and queries made here."""

from __future__ import annotations

import json
import math
import statistics
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.app.conftest import Screen
    from tests.conftest import Desk, Double

    Open = Callable[[Path], Screen]
    Asked = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def outcomes(measured: Desk) -> list[dict[str, Any]]:
    """The outcome records, with model and quality of their cells beside."""
    plan = measured.plan
    cells = {t["trial_id"]: plan["cells"][t["cell"]] for t in plan["trials"]}
    prompts = {
        t["trial_id"]: plan["prompts"][t["prompt"]]["id"] for t in plan["trials"]
    }
    return [
        {
            **record,
            "quality": cells[record["trial_id"]]["parameters"]["quality"],
            "prompt_id": prompts[record["trial_id"]],
        }
        for record in measured.outcomes.values()
    ]


@pytest.fixture
def ask(measured: Desk) -> Asked:
    """Ask the index through a connection of our own."""
    measured.pixelmeter("ingest", "--data", measured.data)

    def asked(query: str) -> list[tuple[Any, ...]]:
        path = measured.data / "pixelmeter.duckdb"
        with duckdb.connect(str(path), read_only=True) as con:
            return con.execute(query).fetchall()

    return asked


def _money(records: list[dict[str, Any]], key: str) -> Decimal:
    return sum((Decimal(r[key]) for r in records if r[key] is not None), Decimal(0))


def test_the_overview_counts_money_and_images_as_the_journals_do(
    measured: Desk, open_screens: Open, outcomes: list[dict[str, Any]]
) -> None:
    screen = open_screens(measured.data)
    screen.show("overview")
    ok = [r for r in outcomes if r["outcome"] == "ok"]
    charged = _money(outcomes, "charge_usd")
    assert screen.card("Images") == f"{sum(r['images'] for r in ok):,}"
    assert charged > 1
    assert screen.card("Charged, US$") == f"${charged:.2f}"
    per_image = charged / sum(r["images"] for r in ok)
    assert screen.card("US$ a usable image") == f"${per_image:.4f}"
    possibly = _money(outcomes, "possibly_billed_usd")
    assert possibly > 0
    assert screen.card("Possibly billed, US$") == f"${possibly:.4f}"
    wasted = _money([r for r in outcomes if r["outcome"] != "ok"], "charge_usd")
    assert wasted > 0
    assert screen.card("Wasted, US$") == f"${wasted:.4f}"
    share = len(ok) / len({r["trial_id"] for r in outcomes})
    assert screen.card("Success") == f"{share:.1%}"
    p50_s = statistics.median(r["service_s"] for r in ok)
    assert screen.card("p50 service time") == f"{p50_s * 1000:.0f} ms"


def test_the_cells_of_the_overview_sum_to_the_cards(
    measured: Desk, open_screens: Open, outcomes: list[dict[str, Any]]
) -> None:
    screen = open_screens(measured.data)
    screen.show("overview")
    rows = screen.table("Cells: ")
    assert len(rows) == 4
    assert sum(row["Charged"] for row in rows) == _money(outcomes, "charge_usd")
    for row in rows:
        own = [
            r
            for r in outcomes
            if row["Endpoint"].startswith(r["endpoint"])
            and r["quality"] == row["Quality"]
        ]
        assert row["Charged"] == _money(own, "charge_usd")
        assert row["n"] == len({r["trial_id"] for r in own})


def test_latency_shows_the_quantiles_of_the_view(
    measured: Desk, open_screens: Open, ask: Asked
) -> None:
    screen = open_screens(measured.data)
    screen.show("latency")
    expected = {
        (endpoint, quality): (n, p50_s, max_s)
        for endpoint, quality, n, p50_s, max_s in ask(
            "SELECT endpoint, quality, count(*), quantile_cont(service_s, 0.5), "
            "max(service_s) FROM v_trial WHERE outcome = 'ok' GROUP BY ALL"
        )
    }
    rows = screen.table("Service time of each cell")
    assert len(rows) == len(expected)
    for row in rows:
        name = row["Endpoint"].removesuffix(" (simulated)")
        n, p50_s, max_s = expected[name, row["Quality"]]
        assert row["n"] == n
        assert math.isclose(row["p50"], p50_s)
        assert row["Longest"] == max_s
        # 16 trials a cell: too few for a p95.
        assert "p95" not in row


def test_latency_names_the_slowest_requests_and_their_ids(
    measured: Desk, open_screens: Open, outcomes: list[dict[str, Any]]
) -> None:
    screen = open_screens(measured.data)
    screen.show("latency")
    known = [r for r in outcomes if r["service_s"] is not None]
    slowest = sorted(known, key=lambda r: -r["service_s"])[:20]
    rows = screen.table("The slowest requests")
    assert [row["Service"] for row in rows] == [r["service_s"] for r in slowest]
    assert [row["Prompt"] for row in rows] == [r["prompt_id"] for r in slowest]
    shown = [row["Request id"] or None for row in rows]
    assert shown == [r["request_id"] for r in slowest]


def test_latency_tells_endpoints_or_qualities_apart_as_its_address_says(
    measured: Desk, open_screens: Open, ask: Asked
) -> None:
    screen = open_screens(measured.data)
    app = screen.show("latency", by="Quality", log="false")
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    names = {trace["name"].split(" (")[0] for trace in spec["data"]}
    assert names == {"low", "medium"}
    assert spec["layout"]["xaxis"].get("type") != "log"
    ((n_low,),) = ask(
        "SELECT count(*) FROM v_trial WHERE outcome = 'ok' AND quality = 'low'"
    )
    assert any(trace["name"] == f"low (n={n_low})" for trace in spec["data"])


def test_cost_shows_prices_and_tokens_of_each_cell(
    measured: Desk, open_screens: Open, ask: Asked
) -> None:
    screen = open_screens(measured.data)
    screen.show("cost")
    expected = {
        (endpoint, quality): (images, charged, listed, tokens)
        for endpoint, quality, images, charged, listed, tokens in ask(
            "SELECT endpoint, quality, sum(images) FILTER (outcome = 'ok'), "
            "sum(charge_usd), sum(list_usd), sum(output_image_tokens) "
            "FROM v_trial GROUP BY ALL"
        )
    }
    tokens = {
        (row["Endpoint"], row["Quality"]): row["Image out"]
        for row in screen.table("Tokens of each cell")
    }
    for row in screen.table("Price of each cell"):
        name = row["Endpoint"].removesuffix(" (simulated)")
        images, charged, listed, n_tokens = expected[name, row["Quality"]]
        assert row["Images"] == images
        assert row["Charged"] == charged
        assert row["At list price"] == listed
        assert abs(row["US$ a usable image"] - charged / images) < Decimal("1e-11")
        assert tokens[row["Endpoint"], row["Quality"]] == n_tokens


def test_cost_names_the_cheapest_cell_within_a_latency(
    measured: Desk, open_screens: Open
) -> None:
    screen = open_screens(measured.data)
    screen.show("cost")
    cheapest = screen.table("Price of each cell")[0]
    assert cheapest["Quality"] == "low"
    assert cheapest["Endpoint"] == "half (simulated)"
    assert "Cheapest per usable image: gpt-image-2 low" in screen.sentences
    assert "at half (simulated)" in screen.sentences
    fastest_s = min(row["p50"] for row in screen.table("Price of each cell"))
    screen.app.number_input(key="within").set_value(
        math.floor(fastest_s * 1000) / 1000
    ).run()
    assert "No cell with a p50 of at most" in screen.sentences


def test_direct_or_gateway_shows_the_levels_and_their_pairs(
    measured: Desk, open_screens: Open, outcomes: list[dict[str, Any]], ask: Asked
) -> None:
    screen = open_screens(measured.data)
    screen.show("routes")
    levels = {row["Route"]: row for row in screen.table("Endpoints of the run")}
    for route, name in (("direct", "direct"), ("gateway", "half")):
        own = [r for r in outcomes if r["endpoint"] == name]
        ok = [r["service_s"] for r in own if r["outcome"] == "ok"]
        assert levels[route]["Charged"] == _money(own, "charge_usd")
        assert math.isclose(levels[route]["p50"], statistics.median(ok))
        assert levels[route]["n"] == len(own)
    ((n_pairs,),) = ask("SELECT count(*) FROM v_pair")
    sides = "half (gateway, simulated) against direct (direct, simulated)"
    assert f"{sides}, {n_pairs} pairs" in screen.sentences
    # Prompt by prompt: the geometric mean of the ratios of its pairs.
    pairs = ask(
        "SELECT prompt_id, exp(avg(ln(service_ratio))) FROM v_pair "
        "WHERE service_ratio IS NOT NULL GROUP BY prompt_id"
    )
    expected = {prompt_id: ratio for prompt_id, ratio in pairs}  # noqa: C416  dict() loses the types
    shown = {
        r["Prompt"]: r["Times as long"]
        for r in screen.table("Ratio of service times for each")
    }
    assert shown.keys() == expected.keys()
    assert all(math.isclose(shown[name], expected[name]) for name in expected)


def test_savings_are_all_known_money_over_usable_images_times_the_volume(
    measured: Desk, open_screens: Open, ask: Asked
) -> None:
    screen = open_screens(measured.data)
    screen.show("savings", volume="25000")
    rows = {row["Quality"]: row for row in screen.table("A month of each variant")}
    assert rows.keys() == {"low", "medium"}
    each: dict[tuple[str, str], Decimal] = {}
    for route, quality, charged, images, n_prompts in ask(
        "SELECT route, quality, sum(charge_usd), sum(images) FILTER (outcome = 'ok'), "
        "count(DISTINCT prompt_id) FILTER (bucket NOT IN ('not_sent', 'in_flight')) "
        "FROM v_trial GROUP BY route, quality"
    ):
        each[route, quality] = charged / images
        assert rows[quality]["Prompts"] == n_prompts
    for quality, row in rows.items():
        direct, gateway = each["direct", quality], each["gateway", quality]
        cent = Decimal("0.0001")
        assert abs(row["Direct a month"] - direct * 25_000) < cent
        assert abs(row["Gateway a month"] - gateway * 25_000) < cent
        saving = row["Direct a month"] - row["Gateway a month"]
        assert row["Saving a month"] == saving
        assert row["Saving a year"] == saving * 12
    assert "Simulated. At 25,000 images a month, half costs $" in screen.sentences
    low = rows["low"]
    share = float(low["Saving a month"] / low["Direct a month"])
    assert f"less than direct ({share:.1%}" in screen.sentences


def test_box_and_slider_follow_each_other(measured: Desk, open_screens: Open) -> None:
    screen = open_screens(measured.data)
    app = screen.show("savings")
    assert app.number_input(key="volume").value == 10_000
    app.slider(key="volume-slider").set_value(40_000).run()
    assert app.number_input(key="volume").value == 40_000
    app.number_input(key="volume").set_value(7_000).run()
    assert app.slider(key="volume-slider").value == 7_000
    assert "At 7,000 images a month" in screen.sentences


def test_the_cost_page_shows_token_counts_that_are_not_the_rules(
    desk: Desk, start_double: Callable[..., Double], open_screens: Open
) -> None:
    # 1,756 tokens of a medium picture are reported where low, 196, was asked.
    double = start_double()
    double.profile(time_scale=0)
    double.fault("wrong_quality", times=1)
    desk.suite()
    desk.endpoint(double.url)
    assert desk.run("--yes").code == 0
    (reported,) = {
        record["output_image_tokens"]
        for record in desk.records("outcome")
        if "quality_not_as_asked" in record["flags"]
    }
    screen = open_screens(desk.data)
    screen.show("cost")
    (row,) = screen.table("Image tokens that answers report")
    assert (row["Off"], row["By the rule"], row["Reported"]) == (1, 196, reported)
    above = Decimal(reported - 196) * 30 / 1_000_000
    assert Decimal(str(row["Made of the charge"])).quantize(above) == above

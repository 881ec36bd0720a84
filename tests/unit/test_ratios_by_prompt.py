"""Ratios by prompt: the dots of a comparison are what its interval is of."""

import math
import statistics
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench.studies.comparison import Factor, compare_levels
from dashboards.charts.points import ratio_points


def _row(
    prompt: int, repeat: int, quality: str | None, service_s: float
) -> dict[str, Any]:
    sent = {"size": "1024x1024"} | ({"quality": quality} if quality else {})
    return {
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "repeat": repeat,
        "cell_index": 0 if quality else 1,
        "endpoint": "direct",
        "route": "direct",
        "api": "images",
        "operation": "generate",
        "model": "m",
        "mainline_model": None,
        "quality": quality,
        "size": "1024x1024",
        "parameters": orjson.dumps(sent).decode(),
        "simulated": False,
        "from_cache": False,
        "warmup": False,
        "bucket": "done",
        "outcome": "ok",
        "service_s": service_s,
        "images": 1,
        "charge_usd": Decimal("0.04"),
        "list_usd": Decimal("0.04"),
        "possibly_billed_usd": Decimal(0),
        "charge_unknown": False,
    }


def _trials() -> list[dict[str, Any]]:
    """Seven prompts, two repeats; where no quality is sent they take longer."""
    return [
        row
        for prompt in range(7)
        for repeat in (1, 2)
        for row in (
            _row(prompt, repeat, "low", 1.0),
            _row(prompt, repeat, None, 1.0 + prompt / 10 * repeat),
        )
    ]


def test_a_prompts_ratio_is_the_geometric_mean_of_its_pairs() -> None:
    (pairing,) = compare_levels(_trials(), Factor.QUALITY).pairings
    assert {one.prompt_id: (one.ratio, one.n_pairs) for one in pairing.ratios} == {
        f"p{i}": (pytest.approx(math.sqrt((1 + i / 10) * (1 + i / 5))), 2)
        for i in range(7)
    }


def test_the_ratio_over_all_is_the_median_of_the_prompts_ratios() -> None:
    (pairing,) = compare_levels(_trials(), Factor.QUALITY).pairings
    ratios = [one.ratio for one in pairing.ratios]
    assert pairing.service.n_prompts == len(ratios) == 7
    assert pairing.service.estimate == pytest.approx(statistics.median(ratios))


def test_a_parameter_that_was_not_sent_is_a_level_with_dots_of_its_own() -> None:
    (pairing,) = compare_levels(_trials(), Factor.QUALITY).pairings
    assert (pairing.first, pairing.second) == ("low", "not sent")
    assert len(ratio_points(pairing, simulated=False)) == 7


def test_pairs_that_were_not_timed_have_no_dot() -> None:
    trials = [
        {**row, "outcome": "lost"} if row["prompt_id"] == "p3" else row
        for row in _trials()
    ]
    (pairing,) = compare_levels(trials, Factor.QUALITY).pairings
    assert "p3" not in {one.prompt_id for one in pairing.ratios}
    assert len(pairing.ratios) == 6

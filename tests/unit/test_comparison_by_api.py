"""Image API against Responses API on the same prompts, paired by prompt."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench.errors import BadInput
from bench.studies.comparison import Factor, compare_levels

SENT = {"quality": "low", "size": "1024x1024"}


def _trial(prompt: int, mainline: str | None, **changes: Any) -> dict[str, Any]:
    by_tool = mainline is not None
    sent = {**SENT, **({"max_output_tokens": 500, "store": True} if by_tool else {})}
    return {
        "run_id": "r",
        "cell_index": int(by_tool),
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "repeat": 1,
        "endpoint": "e",
        "route": "direct",
        "api": "responses" if by_tool else "images",
        "operation": "generate",
        "model": "gpt-image-2",
        "mainline_model": mainline,
        "quality": "low",
        "size": "1024x1024",
        "parameters": orjson.dumps(sent).decode(),
        "simulated": False,
        "bucket": "done",
        "outcome": "ok",
        "from_cache": False,
        "service_s": 12.0 if by_tool else 10.0,
        "total_s": 12.0,
        "started_at": None,
        "warmup": False,
        "images": 1,
        "charge_usd": Decimal("0.007") if by_tool else Decimal("0.005"),
        "list_usd": Decimal("0.005"),
        "possibly_billed_usd": Decimal(0),
        "usage_source": "reported",
        "charge_unknown": False,
        **changes,
    }


def test_the_apis_are_paired_by_prompt_in_time_and_money() -> None:
    trials = [_trial(p, m) for p in range(8) for m in (None, "gpt-5.2", "gpt-4.1")]
    found = compare_levels(trials, Factor.API)
    names = [level.name for level in found.levels]
    assert names == ["images", "responses with gpt-5.2", "responses with gpt-4.1"]
    first = found.pairings[0]
    assert first.n_pairs == 8
    assert first.cost.step_per_image == Decimal("0.002")
    assert first.service.estimate == pytest.approx(1.2)


def test_text_models_are_told_apart() -> None:
    trials = [_trial(p, m) for p in range(8) for m in ("gpt-5.2", "gpt-4.1")]
    (pairing,) = compare_levels(trials, Factor.MAINLINE_MODEL).pairings
    assert pairing.n_pairs == 8
    with pytest.raises(BadInput, match="only one"):
        compare_levels(trials, Factor.OPERATION)


def test_any_parameter_tells_levels_apart_by_its_name() -> None:
    trials = [
        _trial(
            p, None, cell_index=n, parameters=orjson.dumps({**SENT, "n": n}).decode()
        )
        for p in range(2)
        for n in (1, 2)
    ]
    found = compare_levels(trials, None)
    assert found.by == "n"
    assert [level.name for level in found.levels] == ["n=1", "n=2"]
    assert found.pairings[0].n_pairs == 2
    with pytest.raises(BadInput, match=r"--by colour: choose one of n$"):
        compare_levels(trials, "colour")
    with pytest.raises(BadInput, match="has only one, low; choose one of n, or name"):
        compare_levels(trials, "quality")


def test_text_models_of_one_api_are_compared_as_such() -> None:
    trials = [
        _trial(p, m, cell_index=i)
        for p in range(2)
        for i, m in enumerate(("gpt-5.2", "gpt-4.1"))
    ]
    assert compare_levels(trials, None).by == "mainline_model"

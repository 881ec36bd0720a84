"""Plan: everything is decided, priced and frozen before the first request."""

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder, RunFolder
from bench.plan.build import MOST_TRIALS, Wishes, build
from bench.plan.forecast import RECORD_BYTES, forecast
from bench.plan.frozen import Plan, freeze, read_plan
from bench.plan.options import Options
from bench.prompt import Prompt
from bench.suite import Suite, Value

Planner = Callable[..., Plan]
DIRECT = {
    "name": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key_env": "OPENAI_API_KEY",
    "route": "direct",
    "prices": "openai",
}
HALF = {
    **DIRECT,
    "name": "half",
    "route": "gateway",
    "prices": {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}},
}


def test_trials_are_cells_times_prompts_times_repeats(make_plan: Planner) -> None:
    axes = {"quality": ["low", "medium"], "n": [1, 2]}
    plan = make_plan(endpoints=(DIRECT, HALF), axes=axes, repeats=3)
    assert len(plan.cells) == 2 * 2 * 2
    assert len(plan.trials) == 8 * 2 * 3
    assert [t.trial.position for t in plan.trials] == list(range(48))
    assert len({t.trial.trial_id for t in plan.trials}) == 48


def test_a_gateway_with_half_the_price_has_half_the_bound(make_plan: Planner) -> None:
    plan = make_plan(endpoints=(DIRECT, HALF))
    bounds = {
        (t.trial.cell.endpoint, t.trial.prompt_id): t.bound_usd for t in plan.trials
    }
    for prompt in ("a", "b"):
        assert 0 < bounds["half", prompt] == bounds["openai", prompt] / 2


def test_no_bound_is_below_what_is_expected(make_plan: Planner) -> None:
    axes = {"quality": ["low", "medium", "high", "auto"], "n": [1, 10]}
    plan = make_plan(axes=axes)
    for planned in plan.trials:
        cell = planned.trial.cell
        if planned.expected is not None:
            priced = plan.prices[cell.endpoint, cell.model]
            charge = priced.charges(planned.expected, cell).endpoint.usd
            assert 0 < charge <= planned.bound_usd
        else:
            assert planned.why_bounded


def test_an_endpoint_fills_in_what_the_suite_leaves_out(make_plan: Planner) -> None:
    defaults = {"model": "gpt-image-2", "quality": "high", "background": "opaque"}
    plan = make_plan(
        endpoints=({**DIRECT, "defaults": defaults},), fixed={"size": "auto"}
    )
    assert plan.cells[0].model == "gpt-image-2"
    assert dict(plan.cells[0].parameters) == {
        "background": "opaque",
        "quality": "low",
        "size": "auto",
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fixed": {"size": "auto"}}, "model: the suite names none"),
        ({"fixed": {"model": "gpt-image-99"}}, "no price, so nothing is sent: .*-99"),
        ({"fixed": {"model": "gpt-image-2", "size": "17x17"}}, "size: '17x17'"),
        ({"axes": {"quality": ["xhigh"]}}, "quality: 'xhigh'"),
        ({"fixed": {"model": "gpt-image-2", "partial_images": "x"}}, "partial_images"),
        ({"endpoints": ({**DIRECT, "prices": "nobody"},)}, "openai: .*'nobody'"),
        ({"endpoints": ({**DIRECT, "api": ["responses"]},)}, "api 'images' is not"),
        (
            {"endpoints": ({**HALF, "prices": {"of": "openai", "scheme": {}}},)},
            "endpoint half",
        ),
        (
            {"endpoints": ({**DIRECT, "prices": "launch-2025"},), "fixed": {"n": "x"}},
            "model: the suite names none",
        ),
        (
            {
                "endpoints": ({**DIRECT, "prices": "launch-2025"},),
                "fixed": {"model": "any", "n": "x", "size": "auto"},
            },
            "n: x: should be a whole number",
        ),
        (
            {
                "endpoints": ({**DIRECT, "prices": "launch-2025"},),
                "fixed": {"model": "any", "size": "banana"},
            },
            "banana",
        ),
    ],
)
def test_what_can_not_be_sent_or_priced_is_refused(
    make_plan: Planner, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        make_plan(**changes)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("factor", ["nan", "-1", "x", "1e999999999", ""])
def test_a_factor_that_is_none_is_refused(make_plan: Planner, factor: str) -> None:
    scheme = {"kind": "multiplier", "factor": factor}
    half = {**HALF, "prices": {"of": "openai", "scheme": scheme}}
    with pytest.raises(BadInput, match="endpoint half"):
        make_plan(endpoints=(half,))


def test_a_plan_without_measure_is_refused_before_it_is_made() -> None:
    prompts = tuple(Prompt(id=str(i), text="x") for i in range(300))
    variants: tuple[dict[str, Value], ...] = tuple(
        {
            "api": "images",
            "operation": "generate",
            "model": "gpt-image-2",
            "user": str(i),
        }
        for i in range(5_000)
    )
    suite = Suite(name="x", prompts=prompts, variants=variants, repeats=1, digest="d")
    endpoint = Endpoint.model_validate(DIRECT)
    with pytest.raises(BadInput, match=f"1,500,000 trials; .*{MOST_TRIALS:,}"):
        build(suite, (endpoint,), Wishes(seed=1))


def test_limit_and_only_narrow_a_plan(make_plan: Planner) -> None:
    wishes = Wishes(seed=1, limit=1, only={"quality": frozenset({"low"})})
    plan = make_plan(axes={"quality": ["low", "high"]}, wishes=wishes)
    assert [t.trial.prompt_id for t in plan.trials] == ["a"]


def test_the_seed_alone_decides_the_order(make_plan: Planner) -> None:
    def places(seed: int) -> list[tuple[str, int]]:
        plan = make_plan(repeats=8, wishes=Wishes(seed=seed))
        return [(t.trial.prompt_id, t.trial.repeat) for t in plan.trials]

    assert places(1) == places(1)
    assert places(1) != places(2)


def _frozen(plan: Plan, folder: Path) -> RunFolder:
    run = DataFolder(folder).run(plan.run_id)
    freeze(plan, run)
    return run


def test_a_frozen_plan_is_read_back_unchanged(
    make_plan: Planner, tmp_path: Path
) -> None:
    options = Options(
        concurrency=7, rate_rpm=50, max_cost_usd=Decimal("1.50"), images="thumb"
    )
    wishes = Wishes(seed=2**31, tags={"who": "me"}, note="备注", options=options)
    plan = make_plan(endpoints=(DIRECT, HALF), repeats=2, wishes=wishes)
    run = _frozen(plan, tmp_path)
    assert read_plan(run.plan) == plan
    assert stat.S_IMODE(run.plan.stat().st_mode) == 0o600


def test_a_frozen_plan_holds_the_name_of_the_key_alone(
    make_plan: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    content = _frozen(make_plan(), tmp_path).plan.read_text()
    assert "OPENAI_API_KEY" in content
    assert "canary" not in content


def test_every_change_of_a_frozen_plan_is_found(
    make_plan: Planner, tmp_path: Path
) -> None:
    run = _frozen(make_plan(), tmp_path)
    whole = json.loads(run.plan.read_text())
    for key in whole:
        changed = {**whole, key: "changed"}
        run.plan.write_text(json.dumps(changed))
        with pytest.raises(BadInput, match=r"changed|is not pixelmeter"):
            read_plan(run.plan)
        del changed[key]
        run.plan.write_text(json.dumps(changed))
        with pytest.raises(BadInput):
            read_plan(run.plan)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"5", b'"x"', b"{}", b"\xff", b'{"digest": "x"}'],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="no frozen plan"):
        read_plan(path)


def test_a_plan_with_a_good_digest_and_bad_content_is_refused(
    make_plan: Planner, tmp_path: Path
) -> None:
    run = _frozen(make_plan(), tmp_path)
    whole = json.loads(run.plan.read_text())
    del whole["digest"]
    whole["trials"][0]["bound_usd"] = "much"
    exact = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    whole["digest"] = hashlib.sha256(exact).hexdigest()
    run.plan.write_text(json.dumps(whole))
    with pytest.raises(BadInput, match="no frozen plan"):
        read_plan(run.plan)


def test_a_plan_that_can_not_be_written_sends_nothing(
    make_plan: Planner, tmp_path: Path
) -> None:
    plan = make_plan()
    run = DataFolder(tmp_path).run(plan.run_id)
    run.plan.mkdir(parents=True)
    with pytest.raises(StorageFailed, match="nothing was sent"):
        freeze(plan, run)


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(seed=10**20),
        Wishes(seed=1, note="\udcff"),
        Wishes(seed=1, tags={"\udcff": "x"}),
        Wishes(seed=1, options=Options(rate_rpm=10**30)),
    ],
)
def test_an_option_that_no_record_can_hold_is_refused(
    make_plan: Planner, tmp_path: Path, wishes: Wishes
) -> None:
    plan = make_plan(wishes=wishes)
    with pytest.raises(BadInput, match="an option can't be recorded"):
        _frozen(plan, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_endpoints_can_be_left_out_of_a_plan(make_plan: Planner) -> None:
    plan = make_plan(endpoints=(DIRECT, HALF))
    assert plan.only_endpoints(()) is plan
    only = plan.only_endpoints(("half",))
    assert [endpoint.name for endpoint in only.endpoints] == ["half"]
    assert {t.trial.cell.endpoint for t in only.trials} == {"half"}
    assert len(only.trials) == len(plan.trials) / 2


def test_a_forecast_adds_up_the_plan(make_plan: Planner) -> None:
    plan = make_plan(endpoints=(DIRECT, HALF), repeats=2)
    figures = forecast(plan)
    assert (figures.n_prompts, figures.n_cells, figures.n_trials) == (2, 2, 8)
    assert figures.worst_case_usd == sum(t.bound_usd for t in plan.trials)
    assert figures.expected_usd is not None
    assert 0 < figures.expected_usd <= figures.worst_case_usd
    assert figures.n_without_rule == 0
    assert not figures.is_bounded
    dearest = sorted((t.bound_usd for t in plan.trials), reverse=True)
    assert figures.at_risk_usd == sum(dearest[:4])
    assert [p.model for p in figures.price_dates] == ["gpt-image-2"] * 2


def test_what_no_rule_can_price_is_counted_and_called_bounded(
    make_plan: Planner,
) -> None:
    figures = forecast(make_plan(axes={"quality": ["auto"]}))
    assert figures.n_without_rule == figures.n_trials == 2
    assert figures.expected_usd is None
    assert figures.is_bounded
    assert figures.worst_case_usd > 0


@pytest.mark.parametrize(
    ("rate", "limits", "n", "expected_s"),
    [
        (None, {}, 1, None),
        (10, {}, 1, 0.0),
        (9, {}, 1, 60.0),
        (3, {}, 1, 180.0),
        (None, {"requests_per_minute": 5}, 1, 60.0),
        (None, {"images_per_minute": 5}, 2, 180.0),
        (3, {"images_per_minute": 1}, 1, 540.0),
    ],
)
def test_the_least_time_follows_the_tightest_limit(
    make_plan: Planner,
    rate: int | None,
    limits: dict[str, int],
    n: int,
    expected_s: float | None,
) -> None:
    plan = make_plan(
        endpoints=({**DIRECT, "limits": limits},),
        fixed={"model": "gpt-image-2", "size": "1024x1024", "n": n},
        repeats=5,
        wishes=Wishes(seed=1, options=Options(rate_rpm=rate)),
    )
    assert forecast(plan).rate_limit_s == expected_s


def test_disk_is_pictures_and_records_or_records_alone(make_plan: Planner) -> None:
    plan = make_plan()
    assert forecast(plan).disk_bytes > 2 * (RECORD_BYTES + 1_000_000)
    none = replace(plan, options=Options(images="hash"))
    assert forecast(none).disk_bytes == 2 * RECORD_BYTES

"""Inputs: pictures that a suite names, opened before anything is planned."""

import base64
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.commands.run import _purge_inputs
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder, RunFolder
from bench.inputs.shelf import content_of, input_path
from bench.inputs.suite import keep_pictures, with_pictures
from bench.plan.build import Wishes, build
from bench.plan.forecast import forecast
from bench.plan.frozen import Plan, freeze, read_plan
from bench.plan.prices import MAINLINE_COUNTS, priced_of
from bench.suite import read_suite

OPENAI = {
    "name": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key_env": "OPENAI_API_KEY",
    "route": "direct",
    "prices": "openai",
    "api": ["images", "responses"],
}


PICTURE_COUNTS = (
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_image_tokens",
    "output_text_tokens",
)


def _picture(
    size: tuple[int, int] = (64, 48), kind: str = "PNG", mode: str = "RGB"
) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, 0).save(target, kind)
    return target.getvalue()


def _suite(folder: Path, **changes: Any) -> Path:
    content = {
        "name": "edits",
        "operation": "compose",
        "prompts": [{"id": "a", "text": "Make it red"}],
        "fixed": {"model": "gpt-image-1.5", "quality": "low", "size": "1024x1024"},
        **changes,
    }
    path = folder / "suite.yaml"
    path.write_text(json.dumps(content), "utf-8")
    return path


def _plan(path: Path, **wishes: Any) -> Plan:
    read = with_pictures(read_suite(path))
    return build(read, (Endpoint.model_validate(OPENAI),), Wishes(seed=1, **wishes))


def test_what_a_suite_names_is_in_the_frozen_plan_and_on_the_shelf(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.png").write_bytes(_picture())
    inline = "data:image/webp;base64," + base64.b64encode(
        _picture((32, 16), "WEBP")
    ).decode("ascii")
    inputs = [
        "one.png",
        {"file": "one.png", "send": "file_id"},
        "https://example.org/two.jpg",
        inline,
        "file-abc123def",
    ]
    path = _suite(tmp_path, inputs=inputs)
    plan = _plan(path)
    data = DataFolder(tmp_path / "data")
    run = data.run(plan.run_id)
    keep_pictures(data, path, plan.prompts)
    freeze(plan, run)
    assert read_plan(run.plan) == plan
    found = plan.trials[0].trial.references
    assert [(r.file, r.url, r.file_id, r.send) for r in found] == [
        ("one.png", None, None, None),
        ("one.png", None, None, "file_id"),
        (None, "https://example.org/two.jpg", None, None),
        (None, None, None, "data_url"),
        (None, None, "file-abc123def", None),
    ]
    assert [r.is_ours for r in found] == [True, True, False, True, False]
    assert (found[0].width_px, found[3].width_px) == (64, 32)
    assert content_of(data, found[0]) == _picture()
    assert content_of(data, found[3]) == _picture((32, 16), "WEBP")
    assert str(tmp_path) not in run.plan.read_text()
    input_path(data, found[0]).write_bytes(b"other")
    with pytest.raises(StorageFailed, match="was changed since"):
        content_of(data, found[0])


def test_a_conversation_is_a_trial_a_turn_each_after_the_one_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.png").write_bytes(_picture())
    prompts = [
        {"id": "logo", "text": "A logo", "then": ["In blue", "Bolder"]},
        {"id": "sign", "text": "A sign", "then": ["In red"]},
    ]
    path = _suite(
        tmp_path,
        operation="converse",
        api="responses",
        inputs=["one.png"],
        prompts=prompts,
        axes={"mainline_model": ["gpt-4.1-mini", "gpt-4o"]},
        repeats=2,
    )
    plan = _plan(path)
    assert len(plan.trials) == 2 * 2 * 5
    last = None
    for planned in plan.trials:
        trial = planned.trial
        conversation, _, turn = trial.prompt_id.partition("/")
        if turn == "1":
            assert trial.after is None
            assert len(trial.references) == 1
        else:
            assert last is not None
            assert trial.after == last.trial_id
            assert (last.cell, last.repeat, last.block) == (
                trial.cell,
                trial.repeat,
                trial.block,
            )
            assert last.prompt_id == f"{conversation}/{int(turn) - 1}"
            assert trial.references == ()
        last = trial
    first, second, third = (
        next(
            t.bound_usd
            for t in plan.trials
            if t.trial.prompt_id == f"logo/{n}"
            and t.trial.cell.mainline_model == "gpt-4o"
        )
        for n in (1, 2, 3)
    )
    assert first < second < third
    assert len(_plan(path, limit=1).prompts) == 3


def test_the_digest_of_a_suite_follows_the_contents_of_its_pictures(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.png").write_bytes(_picture())
    path = _suite(tmp_path, inputs=["one.png"])
    before = with_pictures(read_suite(path)).digest
    assert with_pictures(read_suite(path)).digest == before
    (tmp_path / "one.png").write_bytes(_picture((65, 48)))
    assert with_pictures(read_suite(path)).digest != before


def test_pictures_of_a_csv_file_are_split_at_the_bar(tmp_path: Path) -> None:
    for name in ("one.png", "two.png", "all.png"):
        (tmp_path / name).write_bytes(_picture())
    text = "id,text,inputs\na,Both,one.png|two.png\nb,Neither,\n"
    (tmp_path / "p.csv").write_text(text)
    path = _suite(tmp_path, prompts="p.csv", inputs=["all.png"])
    found = [[r.file for r in p.inputs] for p in _plan(path).prompts]
    assert found == [["one.png", "two.png"], ["all.png"]]


def test_turns_are_for_conversations_alone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"prompts\.0\.then: turns are for"):
        read_suite(_suite(tmp_path, prompts=[{"id": "a", "text": "b", "then": ["c"]}]))


def test_purge_deletes_what_one_run_alone_sent_along(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    for name, size in (("shared.png", (8, 8)), ("mine.png", (9, 9))):
        (tmp_path / name).write_bytes(_picture(size))
    runs: list[RunFolder] = []
    for names in (["shared.png", "mine.png"], ["shared.png"]):
        path = _suite(tmp_path, inputs=names)
        plan = _plan(path)
        keep_pictures(data, path, plan.prompts)
        runs.append(data.run(plan.run_id))
        freeze(plan, runs[-1])
    assert _purge_inputs(data, runs[0]) == 1
    assert len(list(data.inputs.glob("*/*"))) == 1
    runs[0].plan.write_bytes(b"damaged")
    assert _purge_inputs(data, runs[1]) == 0


def _cost(plan: Plan, at: int, **counts: int) -> Decimal:
    planned = plan.trials[at]
    cell = planned.trial.cell
    usage = dict.fromkeys((*MAINLINE_COUNTS, *PICTURE_COUNTS), 0)
    priced = priced_of(plan.prices, cell)
    return priced.charges({**usage, **counts}, cell).endpoint.usd


def test_a_response_is_charged_for_both_models_and_bound_by_both(
    tmp_path: Path,
) -> None:
    path = _suite(
        tmp_path,
        operation="generate",
        api="responses",
        fixed={
            "model": "gpt-image-2",
            "mainline_model": "gpt-5.6-luna",
            "quality": "low",
            "size": "1024x1024",
            "max_output_tokens": 500,
        },
    )
    plan = _plan(path)
    assert sorted(model for _, model in plan.prices) == ["gpt-5.6-luna", "gpt-image-2"]
    planned = plan.trials[0]
    assert planned.expected is not None
    assert planned.expected["output_image_tokens"] == 196
    assert {planned.expected[name] for name in MAINLINE_COUNTS} == {None}
    assert "max_output_tokens" in planned.why_bounded[0]
    assert forecast(plan).n_without_rule == 1
    # 1,000 in at 0.20, of which 400 cached at 0.02 and 100 written at 0.25; 50 out
    # at 1.20; and the picture's 196 at 30 USD a million.
    cost = _cost(
        plan,
        0,
        mainline_input_tokens=1_000,
        mainline_cached_tokens=400,
        mainline_cache_write_tokens=100,
        mainline_output_tokens=50,
        output_image_tokens=196,
    )
    assert cost == Decimal("0.000193") + Decimal("0.00588")
    # Everything written into the cache at 0.25, all that may be written at 1.20.
    text = (len("Make it red") + 4_000) * Decimal("0.25") + 500 * Decimal("1.20")
    picture = (len("Make it red") + 500 + 32) * 5 + 196 * 30
    assert planned.bound_usd == (text + picture) / 1_000_000


def test_a_text_model_without_a_price_sends_nothing(tmp_path: Path) -> None:
    path = _suite(
        tmp_path,
        operation="generate",
        api="responses",
        fixed={"model": "gpt-image-2", "mainline_model": "gpt-9-nobody"},
    )
    with pytest.raises(BadInput, match=r"no price, so nothing is sent: .*gpt-9-nobody"):
        _plan(path)


WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
ANY = st.none() | st.booleans() | st.integers() | WORDS
FORMS = st.dictionaries(
    st.sampled_from(["file", "url", "file_id", "send", "width_px", "height_px", "x"]),
    ANY | st.sampled_from(["a.png", "https://h/a", "file-abcdef", "upload"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=st.lists(WORDS | FORMS | ANY, max_size=3), mask=WORDS | FORMS)
def test_whatever_stands_for_a_picture_is_read_or_refused_in_one_sentence(
    tmp_path: Path, inputs: list[Any], mask: Any
) -> None:
    path = _suite(tmp_path, inputs=inputs, mask=mask)
    refusal = ""
    try:
        found = with_pictures(read_suite(path)).prompts
    except BadInput as error:
        found, refusal = (), str(error).replace(str(tmp_path), "")
    assert "\n" not in refusal
    assert all(p.url or p.file_id for prompt in found for p in prompt.pictures)

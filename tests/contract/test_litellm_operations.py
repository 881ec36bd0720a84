"""What a real LiteLLM passes on of edits, streams and conversations, and breaks."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

from tests.gateway.through import Through

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Desk, Double
    from tests.gateway.process import Gateway

pytestmark = pytest.mark.slow

BOTH = ("--endpoint", "direct", "--endpoint", "litellm", "--yes")
TURNS = ["Make it blue", "Add the word FOX", "On black"]
AS_RESPONSES = {"api": "responses", "axes": {"model": ["gpt-image-2"]}}
DRIVEN = {"size": "1024x1024", "quality": "low", "mainline_model": "gpt-5.2"}


@pytest.fixture
def through(desk: Desk, litellm: Gateway, direct: Double) -> Through:
    made = Through(desk, litellm, direct.url)
    desk.endpoints.write_text(
        desk.endpoints.read_text().replace(
            '"prices":', '"api": ["images", "responses"], "prices":'
        )
    )
    return made


def _draw(path: Path, px: int, *, masks: bool = False) -> str:
    picture = Image.new("RGBA", (px, px), (180, 40, 40, 255))
    if masks:
        ImageDraw.Draw(picture).rectangle((8, 8, px // 2, px // 2), (0, 0, 0, 0))
    content = io.BytesIO()
    picture.save(content, "PNG")
    path.write_bytes(content.getvalue())
    return path.name


def _usd(records: list[tuple[str, dict[str, Any]]]) -> Decimal:
    return sum((Decimal(record["charge_usd"]) for _, record in records), Decimal(0))


def test_a_conversation_of_four_turns_costs_what_the_emulator_behind_counted(
    through: Through, upstream: Double, direct: Double
) -> None:
    prompts = [{"id": "logo", "text": "A logo of a fox", "then": TURNS}]
    through.desk.suite(
        **AS_RESPONSES, operation="converse", prompts=prompts, fixed=DRIVEN
    )
    ended = through.run(*BOTH)
    assert ended.code == 0, ended
    assert ended.answer["trials"]["done"] == 8
    for name, double in (("direct", direct), ("litellm", upstream)):
        turns = through.by_prompt(name)
        assert [prompt for prompt, _ in turns] == [f"logo/{n}" for n in range(1, 5)]
        assert len({record["response_id"] for _, record in turns}) == 4
        assert all(record["mainline_input_tokens"] for _, record in turns)
        assert _usd(turns) == double.total_usd > 0
        # Each turn after the first starts from the picture of the one before.
        assert [post["n_inputs"] for post in double.posts] == [0, 1, 1, 1]


def test_an_edit_with_a_mask_and_four_references_passes_through(
    through: Through, upstream: Double, direct: Double
) -> None:
    folder = through.desk.folder
    inputs = [_draw(folder / f"{n}.png", 256 + 64 * n) for n in range(4)]
    mask = _draw(folder / "mask.png", 256, masks=True)
    prompts = [{"id": "hat", "text": "A hat", "inputs": inputs, "mask": mask}]
    through.desk.suite(operation="inpaint", prompts=prompts)
    ended = through.run(*BOTH)
    assert ended.code == 0, ended
    for name, double in (("direct", direct), ("litellm", upstream)):
        ((_, record),) = through.by_prompt(name)
        assert record["outcome"] == "ok"
        assert record["input_image_tokens"] > 0
        (post,) = double.posts
        assert (post["operation"], post["n_inputs"]) == ("edit", 4)
        assert Decimal(record["charge_usd"]) == double.total_usd


def test_streams_of_the_responses_api_pass_and_those_of_images_are_an_outcome(
    through: Through, upstream: Double
) -> None:
    fixed = {**DRIVEN, "stream": True, "partial_images": 2}
    prompts = [{"id": "kite", "text": "A red kite"}]
    through.desk.suite(**AS_RESPONSES, prompts=prompts, fixed=fixed)
    assert through.run("--endpoint", "litellm", "--yes").code == 0
    record = through.record_of("kite")
    assert record["outcome"] == "ok"
    assert len(record["partials_s"]) == 2
    assert Decimal(record["charge_usd"]) == upstream.total_usd
    upstream.reset()
    del fixed["mainline_model"]
    through.desk.suite(prompts=prompts, fixed=fixed, axes={"model": ["gpt-image-2"]})
    assert through.run("--endpoint", "litellm", "--yes").code == 0
    record = through.record_of("kite")
    # LiteLLM breaks after its upstream did, and billed, the work.
    assert (record["outcome"], record["billing"]) == ("server_error", "possibly_billed")
    assert upstream.posts[0]["billed"]


def test_an_edit_in_json_that_litellm_writes_anew_is_an_outcome(
    through: Through, upstream: Double
) -> None:
    inputs = [{"file": _draw(through.desk.folder / "a.png", 256), "send": "data_url"}]
    prompts = [{"id": "hat", "text": "A hat", "inputs": inputs}]
    through.desk.suite(operation="edit", prompts=prompts)
    assert through.run("--endpoint", "litellm", "--yes").code == 4
    record = through.record_of("hat")
    assert (record["outcome"], record["billing"]) == ("client_error", "unbilled")
    assert upstream.total_usd == 0


def test_a_picture_uploaded_before_reaches_the_edit_by_its_id(
    through: Through, upstream: Double
) -> None:
    inputs = [{"file": _draw(through.desk.folder / "a.png", 256), "send": "file_id"}]
    prompts = [{"id": "hat", "text": "A hat", "inputs": inputs}]
    through.desk.suite(**AS_RESPONSES, operation="edit", prompts=prompts, fixed=DRIVEN)
    assert through.run("--endpoint", "litellm", "--yes").code == 0
    assert through.record_of("hat")["outcome"] == "ok"
    assert [post["operation"] for post in upstream.posts] == ["file", "response"]

"""Overheard: what a wrapped program's request asks, however it is written."""

from typing import Any

import httpx2
import pytest

from bench.meter.overheard import Overheard, overhear

DRAWN = {"model": "gpt-image-2.6-flare", "output_format": "svg"}


def heard(path: str, **said: Any) -> Overheard:
    request = httpx2.Request("POST", f"http://one.example/v1{path}", json=said)
    found = overhear(request)
    assert found is not None
    return found


@pytest.mark.parametrize("thought", ["low", ["low"], 1, True, {}, None])
def test_whatever_stands_in_place_of_an_effort_the_author_is_heard(
    thought: object,
) -> None:
    svg = {"model": "gpt-5-nano", "reasoning": thought}
    tool = {"type": "image_generation", **DRAWN, "svg": svg}
    for found in (
        heard("/images/generations", prompt="a", **DRAWN, svg=svg),
        heard("/responses", model="gpt-4.1-mini", input="a", tools=[tool]),
    ):
        assert found.parameters == {"output_format": "svg", "svg_model": "gpt-5-nano"}
        assert found.cell("one").author_model == "gpt-5-nano"


@pytest.mark.parametrize("name", ["mask", "markup"])
def test_what_is_laid_over_a_picture_is_a_picture_of_the_prompt_in_json_too(
    name: str,
) -> None:
    over = {name: {"file_id": "file-2"}}
    images = [{"file_id": "file-1"}]
    found = heard("/images/edits", prompt="a", model="m", images=images, **over)
    assert [one.file_id for one in found.prompt.pictures] == ["file-1", "file-2"]
    assert getattr(found.prompt, name).file_id == "file-2"
    assert found.parameters == {}

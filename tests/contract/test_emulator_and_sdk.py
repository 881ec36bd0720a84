"""What the official library can say is known, and what it expects comes back."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types import (
    file_create_params,
    image_create_variation_params,
    image_edit_params,
    image_generate_params,
)
from openai.types.responses import response_create_params, tool_param
from pydantic import BaseModel

from bench.emulator.catalogue import MODELS
from bench.emulator.image_tool import MEMBERS
from bench.emulator.response_checks import KNOWN, NOT_OFFERED
from bench.emulator.uploads import FIELDS
from tests.painted import painted

NEWEST = {model.name: model for model in MODELS}
SUNBURST = NEWEST["gpt-image-2.6-sunburst"]
DALL_E_2, DALL_E_3 = NEWEST["dall-e-2"], NEWEST["dall-e-3"]
TOOL: dict[str, Any] = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "quality": "low",
    "partial_images": 1,
    "output_format": "jpeg",
}


def said(*types: Any) -> set[str]:
    """The members of what the library sends, its base classes' among them."""
    return {name for kind in types for name in kind.__annotations__}


@pytest.mark.parametrize(
    ("sendable", "known"),
    [
        (
            said(image_generate_params.ImageGenerateParamsStreaming),
            SUNBURST.parameters | DALL_E_3.parameters,
        ),
        (
            said(image_edit_params.ImageEditParamsStreaming),
            SUNBURST.edit_parameters | DALL_E_2.edit_parameters,
        ),
        (
            said(image_create_variation_params.ImageCreateVariationParams),
            DALL_E_2.variation_parameters,
        ),
        (said(tool_param.ImageGeneration), MEMBERS),
        (
            said(response_create_params.ResponseCreateParamsStreaming),
            KNOWN | NOT_OFFERED,
        ),
        (said(file_create_params.FileCreateParams), frozenset(FIELDS)),
    ],
    ids=["generate", "edit", "variation", "tool", "response", "file"],
)
def test_the_emulator_knows_each_parameter_that_the_library_can_send(
    sendable: set[str], known: frozenset[str]
) -> None:
    assert not sendable - known - {"model", "prompt"}


def unmet(told: Any, where: str = "") -> list[str]:
    """Members that the library's types need, and that did not come."""
    if isinstance(told, list):
        return [n for at, one in enumerate(told) for n in unmet(one, f"{where}[{at}]")]
    if not isinstance(told, BaseModel):
        return []
    found = [
        f"{where}.{name}"
        for name, field in type(told).model_fields.items()
        if field.is_required() and name not in told.model_fields_set
    ]
    for name in told.model_fields_set:
        found += unmet(getattr(told, name, None), f"{where}.{name}")
    return found


def beyond(told: Iterable[BaseModel]) -> set[str]:
    """Members that came and that the library's types do not have."""
    return {name for one in told for name in one.model_extra or {}}


def test_every_member_of_a_picture_that_the_library_needs_comes(client: Any) -> None:
    asked = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low"}
    image = ("a.png", painted(64, 64), "image/png")
    drawn = client.images.generate(**asked)
    edited = client.images.edit(image=image, **asked)
    streamed = list(client.images.generate(**asked, stream=True, partial_images=2))
    changed = list(
        client.images.edit(image=image, **asked, stream=True, partial_images=1)
    )
    assert (len(streamed), len(changed)) == (3, 2)
    told = [drawn, edited, *streamed, *changed]
    assert unmet(told) == []
    assert beyond(told) == set()
    # Which the type of a stream's usage lacks, and section 1.4 of the contract tells.
    assert beyond([streamed[-1].usage]) == {"output_tokens_details"}


def test_every_member_of_a_response_that_the_library_needs_comes(client: Any) -> None:
    asked: dict[str, Any] = {"model": "gpt-5.2", "input": "A kite", "tools": [TOOL]}
    answer = client.responses.create(**asked)
    events = list(client.responses.create(**asked, stream=True))
    words = list(client.responses.create(**{**asked, "input": "Why?"}, stream=True))
    cut = list(client.responses.create(**asked, max_output_tokens=16, stream=True))
    assert unmet([answer, *events, *words, *cut]) == []
    # The service repeats it, and no type has it.
    assert beyond([answer, *events, *words, *cut]) == {"store"}


def test_every_member_of_files_and_batches_that_the_library_needs_comes(
    client: Any,
) -> None:
    body = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low"}
    url = "/v1/images/generations"
    line = {"custom_id": "a", "method": "POST", "url": url, "body": body}
    file = client.files.create(
        file=("in.jsonl", json.dumps(line).encode()), purpose="batch"
    )
    batch = client.batches.create(
        input_file_id=file.id, endpoint=url, completion_window="24h"
    )
    models = client.models.list()
    assert unmet([file, batch, models, client.files.list()]) == []
    assert unmet([client.files.delete(file.id)]) == []

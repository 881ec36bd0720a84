"""Response manners: how a gateway changes responses, whole and streamed."""

import base64
from collections.abc import Mapping
from typing import Any, cast

from bench.emulator.answers import json_bytes
from bench.emulator.frames import Frame, frame
from bench.emulator.options import Manner
from bench.emulator.response_checks import KNOWN

# The gateway's own model object writes every member that it knows.
NULLS = (
    "conversation",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "top_logprobs",
    "user",
)
_MARK = "litellm:custom_llm_provider:openai;response_id:"
_PREFIX = "resp_"


def opaque_id(response_id: str) -> str:
    """Return the long id that stands for an upstream's."""
    text = f"{_MARK}{response_id}".encode()
    return _PREFIX + base64.urlsafe_b64encode(text).decode()


def plain_id(response_id: str) -> str:
    """Return the upstream's id for a long one; any other id as it is."""
    try:
        text = base64.urlsafe_b64decode(response_id.removeprefix(_PREFIX)).decode()
    except ValueError:
        return response_id
    return text.removeprefix(_MARK) if text.startswith(_MARK) else response_id


def response_on(body: dict[str, object], manner: Manner) -> dict[str, object]:
    """Return the request for a response that this gateway hands to its model."""
    before = body.get("previous_response_id")
    if manner is Manner.LITELLM and isinstance(before, str):
        return {**body, "previous_response_id": plain_id(before)}
    if manner is Manner.NEWAPI:
        return {key: value for key, value in body.items() if key in KNOWN}
    return body


def response_back(told: dict[str, Any], manner: Manner) -> dict[str, Any]:
    """Return a response as this gateway hands it to its client."""
    if manner is not Manner.LITELLM or "id" not in told:
        return told
    nulls = dict.fromkeys(NULLS)
    return {**nulls, **told, "id": opaque_id(str(told["id"]))}


def event_back(
    data: Mapping[str, Any], manner: Manner, model: object
) -> dict[str, Any]:
    """Return the JSON of an event of a response as this gateway passes it on."""
    if manner is not Manner.LITELLM:
        return dict(data)
    told = {**data, "model": model}
    response = told.get("response")
    if isinstance(response, dict):
        whole = cast("dict[str, Any]", response)
        told["response"] = response_back(whole, manner)
    item = told.get("item")
    if told.get("type") == "response.output_item.added" and isinstance(item, dict):
        members = cast("dict[str, Any]", item)
        told["item"] = {k: v for k, v in members.items() if v is not None}
    return told


def event_frame(data: Mapping[str, Any], manner: Manner, model: object) -> Frame:
    """Return the event as bytes; litellm leaves the line of its type out.

    `model` is the text model that was asked, which litellm puts into each event.
    """
    told = event_back(data, manner, model)
    if manner is Manner.LITELLM:
        return Frame(content=b"data: " + json_bytes(told, indented=False) + b"\n\n")
    return frame(told)

"""Response objects: the JSON of a response and its items."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bench.emulator.answers import ZERO_USAGE, half_picture, told_background, whole_text
from bench.emulator.faults import Scenario
from bench.emulator.image_tool import IMAGE_TOOL
from bench.emulator.jobs import Job
from bench.emulator.mainline import MainlineUsage
from bench.emulator.response_checks import Asked
from bench.emulator.tokens import Usage

CALL = "image_generation_call"
ANSWER = "There is nothing to draw in that: tell me what the picture shall show."
NO_SEARCH = {"web_search": {"num_requests": 0}}
NO_MAINLINE = MainlineUsage(input_tokens=0, output_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one turn used: the text model's tokens, and the image tool's if any."""

    mainline: MainlineUsage
    image: Usage | None


def response_object(
    asked: Asked, response_id: str, *, created_at: int, status: str
) -> dict[str, Any]:
    """Return a response without its output and usage."""
    body = asked.body
    done_at = int(time.time()) if status == "completed" else None
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "status": status,
        "background": False,
        "completed_at": done_at,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": asked.most_output,
        "max_tool_calls": body.get("max_tool_calls"),
        "model": asked.model.name,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": asked.store,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_told_tool(tool) for tool in _tools(body)],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _tools(body: Mapping[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", body.get("tools") or [])


def _told_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Repeat the tool with its defaults, and with an `n` that nobody may send."""
    defaults = {
        "background": "auto",
        "moderation": "auto",
        "n": 1,
        "output_compression": 100,
        "output_format": "png",
        "quality": "auto",
        "size": "auto",
    }
    sent = {key: value for key, value in tool.items() if value is not None}
    sent.pop("input_image_mask", None)
    return {**defaults, **sent, "type": IMAGE_TOOL}


def image_item(job: Job, item_id: str, result: str) -> dict[str, Any]:
    """Return the image_generation_call that holds the picture."""
    plan, wanted = job.plan, job.plan.wanted
    author = plan.svg_usage
    return {
        **({} if author is None else {"svg_usage": author.as_json()}),
        "id": item_id,
        "type": CALL,
        "status": "completed",
        "action": "edit" if wanted.inputs else "generate",
        "background": told_background(wanted),
        "output_format": wanted.output_format,
        "quality": plan.told_quality,
        "result": result,
        "revised_prompt": whole_text(wanted.prompt),
        "size": plan.told_size,
    }


def text_item(item_id: str, text: str) -> dict[str, Any]:
    """Return the message of an answer without a picture."""
    return {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "content": [text_part(text)],
        "role": "assistant",
    }


def text_part(text: str) -> dict[str, Any]:
    """Return the one part of a message."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def told_usage(used: Used, reports: str) -> dict[str, Any]:
    """Return the members `usage` and `tool_usage` as this answer tells them.

    `reports` is how the tool's tokens are told: reported, zero or absent.
    """
    mainline = used.mainline.as_json()
    if reports == "absent":
        return {"usage": mainline}
    told = reports == "reported" and used.image is not None
    image = used.image.as_json() if told and used.image is not None else ZERO_USAGE
    return {"usage": mainline, "tool_usage": {"image_gen": image, **NO_SEARCH}}


def spoiled_response(told: dict[str, Any], fault: Scenario | None) -> dict[str, Any]:
    """Return a response with what the fault does to its content."""
    match fault:
        case Scenario.NO_IMAGE_200 if _pictures(told):
            return {**told, "output": [text_item("msg_none", ANSWER)]}
        case Scenario.CORRUPT_IMAGE_200:
            return {**told, "output": [_halved(item) for item in told["output"]]}
        case Scenario.MISSING_USAGE if "usage" in told:
            kept = {k: v for k, v in told.items() if k != "tool_usage"}
            return {**kept, "usage": None}
        case Scenario.ZERO_USAGE if told.get("usage"):
            tool_usage = {"image_gen": ZERO_USAGE, **NO_SEARCH}
            zero = NO_MAINLINE.as_json()
            return {**told, "usage": zero, "tool_usage": tool_usage}
        case _:
            return told


def _pictures(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = cast("list[dict[str, Any]]", told["output"])
    return [item for item in items if item.get("type") == CALL]


def _halved(item: dict[str, Any]) -> dict[str, Any]:
    result = item.get("result")
    return {**item, "result": half_picture(result)} if result else item

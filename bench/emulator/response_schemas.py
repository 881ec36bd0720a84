"""Response schemas: of the Responses API and the Batch API."""

from collections.abc import Mapping

from bench.emulator.answer_schemas import QUALITIES, svg_usage, usage
from bench.emulator.batch_api import ENDPOINTS
from bench.emulator.batches import STAMPED, WINDOW, Status
from bench.emulator.catalogue import Model
from bench.emulator.image_tool import ACTIONS, CHOICES, IMAGE_TOOL, MEMBERS
from bench.emulator.mainline import TextModel
from bench.emulator.response_checks import KINDS, LOOSE, WHOLE
from bench.emulator.response_input import DETAILS, ROLES
from bench.emulator.schemas import (
    INTEGER,
    TEXT,
    Schema,
    closed,
    one_of,
    parameter,
    picture_source,
)
from bench.emulator.values import RULES, WHOLE_MAX

NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
NULLABLE_INTEGER: Schema = {"type": ["integer", "null"]}
JSON_KINDS: Mapping[type, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    dict: "object",
}


def response_request(
    models: Mapping[str, Model], text_models: Mapping[str, TextModel]
) -> Schema:
    """Return the body of a request for a response."""
    members: Schema = {
        key: {"type": [JSON_KINDS[kind], "null"]} for key, kind in KINDS.items()
    }
    # Both name what only this emulator can know.
    members["previous_response_id"] = {"type": "null"}
    members["metadata"] = {"type": ["object", "null"], "maxProperties": 0}
    for key, low in WHOLE.items():
        members[key] |= {"minimum": low, "maximum": WHOLE_MAX}
    members |= {key: {} for key in (*LOOSE, "top_p")}
    forced = closed({"type": one_of(IMAGE_TOOL)})
    tool = {"anyOf": _tools(models)}
    members |= {
        "model": one_of(*text_models),
        "input": {"anyOf": [TEXT, _messages()]},
        "tools": {"type": "array", "items": tool, "maxItems": 1},
        "tool_choice": {"anyOf": [one_of(*CHOICES), forced]},
    }
    return {**closed(members), "required": ["model", "input"]}


def _messages() -> Schema:
    text = closed({"type": one_of("input_text"), "text": TEXT})
    by_url, by_id = (dict(one["properties"]) for one in picture_source()["oneOf"])
    kind = {"type": one_of("input_image"), "detail": one_of(*DETAILS)}
    pictures = (closed({**kind, **source}, "detail") for source in (by_url, by_id))
    parts = {"type": "array", "items": {"anyOf": [text, *pictures]}, "maxItems": 4}
    message = closed({"role": one_of(*ROLES), "content": {"anyOf": [TEXT, parts]}})
    return {"type": "array", "items": message, "minItems": 1, "maxItems": 3}


def _tools(models: Mapping[str, Model]) -> list[Schema]:
    """Return the tool for each family of models that take the same."""
    alike: dict[str, tuple[list[str], Schema]] = {}
    for model in models.values():
        if model.is_dall_e:
            continue
        known = (model.parameters | {"input_fidelity"}) & MEMBERS & RULES.keys()
        if not model.fidelities:
            known -= {"input_fidelity"}
        members = {key: parameter(key, model) for key in sorted(known)}
        names, _ = alike.setdefault(repr(members), ([], members))
        names.append(model.name)
    return [_tool(names, members) for names, members in alike.values()]


def _tool(names: list[str], members: Schema) -> Schema:
    own = {
        "type": one_of(IMAGE_TOOL),
        "model": one_of(*names),
        "action": one_of(*ACTIONS),
        "input_image_mask": picture_source(),
    }
    return {**closed({**own, **members}), "required": ["type", "model"]}


def response_components() -> Schema:
    """Return the schemas of answers."""
    return {
        "Response": _response(),
        "ResponseEvent": _event(),
        "DeletedResponse": closed(
            {"id": TEXT, "object": one_of("response"), "deleted": {"const": True}}
        ),
        "Batch": _batch(),
        "BatchList": closed(
            {
                "object": one_of("list"),
                "data": {"type": "array", "items": _batch()},
                "first_id": NULLABLE_TEXT,
                "last_id": NULLABLE_TEXT,
                "has_more": {"type": "boolean"},
            }
        ),
    }


def _response() -> Schema:
    tool_usage = closed(
        {"image_gen": usage(), "web_search": closed({"num_requests": INTEGER})}
    )
    mainline = closed(
        {
            "input_tokens": INTEGER,
            "input_tokens_details": closed(
                {"cached_tokens": INTEGER, "cache_write_tokens": INTEGER}
            ),
            "output_tokens": INTEGER,
            "output_tokens_details": closed({"reasoning_tokens": INTEGER}),
            "total_tokens": INTEGER,
        }
    )
    items = {"type": "array", "items": {"oneOf": [_picture_item(), _text_item()]}}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^resp_"},
            "object": one_of("response"),
            "created_at": INTEGER,
            "status": one_of("in_progress", "completed", "incomplete"),
            "error": {"type": "null"},
            "model": TEXT,
            "output": items,
            "usage": {"anyOf": [mainline, {"type": "null"}]},
            "tool_usage": tool_usage,
            "previous_response_id": NULLABLE_TEXT,
            "store": {"type": "boolean"},
        },
        "required": ["id", "object", "created_at", "status", "model", "output"],
    }


def _picture_item() -> Schema:
    return closed(
        {
            "id": {"type": "string", "pattern": "^ig_"},
            "type": one_of("image_generation_call"),
            "status": one_of("completed"),
            "action": one_of("generate", "edit"),
            "background": one_of("transparent", "opaque"),
            "output_format": one_of("png", "jpeg", "webp", "gif", "svg"),
            "quality": one_of(*QUALITIES),
            "result": TEXT,
            "revised_prompt": TEXT,
            "size": TEXT,
            "svg_usage": svg_usage(),
        },
        "svg_usage",
    )


def _text_item() -> Schema:
    part = closed(
        {
            "type": one_of("output_text"),
            "annotations": {"type": "array", "maxItems": 0},
            "logprobs": {"type": "array", "maxItems": 0},
            "text": TEXT,
        }
    )
    return closed(
        {
            "id": {"type": "string", "pattern": "^msg_"},
            "type": one_of("message"),
            "status": one_of("completed"),
            "content": {"type": "array", "items": part},
            "role": one_of("assistant"),
        }
    )


def _event() -> Schema:
    """Return what every event of a response has; the rest goes by its type."""
    told = {
        "type": "object",
        "properties": {"type": TEXT, "sequence_number": INTEGER},
        "required": ["type", "sequence_number"],
    }
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": told,
    }
    return closed({"event": TEXT, "data": data})


def batch_request() -> Schema:
    """Return the body that begins a batch."""
    members: Schema = {
        "input_file_id": {"type": "string", "format": "file-id"},
        "endpoint": one_of(*ENDPOINTS),
        "completion_window": one_of(WINDOW),
        "metadata": {"type": ["object", "null"]},
    }
    return closed(members, "metadata")


def _batch() -> Schema:
    row = closed(
        {
            "code": TEXT,
            "line": NULLABLE_INTEGER,
            "message": TEXT,
            "param": NULLABLE_TEXT,
        }
    )
    errors = closed({"object": TEXT, "data": {"type": "array", "items": row}})
    counts = closed(dict.fromkeys(("total", "completed", "failed"), INTEGER))
    return closed(
        {
            "id": {"type": "string", "pattern": "^batch_"},
            "object": one_of("batch"),
            "endpoint": one_of(*ENDPOINTS),
            "model": NULLABLE_TEXT,
            "errors": {"anyOf": [errors, {"type": "null"}]},
            "input_file_id": TEXT,
            "completion_window": one_of(WINDOW),
            "status": one_of(*Status),
            "output_file_id": NULLABLE_TEXT,
            "error_file_id": NULLABLE_TEXT,
            "created_at": INTEGER,
            "expires_at": INTEGER,
            **{f"{status}_at": NULLABLE_INTEGER for status in STAMPED},
            "request_counts": counts,
            "metadata": {"type": ["object", "null"]},
        }
    )

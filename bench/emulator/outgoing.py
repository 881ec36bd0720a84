"""Outgoing: what a gateway asks of its upstream, by its manner."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from bench.emulator.catalogue import MODELS, Model
from bench.emulator.faults import Scenario
from bench.emulator.forms import Form
from bench.emulator.image_tool import IMAGE_TOOL
from bench.emulator.multipart import FORM, Part
from bench.emulator.options import Manner
from bench.emulator.settle import another_quality, another_size
from bench.emulator.upstream import Outgoing

KNOWN = {model.name: model for model in MODELS}
URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request for pictures as it came, and as it goes on.

    `body` are its parameters as JSON values; `form` is there where it came as one;
    `raw` and `media_type` are what came, word for word.
    """

    body: Mapping[str, object]
    raw: bytes
    media_type: str
    form: Form | None = None
    operation: str = "generate"
    n_inputs: int = 0


def asked(
    members: Mapping[str, object],
    model: Model | None,
    manner: Manner,
    fault: Scenario | None,
) -> Mapping[str, object]:
    """Return the options for the upstream: a cheat or a fault changes them."""
    quality = members.get("quality")
    if model is not None and manner is Manner.SUBSTITUTES:
        return {**members, "quality": model.qualities[0]}
    if model is not None and fault is Scenario.WRONG_QUALITY:
        return {**members, "quality": another_quality(model, str(quality))}
    if fault is Scenario.WRONG_SIZE:
        return {**members, "size": another_size(str(members.get("size")))}
    return members


def image_request(
    came: Incoming, manner: Manner, fault: Scenario | None
) -> tuple[Outgoing, Mapping[str, object]]:
    """Return what goes out for a request for pictures, and its parameters."""
    model = KNOWN.get(str(came.body.get("model")))
    body = asked(came.body, model, manner, fault)
    # What nobody changed goes out as it came.
    same = body is came.body and manner not in (Manner.NEWAPI, Manner.LITELLM)
    plain = came.operation == "generate" and manner is Manner.LITELLM
    if same or (plain and body is came.body):
        return Outgoing(content=came.raw, media_type=came.media_type), body
    if came.form is not None:
        return _form(came.form, body, manner), body
    if manner is Manner.LITELLM and came.operation == "edit":
        return _urlencoded(body), body
    return Outgoing(content=json.dumps(body).encode()), body


def _urlencoded(body: Mapping[str, object]) -> Outgoing:
    """Write a JSON edit as this gateway does, whatever the upstream takes."""
    pairs: list[tuple[str, str]] = []
    for key, value in body.items():
        if key == "images" and isinstance(value, list):
            for each in cast("list[dict[str, object]]", value):
                pairs.extend((f"images[][{k}]", str(v)) for k, v in each.items())
        else:
            pairs.append((key, str(value)))
    return Outgoing(content=urlencode(pairs).encode(), media_type=URLENCODED)


def _form(form: Form, body: Mapping[str, object], manner: Manner) -> Outgoing:
    """Write a form anew: litellm calls every picture image.png, in a list."""
    boundary = uuid.uuid4().hex
    pieces: list[bytes] = []
    for key, value in body.items():
        if key not in form.files and value is not None:
            pieces.extend(_field(key, value))
    for name, parts in form.files.items():
        lists = name == "image" and (manner is Manner.LITELLM or len(parts) > 1)
        for part in parts:
            renamed = manner is Manner.LITELLM and name == "image"
            filename = "image.png" if renamed else part.filename
            pieces.append(_file(f"{name}[]" if lists else name, filename, part))
    mark = f"--{boundary}".encode()
    content = b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces)
    media_type = f"{FORM}; boundary={boundary}"
    return Outgoing(content=content + mark + b"--\r\n", media_type=media_type)


def _field(key: str, value: object) -> list[bytes]:
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        return [row for k, v in inner.items() for row in _field(f"{key}[{k}]", v)]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    head = f'content-disposition: form-data; name="{key}"\r\n\r\n'
    return [head.encode() + text.encode("utf-8", "replace")]


def _file(name: str, filename: str | None, part: Part) -> bytes:
    safe = (filename or "file").replace('"', "_").replace("\r", "_").replace("\n", "_")
    head = f'content-disposition: form-data; name="{name}"; filename="{safe}"\r\n'
    kind = f"content-type: {part.media_type}\r\n" if part.media_type else ""
    return f"{head}{kind}\r\n".encode() + part.content


def response_request(
    body: Mapping[str, object], raw: bytes, manner: Manner, fault: Scenario | None
) -> Outgoing:
    """Return what goes out for a response: a cheat changes the tool's options."""
    tools = body.get("tools")
    rows = cast("list[object]", tools) if isinstance(tools, list) else []
    changed = [_tool(row, manner, fault) for row in rows]
    if all(new is old for new, old in zip(changed, rows, strict=True)):
        same = manner not in (Manner.NEWAPI, Manner.LITELLM)
        return Outgoing(content=raw if same else json.dumps(body).encode())
    return Outgoing(content=json.dumps({**body, "tools": changed}).encode())


def _tool(row: object, manner: Manner, fault: Scenario | None) -> object:
    if not isinstance(row, dict):
        return row
    tool = cast("dict[str, object]", row)
    if tool.get("type") != IMAGE_TOOL:
        return tool
    return asked(tool, KNOWN.get(str(tool.get("model"))), manner, fault)

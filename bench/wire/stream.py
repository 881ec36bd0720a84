"""Stream: an answer that came as events (SSE), as facts; pure."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

from bench.wire.events import Event, events, is_too_long
from bench.wire.parsed import json_object
from bench.wire.pictures import read_pictures
from bench.wire.reading import CUT_BODY, Reading, response_id_of, text, unusable
from bench.wire.refusal import error_of, told_error
from bench.wire.responses import CALL, read_response

Json = dict[str, Any]
_PARTIAL = ".partial_image"
_COMPLETED = ("image_generation.completed", "image_edit.completed")
_RESPONSE_ENDS = ("response.completed", "response.incomplete", "response.failed")
_CUT = "the stream ended before its final picture"
_TOO_LONG = "its first lines hold no final picture, and it has far more than any stream"
NOT_ENDED = "stream_not_ended"


@dataclass(slots=True)
class _Seen:
    """What the events told so far.

    Attributes:
        last: Body, content and place of the one that ends the answer.
        items: Of a response, those that are done.
        first: Of a response, what its first events say of it.
    """

    partial_ends: list[int] = field(default_factory=list[int])
    picture: tuple[bytes, Json] | None = None
    response: tuple[bytes, Json] | None = None
    error: Json | None = None
    items: list[Json] = field(default_factory=list[Json])
    first: Json | None = None
    n_unreadable: int = 0


def read_stream(body: bytes, cut: str | None) -> Reading:
    """A stream as facts; what partial pictures used is in the final usage.

    Args:
        body: What came of it.
        cut: Why it is not whole; None when it is.
    """
    seen = _Seen()
    for event in events(body):
        _take(seen, event)
    if cut is None and is_too_long(body):
        cut = _TOO_LONG
    reading = _reading(seen, cut)
    flags = reading.flags if cut is None else (*reading.flags, NOT_ENDED)
    return replace(
        reading,
        partial_ends=tuple(seen.partial_ends),
        flags=flags if seen.picture or seen.response else reading.flags,
    )


def _take(seen: _Seen, event: Event) -> None:
    content = json_object(event.data)
    if content is None:
        seen.n_unreadable += event.data.strip() != b"[DONE]"
        return
    kind = text(content.get("type")) or event.name
    if kind.endswith(_PARTIAL):
        if _is_text(content.get("b64_json") or content.get("partial_image_b64")):
            seen.partial_ends.append(event.end)
    elif kind in _COMPLETED:
        seen.picture = seen.picture or (event.data, content)
    elif kind in _RESPONSE_ENDS:
        seen.response = seen.response or (event.data, content)
    elif kind == "error" or content.get("error"):
        seen.error = seen.error or error_of(content)
    else:
        _note_response(seen, kind, content)


def _note_response(seen: _Seen, kind: str, content: Json) -> None:
    if kind == "response.output_item.done":
        item = _object(content.get("item"))
        if item.get("type") == CALL:
            seen.items.append(item)
    elif kind.startswith("response.") and "response" in content:
        seen.first = _object(content["response"])


def _reading(seen: _Seen, cut: str | None) -> Reading:
    # What failed may be told before the last event, which then need not say it.
    told_before = {} if seen.error is None else {"error": seen.error}
    if seen.picture is not None:
        data, content = seen.picture
        return read_pictures(data, _with(content, told_before), [content])
    if seen.response is not None:
        data, content = seen.response
        response = _with(_object(content.get("response")), told_before)
        return read_response(data, response, seen.items, ("response",))
    first = seen.first or {}
    # A picture that came is there, whatever failed behind it.
    if any(_is_text(item.get("result")) for item in seen.items):
        reading = read_response(b"", {**first, "output": []}, seen.items)
        return replace(reading, flags=(*reading.flags, NOT_ENDED))
    if seen.error is not None:
        told = told_error(seen.error)
        is_response = seen.first is not None
        return replace(
            told, is_response=is_response, response_id=response_id_of(first.get("id"))
        )
    if cut is None and seen.n_unreadable and not seen.partial_ends:
        return unusable("bad_json", "an event of the answer is no JSON object")
    reading = unusable(CUT_BODY, cut or _CUT)
    return replace(
        reading, is_response=bool(first), response_id=response_id_of(first.get("id"))
    )


def _with(content: Json, told_before: Json) -> Json:
    return content if content.get("error") else {**content, **told_before}


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)

"""Events: the events of a stream (SSE), from a body as it came; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson

_MARK_OF_ORDER = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BLANK = _MARK_OF_ORDER + b" \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        name: What its line `event:` says, empty without one; gateways drop it.
        data: Its lines of data.
        end: How many bytes of the body are there when it is whole.
    """

    name: str
    data: bytes
    end: int


def events(body: bytes) -> Iterator[Event]:
    """The events of a stream, the last one too where its empty line is missing.

    Lines end by LF, CR LF or CR, as the standard of WHATWG lets them.
    """
    name, data, at = "", list[bytes](), 0
    for line in body.splitlines(keepends=True):
        at += len(line)
        plain = line.rstrip(b"\r\n")
        if at == len(line):
            plain = plain.removeprefix(_MARK_OF_ORDER)
        if not plain:
            if data:
                yield Event(name=name, data=b"\n".join(data), end=at)
            name, data = "", list[bytes]()
            continue
        label, _, value = plain.partition(b":")
        value = value.removeprefix(b" ")
        if label == b"data":
            data.append(value)
        elif label == b"event":
            name = value.decode("utf-8", "replace")
    if data:
        yield Event(name=name, data=b"\n".join(data), end=at)


def is_like_events(body: bytes) -> bool:
    """Whether a body begins as events do, whatever it is called."""
    return body[:100].lstrip(_BLANK).startswith(_FIELDS)


def json_object(data: bytes) -> dict[str, Any] | None:
    """The object that a text of JSON is, None for anything else."""
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None

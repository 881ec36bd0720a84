"""Lifted: a body read with its pictures taken out before; pure."""

import re
import secrets
from typing import Any, cast

import pybase64

from bench.wire.parsed import parsed
from bench.wire.reading import MOST_PICTURES

_OPENING = re.compile(rb'"b64_json"[ \t\r\n]*:[ \t\r\n]*"')
# Stands in the place of a picture; no answer can hold it.
_PLACE = secrets.token_hex(16).encode()

Json = dict[str, Any]


def lift(body: bytes) -> tuple[bytes, Json, tuple[bytes, ...]] | None:
    """A body without its pictures, its content, and the pictures decoded.

    A picture is found by its name and ends at the next quotation mark; so one is
    read some times faster than by a parser, which looks at each sign.

    Returns:
        None where anything is not as usual: then a parser is to judge.
    """
    view, parts, encoded, at = memoryview(body), list[bytes](), list[memoryview](), 0
    while opening := _OPENING.search(body, at):
        start, end = opening.end(), body.find(b'"', opening.end())
        if end <= start or len(encoded) == MOST_PICTURES:
            return None
        parts += (body[at:start], _place(len(encoded)))
        encoded.append(view[start:end])
        at = end
    parts.append(body[at:])
    rest = b"".join(parts)
    try:
        content = parsed(rest)
        pictures = tuple(pybase64.b64decode(one, validate=True) for one in encoded)
    except ValueError:
        return None
    places = [_place(number).decode() for number in range(len(encoded))]
    is_usual = encoded and _found(content) == places
    return (rest, cast("Json", content), pictures) if is_usual else None


def _place(number: int) -> bytes:
    return b"%d %s" % (number, _PLACE)


def _found(content: object) -> list[object]:
    """What stands where the API puts pictures; None for each item without one."""
    answer = cast("Json", content) if isinstance(content, dict) else {}
    data = answer.get("data")
    items = cast("list[object]", data) if isinstance(data, list) else []
    return [
        cast("Json", item).get("b64_json") if isinstance(item, dict) else None
        for item in items
    ]

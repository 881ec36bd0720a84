"""Parsed: JSON of an answer, read within bounds; pure."""

from typing import Any, cast

import orjson

# Pictures make an answer long, never rich in members; what is small can't hold many.
_MOST_MEMBERS = 100_000
_SMALL_BYTES = 1_000_000


class TooRichError(ValueError):
    """It has more members than any answer has."""


def parsed(data: bytes) -> object:
    """What a text of JSON says.

    A member takes up to thirty times its bytes in memory, and bodies may be large.

    Raises:
        ValueError: It is no JSON, or `TooRichError`.
    """
    if len(data) > _SMALL_BYTES and data.count(b",") > _MOST_MEMBERS:
        raise TooRichError
    return orjson.loads(data)


def json_object(data: bytes) -> dict[str, Any] | None:
    """The object that a text of JSON is, None for anything else."""
    try:
        content = parsed(data)
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None

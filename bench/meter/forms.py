"""Forms: multipart bodies of a program's requests, taken apart."""

import re
from dataclasses import dataclass

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE = re.compile(rb'[;\s]filename="', re.IGNORECASE)
# The API takes 16 pictures and some words.
_MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form."""

    name: str
    content: bytes
    is_file: bool


def parts_of(kind: str, body: bytes) -> tuple[Part, ...] | None:
    """The parts of a form, None when it is none that we can read.

    Args:
        kind: The content type of the body.
        body: As it is sent.
    """
    found = _BOUNDARY.search(kind)
    if found is None or not kind.lower().startswith("multipart/form-data"):
        return None
    line = b"--" + found[1].encode()
    # In front of the first line there may be nothing, behind the last an end.
    pieces = (b"\r\n" + body).split(b"\r\n" + line)[1:-1]
    if not 0 < len(pieces) <= _MOST_PARTS:
        return None
    parts: list[Part] = []
    for piece in pieces:
        head, gap, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not gap or name is None:
            return None
        named = name[1].decode("utf-8", "replace")
        parts.append(Part(named, content, _FILE.search(head) is not None))
    return tuple(parts)

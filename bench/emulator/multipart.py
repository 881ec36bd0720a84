"""Multipart: the parts of a form, from a body that came whole."""

from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from bench.emulator.refusals import RefusedError, invalid

PARTS_MAX = 128
HEADER_BYTES_MAX = 8192
BOUNDARY_CHARS_MAX = 70
FORM = "multipart/form-data"
# What the library of headers stumbles over in parameters told in pieces.
NOT_READ = (TypeError, ValueError, LookupError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form; `filename` None means that it is a plain field."""

    name: str
    filename: str | None
    media_type: str | None
    content: bytes


def parts_of(body: bytes, content_type: str) -> list[Part]:
    """Take a form apart, in the order of its parts.

    Raises:
        RefusedError: no boundary, or a body that does not keep to it.
    """
    mark = b"--" + _boundary(content_type)
    if not body.startswith(mark):
        raise _malformed("it does not begin with its boundary")
    parts: list[Part] = []
    start = len(mark)
    while body[start : start + 2] != b"--":
        if body[start : start + 2] != b"\r\n":
            raise _malformed("a boundary is not followed by a line break")
        end = body.find(b"\r\n" + mark, start)
        if end < 0:
            raise _malformed("its last boundary is missing")
        if len(parts) == PARTS_MAX:
            raise _malformed(f"it has more than {PARTS_MAX} parts")
        parts.append(_part(body, start + 2, end))
        start = end + 2 + len(mark)
    return parts


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    try:
        found = message.get_boundary()
    except NOT_READ:
        found = None
    if not found or len(found) > BOUNDARY_CHARS_MAX or not found.isascii():
        raise _malformed("its content type names no boundary")
    return found.encode()


def _part(body: bytes, start: int, end: int) -> Part:
    blank = body.find(b"\r\n\r\n", start, start + HEADER_BYTES_MAX)
    if blank < 0 or blank > end:
        raise _malformed("a part has no end of its headers")
    text = body[start:blank].decode("utf-8", "replace")
    headers = HeaderParser().parsestr(text)
    try:
        name = headers.get_param("name", header="content-disposition")
        filename = headers.get_filename()
    except NOT_READ:
        raise _malformed("a part has a header that can't be read") from None
    if headers.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise _malformed("a part has no name")
    kind = headers.get("content-type")
    return Part(
        name=name,
        filename=filename,
        media_type=None if kind is None else kind.partition(";")[0].strip().lower(),
        content=body[blank + 4 : end],
    )


def _malformed(why: str) -> RefusedError:
    return invalid(f"The request body is not a valid form: {why}.")

"""Outgoing: a request as the bytes that HTTP/1.1 wants."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER = re.compile(_TOKEN.pattern + rb": [\t\x20-\x7e\x80-\xff]*\r\n")
_HEADERS = re.compile(b"(?:" + _HEADER.pattern + b")*")
_SMALL_BYTES = 65_536
_TARGET = re.compile(rb"[\x21-\x7e]+")


def head_of(request: httpx2.Request) -> bytes:
    """The request line and headers, with the empty line after them.

    Raises:
        httpx2.LocalProtocolError: A sign in them would end a line or a word.
    """
    method, target = request.method.encode("ascii", "replace"), request.url.raw_path
    if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        sentence = "the request's method or address can't stand in a request line"
        raise httpx2.LocalProtocolError(sentence, request=request)
    lines = [b"%b: %b\r\n" % header for header in request.headers.raw]
    headers = b"".join(lines)
    if headers.count(b"\n") != len(lines) or not _HEADERS.fullmatch(headers):
        wrong = next(line for line in lines if not _HEADER.fullmatch(line))
        shown = wrong.partition(b":")[0].decode("ascii", "replace")[:60]
        sentence = f"header {shown!r}: a sign in it can't stand in a header"
        raise httpx2.LocalProtocolError(sentence, request=request)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request as it is written.

    Attributes:
        begin: Its first parts, or all of them.
        rest: The others as they come; None where there are none.
        is_head_only: It asks for a head without a body.
    """

    begin: tuple[bytes, ...]
    rest: AsyncIterator[bytes] | None = None
    is_head_only: bool = False


def outgoing(request: httpx2.Request) -> Outgoing:
    """A request of the library.

    Raises:
        httpx2.LocalProtocolError: A sign in its head would end a line or a word.
    """
    head, is_head_only = head_of(request), request.method == "HEAD"
    try:
        begin = together(head, request.content)
    except httpx2.RequestNotRead:
        rest = _parts(request)
        return Outgoing(begin=(head,), rest=rest, is_head_only=is_head_only)
    return Outgoing(begin=begin, is_head_only=is_head_only)


def together(head: bytes, body: bytes) -> tuple[bytes, ...]:
    """Head and body as one part, where that is less work than to send two."""
    return (head + body,) if len(body) <= _SMALL_BYTES else (head, body)


async def _parts(request: httpx2.Request) -> AsyncIterator[bytes]:
    """The body in parts, framed in chunks where its length is not known."""
    is_chunked = request.headers.get("transfer-encoding", "").lower() == "chunked"
    stream = request.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        sentence = "an asynchronous client was given a body that blocks"
        raise httpx2.LocalProtocolError(sentence, request=request)
    async for part in stream:
        if is_chunked and part:
            yield b"%x\r\n" % len(part)
            yield part
            yield b"\r\n"
        elif part:
            yield part
    if is_chunked:
        yield b"0\r\n\r\n"

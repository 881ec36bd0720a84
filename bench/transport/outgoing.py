"""Outgoing: a request as the bytes that HTTP/1.1 wants."""

import re
from collections.abc import AsyncIterator

import httpx2

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER = re.compile(_TOKEN.pattern + rb": [\t\x20-\x7e\x80-\xff]*\r\n")
_HEADERS = re.compile(b"(?:" + _HEADER.pattern + b")*")
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


def known_body(request: httpx2.Request) -> bytes | None:
    """The body where it is in memory already, else None."""
    try:
        return request.content
    except httpx2.RequestNotRead:
        return None


async def body_parts(request: httpx2.Request) -> AsyncIterator[bytes]:
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

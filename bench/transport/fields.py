"""Fields: what an answer's headers say of its body."""

from collections.abc import Sequence

_CODING = b"content-encoding"
_EVENT_STREAM = b"text/event-stream"
_NOT_PACKED = frozenset({b"", b"identity"})

Headers = Sequence[tuple[bytes, bytes]]


def is_packed(headers: Headers) -> bool:
    """Whether the body is compressed."""
    return _value(headers, _CODING).lower() not in _NOT_PACKED


def codings(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that say how a body is compressed, as they came."""
    return [(name, value) for name, value in headers if name.lower() == _CODING]


def is_stream(headers: Headers) -> bool:
    """Whether the body is a stream of events."""
    return _value(headers, b"content-type").lower().startswith(_EVENT_STREAM)


def known_length(headers: Headers) -> int | None:
    """How long a body is that needs no parser, None where it needs one."""
    length = _value(headers, b"content-length")
    is_framed = bool(_value(headers, b"transfer-encoding"))
    if is_framed or is_stream(headers) or not length.isdigit():
        return None
    return int(length)


def ends_by_closing(headers: Headers) -> bool:
    """Whether the body ends where the connection does."""
    is_measured = any(name.lower() == b"content-length" for name, _ in headers)
    coding = _value(headers, b"transfer-encoding").lower()
    return not is_measured and not coding.endswith(b"chunked")


def _value(headers: Headers, asked: bytes) -> bytes:
    """The last of that name, nothing where there is none."""
    values = [value for name, value in headers if name.lower() == asked]
    return values[-1].strip() if values else b""

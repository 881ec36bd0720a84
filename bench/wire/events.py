"""Events: the events of a stream (SSE), from a body as it came; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_MARK_OF_ORDER = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
# Of a stream that is all comments and empty lines nobody waits for the last.
_MOST_LINES = 100_000
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
    for line in islice(_lines(body), _MOST_LINES):
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


def is_too_long(body: bytes) -> bool:
    """Whether a stream has so many lines that its last are not read."""
    n_ends = body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n")
    return n_ends > _MOST_LINES


def _lines(body: bytes) -> Iterator[bytes]:
    """Each line with its end, one at a time: a body can be all line ends."""
    start, feed, turn = 0, -1, -1
    while start < len(body):
        if feed < start:
            feed = _place(body, b"\n", start)
        if turn < start:
            turn = _place(body, b"\r", start)
        is_pair = turn + 1 == feed
        end = min(len(body), feed if is_pair else min(feed, turn)) + 1
        yield body[start:end]
        start = end


def _place(body: bytes, sign: bytes, start: int) -> int:
    """Where a sign comes next, behind the end where it does not."""
    at = body.find(sign, start)
    return len(body) if at < 0 else at


def is_like_events(body: bytes) -> bool:
    """Whether a body begins as events do, whatever it is called."""
    return body[:100].lstrip(_BLANK).startswith(_FIELDS)

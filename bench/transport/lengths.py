"""Lengths: an answer's head that names its length twice, made plain."""

import re

_ANNOUNCED = re.compile(rb"\s*HTTP/1\.\d 1\d\d.*?\n\r?\n", re.DOTALL)
_END = re.compile(rb"\n\r?\n")
_NAME = b"content-length"


def with_one_length(content: bytes) -> bytes | None:
    """The answer so far, with its length named once.

    Gateways repeat the header, or write `5, 5`; RFC 9112 (6.3) lets a client
    read on where all agree.

    Args:
        content: All bytes since the request, announcements of the answer too.

    Returns:
        What follows the announcements, None while the head is not whole.

    Raises:
        ValueError: The lengths do not agree, or there is none.
    """
    while announced := _ANNOUNCED.match(content):
        content = content[announced.end() :]
    end = _END.search(content)
    if end is None:
        return None
    lines = content[: end.start()].split(b"\n")
    others = [line for line in lines if not _is_length(line)]
    named = b",".join(line.partition(b":")[2] for line in lines if _is_length(line))
    lengths = {length.strip() for length in named.split(b",")}
    if len(lengths) != 1:
        raise ValueError("lengths do not agree")
    plain = _NAME + b": " + lengths.pop() + b"\r"
    return b"\n".join((*others, plain)) + content[end.start() :]


def _is_length(line: bytes) -> bool:
    return line.partition(b":")[0].strip().lower() == _NAME

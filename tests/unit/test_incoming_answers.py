"""Incoming answers: however the bytes are cut, the same answer is read."""

from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.transport.incoming import Incoming

BODY = b'{"data": [{"b64_json": "AAAA"}]}'
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Request-Id: r1\r\n\r\n" % len(
    BODY
)
CHUNKS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Request-Id: r1\r\n\r\n"
    b"5;name=value\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5)
) + BODY[5:]
WHOLE = {
    "length": LENGTH + BODY,
    "chunks": CHUNKS + b"\r\n0\r\n\r\n",
    "chunks and a trailer": CHUNKS + b"\r\n0\r\nX-After: late\r\n\r\n",
    "announced": b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH + BODY,
    "line ends without CR": (LENGTH + BODY).replace(b"\r\n", b"\n"),
    "a bell in a header": LENGTH.replace(b"r1", b"r1\x07") + BODY,
    "length twice": LENGTH.replace(b"X-R", b"content-length: %d\r\nX-R" % len(BODY))
    + BODY,
    "length twice in a line": LENGTH.replace(
        b"%d\r" % len(BODY), b"%d, %d\r" % (len(BODY), len(BODY))
    )
    + BODY,
    "length twice after an announcement": b"HTTP/1.1 100 Continue\r\n\r\n"
    + LENGTH.replace(b"X-R", b"content-length: %d\r\nX-R" % len(BODY))
    + BODY,
    "announced as the last": b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n"
    + LENGTH
    + BODY,
    "a version to come": LENGTH.replace(b"1.1", b"1.2") + BODY,
    "space after a value": LENGTH.replace(b"r1", b"r1 \t") + BODY,
    "length beside chunks": CHUNKS.replace(b"X-R", b"Content-Length: 7\r\nX-R", 1)
    + b"\r\n0\r\n\r\n",
}
ENDS_BY_CLOSING = b"HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\n\r\n" + BODY


def _read(*parts: bytes, is_closed: bool = False) -> tuple[Incoming, bytes]:
    incoming = Incoming(is_head_only=False)
    body = b""
    for part in parts:
        incoming.feed(memoryview(part))
        body += incoming.take()
    if is_closed:
        incoming.lost(None)
    return incoming, body


def _cuts(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(1, len(content)):
        yield content[:at], content[at:]


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_the_same_wherever_it_is_cut(content: bytes) -> None:
    for parts in ((content,), *_cuts(content), [bytes([b]) for b in content]):
        incoming, body = _read(*parts)
        assert incoming.is_whole
        assert incoming.keeps_alive
        assert incoming.status == 200
        assert incoming.reason == b"OK"
        assert body == BODY
        headers = {name.lower(): value for name, value in incoming.headers}
        assert headers[b"x-request-id"].rstrip(b"\x07") == b"r1"
        assert b"x-after" not in headers
        assert b"link" not in headers


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_an_answer_that_lacks_a_byte_is_never_taken_for_whole(content: bytes) -> None:
    for part, _ in _cuts(content):
        incoming, _ = _read(part, is_closed=True)
        assert not incoming.is_whole
        assert incoming.is_over


def test_an_answer_without_a_length_ends_when_the_server_closes() -> None:
    for parts in _cuts(ENDS_BY_CLOSING):
        incoming, body = _read(*parts)
        assert not incoming.is_whole
        incoming.lost(None)
        assert incoming.is_whole
        assert not incoming.keeps_alive
        assert body == BODY


def test_an_answer_that_names_two_lengths_is_none() -> None:
    content = LENGTH.replace(b"X-R", b"Content-Length: 7\r\nX-R") + BODY
    for parts in ((content,), *_cuts(content)):
        incoming, _ = _read(*parts)
        assert incoming.is_over
        assert not incoming.is_whole


def test_a_large_answer_that_names_its_length_twice_is_whole_and_began_once() -> None:
    body = b"x" * 200_000
    length = b"Content-Length: %d\r\n" % len(body)
    content = b"HTTP/1.1 200 OK\r\n" + length * 2 + b"\r\n" + body
    for at in (10, 30, 60, 100, len(content)):
        incoming, read = _read(content[:at], content[at:])
        assert incoming.is_whole
        assert read == body
        assert incoming.n_begun == 1


def test_an_odd_head_that_drips_is_given_up_early() -> None:
    incoming, _ = _read(b"HTTP/1.1 200 OK\r\n" + b"Content-Length: 5\r\n" * 2)
    for _ in range(100):
        incoming.feed(memoryview(b"X-A: " + b"a" * 993 + b"\r\n"))
    assert incoming.is_over
    assert not incoming.is_whole


def test_a_change_of_protocol_is_told_and_spoils_no_answer_before_it() -> None:
    changed = b"HTTP/1.1 101 On\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"
    incoming, _ = _read(changed)
    with pytest.raises(httpx2.RemoteProtocolError, match="changed the protocol"):
        incoming.more(None).send(None)
    incoming, body = _read(LENGTH + BODY + changed)
    assert incoming.is_whole
    assert body == BODY


def test_an_answer_in_no_coding_ends_when_the_server_closes() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"
    incoming, body = _read(head, BODY, is_closed=True)
    assert incoming.is_whole
    assert body == BODY


def test_an_answer_without_a_length_that_breaks_off_is_not_whole() -> None:
    incoming, _ = _read(ENDS_BY_CLOSING)
    incoming.lost(ConnectionResetError())
    assert not incoming.is_whole


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_is_whole_with_its_head(status: bytes) -> None:
    incoming, body = _read(b"HTTP/1.1 " + status + b"\r\nX-A: b\r\n\r\n")
    assert incoming.is_whole
    assert body == b""


def test_the_answer_to_a_head_has_no_body_whatever_length_it_names() -> None:
    incoming = Incoming(is_head_only=True)
    incoming.feed(memoryview(LENGTH))
    assert incoming.is_whole
    assert not incoming.keeps_alive


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("more", [b"x", LENGTH + BODY, b"HTTP/1.1 200"])
def test_what_comes_unasked_after_an_answer_spoils_its_connection_alone(
    content: bytes, more: bytes
) -> None:
    for parts in ((content + more,), (content, more)):
        incoming, body = _read(*parts)
        assert incoming.is_whole
        assert body == BODY
        assert not incoming.keeps_alive


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Again: and again\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKS + b"\r\n0\r\n", b"X-Trailer: and again\r\n"),
        (CHUNKS + b"\r\n5;", b"a" * 1000),
    ],
    ids=["headers", "one header", "announcements", "trailer", "chunk extension"],
)
def test_a_head_without_end_is_given_up(begin: bytes, again: bytes) -> None:
    incoming, _ = _read(begin)
    for _ in range(2_000_000 // len(again)):
        incoming.feed(memoryview(again))
        incoming.take()
        if incoming.is_over:
            break
    assert incoming.is_over
    assert not incoming.is_whole


def test_a_body_in_chunks_of_one_byte_is_no_head_without_end() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    incoming, body = _read(head, *[b"1\r\nx\r\n"] * 100_000, b"0\r\n\r\n")
    assert incoming.is_whole
    assert body == b"x" * 100_000


@given(
    content=st.sampled_from(list(WHOLE.values())),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_damaged_bytes_are_an_answer_or_a_failure_and_never_an_exception(
    content: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(content)
    for at, byte in changes:
        damaged[at % len(damaged)] = byte
    incoming, _ = _read(bytes(damaged[:cut]), bytes(damaged[cut:]), is_closed=True)
    assert incoming.is_over
    if not incoming.is_whole:
        with pytest.raises(httpx2.TransportError):
            incoming.more(None).send(None)

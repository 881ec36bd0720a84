"""An upstream's stream is passed on by events, however its bytes come."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.emulator import upstream
from bench.emulator.hop_streams import event_data
from bench.emulator.upstream import UpstreamCutError, blocks_of

ENDS = (b"\n", b"\r\n", b"\r")


async def _pieces(body: bytes, n_bytes: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), n_bytes):
        yield body[start : start + n_bytes]


def blocks(body: bytes, n_bytes: int) -> list[bytes]:
    async def read() -> list[bytes]:
        found = httpx2.Response(200, content=_pieces(body, n_bytes))
        return [block async for block in blocks_of(found)]

    return asyncio.run(read())


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("n_bytes", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("is_closed", [True, False])
def test_events_are_told_apart_whatever_ends_their_lines(
    end: bytes, n_bytes: int, *, is_closed: bool
) -> None:
    lines = [b"event: a%sdata: {%sdata: }" % (end, end), b'data: {"b": 1}']
    body = (2 * end).join(lines) + (2 * end if is_closed else b"")
    found = blocks(body, n_bytes)
    assert b"".join(found) == body
    told = [event_data(one) for one in found if one.strip()]
    assert told == [{}, {"b": 1}]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*ENDS, b"data: {}", b"data", b":", b"\xff"])),
    st.integers(1, 5),
)
def test_no_byte_of_a_stream_is_lost_on_the_way(parts: list[bytes], n: int) -> None:
    body = b"".join(parts)
    assert b"".join(blocks(body, n)) == body


def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "EVENT_BYTES_MAX", 1_000)
    with pytest.raises(UpstreamCutError):
        blocks(b"data: " + 2_000 * b"x", 100)

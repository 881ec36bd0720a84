"""Hostile answers: large ones that are no pictures take little memory."""

import itertools
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.attempt import Outcome
from bench.wire import events as events_module
from bench.wire.answer import read_answer
from bench.wire.events import events
from bench.wire.reading import MOST_PICTURES, Reading

MB = 1_000_000
SMALL = b'{"b64_json":"AAAA"},'


def memory_of(work: Callable[[], Reading]) -> tuple[Reading, int]:
    """What it gives, and the most bytes that it held on the way."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[' + b"{}," * MB + b"{}]}",
        b'{"data":[' + SMALL * (MB // 5) + b"{}]}",
        b'{"output":[' + b"[]," * MB + b"[]]}",
        b'data: {"type":"x","a":[' + b"1," * MB + b"1]}\n\n",
        b"\r\n" * MB,
        b"data:" + b"\r" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_large_answer_takes_a_few_times_its_size_in_memory(
    body: bytes, status: int
) -> None:
    reading, n_bytes = memory_of(lambda: read_answer(status, body))
    assert reading.outcome in {Outcome.UNUSABLE, Outcome.SERVER_ERROR}
    # A parser takes twelve times as much before it looks, and writes to little of it.
    assert n_bytes < 16 * len(body) + MB


def test_an_answer_of_too_many_members_is_not_called_no_json() -> None:
    reading = read_answer(200, b'{"data":[' + b"{}," * MB + b"{}]}")
    assert reading.error_code == "bad_json"
    assert reading.error_message == "the answer has far more members than any has"


def test_of_very_many_pictures_the_first_hundred_are_taken() -> None:
    for n_pictures in (MOST_PICTURES, MOST_PICTURES + 1, 5_000):
        for name, kind in (("data", "b64_json"), ("output", "result")):
            call = b'{"type":"image_generation_call","%s":"AAAA"}' % kind.encode()
            body = b'{"%s":[%s]}' % (name.encode(), b",".join(n_pictures * [call]))
            reading = read_answer(200, body)
            assert reading.outcome is Outcome.OK
            assert len(reading.pictures) == MOST_PICTURES


def test_a_stream_of_nothing_but_comments_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    last = b'data: {"type":"image_generation.completed","b64_json":"AAAA"}\n\n'
    monkeypatch.setattr(events_module, "_MOST_LINES", 1_000)
    assert read_answer(200, 900 * b": hi\n" + last).outcome is Outcome.OK
    long = read_answer(200, 1_001 * b": hi\n" + last)
    assert (long.error_code, "far more than" in str(long.error_message)) == (
        "cut_body",
        True,
    )


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b":", b"a"])))
def test_lines_end_where_the_standard_ends_them(parts: list[bytes]) -> None:
    body = b"".join(parts)
    found: list[tuple[bytes, int]] = []
    at, data = 0, list[bytes]()
    for line in itertools.chain(body.splitlines(keepends=True), [b""]):
        at += len(line)
        plain = line.rstrip(b"\r\n")
        if plain.startswith(b"data"):
            data.append(plain.partition(b":")[2].removeprefix(b" "))
        elif not plain and data:
            found.append((b"\n".join(data), at))
            data = []
    assert [(one.data, one.end) for one in events(body)] == found

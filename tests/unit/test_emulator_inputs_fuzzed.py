"""Whatever comes as a form or a picture is read, or refused by name."""

import base64
import io
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.emulator.forms import read_form
from bench.emulator.inputs import PIECE_CHARS, _decoded, opened
from bench.emulator.multipart import parts_of
from bench.emulator.refusals import RefusedError
from tests.painted import holed, painted

KIND = "multipart/form-data; boundary=b"
PIECES = st.sampled_from(
    [
        b"--b",
        b"--",
        b"\r\n",
        b'content-disposition: form-data; name="n"',
        b'content-disposition: form-data; name="svg[model]"',
        b'content-disposition: form-data; name="image[]"; filename="a.png"',
        b"content-type: image/png",
        b"content-disposition: attachment",
        b"\xff\x00",
        b"2",
    ]
)


@settings(deadline=None, max_examples=400, derandomize=True)
@given(st.lists(PIECES, max_size=16).map(b"".join) | st.binary(max_size=60))
@example(b'\r\ncontent-disposition: form-data; name*="a"; name*1*="b"\r\n\r\n\r\n--b--')
def test_a_body_is_read_as_a_form_or_refused(body: bytes) -> None:
    with suppress(RefusedError):
        assert all(read_form(parts_of(b"--b" + body, KIND)).files.values())


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.binary(max_size=80).filter(lambda content: b"--b" not in content),
        max_size=5,
    )
)
def test_what_a_form_holds_comes_out_as_it_went_in(files: dict[str, bytes]) -> None:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"; filename="x"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files.items()
    )
    found = parts_of(body + b"--b--\r\n", KIND)
    assert {part.name: part.content for part in found} == files


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.sampled_from(["boundary", "*", "*1*", "=", '"', ";", "b", "''"])))
@example(["boundary", "*", "=", "b", ";", "boundary", "*1*", "=", "b"])
def test_a_content_type_names_a_boundary_or_is_refused(parts: list[str]) -> None:
    with suppress(RefusedError):
        assert parts_of(b"--b--", "multipart/form-data; " + "".join(parts)) == []


SOUND = [
    *(painted(40, 30, kind=kind) for kind in ("PNG", "JPEG", "WEBP")),
    holed(40, 30, (1, 1, 9, 9)),
]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_a_mutated_picture_is_opened_or_refused(
    sound: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(sound)
    for at, value in changes:
        content[at % len(content)] = value
    with suppress(RefusedError):
        found = opened(bytes(content[: len(content) - cut]))
        assert found.format in ("png", "jpeg", "webp")
        assert found.width_px * found.height_px > 0


def turned(orientation: int) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 30)), (6, (30, 40))])
def test_the_size_counts_after_the_orientation(orientation: Any, size: Any) -> None:
    found = opened(turned(orientation))
    assert (found.width_px, found.height_px) == size


def told(read: Callable[[str], bytes], text: str) -> Any:
    """What is read, or that it is refused."""
    try:
        return read(text)
    except ValueError:
        return ValueError


@pytest.mark.parametrize("n_bytes", [0, 1, 2, 3, 300_000, 3 * PIECE_CHARS // 4])
def test_base64_in_pieces_is_the_base64_of_the_whole(n_bytes: int) -> None:
    content = os.urandom(n_bytes)
    text = base64.b64encode(content).decode()
    assert _decoded(text) == content
    quarter = PIECE_CHARS // 2 - 1
    for bad in (
        text + "A",
        "A=" + text,
        text[:quarter] + "=" + text[quarter:] + "AAAA",
    ):
        assert told(partial(base64.b64decode, validate=True), bad) is ValueError
        assert told(_decoded, bad) is ValueError

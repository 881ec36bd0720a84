import asyncio
import hashlib
import io
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bench.aside import Aside
from bench.images.checker import Checked
from bench.images.header import read_header
from bench.images.pool import CheckerPool

Result = TypeVar("Result")


def _made(format_name: str, size: tuple[int, int] = (64, 48), **how: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, format_name, **how)
    return target.getvalue()


def _with(
    work: Callable[[CheckerPool], Awaitable[Result]], n_checkers: int = 2
) -> Result:
    async def session() -> Result:
        aside = Aside("pictures")
        pool = CheckerPool(aside, n_checkers)
        try:
            return await asyncio.wait_for(work(pool), 100)
        finally:
            await pool.close()
            aside.close()

    return asyncio.run(session())


def _asked(
    pool: CheckerPool, content: bytes, *, thumbnail: bool = False
) -> "asyncio.Future[Checked]":
    digest = hashlib.sha256(content).hexdigest()
    return asyncio.ensure_future(pool.check(content, digest, thumbnail=thumbnail))


def test_a_picture_that_hangs_holds_up_no_other() -> None:
    async def work(pool: CheckerPool) -> list[str | None]:
        await _asked(pool, _made("PNG"))
        child = pool._all[0]._child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        hanging = _asked(pool, _made("JPEG"))
        others = [await _asked(pool, _made("WEBP", (10 + n, 9))) for n in range(3)]
        assert not hanging.done()
        os.kill(child.pid, signal.SIGCONT)
        return [(await hanging).picture.format, *(o.picture.format for o in others)]

    assert _with(work) == ["jpeg", "webp", "webp", "webp"]


def test_the_same_bytes_are_opened_once() -> None:
    async def work(pool: CheckerPool) -> Checked:
        first = await _asked(pool, _made("PNG"))
        child = pool._all[0]._child
        assert child is not None
        # Asked, it would never answer.
        os.kill(child.pid, signal.SIGSTOP)
        second = await asyncio.wait_for(_asked(pool, _made("PNG")), 20)
        assert first.picture == second.picture
        return second

    assert _with(work, 1).picture.width_px == 64


def test_bytes_that_could_not_be_opened_are_opened_again() -> None:
    async def work(pool: CheckerPool) -> list[str | None]:
        await _asked(pool, _made("PNG"))
        child = pool._all[0]._child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        killed = _asked(pool, _made("JPEG"))
        while child._told is None or child._told.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        first = (await killed).picture.problem
        return [first, (await _asked(pool, _made("JPEG"))).picture.problem]

    assert _with(work, 1) == ["ends the decoder", None]


def test_a_child_that_died_idle_costs_no_picture() -> None:
    async def work(pool: CheckerPool) -> str | None:
        await _asked(pool, _made("PNG"))
        child = pool._all[0]._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        # It has ended, and the loop had no turn to hear of it.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  as said
        return (await _asked(pool, _made("JPEG"))).picture.problem

    assert _with(work, 1) is None


def test_a_picture_known_without_its_thumbnail_gets_one() -> None:
    async def work(pool: CheckerPool) -> bytes:
        await _asked(pool, _made("PNG"))
        return (await _asked(pool, _made("PNG"), thumbnail=True)).thumbnail

    assert _with(work).startswith(b"RIFF")


@pytest.mark.parametrize(
    ("format_name", "how"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + b"x" * 500}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0MM\0*"}),
    ],
)
def test_the_first_bytes_give_format_and_size(
    format_name: str, how: dict[str, Any]
) -> None:
    header = read_header(_made(format_name, (321, 123), **how))
    assert (header.format, header.width_px, header.height_px) == (
        format_name.lower(),
        321,
        123,
    )
    assert not header.simulated


def test_a_jpeg_may_have_fill_before_its_markers() -> None:
    jpeg = _made("JPEG", (321, 123))
    header = read_header(jpeg[:2] + b"\xff" * 3 + jpeg[2:])
    assert (header.format, header.width_px, header.height_px) == ("jpeg", 321, 123)
    # Each is looked at while others are stamped, so not without end.
    assert read_header(jpeg[:2] + b"\xff" * 9999 + jpeg[2:]).format is None


def test_what_is_cut_or_no_picture_has_no_size() -> None:
    for content in (b"", b"<html>", b"RIFF1234WEBPVP8 ", b"\xff\xd8\xff", b"GIF89a"):
        assert read_header(content).width_px is None
    jpeg = _made("JPEG")
    for end in range(2, 200):
        header = read_header(jpeg[:end])
        assert (header.format is None) == (header.width_px is None)


def test_the_mark_is_found_without_opening() -> None:
    text = PngInfo()
    text.add_text("Software", "pixelmeter-emulator")
    assert read_header(_made("PNG", pnginfo=text)).simulated

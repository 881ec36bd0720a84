"""Checker: hostile pictures cost one picture, never the run."""

import asyncio
import base64
import hashlib
import io
import json
import os
import signal
import struct
import sys
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import bench.images.checker as checker_module
from bench.aside import Aside
from bench.client.exchange import Exchange
from bench.folder import DataFolder
from bench.images.checker import Checked, PictureChecker
from bench.images.inspector import MARK, MOST_PIXELS, inspect
from bench.images.pool import CheckerPool
from bench.images.shelf import Keep
from bench.meter.examiner import Examined, Examiner
from bench.transport.stamps import RequestStamps

Result = TypeVar("Result")


def _made(format_name: str, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    target = io.BytesIO()
    mode = options.pop("mode", "RGB")
    Image.new(mode, size, options.pop("colour", 200)).save(
        target, format_name, **options
    )
    return target.getvalue()


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + _chunk(b"IEND", b"")
    )


def _png_text() -> PngInfo:
    text = PngInfo()
    text.add_text("Software", MARK.decode())
    return text


def _exif(*, value: str = MARK.decode()) -> bytes:
    exif = Image.Exif()
    exif[0x0131] = value
    return exif.tobytes()


def _marked(format_name: str) -> bytes:
    options: dict[str, dict[str, Any]] = {
        "PNG": {"pnginfo": _png_text()},
        "JPEG": {"comment": MARK},
        "WEBP": {"exif": _exif()},
    }
    return _made(format_name, **options[format_name])


def _with(work: Callable[[PictureChecker], Awaitable[Result]]) -> Result:
    async def go() -> Result:
        aside = Aside("pictures")
        checker = PictureChecker(aside)
        try:
            return await asyncio.wait_for(work(checker), 100)
        finally:
            await checker.close()
            aside.close()

    return asyncio.run(go())


async def _until_asked(checker: PictureChecker) -> None:
    """Wait until a picture is on its way to the child."""
    while not checker._turn.locked():  # noqa: ASYNC110  the lock tells nobody
        await asyncio.sleep(0.01)


def _check(*contents: bytes, thumbnail: bool = False) -> list[Checked]:
    async def each(checker: PictureChecker) -> list[Checked]:
        return [await checker.check(c, thumbnail=thumbnail) for c in contents]

    return _with(each)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_described_by_its_bytes(format_name: str) -> None:
    content = _made(format_name)
    picture = _check(content)[0].picture
    assert picture.problem is None
    assert picture.format == format_name.lower()
    assert (picture.width_px, picture.height_px) == (64, 48)
    assert picture.sha256 == hashlib.sha256(content).hexdigest()
    assert picture.n_bytes == len(content)
    assert not picture.simulated


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
def test_the_mark_of_the_emulator_is_found(format_name: str) -> None:
    facts, _ = inspect(_marked(format_name), thumbnail=False)
    assert facts["simulated"]
    assert facts["problem"] is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_png_header(50_000, 50_000), f"more than {MOST_PIXELS:,} pixels"),
        (_png_header(8_000, 5_001), f"more than {MOST_PIXELS:,} pixels"),
        (_png_header(64, 48), "can't be decoded"),
        (_made("PNG")[:-30], "can't be decoded"),
        (_made("JPEG", (500, 500))[:600], "can't be decoded"),
        (_made("WEBP")[:40], "can't be decoded"),
        (_made("GIF")[:20], "can't be decoded"),
        (_made("TIFF"), "can't be decoded"),
        (_made("BMP"), "can't be decoded"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG without a size"),
        (b"", "can't be decoded"),
        (bytes(range(256)) * 40, "can't be decoded"),
        (b"\x89PNG\r\n\x1a\n", "can't be decoded"),
        (b"RIFF\x00\x00\x00\x00WEBP", "can't be decoded"),
    ],
)
def test_what_is_no_picture_is_a_fact_and_no_error(
    monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str
) -> None:
    # As the child itself sets it before its first picture.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    facts, thumbnail = inspect(content, thumbnail=True)
    assert problem in (facts["problem"] or "")
    assert thumbnail == b""


def test_a_bomb_is_known_by_its_header_and_never_unpacked() -> None:
    bomb, good = _check(_png_header(50_000, 50_000), _made("PNG"))
    assert bomb.picture.problem == f"more than {MOST_PIXELS:,} pixels"
    assert (bomb.picture.format, bomb.picture.width_px) == ("png", 50_000)
    assert good.picture.problem is None


def test_after_broken_bytes_the_next_picture_is_fine() -> None:
    contents = [b"", os.urandom(5000), _made("PNG")[:-30], b"\n" * 100, _made("PNG")]
    problems = [checked.picture.problem is None for checked in _check(*contents)]
    assert problems == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (_made("PNG", (1024, 512)), (256, 128)),
        (_made("JPEG", (100, 1000)), (26, 256)),
        (_made("WEBP", (64, 48)), (64, 48)),
        (_made("GIF", (64, 48)), (64, 48)),
        (_made("PNG", (300, 300), mode="RGBA", colour=(1, 2, 3, 0)), (256, 256)),
        (_made("PNG", (300, 300), mode="P"), (256, 256)),
        (_made("PNG", (300, 300), mode="L"), (256, 256)),
        (_made("PNG", (300, 300), mode="I;16"), (256, 256)),
        (_made("JPEG", (300, 300), mode="CMYK"), (256, 256)),
    ],
)
def test_a_thumbnail_is_a_small_webp(content: bytes, size: tuple[int, int]) -> None:
    facts, thumbnail = inspect(content, thumbnail=True)
    assert facts["problem"] is None
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert (small.format, small.size) == ("WEBP", size)


def test_no_thumbnail_is_made_where_none_was_asked_for() -> None:
    assert _check(_made("PNG"))[0].thumbnail == b""
    assert _check(_made("PNG"), thumbnail=True)[0].thumbnail.startswith(b"RIFF")


def test_a_child_that_is_killed_in_the_middle_costs_one_picture() -> None:
    async def work(checker: PictureChecker) -> list[Checked]:
        first = await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        # A stopped child takes the picture and never answers; then it dies.
        os.kill(checker._child.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(checker.check(_made("JPEG"), thumbnail=False))
        await _until_asked(checker)
        os.kill(checker._child.pid, signal.SIGKILL)
        second = await asked
        third = await checker.check(_made("WEBP"), thumbnail=False)
        return [first, second, third]

    found = [checked.picture for checked in _with(work)]
    assert [picture.format for picture in found] == ["png", None, "webp"]
    assert [picture.problem for picture in found] == [None, "ends the decoder", None]


def test_a_child_that_died_while_idle_costs_one_picture_at_most() -> None:
    async def work(checker: PictureChecker) -> Checked:
        await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        os.kill(checker._child.pid, signal.SIGKILL)
        while checker._child.is_there:  # noqa: ASYNC110  the child tells nobody
            await asyncio.sleep(0.01)
        return await checker.check(_made("JPEG"), thumbnail=False)

    assert _with(work).picture.problem is None


def test_a_child_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(checker: PictureChecker) -> list[str | None]:
        await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        os.kill(checker._child.pid, signal.SIGSTOP)
        monkeypatch.setattr(checker_module, "PATIENCE_S", 0.2)
        late = await checker.check(_made("JPEG"), thumbnail=False)
        monkeypatch.undo()
        good = await checker.check(_made("JPEG"), thumbnail=False)
        return [late.picture.problem, good.picture.problem]

    late, good = _with(work)
    assert late is not None
    assert "to decode" in late
    assert good is None


def test_one_who_stops_waiting_does_not_shift_the_answers() -> None:
    async def work(checker: PictureChecker) -> Checked:
        await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        os.kill(checker._child.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(
            checker.check(_made("PNG", (10, 10)), thumbnail=False)
        )
        await _until_asked(checker)
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        if checker._child is not None:
            os.kill(checker._child.pid, signal.SIGCONT)
        return await checker.check(_made("JPEG", (20, 20)), thumbnail=False)

    picture = _with(work).picture
    assert (picture.format, picture.width_px) == ("jpeg", 20)


def test_pictures_asked_for_together_each_get_their_own_facts() -> None:
    async def work(checker: PictureChecker) -> list[Checked]:
        sizes = [(10 + n, 20) for n in range(12)]
        asked = [checker.check(_made("PNG", s), thumbnail=True) for s in sizes]
        return list(await asyncio.gather(*asked))

    widths = [checked.picture.width_px for checked in _with(work)]
    assert widths == [10 + n for n in range(12)]


def test_a_picture_too_large_to_send_is_not_even_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checker_module, "MOST_PICTURE_BYTES", 100)

    async def work(checker: PictureChecker) -> Checked:
        checked = await checker.check(b"x" * 101, thumbnail=False)
        assert checker._child is None
        return checked

    assert _with(work).picture.problem == "more than 100 bytes"


def test_the_child_ends_with_the_checker() -> None:
    async def work(checker: PictureChecker) -> Any:
        await checker.check(_made("PNG"), thumbnail=False)
        child = checker._child
        await checker.close()
        await checker.close()
        return child

    assert _with(work).end() == -signal.SIGKILL


def test_one_who_is_told_twice_to_stop_leaves_the_next_picture_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checker_module, "_SMALL_BYTES", 64_000)
    go_on = threading.Event()
    large = _made("PNG", (90, 90), pnginfo=_large_text())
    assert len(large) > checker_module._SMALL_BYTES

    async def work() -> tuple[bool, Checked]:
        aside = Aside("pictures")
        checker = PictureChecker(aside)
        waiting = asyncio.ensure_future(aside.do(lambda: go_on.wait(60)))
        looking = checker.check(large, thumbnail=False, sha256="0" * 64)
        asked = asyncio.ensure_future(looking)
        for _ in range(3):
            await asyncio.sleep(0.05)
            asked.cancel()
        is_held = checker._turn.locked()
        following = asyncio.ensure_future(checker.check(_made("JPEG"), thumbnail=False))
        await asyncio.sleep(0.05)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asked
        found = await following
        await waiting
        await checker.close()
        aside.close()
        return is_held, found

    is_held, found = asyncio.run(asyncio.wait_for(work(), 100))
    assert is_held
    assert (found.picture.format, found.picture.problem) == ("jpeg", None)


def _large_text() -> PngInfo:
    text = PngInfo()
    text.add_text("Comment", os.urandom(40_000).hex())
    return text


def test_where_no_memory_can_be_shared_a_file_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    contents = (_made("PNG", (90, 90), pnginfo=_large_text()), _made("JPEG"))
    large, small = _check(*contents, thumbnail=True)
    assert (large.picture.format, large.picture.problem) == ("png", None)
    assert (small.picture.format, small.picture.problem) == ("jpeg", None)
    assert small.thumbnail.startswith(b"RIFF")


def test_a_picture_for_which_there_is_no_room_has_a_problem_and_its_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open("/dev/full", "r+b", buffering=0) as full:  # noqa: PTH123  as the checker's own
        monkeypatch.setattr(checker_module, "_shared_file", lambda: full)
        picture = _check(b"any")[0].picture
    assert picture.sha256 == hashlib.sha256(b"any").hexdigest()
    assert "could not be looked at" in (picture.problem or "")


def test_who_closes_does_not_wait_for_the_picture_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checker_module, "PATIENCE_S", 20)

    async def work(checker: PictureChecker) -> Checked:
        await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        os.kill(checker._child.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(checker.check(_made("JPEG"), thumbnail=False))
        await _until_asked(checker)
        await checker.close()
        return await asked

    assert _with(work).picture.problem == "ends the decoder"


TOLD: dict[str, Any] = {
    "format": "png",
    "width_px": 1,
    "height_px": 1,
    "simulated": False,
    "problem": None,
    "n_thumbnail_bytes": 0,
}
# Answers each request with the same; and once more when it is given a signal.
_TELLER = """#!{python}
import os, signal, sys
told = open({told!r}, "rb").read()
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, told))
while sys.stdin.buffer.readline():
    os.write(1, told)
"""


def _tell(monkeypatch: pytest.MonkeyPatch, folder: Path, told: bytes) -> None:
    """Have a child in place of ours that tells what it is given."""
    answer, teller = folder / "told", folder / "teller"
    answer.write_bytes(told)
    teller.write_text(_TELLER.format(python=sys.executable, told=str(answer)))
    teller.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(teller))
    monkeypatch.setattr(checker_module, "PATIENCE_S", 20)


def _line(**changes: object) -> bytes:
    return json.dumps({**TOLD, **changes}).encode() + b"\n"


@pytest.mark.parametrize(
    "told",
    [
        b"no JSON\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b"x" * 3_000_000,
        b"{}\n",
        json.dumps({k: v for k, v in TOLD.items() if k != "format"}).encode() + b"\n",
        _line(format="png/../../x"),
        _line(format=["png"]),
        _line(width_px="1"),
        _line(height_px=2**64),
        _line(simulated=1),
        _line(problem=5),
        _line(problem="\x1b[2J"),
        _line(n_thumbnail_bytes="0"),
        _line(n_thumbnail_bytes=-1),
        _line(n_thumbnail_bytes=10**12),
        _line() + b"more",
    ],
    ids=range(17),
)
def test_a_child_that_tells_what_ours_does_not_costs_its_picture_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: bytes
) -> None:
    _tell(monkeypatch, tmp_path, told)

    async def work(checker: PictureChecker) -> Checked:
        return await checker.check(b"any", thumbnail=False)

    picture = _with(work).picture
    assert picture.problem == "ends the decoder"
    assert picture.sha256 == hashlib.sha256(b"any").hexdigest()


def test_a_jpeg_of_several_pictures_has_a_format_too() -> None:
    more = [Image.new("RGB", (64, 48))]
    picture = _check(_made("MPO", save_all=True, append_images=more))[0].picture
    assert (picture.format, picture.problem) == ("mpo", None)


def test_what_a_child_says_unasked_is_not_of_the_next_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _tell(monkeypatch, tmp_path, _line())

    async def work(checker: PictureChecker) -> tuple[Any, Any, Checked]:
        await checker.check(b"first", thumbnail=False)
        before = checker._child
        assert before is not None
        os.kill(before.pid, signal.SIGUSR1)
        while before.is_there and not before._received:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        second = await checker.check(b"second", thumbnail=False)
        return before, checker._child, second

    before, after, second = _with(work)
    assert before is not after
    assert second.picture.problem is None


@pytest.mark.parametrize("keep", [Keep.KEEP, Keep.THUMB])
def test_no_child_names_the_files_that_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keep: Keep
) -> None:
    _tell(monkeypatch, tmp_path, _line(n_thumbnail_bytes=4) + b"RIFF")
    body = json.dumps({"data": [{"b64_json": base64.b64encode(b"any").decode()}]})
    answer = Exchange(
        stamps=RequestStamps(started_ns=0), status=200, body=body.encode()
    )

    async def work(checker: PictureChecker) -> Examined:
        data = DataFolder(tmp_path)
        pool = CheckerPool(checker._aside)
        examiner = Examiner(data, keep, pool, checker._aside, checker._aside)
        found = await examiner.examine(answer, wants_contents=False)
        await pool.close()
        return found

    (picture,) = _with(work).pictures
    digest = hashlib.sha256(b"any").hexdigest()
    assert picture.sha256 == digest
    kept = [path.name for path in (tmp_path / "images").glob("*/*")]
    assert [name.partition(".")[0] for name in kept] == [digest]


def test_a_wake_for_nothing_does_not_end_the_child() -> None:
    async def work(checker: PictureChecker) -> Checked:
        await checker.check(_made("PNG"), thumbnail=False)
        assert checker._child is not None
        checker._child._hear()
        assert checker._child.is_there
        return await checker.check(_made("JPEG"), thumbnail=False)

    assert _with(work).picture.problem is None


def test_what_is_too_large_to_look_at_is_hashed_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checker_module, "MOST_PICTURE_BYTES", 100)
    go_on = threading.Event()

    async def work() -> tuple[bool, Checked]:
        aside = Aside("pictures")
        checker = PictureChecker(aside)
        waiting = asyncio.ensure_future(aside.do(lambda: go_on.wait(60)))
        asked = asyncio.ensure_future(checker.check(b"x" * 101, thumbnail=False))
        await asyncio.sleep(0.05)
        is_early = asked.done()
        go_on.set()
        found, _ = await asyncio.gather(asked, waiting)
        await checker.close()
        aside.close()
        return is_early, found

    is_early, found = asyncio.run(asyncio.wait_for(work(), 100))
    assert not is_early
    assert found.picture.sha256 == hashlib.sha256(b"x" * 101).hexdigest()


def test_a_picture_that_cannot_be_decoded_is_told_without_the_name_of_an_error() -> (
    None
):
    cut, _ = inspect(_made("JPEG", (500, 500))[:600], thumbnail=False)
    assert cut["problem"] == "can't be decoded (it is damaged or cut short)"
    other, _ = inspect(b"no picture at all", thumbnail=False)
    assert other["problem"] == "can't be decoded (it is no PNG, JPEG, WebP or GIF)"

"""Header: what a picture's first bytes say of it; nothing is opened."""

import re
from dataclasses import dataclass

from bench.images.drawing import is_svg, size_of

MARK = b"pixelmeter-emulator"
_MARKS = (MARK, MARK.decode().encode("utf-16-le"))
# Where marks stand: in front of the picture's data, or behind it.
_EDGE_BYTES = 65_536
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GIF = (b"GIF87a", b"GIF89a")
_GIF_HEAD_BYTES = 10
# Begins each marker; any number more may stand in front.
_FILL = 0xFF
# Whoever sends hundreds of megabytes of them must not hold up who takes the stamps.
_MOST_MARKERS = 1000
# Frames of every way to code a JPEG; the others are tables and the like.
_FRAME = re.compile(
    rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf].{3}(.{2})(.{2})", re.DOTALL
)
_SVG_ROOT = re.compile(r"<svg\b([^<>]{0,4000})>")
_SVG_ATTRIBUTE = re.compile(r"\s(width|height|viewBox)\s?=\s?[\"']([^\"']{0,100})")
_WEBP_FRAME = b"\x9d\x01\x2a"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture promises; None where it is of no format that we know."""

    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    simulated: bool = False


def read_header(content: bytes) -> Header:
    """Format and size as the first bytes give them."""
    simulated = _is_marked(content)
    if content.startswith(_PNG) and content[12:16] == b"IHDR":
        size = _number(content[16:20]), _number(content[20:24])
        return Header("png", *size, simulated)
    if content.startswith(_JPEG) and (size := _jpeg_size(content)):
        return Header("jpeg", *size, simulated)
    if content.startswith(_GIF) and len(content) >= _GIF_HEAD_BYTES:
        size = _little(content[6:8]), _little(content[8:10])
        return Header("gif", *size, simulated)
    if is_svg(content):
        return Header("svg", *_svg_size(content), simulated)
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    if is_webp and (size := _webp_size(content)):
        return Header("webp", *size, simulated)
    return Header(simulated=simulated)


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame, past the segments before it."""
    at = 2
    for _ in range(_MOST_MARKERS):
        if at + 9 >= len(content) or content[at] != _FILL:
            break
        if frame := _FRAME.match(content, at):
            return _number(frame[2]), _number(frame[1])
        is_fill = content[at + 1] == _FILL
        at += 1 if is_fill else 2 + _number(content[at + 2 : at + 4])
    return None


def _svg_size(content: bytes) -> tuple[int, int] | tuple[None, None]:
    """What its first element says."""
    root = _SVG_ROOT.search(content[:_EDGE_BYTES].decode("utf-8", "replace"))
    named = _SVG_ATTRIBUTE.findall(root[1]) if root else []
    return size_of(dict(named)) or (None, None)


def _webp_size(content: bytes) -> tuple[int, int] | None:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:  # noqa: PLR2004  the shortest of the three heads
        return None
    if kind == b"VP8X":
        return _little(body[4:7]) + 1, _little(body[7:10]) + 1
    if kind == b"VP8L":
        bits = _little(body[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == _WEBP_FRAME:
        return _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF
    return None


def _little(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _is_marked(content: bytes) -> bool:
    return any(
        content.find(mark, start, end) >= 0
        for mark in _MARKS
        for start, end in (
            (0, _EDGE_BYTES),
            (max(0, len(content) - _EDGE_BYTES), len(content)),
        )
    )

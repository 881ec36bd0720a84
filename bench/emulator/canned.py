"""Canned: one answer of a given size, made once and served to all."""

import io
import struct
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bench.emulator.answers import Plan, document, json_bytes
from bench.emulator.checks import edges_px
from bench.emulator.render import MARK
from bench.emulator.settle import list_price_usd
from bench.emulator.state import Outcome

# Ancillary, private, not to be copied: whoever opens the picture passes over it.
_PADDING = b"paDd"
_END_BYTES = 12
_CHUNK_BYTES = 12
CANNED_KEPT = 8


def canned_outcome(plan: Plan, answer_bytes: int) -> Outcome:
    """Return an answer whose body has about so many bytes, or the least it can.

    Its pictures are plain white PNGs of the size that was asked, each padded.
    """
    n = plan.wanted.n
    bare = plain_picture(plan.drawn_size)
    least_bytes = len(json_bytes(document(plan, [bare] * n)))
    # Base64 makes four bytes of three.
    padding_bytes = max(0, answer_bytes - least_bytes) * 3 // 4 // n
    picture = _padded(bare, padding_bytes)
    return Outcome(
        body=json_bytes(document(plan, [picture] * n)),
        usage=None if plan.usage is None else plan.usage.as_json(),
        list_usd=list_price_usd(plan),
        quality=plan.told_quality,
        size=plan.told_size,
    )


def padded_picture(size: str, n_bytes: int) -> bytes:
    """Return a plain picture of about so many bytes, or the least it can."""
    bare = plain_picture(size)
    return _padded(bare, n_bytes - len(bare))


def plain_picture(size: str) -> bytes:
    """Return a white PNG of this size in a few hundred bytes."""
    marks = PngInfo()
    marks.add_text("simulated", "pixelmeter-emulator")
    marks.add_text("Comment", f"{MARK} request=canned")
    out = io.BytesIO()
    Image.new("1", edges_px(size), 1).save(out, "PNG", pnginfo=marks)
    return out.getvalue()


def _padded(picture: bytes, n_bytes: int) -> bytes:
    """Put a chunk of no meaning before the end of a PNG."""
    if n_bytes <= _CHUNK_BYTES:
        return picture
    data = bytes(n_bytes - _CHUNK_BYTES)
    check = zlib.crc32(data, zlib.crc32(_PADDING))
    chunk = struct.pack(">I", len(data)) + _PADDING + data + struct.pack(">I", check)
    return picture[:-_END_BYTES] + chunk + picture[-_END_BYTES:]

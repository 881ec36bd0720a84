"""Inspector: the child process that opens pictures we don't trust.

Its argument is the descriptor of a file that it shares with its parent. Reads
`{"n_bytes", "thumbnail"}` from standard input when so many bytes stand at the
file's beginning, answers `{"format", "width_px", "height_px", "simulated",
"problem", "n_thumbnail_bytes"}` and the thumbnail's bytes; ends when input ends.
"""

import io
import json
import os
import resource
import sys
import warnings
from typing import Any, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from bench.images.drawing import is_svg, read_svg
from bench.images.header import MARK
from bench.memory import keep_room

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
MOST_MEMORY_BYTES = 1_500_000_000
THUMBNAIL_EDGE_PX = 256
_MARK_IN_UTF_16 = MARK.decode().encode("utf-16-le")


def main() -> None:
    """Serve until standard input ends."""
    limit()
    serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))


def limit() -> None:
    """Bind what this process may take, whatever a picture makes of it."""
    keep_room()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    # Our own limit is looked at between opening and decoding; Pillow's would
    # end the opening, and the size that was promised would not be known.
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False


def serve(requests: BinaryIO, answers: BinaryIO, shared: int) -> None:
    """Answer each request in turn."""
    while line := requests.readline():
        request = json.loads(line)
        content = os.pread(shared, request["n_bytes"], 0)
        facts, thumbnail = inspect(content, thumbnail=request["thumbnail"])
        facts["n_thumbnail_bytes"] = len(thumbnail)
        answers.write(json.dumps(facts).encode() + b"\n" + thumbnail)
        answers.flush()


def inspect(content: bytes, *, thumbnail: bool) -> tuple[dict[str, Any], bytes]:
    """Open and decode one picture.

    Returns:
        The facts of the module's docstring, and a WebP thumbnail's bytes (empty
        when none was asked for, of an SVG, or where the picture can't be used).
    """
    facts: dict[str, Any] = {
        "format": None,
        "width_px": None,
        "height_px": None,
        "simulated": False,
        "problem": None,
    }
    try:
        if is_svg(content):
            return facts | _of_svg(content), b""
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            facts["format"] = (picture.format or "").lower()
            facts["width_px"], facts["height_px"] = picture.size
            facts["simulated"] = _is_marked(picture)
            if picture.width * picture.height > MOST_PIXELS:
                facts["problem"] = f"more than {MOST_PIXELS:,} pixels"
                return facts, b""
            picture.load()
            return facts, _thumbnail(picture) if thumbnail else b""
    # Decoders raise whatever they meet; the picture is the culprit in any case.
    except Exception as error:  # noqa: BLE001
        facts["problem"] = not_decoded(error)
        return facts, b""


def _of_svg(content: bytes) -> dict[str, Any]:
    """The facts of an SVG; no file may be named so that can't be shown safely."""
    found = read_svg(content)
    return {
        "format": "svg" if found.problem is None else None,
        "width_px": found.width_px,
        "height_px": found.height_px,
        "simulated": any(MARK.decode() in text for text in found.comments),
        "problem": found.problem,
    }


def not_decoded(error: Exception) -> str:
    """Why a picture can't be used, by what its decoder raised."""
    if isinstance(error, UnidentifiedImageError):
        return "can't be decoded (it is no PNG, JPEG, WebP or GIF)"
    if isinstance(error, MemoryError):
        return "can't be decoded (it takes too much memory)"
    return "can't be decoded (it is damaged or cut short)"


def _is_marked(picture: Image.Image) -> bool:
    for value in picture.info.values():
        content = value if isinstance(value, bytes) else str(value).encode()
        if MARK in content or _MARK_IN_UTF_16 in content:
            return True
    return False


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    small.thumbnail((THUMBNAIL_EDGE_PX, THUMBNAIL_EDGE_PX))
    target = io.BytesIO()
    small.save(target, "WEBP", quality=80)
    return target.getvalue()


if __name__ == "__main__":
    main()

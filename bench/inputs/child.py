"""Child: the process that opens pictures which are sent along.

Reads `{"n_bytes", "keep", "width_px", "height_px"}` and so many bytes of a picture
from standard input; answers a line with the facts of the inspector, `has_alpha`,
`n_clear_px`, `coloured_share`, `between_share` (neither near black nor near white)
and `n_bytes`, and so many bytes behind it: a mask made of the picture where `keep`
is white or black, else nothing. Ends when input ends.
"""

import functools
import io
import json
import sys
from typing import Any, BinaryIO

from PIL import Image, ImageChops

from bench.images.inspector import inspect, limit, not_decoded

_MIDDLE = 128
_COLOURED = 33
_DARK, _LIGHT = 64, 192
_NOTHING: dict[str, Any] = {
    "has_alpha": False,
    "n_clear_px": 0,
    "coloured_share": 0.0,
    "between_share": 0.0,
}
_OPAQUE = 255


def main() -> None:
    """Serve until standard input ends."""
    limit()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request in turn."""
    while line := requests.readline():
        request = json.loads(line)
        content = requests.read(request["n_bytes"])
        facts, _ = inspect(content, thumbnail=False)
        made = b""
        facts |= _NOTHING
        if facts["problem"] is None:
            try:
                facts |= _told(content)
                if request["keep"]:
                    made = _mask(content, request)
            # As in the inspector: the picture is the culprit in any case.
            except Exception as error:  # noqa: BLE001
                facts["problem"] = not_decoded(error)
        facts["n_bytes"] = len(made)
        answers.write(json.dumps(facts).encode() + b"\n" + made)
        answers.flush()


def _told(content: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(content)) as picture:
        has_alpha = "A" in picture.getbands() or "transparency" in picture.info
        whole = picture.convert("RGBA")
    n_px = whole.width * whole.height
    *colours, alpha = whole.split()
    darkest = functools.reduce(ImageChops.darker, colours)
    lightest = functools.reduce(ImageChops.lighter, colours)
    apart = ImageChops.subtract(lightest, darkest).histogram()
    grey = whole.convert("L").histogram()
    return {
        "has_alpha": has_alpha,
        "n_clear_px": alpha.histogram()[0],
        "coloured_share": sum(apart[_COLOURED:]) / n_px,
        "between_share": sum(grey[_DARK:_LIGHT]) / n_px,
    }


def _mask(content: bytes, request: dict[str, Any]) -> bytes:
    """A PNG whose alpha is 0 where the picture may be changed, and 255 elsewhere."""
    with Image.open(io.BytesIO(content)) as picture:
        grey = picture.convert("L")
    if request["width_px"]:
        size = (request["width_px"], request["height_px"])
        grey = grey.resize(size, Image.Resampling.NEAREST)
    keeps_white = request["keep"] == "white"
    alpha = grey.point(
        [_OPAQUE if (level >= _MIDDLE) == keeps_white else 0 for level in range(256)]
    )
    made = Image.merge("LA", (Image.new("L", alpha.size, 0), alpha)).convert("RGBA")
    target = io.BytesIO()
    made.save(target, "PNG", optimize=True)
    return target.getvalue()


if __name__ == "__main__":
    main()

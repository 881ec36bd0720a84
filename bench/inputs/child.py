"""Child: the process that opens pictures which are sent along.

Reads `{"n_bytes", "keep", "width_px", "height_px"}` and so many bytes of a picture
from standard input; answers a line with the facts of the inspector, `has_alpha`,
`n_clear_px` and `n_bytes`, and so many bytes behind it: a mask made of the picture
where `keep` is white or black, else nothing. Ends when input ends.
"""

import io
import json
import sys
from typing import Any, BinaryIO

from PIL import Image

from bench.images.inspector import inspect, limit

_MIDDLE = 128
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
        facts |= {"has_alpha": False, "n_clear_px": 0}
        if facts["problem"] is None:
            try:
                facts |= _alpha(content)
                if request["keep"]:
                    made = _mask(content, request)
            # As in the inspector: the picture is the culprit in any case.
            except Exception as error:  # noqa: BLE001
                facts["problem"] = f"can't be decoded ({type(error).__name__})"
        facts["n_bytes"] = len(made)
        answers.write(json.dumps(facts).encode() + b"\n" + made)
        answers.flush()


def _alpha(content: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(content)) as picture:
        if "A" not in picture.getbands() and "transparency" not in picture.info:
            return {"has_alpha": False, "n_clear_px": 0}
        alpha = picture.convert("RGBA").getchannel("A")
        return {"has_alpha": True, "n_clear_px": alpha.histogram()[0]}


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

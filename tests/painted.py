"""Painted: small inputs and masks, made anew for each test."""

import base64
import io

from PIL import Image


def painted(
    width_px: int,
    height_px: int,
    ink: tuple[int, int, int] = (90, 120, 160),
    kind: str = "PNG",
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width_px, height_px), ink).save(out, kind)
    return out.getvalue()


def holed(width_px: int, height_px: int, hole: tuple[int, int, int, int]) -> bytes:
    """Return an opaque PNG with a hole (left, top, right, bottom) of alpha 0."""
    mask = Image.new("RGBA", (width_px, height_px), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), hole)
    out = io.BytesIO()
    mask.save(out, "PNG")
    return out.getvalue()


def as_data_url(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"

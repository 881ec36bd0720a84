"""Lettering: the texts that a prompt quotes, drawn with a real font."""

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

QUOTED = re.compile(r"\"([^\"]*)\"|“([^“”]+)”|「([^「」]+)」|『([^『』]+)』|‘([^‘’]+)’")
TEXTS_MAX = 6
TEXT_CHARS_MAX = 200
MARGIN_SHARE = 0.08
LARGEST_SHARE = 0.14
SMALLEST_FONT_PX = 12
INK = (24, 24, 28, 255)
PLATE = (250, 248, 240, 255)


def quoted_texts(prompt: str) -> tuple[str, ...]:
    """Return the texts in quotation marks, straight, typographic or Chinese."""
    found = ("".join(filter(None, m.groups())) for m in QUOTED.finditer(prompt))
    texts = (" ".join(text.split())[:TEXT_CHARS_MAX] for text in found)
    return tuple(t for t in texts if t)[:TEXTS_MAX]


@lru_cache(maxsize=1)
def _font_file() -> Path:
    # The folder is found without importing the package, which would pull a
    # plotting library into the emulator.
    spec = importlib.util.find_spec("zhplot")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the font package 'zhplot' is not installed; run make venv")
    return Path(spec.submodule_search_locations[0], "fonts", "NotoSansSC-Regular.ttf")


@lru_cache(maxsize=64)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        str(_font_file()), size_px, layout_engine=ImageFont.Layout.BASIC
    )


def draw_texts(picture: Image, texts: tuple[str, ...]) -> None:
    """Draw each text on its own light plate, one below the other."""
    if not texts:
        return
    draw = ImageDraw.Draw(picture)
    width_px, height_px = picture.size
    band_px = height_px * (1 - 2 * MARGIN_SHARE) / len(texts)
    for at, text in enumerate(texts):
        middle_px = height_px * MARGIN_SHARE + band_px * (at + 0.5)
        _draw_plate(draw, text, (width_px / 2, middle_px), band_px * 0.8)


def _draw_plate(
    draw: ImageDraw.ImageDraw, text: str, centre: tuple[float, float], high_px: float
) -> None:
    room_px = 2 * centre[0] * (1 - 2 * MARGIN_SHARE)
    block, font = _fitted(text, room_px, high_px)
    spacing = font.size * 0.2
    box = draw.multiline_textbbox(
        centre, block, font, anchor="mm", spacing=spacing, align="center"
    )
    pad = font.size * 0.3
    draw.rounded_rectangle(
        (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), pad, fill=PLATE
    )
    draw.multiline_text(
        centre, block, INK, font, anchor="mm", spacing=spacing, align="center"
    )


def _fitted(
    text: str, room_px: float, high_px: float
) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return the text in lines, in the largest size that fits (or the smallest)."""
    size_px = float(min(high_px, room_px * LARGEST_SHARE))
    while True:
        font = _font(max(SMALLEST_FONT_PX, int(size_px)))
        lines = _lines(text, font, room_px)
        if len(lines) * font.size * 1.4 <= high_px or size_px <= SMALLEST_FONT_PX:
            return "\n".join(lines), font
        size_px *= 0.8


def _lines(text: str, font: ImageFont.FreeTypeFont, room_px: float) -> list[str]:
    """Break at spaces; a word that is too long (Chinese has no spaces) anywhere."""
    lines: list[str] = []
    line = ""
    for word in re.findall(r"\S+\s*", text):
        if font.getlength((line + word).rstrip()) <= room_px:
            line += word
            continue
        if line:
            lines.append(line.rstrip())
        line = ""
        for sign in word:
            if line and font.getlength(line + sign) > room_px:
                lines.append(line)
                line = ""
            line += sign
    return [*lines, line.rstrip()] if line.strip() else lines

"""Vectors: a small scene as SVG text, and what its author took for it."""

import random
import re
import zlib
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

from bench.emulator.mainline import (
    TEXT_MODELS,
    MainlineUsage,
    mainline_price_usd,
    picture_tokens,
)
from bench.emulator.tokens import text_tokens

AUTHOR = "gpt-5.2"
REASONING_TOKENS = {
    "none": 0,
    "minimal": 64,
    "low": 256,
    "medium": 512,
    "high": 1024,
    "xhigh": 2048,
    "max": 4096,
}
OUTPUT_MIN = 600
OUTPUT_SPREAD = 200
# What XML can't hold, and halves of signs.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
INK = "#18181c"


@dataclass(frozen=True, slots=True, kw_only=True)
class SvgUsage:
    """Tokens of the text model that wrote an SVG; reasoning is in the output."""

    model: str
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int

    def as_json(self) -> dict[str, object]:
        """Return the `svg_usage` member of an answer."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "model": self.model,
        }


def svg_usage(
    prompt: str, width_px: int, height_px: int, *, model: str | None, effort: str | None
) -> SvgUsage:
    """Count what the author reads (prompt, reference picture) and writes.

    The counts are the emulator's own choice (docs/emulator.md).
    """
    reasoning = REASONING_TOKENS[effort or "medium"]
    mixed = zlib.crc32(prompt.encode("utf-8", "surrogatepass"))
    return SvgUsage(
        model=model or AUTHOR,
        input_tokens=text_tokens(prompt) + picture_tokens(width_px, height_px),
        output_tokens=OUTPUT_MIN + mixed % OUTPUT_SPREAD + reasoning,
        reasoning_tokens=reasoning,
    )


def svg_price_usd(usage: SvgUsage) -> Decimal:
    """Return what the author's tokens cost at its own rates."""
    author = next(one for one in TEXT_MODELS if one.name == usage.model)
    counted = MainlineUsage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens
    )
    return mainline_price_usd(author, counted)


def written(
    texts: tuple[str, ...], width_px: int, height_px: int, *, key: str, mark: str
) -> bytes:
    """Return an SVG of a ground, a few shapes and the texts, with the mark."""
    dice = random.Random(key)  # noqa: S311 - a picture, no secret
    view = f"0 0 {width_px} {height_px}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {mark} -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">',
        f'<rect width="{width_px}" height="{height_px}" fill="{_colour(dice)}"/>',
        *(_shape(dice, width_px, height_px) for _ in range(6)),
        *_lettered(texts, width_px, height_px),
        "</svg>\n",
    ]
    return "\n".join(lines).encode()


def _shape(dice: random.Random, width_px: int, height_px: int) -> str:
    edge_px = min(width_px, height_px)
    x, y = dice.randrange(width_px), dice.randrange(height_px)
    r = dice.randint(edge_px // 20, edge_px // 5)
    circle = f'circle cx="{x}" cy="{y}" r="{r}"'
    square = f'rect x="{x}" y="{y}" width="{r}" height="{r}"'
    return f'<{dice.choice((circle, square))} fill="{_colour(dice)}"/>'


def _lettered(texts: tuple[str, ...], width_px: int, height_px: int) -> list[str]:
    size = height_px // 12
    return [
        f'<text x="{width_px // 2}" y="{(at + 1) * height_px // (len(texts) + 1)}" '
        f'font-size="{size}" text-anchor="middle" fill="{INK}">'
        f"{escape(NOT_IN_XML.sub('', text))}</text>"
        for at, text in enumerate(texts)
    ]


def _colour(dice: random.Random) -> str:
    return f"#{dice.randrange(1 << 24):06x}"

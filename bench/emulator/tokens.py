"""Tokens: how many a request uses, from the emulator's own tables."""

import math
import zlib
from dataclasses import dataclass
from fractions import Fraction

FIXED_OUTPUT = {
    "1024x1024": {"low": 272, "medium": 1056, "high": 4160},
    "1024x1536": {"low": 408, "medium": 1584, "high": 6240},
    "1536x1024": {"low": 400, "medium": 1568, "high": 6208},
}
GRIDS = {
    "gpt-image-2": {"low": 16, "medium": 48, "high": 96},
    "gpt-image-2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
    # OpenAI publishes nothing for 2.6: this row is the emulator's own choice
    # (docs/emulator.md), near the few outside measurements and no truth at all.
    "gpt-image-2.6": {"low": 33, "medium": 44, "high": 48, "xhigh": 64, "max": 96},
}
TILED = ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5")
FIT_PX = 2048
TILE_PX = 512
TILES_BASE = 65
TILE_TOKENS = 129
HIGH_SQUARE_TOKENS = 4160
HIGH_OTHER_TOKENS = 6240
PATCH_PX = 16
PATCHES_MAX = 1536
TEXT_OUTPUT_MIN = 335
TEXT_OUTPUT_SPREAD = 105


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one whole request, all its pictures together."""

    input_text_tokens: int
    output_image_tokens: int
    output_text_tokens: int = 0
    input_image_tokens: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the `usage` member of an answer."""
        n_in = self.input_text_tokens + self.input_image_tokens
        n_out = self.output_image_tokens + self.output_text_tokens
        return {
            "input_tokens": n_in,
            "input_tokens_details": {
                "image_tokens": self.input_image_tokens,
                "text_tokens": self.input_text_tokens,
            },
            "output_tokens": n_out,
            "output_tokens_details": {
                "image_tokens": self.output_image_tokens,
                "text_tokens": self.output_text_tokens,
            },
            "total_tokens": n_in + n_out,
        }


def text_tokens(prompt: str) -> int:
    """Count a prompt's tokens: a quarter of its UTF-8 bytes, rounded up, at least 1.

    The rule is the emulator's own (docs/emulator.md); real tokenizers differ.
    """
    n_bytes = len(prompt.encode("utf-8", "surrogatepass"))
    return max(1, math.ceil(n_bytes / 4))


def image_tokens(kin: str, quality: str, width_px: int, height_px: int) -> int:
    """Count the output tokens of one picture (research/pricing.md section 2.1)."""
    grid = GRIDS.get(kin)
    if grid is None:
        return FIXED_OUTPUT[f"{width_px}x{height_px}"][quality]
    long_px, short_px = max(width_px, height_px), min(width_px, height_px)
    long_cells = grid[quality]
    short_cells = (2 * long_cells * short_px + long_px) // (2 * long_px)
    weight = long_cells * short_cells * (2_000_000 + width_px * height_px)
    return -(-weight // 4_000_000)


def input_image_tokens(kin: str, width_px: int, height_px: int, fidelity: str) -> int:
    """Count the tokens of one input picture (research/pricing.md section 2.3).

    For gpt-image-2 and later nothing is published: the count is our own choice.
    """
    long_px, short_px = max(width_px, height_px), min(width_px, height_px)
    if kin not in TILED:
        patches = math.ceil(width_px / PATCH_PX) * math.ceil(height_px / PATCH_PX)
        return min(PATCHES_MAX, patches)
    # Made to fit, never enlarged; as fractions, so that no edge is a hair too long.
    shrink = min(Fraction(1), Fraction(FIT_PX, long_px), Fraction(TILE_PX, short_px))
    tiles = math.ceil(long_px * shrink / TILE_PX) * math.ceil(
        short_px * shrink / TILE_PX
    )
    tokens = TILES_BASE + TILE_TOKENS * tiles
    if fidelity == "high":
        square = long_px * 5 <= short_px * 6
        tokens += HIGH_SQUARE_TOKENS if square else HIGH_OTHER_TOKENS
    return tokens


def picture_text_tokens(kin: str, prompt: str) -> int:
    """Count the text tokens that gpt-image-1.5 adds to each picture; others add 0."""
    if kin != "gpt-image-1.5":
        return 0
    mixed = zlib.crc32(prompt.encode("utf-8", "surrogatepass"))
    return TEXT_OUTPUT_MIN + mixed % TEXT_OUTPUT_SPREAD

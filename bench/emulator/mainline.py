"""Mainline: the text models behind the image tool, and their rates."""

import math
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.emulator.options import Profile
from bench.emulator.prices import EXACT, MILLION, rounded

PICTURE_BASE_TOKENS = 85
PICTURE_TILE_TOKENS = 170
TILE_PX = 512
FIT_PX = 2048
SHORT_SIDE_PX = 768
OUTPUT_MIN = 40
OUTPUT_SPREAD = 60
CACHED_FROM = 1024
CACHED_STEP = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModel:
    """One text model: its life, and USD per million tokens.

    `cache_write` None: what is written into the cache is plain input.
    """

    name: str
    released_on: date
    input: Decimal
    cached: Decimal
    output: Decimal
    cache_write: Decimal | None = None
    retired_on: date | None = None

    def live_on(self, day: date) -> bool:
        """Whether the model is served on `day`."""
        gone = self.retired_on is not None and day >= self.retired_on
        return self.released_on <= day and not gone


def _model(
    name: str, released_on: date, rates: str, retired_on: date | None = None
) -> TextModel:
    """Read `input cached output [cache write]`."""
    text_in, cached, text_out, *write = (Decimal(rate) for rate in rates.split())
    return TextModel(
        name=name,
        released_on=released_on,
        retired_on=retired_on,
        input=text_in,
        cached=cached,
        output=text_out,
        cache_write=write[0] if write else None,
    )


_NANO_END = date(2026, 10, 23)
_MODELS = (
    _model("gpt-4o", date(2024, 5, 13), "2.50 1.25 10"),
    _model("gpt-4o-mini", date(2024, 7, 18), "0.15 0.075 0.60"),
    _model("gpt-4.1", date(2025, 4, 14), "2 0.50 8"),
    _model("gpt-4.1-mini", date(2025, 4, 14), "0.40 0.10 1.60"),
    _model("gpt-4.1-nano", date(2025, 4, 14), "0.10 0.025 0.40", _NANO_END),
    _model("o3", date(2025, 4, 16), "2 0.50 8"),
    _model("gpt-5", date(2025, 8, 7), "1.25 0.125 10"),
    _model("gpt-5-mini", date(2025, 8, 7), "0.25 0.025 2"),
    _model("gpt-5-nano", date(2025, 8, 7), "0.05 0.005 0.40"),
    _model("gpt-5.1", date(2025, 11, 13), "1.25 0.125 10"),
    _model("gpt-5.2", date(2025, 12, 11), "1.75 0.175 14"),
    _model("gpt-5.4", date(2026, 3, 5), "2.50 0.25 15"),
    _model("gpt-5.4-mini", date(2026, 3, 17), "0.75 0.075 4.50"),
    _model("gpt-5.4-nano", date(2026, 3, 17), "0.20 0.02 1.25"),
    _model("gpt-5.5", date(2026, 4, 24), "5 0.50 30"),
    _model("gpt-5.6-sol", date(2026, 7, 9), "4 0.40 20 5"),
    _model("gpt-5.6-terra", date(2026, 7, 9), "2 0.20 12 2.50"),
    _model("gpt-5.6-luna", date(2026, 7, 9), "0.20 0.02 1.20 0.25"),
)
_SNAPSHOTS = {
    "gpt-4o-2024-08-06": "gpt-4o",
    "gpt-4o-2024-11-20": "gpt-4o",
    "gpt-4o-mini-2024-07-18": "gpt-4o-mini",
    "gpt-4.1-2025-04-14": "gpt-4.1",
    "gpt-4.1-mini-2025-04-14": "gpt-4.1-mini",
    "gpt-4.1-nano-2025-04-14": "gpt-4.1-nano",
    "o3-2025-04-16": "o3",
    "gpt-5-2025-08-07": "gpt-5",
    "gpt-5-mini-2025-08-07": "gpt-5-mini",
    "gpt-5-nano-2025-08-07": "gpt-5-nano",
    "gpt-5.1-2025-11-13": "gpt-5.1",
    "gpt-5.2-2025-12-11": "gpt-5.2",
    "gpt-5.4-2026-03-05": "gpt-5.4",
    "gpt-5.4-mini-2026-03-17": "gpt-5.4-mini",
    "gpt-5.4-nano-2026-03-17": "gpt-5.4-nano",
    "gpt-5.5-2026-04-23": "gpt-5.5",
    "gpt-5.6": "gpt-5.6-sol",
}


def _all() -> tuple[TextModel, ...]:
    by_name = {model.name: model for model in _MODELS}
    dated = (replace(by_name[of], name=name) for name, of in _SNAPSHOTS.items())
    return (*_MODELS, *dated)


TEXT_MODELS = _all()


def text_models_served(
    profile: Profile, day: date | None = None
) -> dict[str, TextModel]:
    """Return the text models that `profile` serves on `day` (default: today, UTC)."""
    today = day or datetime.now(UTC).date()
    legacy = profile is Profile.LEGACY
    return {m.name: m for m in TEXT_MODELS if legacy or m.live_on(today)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MainlineUsage:
    """Tokens of the text model; cached and written ones are inside the input."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the `usage` member of a response."""
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.cache_write_tokens,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.input_tokens + self.output_tokens,
        }


def picture_tokens(width_px: int, height_px: int) -> int:
    """Count what the text model reads of one picture: 85, and 170 a tile.

    The picture is made to fit 2048 x 2048, then its short side to 768, and lies in
    tiles of 512. The same for every text model: the emulator's own choice.
    """
    fit = min(1.0, FIT_PX / max(width_px, height_px))
    width, height = width_px * fit, height_px * fit
    shrink = min(1.0, SHORT_SIDE_PX / min(width, height))
    tiles = math.ceil(width * shrink / TILE_PX) * math.ceil(height * shrink / TILE_PX)
    return PICTURE_BASE_TOKENS + PICTURE_TILE_TOKENS * tiles


def output_tokens(text: str) -> int:
    """Count what the text model writes for this text: 40 and a spread below 60."""
    mixed = zlib.crc32(text.encode("utf-8", "surrogatepass"))
    return OUTPUT_MIN + mixed % OUTPUT_SPREAD


def mainline_usage(
    model: TextModel, *, n_input: int, n_prefix: int, n_output: int
) -> MainlineUsage:
    """Return the usage of one turn whose first `n_prefix` tokens were there before.

    A prefix of at least 1024 tokens is cached, in steps of 128. Models that charge
    for it write the rest of an input that is as long, in the same steps.
    """
    cached = n_prefix // CACHED_STEP * CACHED_STEP if n_prefix >= CACHED_FROM else 0
    written = 0
    if model.cache_write is not None and n_input >= CACHED_FROM:
        written = (n_input - cached) // CACHED_STEP * CACHED_STEP
    return MainlineUsage(
        input_tokens=n_input,
        output_tokens=n_output,
        cached_tokens=cached,
        cache_write_tokens=written,
    )


def mainline_price_usd(model: TextModel, usage: MainlineUsage) -> Decimal:
    """Return the list price: each class rounded once, then summed."""
    plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    lines = (
        (plain, model.input),
        (usage.cached_tokens, model.cached),
        (usage.cache_write_tokens, model.cache_write or Decimal(0)),
        (usage.output_tokens, model.output),
    )
    total = Decimal(0)
    for quantity, rate in lines:
        line = EXACT.divide(EXACT.multiply(Decimal(quantity), rate), MILLION)
        total = EXACT.add(total, rounded(line))
    return total

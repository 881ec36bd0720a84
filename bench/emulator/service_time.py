"""Service time: how long the simulated model takes."""

import math
import random
from dataclasses import dataclass

MEDIAN_S = {
    "low": 6.0,
    "medium": 14.0,
    "high": 30.0,
    "xhigh": 45.0,
    "max": 60.0,
    "standard": 12.0,
    "hd": 20.0,
}
SIGMA = 0.25
SHARE_OF_EACH_FURTHER_PICTURE = 0.15
PIXELS_AT_MEDIAN = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution set from outside: the same for every model and quality."""

    kind: str = "lognormal"
    median_s: float = 8.0
    sigma: float = SIGMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the time of one request depends on."""

    quality: str
    pixels: int
    n: int
    pace: float


def median_s(work: Work) -> float:
    """Return the published median in seconds (docs/emulator.md)."""
    by_size = math.sqrt(work.pixels / PIXELS_AT_MEDIAN)
    by_count = 1 + SHARE_OF_EACH_FURTHER_PICTURE * (work.n - 1)
    return MEDIAN_S[work.quality] * work.pace * by_size * by_count


def draw_about_s(
    middle_s: float, sigma: float, key: str, chosen: Distribution | None = None
) -> float:
    """Draw a time about `middle_s`, or from the distribution that was chosen."""
    if chosen is not None:
        middle_s = chosen.median_s
        sigma = chosen.sigma if chosen.kind == "lognormal" else 0.0
    z = random.Random(key).gauss(0.0, 1.0)  # noqa: S311 - simulated time, no secret
    return middle_s * math.exp(sigma * z)


def draw_s(work: Work, chosen: Distribution | None, key: str) -> float:
    """Draw one service time in seconds; the same `key` gives the same draw."""
    return draw_about_s(median_s(work), SIGMA, key, chosen)

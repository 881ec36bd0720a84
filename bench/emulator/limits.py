"""Limits: requests and images a minute, over a sliding window."""

import math
from collections import deque
from dataclasses import dataclass, field

from bench.emulator.refusals import Refusal, rate_limited

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is let through in any 60 real seconds; None means no limit."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None


@dataclass(slots=True)
class Window:
    """What was let through lately: (when in seconds, images) a request."""

    passed: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def admit(self, limits: Limits, images: int, now_s: float) -> Refusal | None:
        """Let a request through and count it, or say how long to wait.

        Only requests that were let through count, and nothing while there is no
        limit: other limits begin with an empty minute.
        """
        if limits == Limits():
            return None
        while self.passed and self.passed[0][0] <= now_s - WINDOW_S:
            self.passed.popleft()
        ones = [(at_s, 1) for at_s, _ in self.passed]
        for metric, used, asked, limit in (
            ("requests", ones, 1, limits.requests_per_minute),
            ("images", list(self.passed), images, limits.images_per_minute),
        ):
            if limit is not None and sum(u for _, u in used) + asked > limit:
                wait_s = _wait_s(used, asked, limit, now_s)
                return _refusal(metric, limit, asked, wait_s)
        self.passed.append((now_s, images))
        return None

    def headers(self, limits: Limits, now_s: float) -> dict[str, str]:
        """Return the `x-ratelimit-` headers of each limit that is set.

        `reset` is when nothing of the minute counts any more.
        """
        if limits == Limits():
            return {}
        lately = [row for row in self.passed if row[0] > now_s - WINDOW_S]
        reset_s = math.ceil(lately[-1][0] + WINDOW_S - now_s) if lately else 0
        told: dict[str, str] = {}
        for metric, used, limit in (
            ("requests", len(lately), limits.requests_per_minute),
            ("images", sum(n for _, n in lately), limits.images_per_minute),
        ):
            if limit is not None:
                told[f"x-ratelimit-limit-{metric}"] = str(limit)
                told[f"x-ratelimit-remaining-{metric}"] = str(max(0, limit - used))
                told[f"x-ratelimit-reset-{metric}"] = f"{reset_s}s"
        return told


def _wait_s(
    used: list[tuple[float, int]], asked: int, limit: int, now_s: float
) -> int | None:
    """Return whole seconds until `asked` fits, None when it never does."""
    room = limit - sum(count for _, count in used)
    for at_s, count in used:
        room += count
        if room >= asked:
            return max(1, math.ceil(at_s + WINDOW_S - now_s))
    return None


def _refusal(metric: str, limit: int, asked: int, wait_s: int | None) -> Refusal:
    cure = (
        f"Please try again in {wait_s}s."
        if wait_s is not None
        else "A single request may not ask for more than the limit."
    )
    return rate_limited(
        metric,
        f"Rate limit reached on {metric} per minute: limit {limit}, "
        f"requested {asked}. {cure}",
        wait_s,
    )

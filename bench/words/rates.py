"""Rates: what a search for the highest rate tried and found, in words."""

from collections.abc import Mapping
from typing import Any

from bench.words.figures import seconds, seconds_between, so_many

_VERDICTS = {
    "under": "under",
    "over": "over",
    "unclear": "too near to tell",
    "client limited": "this program could not keep the rate",
}


def rate_text(per_s: float) -> str:
    """A rate as an option has it: `2.83/s`."""
    # Of three digits, but without an exponent, which no option takes.
    return f"{float(f'{per_s:.3g}'):g}/s"


def stage_text(tried: Mapping[str, Any], limit: str) -> str:
    """A rate that was tried, in a sentence.

    Args:
        tried: per_s, n, n_slow, n_late, p95_s, p95_interval_s, verdict.
        limit: As it was asked, such as `5s`.
    """
    p95 = "p95 beyond every answer" if tried["p95_s"] is None else _p95(tried)
    late = (
        f", {tried['n_late']:,} begun late by this program" if tried["n_late"] else ""
    )
    return (
        f"{rate_text(tried['per_s'])}: {so_many(tried['n'], 'request')}, {p95} from "
        f"schedule, {tried['n_slow']:,} at {limit} or more or without a picture{late}: "
        f"{_VERDICTS[tried['verdict']]}"
    )


def _p95(tried: Mapping[str, Any]) -> str:
    low_s, high_s = tried["p95_interval_s"]
    text = f"p95 {seconds(tried['p95_s'])}"
    if low_s is None or high_s is None:
        return text
    return f"{text} ({seconds_between(low_s, high_s)})"


def found_text(
    highest_per_s: float | None,
    lowest_not_per_s: float | None,
    goal: str,
    reason: str | None,
) -> str:
    """The end of a search, in a sentence.

    Args:
        highest_per_s: The highest rate that was clearly under the limit.
        lowest_not_per_s: The lowest above it that was not; None without one.
        goal: As it was asked, such as `p95<5s`.
        reason: Why it is not settled; None where it is.
    """
    if highest_per_s is None:
        found = f"no rate that was tried keeps {goal}"
    else:
        found = f"{rate_text(highest_per_s)} keeps {goal}"
        if lowest_not_per_s is not None:
            found += f", {rate_text(lowest_not_per_s)} does not clearly"
    settled = "" if reason is None else f"; not settled: {reason}"
    return f"{found} (latency from schedule){settled}"

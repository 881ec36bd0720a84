"""Sentences: what a comparison found, as `compare` says it."""

from bench.commands.answers import rounded
from bench.stats import Difference, Interval, Verdict
from bench.studies.pairing import Pairing
from bench.words.differences import (
    Sides,
    cost_sentence,
    success_sentence,
    time_sentence,
)


def sentences(pairing: Pairing) -> tuple[str, str, str]:
    """Cost, service time and success of the second side against the first."""
    cost, service, ok = pairing.cost, pairing.service, pairing.ok
    low_usd = rounded(cost.difference.interval.low)
    high_usd = rounded(cost.difference.interval.high)
    return (
        cost_sentence(
            _sides(pairing, cost.difference),
            cost.first_per_image,
            cost.second_per_image,
            None if low_usd is None or high_usd is None else (low_usd, high_usd),
        ),
        time_sentence(
            _sides(pairing, service), service.estimate, _closed(service.interval)
        ),
        success_sentence(_sides(pairing, ok), pairing.ok_shares, ok.n_pairs, ok.p),
    )


def _sides(pairing: Pairing, difference: Difference) -> Sides:
    return Sides(
        first=pairing.first,
        second=pairing.second,
        n_prompts=difference.n_prompts,
        is_clear=difference.verdict is Verdict.DIFFERENT,
    )


def _closed(interval: Interval) -> tuple[float, float] | None:
    if interval.low is None or interval.high is None:
        return None
    return interval.low, interval.high

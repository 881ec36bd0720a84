"""Comparing: a comparison as a table and sentences."""

import typer

from bench.commands.answers import rounded
from bench.commands.showing import FIGURE_COLUMNS, SIMULATED, figures
from bench.stats import Difference, Interval, Verdict
from bench.studies.comparison import Comparison
from bench.studies.levels import Level
from bench.studies.pairing import Cost, Pairing
from bench.words.differences import (
    Sides,
    cost_sentence,
    success_sentence,
    time_sentence,
)
from bench.words.figures import UNKNOWN, dollars, known_dollars
from bench.words.tables import print_table


def print_comparison(comparison: Comparison) -> None:
    """The levels, then a sentence a difference."""
    if comparison.simulated:
        typer.echo(SIMULATED)
    print_table(
        [(level_heading(comparison.by), False), *FIGURE_COLUMNS],
        [_level_line(level) for level in comparison.levels],
    )
    for pairing in comparison.pairings:
        typer.echo(f"\n{pairing.second} against {pairing.first}, like with like")
        for sentence in sentences(pairing):
            typer.echo(f"  {sentence}")
    if len(comparison.pairings) > 1:
        typer.echo(
            f"\n{len(comparison.pairings)} pairs were looked at; the intervals are "
            "for one each, so a lone narrow finding may be chance"
        )


def level_heading(by: str) -> str:
    """What stands above the levels; `n` alone would be the count beside it."""
    return "pictures asked (n)" if by == "n" else by


def _level_line(level: Level) -> list[str]:
    return [
        level.name + (" (simulated)" if level.simulated else ""),
        *figures(
            n_trials=level.n_trials,
            n=level.n_settled,
            n_ok=level.n_ok,
            times=level.times,
        ),
        dollars(level.usd_per_image) if level.images else UNKNOWN,
        known_dollars(level.charge_usd, level.n_charge_unknown)
        if level.n_settled
        else UNKNOWN,
    ]


def sentences(pairing: Pairing) -> list[str]:
    """Cost, service time and success of a pairing, a sentence each."""
    service, ok = pairing.service, pairing.ok
    return [
        _cost(pairing, pairing.cost),
        time_sentence(
            _sides(pairing, service), service.estimate, _closed(service.interval)
        ),
        success_sentence(_sides(pairing, ok), pairing.ok_shares, ok.n_pairs, ok.p),
    ]


def _cost(pairing: Pairing, cost: Cost) -> str:
    low, high = cost.difference.interval.low, cost.difference.interval.high
    low_usd, high_usd = rounded(low), rounded(high)
    bounds = None if low_usd is None or high_usd is None else (low_usd, high_usd)
    return cost_sentence(
        _sides(pairing, cost.difference),
        cost.first_per_image,
        cost.second_per_image,
        bounds,
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

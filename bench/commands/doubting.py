"""Doubting: counts and costs that don't agree with ours, for `show`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from bench.studies.token_gaps import TokenGap, readable_plans, token_gaps
from bench.studies.told_costs import CostGap, ToldCost, cost_gaps, told_costs
from bench.words.figures import UNKNOWN, dollars, signed_dollars
from bench.words.gaps import cost_gap_sentences, token_gap_sentence
from bench.words.tables import print_table
from pricing.money import usd_text

if TYPE_CHECKING:
    import duckdb

    from bench.folder import DataFolder, RunFolder

_MOST_LISTED = 10


def tokens_against_the_rule(
    con: "duckdb.DuckDBPyConnection", folder: "DataFolder", run_id: str
) -> tuple[TokenGap, ...]:
    """What the answers of a run reported, against the rules of their models."""
    from bench.store.chosen import Chosen
    from bench.store.reported import reported_tokens

    rows = reported_tokens(con, Chosen(runs=(run_id,)))
    return token_gaps(rows, readable_plans(folder))


def costs_against_ours(
    con: "duckdb.DuckDBPyConnection", run: "RunFolder"
) -> tuple[CostGap, ...]:
    """What answers of a run told of their cost, where some differs from ours.

    The index knows only that one differs; the amounts stand in the journals.
    """
    from bench.store.reported import n_costs_otherwise

    if not n_costs_otherwise(con, run.run_id):
        return ()
    return cost_gaps(told_costs(run))


def print_token_gaps(gaps: Sequence[TokenGap]) -> None:
    """The cells whose counts are not the rule's, and a sentence for each."""
    off = [gap for gap in gaps if gap.off]
    if not off:
        return
    typer.echo("\nimage tokens reported against the published rule")
    columns = [(name, False) for name in ("endpoint", "model", "asked")]
    columns += [(name, True) for name in ("answers", "by the rule", "reported", "US$")]
    print_table(columns, [line for gap in off for line in _token_lines(gap)])
    for gap in off:
        first = gap.off[0]
        typer.echo(
            token_gap_sentence(
                gap.endpoint,
                gap.n_compared,
                gap.n_off,
                (first.rule_tokens, first.reported_tokens),
                gap.charge_usd,
            )
        )
    if any(gap.n_unsplit for gap in off):
        typer.echo(
            "where an answer does not tell text from image output, all of it counts "
            "as image tokens"
        )


def _token_lines(gap: TokenGap) -> list[list[str]]:
    asked = " ".join(part for part in (gap.quality, gap.size) if part)
    place = gap.endpoint + (" (simulated)" if gap.simulated else "")
    lines = [
        [
            place,
            gap.model,
            asked or UNKNOWN,
            f"{one.n_answers:,} of {gap.n_compared:,}",
            f"{one.rule_tokens:,}",
            f"{one.reported_tokens:,}",
            UNKNOWN if one.charge_usd is None else signed_dollars(one.charge_usd),
        ]
        for one in gap.off[:_MOST_LISTED]
    ]
    n_more = len(gap.off) - _MOST_LISTED
    if n_more > 0:
        lines.append(
            [place, gap.model, asked, f"and {n_more} other counts", "", "", ""]
        )
    return lines


def print_cost_gaps(gaps: Sequence[CostGap]) -> None:
    """The costs that answers told otherwise than we charged, the largest first."""
    off = [gap for gap in gaps if gap.otherwise]
    if not off:
        return
    typer.echo("\ncost as the endpoint tells it, against our charge")
    for gap in off:
        for sentence in cost_gap_sentences(
            gap.endpoint,
            gap.source,
            n_told=gap.n_told,
            n_otherwise=len(gap.otherwise),
            n_without_price=gap.n_without_price,
            step_usd=gap.step_usd,
        ):
            typer.echo(sentence)
    columns = [("attempt", False), ("endpoint", False), ("our charge", True)]
    columns += [("as told", True), ("difference", True)]
    listed = [one for gap in off for one in gap.otherwise[:_MOST_LISTED]]
    print_table(columns, [_cost_line(one) for one in listed])
    n_more = sum(len(gap.otherwise) for gap in off) - len(listed)
    if n_more:
        typer.echo(f"and {n_more:,} more; --json lists all")


def _cost_line(one: ToldCost) -> list[str]:
    step_usd = one.step_usd
    return [
        one.attempt_id,
        one.endpoint,
        UNKNOWN if one.charge_usd is None else dollars(one.charge_usd),
        dollars(one.told_usd),
        UNKNOWN if step_usd is None else signed_dollars(step_usd),
    ]


def token_gaps_answer(gaps: Sequence[TokenGap]) -> list[dict[str, Any]]:
    """Every cell that a rule covers, for --json; money as decimal strings."""
    names = ("endpoint", "route", "simulated", "model", "quality", "size", "n_compared")
    return [
        {
            **{name: getattr(gap, name) for name in names},
            "n_off": gap.n_off,
            "gap_usd": _usd(gap.charge_usd),
            "gap_list_usd": _usd(gap.list_usd),
            "off": [
                {
                    "n_answers": one.n_answers,
                    "rule_tokens": one.rule_tokens,
                    "reported_tokens": one.reported_tokens,
                    "output_split_missing": one.is_unsplit,
                    "gap_usd": _usd(one.charge_usd),
                    "gap_list_usd": _usd(one.list_usd),
                }
                for one in gap.off
            ],
        }
        for gap in gaps
    ]


def cost_gaps_answer(gaps: Sequence[CostGap]) -> list[dict[str, Any]]:
    """What endpoints told of their cost, for --json; money as decimal strings."""
    return [
        {
            "endpoint": gap.endpoint,
            "from": gap.source,
            "n_told": gap.n_told,
            "n_otherwise": len(gap.otherwise),
            "n_without_price": gap.n_without_price,
            "charge_usd": _usd(gap.charge_usd),
            "reported_usd": _usd(gap.told_usd),
            "difference_usd": _usd(gap.step_usd),
            "otherwise": [
                {
                    "attempt_id": one.attempt_id,
                    "trial_id": one.trial_id,
                    "usage_source": one.usage_source,
                    "charge_usd": _usd(one.charge_usd),
                    "reported_usd": usd_text(one.told_usd),
                    "difference_usd": _usd(one.step_usd),
                }
                for one in gap.otherwise
            ],
        }
        for gap in gaps
    ]


def _usd(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)

"""Doubting: counts and costs that don't agree with ours, for `show`."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from bench.folder import DataFolder
from bench.store.chosen import Chosen
from bench.store.figures import CELL
from bench.store.reported import (
    estimated_charges,
    n_costs_otherwise,
    reported_tokens,
    reported_usages,
)
from bench.studies.token_gaps import TokenGap, readable_plans, token_gaps
from bench.studies.told_costs import CostGap, ToldCost, cost_gaps, told_costs
from bench.words.figures import UNKNOWN, dollars, signed_dollars, so_many
from bench.words.gaps import cost_gap_sentences, token_gap_sentence
from bench.words.tables import print_table
from bench.words.variants import beside_model, parameters_of
from pricing.money import usd_text

if TYPE_CHECKING:
    import duckdb

_MOST_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What answers of a run told that is not as we have it.

    Attributes:
        tokens: Every cell that a published rule covers, off or not.
        costs: Empty where no answer told a cost that is not our charge.
        n_estimated: Requests that were charged though no usage was reported.
        estimated_usd: What they were charged; None where none has a price.
    """

    tokens: tuple[TokenGap, ...]
    costs: tuple[CostGap, ...]
    n_estimated: int
    estimated_usd: Decimal | None


def read_doubts(
    con: "duckdb.DuckDBPyConnection", folder: DataFolder, run_id: str
) -> Doubts:
    """What is to be doubted of a run.

    Of a told cost the index knows only that it differs; its amount stands in the
    journals, which are read for that alone.
    """
    chosen = Chosen(runs=(run_id,))
    told = told_costs(folder.run(run_id)) if n_costs_otherwise(con, run_id) else ()
    n_estimated, estimated_usd = estimated_charges(con, run_id)
    return Doubts(
        tokens=token_gaps(
            reported_tokens(con, chosen),
            lambda alike: reported_usages(con, chosen, alike),
            readable_plans(folder),
        ),
        costs=cost_gaps(told),
        n_estimated=n_estimated,
        estimated_usd=estimated_usd,
    )


def token_sentences(doubts: Doubts) -> list[str]:
    """A sentence for each cell whose counts are not the rule's."""
    off = [gap for gap in doubts.tokens if gap.off]
    found = [
        token_gap_sentence(
            gap.endpoint,
            gap.n_compared,
            gap.n_off,
            (gap.off[0].rule_tokens, gap.off[0].reported_tokens),
            gap.charge_usd,
        )
        for gap in off
    ]
    if any(gap.n_unsplit for gap in off):
        found.append(
            "where an answer does not tell text from image output, all of it counts "
            "as image tokens"
        )
    return found


def cost_sentences(doubts: Doubts) -> list[str]:
    """Sentences for each endpoint that told another cost than our charge."""
    return [
        sentence
        for gap in doubts.costs
        if gap.otherwise
        for sentence in cost_gap_sentences(
            gap.endpoint,
            gap.source,
            n_told=gap.n_told,
            n_otherwise=len(gap.otherwise),
            n_without_price=gap.n_without_price,
            step_usd=gap.step_usd,
        )
    ]


def print_doubts(doubts: Doubts) -> None:
    """Tables and sentences; nothing where all is as we have it."""
    if doubts.n_estimated:
        typer.echo(
            f"\nestimated: {dollars(doubts.estimated_usd)} for "
            f"{so_many(doubts.n_estimated, 'request')}, by published rules for what "
            "was asked; it does not rest on a reported usage"
        )
    if told := token_sentences(doubts):
        typer.echo("\nimage tokens reported against the published rule")
        columns = [(name, False) for name in ("endpoint", "model", "asked")]
        figures = ("answers", "by the rule", "reported", "US$")
        columns += [(name, True) for name in figures]
        lines = [line for gap in doubts.tokens for line in _token_lines(gap)]
        print_table(columns, lines)
        for sentence in told:
            typer.echo(sentence)
    if told := cost_sentences(doubts):
        typer.echo("\ncost as the endpoint tells it, against our charge")
        for sentence in told:
            typer.echo(sentence)
        _print_costs(doubts.costs)


def _print_costs(gaps: Sequence[CostGap]) -> None:
    """The largest differences, one by one."""
    columns = [("attempt", False), ("endpoint", False), ("our charge", True)]
    columns += [("as told", True), ("difference", True)]
    listed = [one for gap in gaps for one in gap.otherwise[:_MOST_LISTED]]
    print_table(columns, [_cost_line(one) for one in listed])
    n_more = sum(len(gap.otherwise) for gap in gaps) - len(listed)
    if n_more:
        typer.echo(f"and {n_more:,} more; --json lists all")


def _token_lines(gap: TokenGap) -> list[list[str]]:
    asked = beside_model({name: getattr(gap, name) for name in CELL})
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


def _cost_line(one: ToldCost) -> list[str]:
    step_usd = one.step_usd
    return [
        one.attempt_id,
        one.endpoint,
        UNKNOWN if one.charge_usd is None else dollars(one.charge_usd),
        dollars(one.told_usd),
        UNKNOWN if step_usd is None else signed_dollars(step_usd),
    ]


def doubts_answer(doubts: Doubts) -> dict[str, Any]:
    """All of it for --json; money as decimal strings."""
    return {
        "token_gaps": _token_gaps(doubts.tokens),
        "cost_gaps": _cost_gaps(doubts.costs),
        "estimated": {
            "requests": doubts.n_estimated,
            "charge_usd": _usd(doubts.estimated_usd),
        },
    }


def _token_gaps(gaps: Sequence[TokenGap]) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(gap, name) for name in CELL if name != "parameters"},
            "parameters": parameters_of({"parameters": gap.parameters}),
            "n_compared": gap.n_compared,
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


def _cost_gaps(gaps: Sequence[CostGap]) -> list[dict[str, Any]]:
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

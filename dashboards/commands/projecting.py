"""Projecting: an outlook as tables and sentences."""

from collections.abc import Sequence

import typer

from bench.commands.showing import SIMULATED
from bench.studies.assumptions import assumptions, price_sources
from bench.studies.outlook import Outlook
from bench.words.tables import print_table
from dashboards.report.outlook_prose import (
    doubt_sentence,
    sentences_of,
    volume_words,
)
from dashboards.report.outlook_tables import (
    alone,
    brief_table,
    costs_table,
    course_table,
    months_table,
    numbers_table,
    swings_table,
)
from dashboards.report.tables import Table

# More comparisons than these are told by a line each.
_MOST_IN_FULL = 4


def tell(found: Outlook, notes: Sequence[str]) -> None:
    """Costs, savings, months, and what was taken for granted."""
    scenario = found.scenario
    typer.echo(f"{scenario.name}: {volume_words(found)}")
    if scenario.description:
        typer.echo(scenario.description.strip())
    if found.simulated:
        typer.echo(SIMULATED)
    for warning in found.warnings:
        typer.echo(f"take care: {warning}")
    typer.echo("")
    _print(costs_table(found))
    if len(found.compared) > _MOST_IN_FULL:
        _tell_briefly(found)
    else:
        _tell_in_full(found)
    _tell_list("notes", notes)
    typer.echo("\nassumed")
    _print(numbers_table(found))
    _tell_list("taken for granted", assumptions(found))
    _tell_list("prices", price_sources(found))


def _tell_in_full(found: Outlook) -> None:
    for compared in found.compared:
        saving = compared.saving
        typer.echo(f"\n{saving.alternative} against {saving.against}")
        for sentence in sentences_of(found, compared):
            typer.echo(f"  {sentence}")
        typer.echo("")
        _print(months_table(found, compared))
        if swings := swings_table(found, compared):
            typer.echo(f"\n{swings.caption}")
            _print(swings)
        if doubt := doubt_sentence(found, compared):
            typer.echo(f"\n{doubt}")
    for line in alone(found):
        typer.echo(f"\n{line.choice.name}")
        _print(course_table(found, line))


def _tell_briefly(found: Outlook) -> None:
    if all(line.choice.from_run and line.choice.mix for line in found.lines):
        told = "--model, --quality and --size choose one and show its months."
    else:
        told = "--csv, --xlsx and --chart hold the months of all."
    typer.echo(f"\nEvery line is for the full volume; lines don't add up. {told}")
    _print(brief_table(found))


def _print(table: Table) -> None:
    print_table(table.columns, table.rows)


def _tell_list(heading: str, sentences: Sequence[str]) -> None:
    if sentences:
        typer.echo(f"\n{heading}")
        for sentence in sentences:
            typer.echo(f"  - {sentence}")

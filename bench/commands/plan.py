"""Plan: the commands that show what would be sent, and the schemas."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.options import (
    BatchOption,
    BooksOption,
    ConcurrencyOption,
    DataOption,
    EndpointOption,
    EndpointsOption,
    ImagesOption,
    JsonOption,
    LimitOption,
    LoadOption,
    OnlyOption,
    PricesOption,
    RateOption,
    RouteOption,
    SeedOption,
)

if TYPE_CHECKING:
    from bench.plan.forecast import Forecast
    from bench.plan.frozen import Plan

SuiteArgument = Annotated[
    Path, typer.Argument(metavar="SUITE", help="Suite file (YAML).")
]


def register(app: typer.Typer) -> None:
    """Add the commands `plan` and `schema` to the command line."""
    app.command("plan")(plan)
    app.command("schema")(schema)


def plan(
    suite: SuiteArgument,
    *,
    endpoint: EndpointOption = None,
    endpoints: EndpointsOption = None,
    route: RouteOption = None,
    prices: PricesOption = None,
    limit: LimitOption = None,
    only: OnlyOption = None,
    seed: SeedOption = None,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    load: LoadOption = None,
    images: ImagesOption = None,
    batch: BatchOption = False,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show cells, trials and dollars of a suite; send nothing."""
    from bench.commands.choosing import Given, Where, notes, planned, wishes
    from bench.environment import read_environment
    from bench.folder import DataFolder
    from bench.plan.books import chosen_book
    from bench.plan.forecast import forecast
    from bench.plan.options import Options

    folder = DataFolder.choose(data, read_environment().variables)
    given = Given(
        concurrency=concurrency,
        rate_rpm=rate,
        load=load,
        images=images,
        batch=batch,
    )
    wanted = wishes(seed=seed, limit=limit, only=only, options=given.over(Options()))
    where = Where(
        endpoints_file=endpoints,
        names=tuple(endpoint or ()),
        route=route,
        prices=prices,
    )
    chosen = where.read(folder)
    built = planned(suite, chosen, wanted, chosen_book(folder.root, books))
    for doubt in notes(built):
        typer.echo(f"note: {doubt}", err=True)
    figures = forecast(built)
    if json:
        _print_json(built, figures)
    else:
        _print_words(built, figures)


def _print_json(built: "Plan", figures: "Forecast") -> None:
    from dataclasses import asdict

    import orjson

    from pricing.money import usd_text

    expected = figures.expected_usd
    answer: dict[str, Any] = {
        "schema": "pixelmeter.plan/1",
        "suite": built.suite_name,
        "suite_digest": built.suite_digest,
        "seed": built.seed,
        "batch": built.options.batch,
        "prompts": figures.n_prompts,
        "endpoints": [endpoint.name for endpoint in built.endpoints],
        "cells": figures.n_cells,
        "trials": figures.n_trials,
        "expected_usd": None if expected is None else usd_text(expected),
        "trials_without_rule": figures.n_without_rule,
        "worst_case_usd": usd_text(figures.worst_case_usd),
        "bounded": figures.is_bounded,
        "why_bounded": list(figures.why_bounded),
        "at_risk_usd": usd_text(figures.at_risk_usd),
        "disk_bytes": figures.disk_bytes,
        "rate_limit_s": figures.rate_limit_s,
        "schedule_s": figures.schedule_s,
        "prices": [asdict(price) for price in figures.price_dates],
        "unknown_prices": [],
    }
    typer.echo(orjson.dumps(answer).decode())


def _print_words(built: "Plan", figures: "Forecast") -> None:
    from bench.plan.frozen import cell_to_json
    from bench.words.figures import so_many
    from bench.words.tables import print_table
    from bench.words.variants import beside_model

    typer.echo(
        f"{built.suite_name}: {_prompts(figures)}, {so_many(figures.n_cells, 'cell')}, "
        f"{so_many(figures.n_trials, 'trial')} (seed {built.seed})"
    )
    print_table(
        [("endpoint", False), ("model", False), ("asked", False)],
        [
            [cell.endpoint, cell.model, beside_model(cell_to_json(cell))]
            for cell in built.cells
        ],
    )
    for line in (*_money_lines(built, figures), *_other_lines(built, figures)):
        typer.echo(line)


def _prompts(figures: "Forecast") -> str:
    """How many; of conversations each turn is one."""
    from bench.words.figures import so_many

    prompts = so_many(figures.n_prompts, "prompt")
    if not figures.n_conversations:
        return prompts
    return (
        f"{prompts} (the turns of {so_many(figures.n_conversations, 'conversation')})"
    )


def _money_lines(built: "Plan", figures: "Forecast") -> list[str]:
    from bench.words.figures import dollars, expected_dollars, so_many

    expected = expected_dollars(
        figures.expected_usd, figures.n_trials, figures.n_without_rule
    )
    bounded = " (bounded)" if figures.is_bounded else ""
    at_once = so_many(figures.n_at_risk, "request")
    at_risk = f"if the run is killed with {at_once} in flight"
    if built.options.batch:
        at_risk = "while its jobs are not collected; `resume` collects them"
    return [
        f"expected    {expected}",
        f"worst case  {dollars(figures.worst_case_usd)}{bounded}",
        *(f"            bounded: {reason}" for reason in figures.why_bounded),
        f"at risk     {dollars(figures.at_risk_usd)} {at_risk}",
    ]


def _other_lines(built: "Plan", figures: "Forecast") -> list[str]:
    from bench.words.figures import bytes_text, duration

    limit_s = figures.rate_limit_s
    least = "nothing" if limit_s is None else f"at least {duration(limit_s)}"
    length_s = figures.schedule_s
    paced = (
        [] if length_s is None else [f"schedule    {duration(length_s)} to the last"]
    )
    return [
        f"disk        about {bytes_text(figures.disk_bytes)}",
        f"time        {least} for rate limits, beside the pictures' own time",
        *paced,
        *(["tier        batch: jobs that end within 24 h"] * built.options.batch),
        *(
            f"prices      {price.endpoint}, {price.model}: "
            f"{'your own ' if price.own else ''}{price.vendor} book, "
            f"valid from {price.valid_from}, checked {price.checked_on}"
            for price in figures.price_dates
        ),
    ]


def schema(
    kind: Annotated[
        str,
        typer.Argument(metavar="suite|endpoints|scenario", help="Which file's schema."),
    ] = "suite",
    *,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a suite, endpoints or scenario file."""
    import orjson

    from bench.endpoint import endpoints_schema
    from bench.errors import BadInput
    from bench.scenario.reading import scenario_schema
    from bench.suite import suite_schema

    schemas = {
        "suite": suite_schema,
        "endpoints": endpoints_schema,
        "scenario": scenario_schema,
    }
    if kind not in schemas:
        raise BadInput(f"schema '{kind}': there are {', '.join(schemas)}")
    content = schemas[kind]()
    if json:
        answer = {"schema": "pixelmeter.schema/1", "kind": kind, "content": content}
        typer.echo(orjson.dumps(answer).decode())
    else:
        typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())

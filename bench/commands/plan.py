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
    from bench.attempt import Cell
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
        "expected_usd": usd_text(figures.expected_usd),
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
    from bench.words.tables import print_table

    typer.echo(
        f"{built.suite_name}: {figures.n_prompts} prompts, {figures.n_cells} cells, "
        f"{figures.n_trials} trials (seed {built.seed})"
    )
    print_table(
        [
            ("endpoint", False),
            ("asked", False),
            ("model", False),
            ("parameters", False),
        ],
        [
            [cell.endpoint, f"{cell.api} {cell.operation}", _models(cell), _sent(cell)]
            for cell in built.cells
        ],
    )
    for line in (*_money_lines(built, figures), *_other_lines(built, figures)):
        typer.echo(line)


def _models(cell: "Cell") -> str:
    """The image model, behind the text model that drives it."""
    driver = cell.mainline_model
    return cell.model if driver is None else f"{driver} > {cell.model}"


def _sent(cell: "Cell") -> str:
    said = {True: "true", False: "false"}
    return ", ".join(
        f"{name} {said.get(value, value) if isinstance(value, bool) else value}"
        for name, value in cell.parameters
    )


def _money_lines(built: "Plan", figures: "Forecast") -> list[str]:
    from bench.words.figures import dollars

    without = figures.n_without_rule
    unpriced = f", and {without} trials that no published rule prices"
    bounded = " (bounded)" if figures.is_bounded else ""
    n_at_once = built.options.concurrency
    at_risk = f"if the run is killed with {n_at_once} requests in flight"
    if built.options.batch:
        at_risk = "while its jobs are not collected; `resume` collects them"
    return [
        f"expected    {dollars(figures.expected_usd)}{unpriced if without else ''}",
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

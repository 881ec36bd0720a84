"""Project: the command that tells months of cost, and savings."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.naming import run_names
from bench.commands.options import BooksOption, DataOption, JsonOption

if TYPE_CHECKING:
    from bench.folder import DataFolder, RunFolder
    from bench.studies.run_price import RunRecord
    from pricing.rates import RateCard

Text = str | None
_FILES = ("csv", "xlsx", "chart")
_NOT_ASKED = {"scenario", "from_run", "books", "data", "json", "force", *_FILES}


def register(app: typer.Typer) -> None:
    """Add the command `project` to the command line."""
    app.command("project")(project)


def project(
    scenario: Annotated[
        Text,
        typer.Argument(
            metavar="SCENARIO",
            help="Scenario file (YAML), or the name of a shipped one: guides-2025, "
            "quality-mix, after-gpt-image-1.",
        ),
    ] = None,
    *,
    images_per_month: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=10**9, help="Images a month; 10,000."),
    ] = None,
    months: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=120, help="Months; 12.")
    ] = None,
    growth: Annotated[
        Text, typer.Option(metavar="5%/month", help="Growth of the volume.")
    ] = None,
    start: Annotated[
        Text, typer.Option(metavar="YYYY-MM", help="The first month.")
    ] = None,
    model: Annotated[Text, typer.Option(help="Image model.")] = None,
    quality: Annotated[Text, typer.Option(help="Quality of the pictures.")] = None,
    size: Annotated[Text, typer.Option(metavar="WxH", help="Their size.")] = None,
    direct_usd: Annotated[
        Text, typer.Option(metavar="USD", help="A picture's direct price.")
    ] = None,
    gateway_usd: Annotated[
        Text, typer.Option(metavar="USD", help="A picture's price at the gateway.")
    ] = None,
    multiplier: Annotated[
        Text, typer.Option(metavar="FACTOR", help="In its place: times direct, 0.5.")
    ] = None,
    provider: Annotated[
        Text, typer.Option(help="Book of the direct price; openai.")
    ] = None,
    as_of: Annotated[
        Text, typer.Option(metavar="DATE", help="Day of the book's prices; today.")
    ] = None,
    tier: Annotated[Text, typer.Option(help="standard (default) or batch.")] = None,
    input_text_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Of a prompt; 0.")
    ] = None,
    from_run: Annotated[
        Text,
        typer.Option(
            metavar="RUN",
            help="Unit costs of a run, or of latest.",
            autocompletion=run_names,
        ),
    ] = None,
    from_usage: Annotated[
        Text,
        typer.Option(
            metavar="FILE.csv", help="Mix of past usage: model,quality,size,images."
        ),
    ] = None,
    cache_hit_share: Annotated[
        Text, typer.Option(metavar="SHARE", help="Of the images, served from a cache.")
    ] = None,
    batch_share: Annotated[
        Text,
        typer.Option(metavar="SHARE", help="Of the images, made in the batch tier."),
    ] = None,
    unusable_share: Annotated[
        Text,
        typer.Option(metavar="SHARE", help="Of the requests, billed and not usable."),
    ] = None,
    refused_share: Annotated[
        Text,
        typer.Option(metavar="SHARE", help="Of the requests, refused by moderation."),
    ] = None,
    retried_share: Annotated[
        Text,
        typer.Option(metavar="SHARE", help="Of the requests, failed and sent again."),
    ] = None,
    monthly_fee_usd: Annotated[
        Text, typer.Option(metavar="USD", help="The gateway's fee a month.")
    ] = None,
    setup_usd: Annotated[
        Text, typer.Option(metavar="USD", help="Set-up of the gateway, once.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the months as CSV.")
    ] = None,
    xlsx: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an Excel file with live formulas."),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page (.html) or a picture (.png)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there already.")
    ] = False,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Project months of cost and savings; send nothing.

    From a scenario file, from price options, or from what a run measured. Each
    measured cost has its n and its 90% band. Beside the months stand the volume
    from which an alternative pays, what moves its saving most, and every
    assumption with its source.
    """
    given: dict[str, Any] = {
        key: value
        for key, value in locals().items()
        if key not in _NOT_ASKED and value is not None
    }
    from datetime import UTC, datetime

    from bench.commands.indexed import chosen_folder
    from bench.plan.books import chosen_book
    from bench.studies.priced import Pricer
    from bench.words.places import place
    from dashboards.commands.asking import asked
    from dashboards.commands.projected import answer
    from dashboards.commands.projectfiles import Files
    from dashboards.commands.projecting import tell

    files = Files(
        paths={
            f"--{option}": path.absolute()
            for option, path in zip(_FILES, (csv, xlsx, chart), strict=True)
            if path is not None
        },
        force=force,
    )
    files.refuse()
    folder = chosen_folder(data)
    today = datetime.now(UTC).date()
    pricer = Pricer(
        lambda run: _read_run(folder, run), today, chosen_book(folder.root, books)
    )
    wanted = asked(scenario, from_run, given, pricer)
    found = wanted.projected(pricer)
    written = files.write(found, wanted.notes)
    if json:
        typer.echo(answer(found, wanted.notes, written))
        return
    tell(found, wanted.notes)
    for path in written:
        typer.echo(f"wrote {place(str(path))}", err=True)


def _read_run(folder: "DataFolder", name: str) -> "RunRecord":
    """A run of the data folder, its index made current before.

    Raises:
        BadInput: There is no such run, it is still under way, or can't be read.
    """
    from bench.commands.indexed import current_index
    from bench.errors import BadInput
    from bench.store import queries
    from bench.studies.run_price import RunRecord

    run = folder.existing_run(name)
    with current_index(folder) as con:
        row = queries.run(con, run.run_id)
        trials = queries.trials(con, run.run_id)
        requests = queries.requests(con, run.run_id)
    if row is None:
        raise BadInput(f"run {run.run_id} can't be projected: its plan can't be read")
    if row["state"] == "running":
        raise BadInput(
            f"run {run.run_id} is still under way; project from it when it has ended"
        )
    return RunRecord(
        run_id=run.run_id, trials=trials, cards=_cards(run), requests=requests
    )


def _cards(run: "RunFolder") -> "dict[tuple[str, str], RateCard]":
    """The rates that a run was charged at, by endpoint and model."""
    from bench.journal import read_run
    from bench.plan.frozen import read_plan
    from bench.plan.growth import KIND, grown

    plan = read_plan(run.plan)
    if plan.kind == KIND:
        # A damaged record of its growth is missing; the index says so.
        with suppress(LookupError):
            plan = grown(plan, read_run(run))
    return {key: priced.card for key, priced in plan.prices.items()}

"""Reprice: the command that prices past runs by another book or day."""

from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import run_names
from bench.commands.options import BooksOption, DataOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from bench.folder import DataFolder
    from bench.store.queries import Row
    from bench.studies.asked_price import Wanted
    from bench.studies.repricing import Repricing
    from pricing.book import PriceBook


def register(app: typer.Typer) -> None:
    """Add the command `reprice` to the command line."""
    app.command("reprice")(reprice)


def reprice(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...", help="Runs, or latest.", autocompletion=run_names
        ),
    ] = None,
    *,
    book: Annotated[
        str | None,
        typer.Option(
            metavar="VENDOR",
            help="Whose prices; else those that each endpoint had.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Day of the prices; else the day (UTC) of each request.",
        ),
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option(
            metavar="standard|batch",
            help="Which rates; else those of how each run was sent.",
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All runs of the data folder.")
    ] = False,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Say what past runs cost by another price book or day, and why.

    Nothing is sent and nothing is changed: what was charged stays, the other
    price stands beside it. A gateway is priced through its own scheme. What has
    no price stays unknown and is counted. + has a price now, - has none any
    more, ~ another, = the same, ? never had one.
    """
    import orjson

    from bench.commands.repriced import answer, print_repricing
    from bench.plan.books import chosen_book

    wanted = _wanted(book, as_of, tier)
    folder = chosen_folder(data)
    run_ids = _run_ids(folder, runs or [], every=all_)
    own = chosen_book(folder.root, books)
    _check_vendor(own, book)
    with current_index(folder) as con:
        rows = _rows(con, run_ids, every=all_)
        found = _repriced(con, [row["run_id"] for row in rows], own, wanted)
    for row in rows:
        if row["state"] == "running":
            typer.echo(
                f"note: run {row['run_id']} goes on; these are its requests so far",
                err=True,
            )
    if json:
        typer.echo(orjson.dumps(answer(found, rows, wanted)).decode())
    else:
        print_repricing(found, rows, wanted)


def _wanted(book: str | None, as_of: str | None, tier: str | None) -> "Wanted":
    from bench.commands.prices import read_day
    from bench.errors import BadInput
    from bench.studies.asked_price import Wanted
    from pricing.rates import Tier

    if tier is not None and tier not in set(Tier):
        raise BadInput(f"--tier: {tier[:40]!a} should be standard or batch")
    day = None if as_of is None else read_day("--as-of", as_of)
    return Wanted(vendor=book, as_of=day, tier=None if tier is None else Tier(tier))


def _run_ids(folder: "DataFolder", runs: list[str], *, every: bool) -> list[str]:
    from bench.errors import BadInput

    if every and runs:
        raise BadInput("--all takes all runs; leave the names of runs out")
    if not every and not runs:
        raise BadInput("name a run, or latest, or take --all")
    if not every:
        found = [folder.existing_run(run).run_id for run in runs]
        return list(dict.fromkeys(found))
    known = folder.run_ids()
    if not known:
        raise BadInput(f"no runs in {folder.root} yet; `pixelmeter demo` makes one")
    return list(known)


def _check_vendor(book: "PriceBook", vendor: str | None) -> None:
    from bench.errors import BadInput
    from bench.words.printable import printable

    if vendor is not None and vendor not in book.vendors:
        raise BadInput(
            f"--book: no price book of '{printable(vendor[:40])}'; there are "
            f"{printable(', '.join(book.vendors))}"
        )


def _rows(
    con: "duckdb.DuckDBPyConnection", run_ids: "Sequence[str]", *, every: bool
) -> "list[Row]":
    """Rows of `v_run`, as asked; what the index does not hold is told."""
    from bench.errors import BadInput
    from bench.store import queries

    known = {row["run_id"]: row for row in queries.runs(con)}
    missing = [run_id for run_id in run_ids if run_id not in known]
    if missing and not every:
        raise BadInput(
            f"run '{missing[0]}' can't be repriced: its plan can't be read; "
            "`pixelmeter ingest` tells why"
        )
    return [known[run_id] for run_id in run_ids if run_id in known]


def _repriced(
    con: "duckdb.DuckDBPyConnection",
    run_ids: "list[str]",
    book: "PriceBook",
    wanted: "Wanted",
) -> "Repricing":
    """The runs at their other prices.

    Raises:
        BadInput: Nothing of them has a price by that book and day.
    """
    from bench.errors import BadInput
    from bench.studies.repricing import reprice as price_anew
    from bench.words.printable import printable

    found = price_anew(con, run_ids, book, wanted)
    if found.why_nothing:
        asked = "" if wanted.as_of is None else f"--as-of {wanted.as_of}: "
        why = printable(found.why_nothing)
        raise BadInput(f"{asked}nothing of these runs has such a price: {why}")
    return found

"""Prices: the commands that list, compare and check the price books."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import BooksOption, DataOption, JsonOption

if TYPE_CHECKING:
    from pricing.book import PriceBook

BAD_INPUT = 2
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Day of the prices; today."),
]
VendorOption = Annotated[
    str | None, typer.Option("--vendor", metavar="NAME", help="One vendor's alone.")
]


def register(app: typer.Typer) -> None:
    """Add the command group `prices` to the command line."""
    group = typer.Typer(
        help="Price books: list, history, differences, check, bounds.",
        rich_markup_mode=None,
    )
    group.callback(invoke_without_command=True)(prices)
    for command in (show, diff, check, bounds):
        group.command(command.__name__)(command)
    app.add_typer(group, name="prices")


def prices(
    ctx: typer.Context,
    *,
    vendor: VendorOption = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PART", help="Part of a name.")
    ] = None,
    as_of: AsOfOption = None,
    tier: Annotated[
        str | None, typer.Option("--tier", metavar="standard|batch", help="One tier's.")
    ] = None,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List the prices that hold on a day, or look closer with a command."""
    from bench.commands.pricelist import list_answer, print_cards
    from bench.errors import BadInput
    from bench.studies.booklist import holding
    from pricing.rates import Tier

    if ctx.invoked_subcommand is not None:
        if any((vendor, model, as_of, tier, books, data, json)):
            raise BadInput(
                f"prices: options stand behind the command: "
                f"prices {ctx.invoked_subcommand} ... --json"
            )
        return
    if tier is not None and tier not in set(Tier):
        raise BadInput(f"--tier: {tier[:40]!a} should be standard or batch")
    day = read_day("--as-of", as_of)
    book = _book(data, books)
    cards = holding(book, day, vendor=vendor, part=model, tier=tier)
    if json:
        _print_json(list_answer(cards, day))
    else:
        print_cards(cards, day)


def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model or alias.")],
    *,
    vendor: VendorOption = None,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show every price that a model ever had, with its source."""
    from bench.commands.pricelist import history_answer, print_history
    from bench.studies.booklist import history

    book = _book(data, books)
    cards = history(book, model, vendor)
    if json:
        _print_json(history_answer(book, model, cards))
    else:
        print_history(book, cards)


def diff(
    first: Annotated[str, typer.Argument(metavar="DATE", help="The earlier day.")],
    second: Annotated[str, typer.Argument(metavar="DATE", help="The later day.")],
    *,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show what changed between two days: + new, - gone, ~ another price."""
    from bench.commands.pricelist import diff_answer, print_changes
    from bench.errors import BadInput
    from bench.studies.booklist import changes

    days = read_day("the first DATE", first), read_day("the second DATE", second)
    if days[0] > days[1]:
        raise BadInput(f"the first day, {days[0]}, comes after the second, {days[1]}")
    found = changes(_book(data, books), *days)
    if json:
        _print_json(diff_answer(found, *days))
    else:
        print_changes(found, *days)


def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Books of your own.")
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Check books of your own; every fault is told at once, and the exit is 2."""
    from bench.commands.pricelist import check_answer, print_check
    from bench.plan.books import read_texts
    from pricing.book import shipped_book

    texts = read_texts(files)
    faults = shipped_book().own_faults(texts)
    if json:
        _print_json(check_answer(texts, faults))
    else:
        print_check(texts, faults)
    if faults:
        raise typer.Exit(BAD_INPUT)


def bounds(
    *,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Show every bound that reserves money for what nobody can compute."""
    from bench.commands.pricelist import bounds_answer, print_bounds
    from bench.studies.booklist import bounds as all_bounds
    from pricing.book import shipped_book

    found = all_bounds(shipped_book(), read_day("--as-of", as_of))
    if json:
        _print_json(bounds_answer(found))
    else:
        print_bounds(found)


def _book(data: Path | None, books: Path | None) -> "PriceBook":
    from bench.commands.indexed import chosen_folder
    from bench.plan.books import chosen_book

    return chosen_book(chosen_folder(data).root, books)


def read_day(name: str, text: str | None) -> date:
    """A day as it was typed; today (UTC) where none was."""
    from datetime import UTC, datetime

    from bench.errors import BadInput
    from pricing.errors import BadForm
    from pricing.form import Form

    if text is None:
        return datetime.now(UTC).date()
    try:
        return Form({"day": text}, name).day("day") or date.min
    except BadForm:
        raise BadInput(
            f"{name}: {text[:40]!a} should be a date like 2026-11-21"
        ) from None


def _print_json(answer: dict[str, object]) -> None:
    import orjson

    typer.echo(orjson.dumps(answer).decode())

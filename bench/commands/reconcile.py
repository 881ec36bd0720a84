"""Reconcile: the command that sets bills of others against our record."""

from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import run_names
from bench.commands.options import BooksOption, DataOption, JsonOption

if TYPE_CHECKING:
    from bench.folder import DataFolder
    from bench.studies.reconcile import Reconciled, Wishes
    from pricing.book import PriceBook


def register(app: typer.Typer) -> None:
    """Add the command `reconcile` to the command line."""
    app.command("reconcile")(reconcile)


def reconcile(
    *,
    import_: Annotated[
        list[str] | None,
        typer.Option(
            "--import", metavar="ID", help="Only this import; repeat the option."
        ),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="Only this run, simulated or not; repeat the option.",
            autocompletion=run_names,
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only attempts at this endpoint; repeat the option.",
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First UTC day.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last UTC day.")
    ] = None,
    books: BooksOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Compare imported bills with what was recorded: rates first, then totals.

    Says what our price books should change, which charges only one side has, and
    what a bill proves of attempts that were possibly billed. Days are UTC days.
    Simulated runs are left out, but for those that --run names.
    """
    from bench.commands.prices import read_day
    from bench.commands.reconciled import answer
    from bench.commands.reconciling import print_reconciled
    from bench.errors import BadInput
    from bench.plan.books import chosen_book
    from bench.studies.reconcile import Wishes

    folder = chosen_folder(data)
    wishes = Wishes(
        imports=tuple(import_ or ()),
        runs=tuple(folder.existing_run(name).run_id for name in run or ()),
        endpoints=tuple(endpoint or ()),
        first=None if first is None else read_day("--from", first),
        last=None if last is None else read_day("--to", last),
    )
    if wishes.first and wishes.last and wishes.first > wishes.last:
        raise BadInput(f"--from {wishes.first} comes after --to {wishes.last}")
    book = chosen_book(folder.root, books)
    found = _compared(folder, book, wishes)
    if json:
        _print_json(answer(found))
        return
    for reconciled in found:
        print_reconciled(reconciled)


def _compared(
    folder: "DataFolder", book: "PriceBook", wishes: "Wishes"
) -> "list[Reconciled]":
    from bench.errors import BadInput
    from bench.imports.shelf import Shelf
    from bench.store.bills import Ours, Scope, ours
    from bench.studies.reconcile import chosen_imports
    from bench.studies.reconcile import reconcile as compare

    def read_ours(scope: Scope) -> Ours:
        with current_index(folder) as index:
            return ours(index, scope)

    shelf = Shelf.of(folder)
    kinds = chosen_imports(shelf, wishes)
    compared = [compare(read_ours, shelf, m, book, wishes) for m in kinds.values()]
    found = [reconciled for reconciled in compared if reconciled is not None]
    if not found:
        raise BadInput("reconcile: no import has a row between --from and --to")
    return found


def _print_json(document: dict[str, object]) -> None:
    import orjson

    typer.echo(orjson.dumps(document).decode())

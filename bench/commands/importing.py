"""Importing: the command that brings bills into the data folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.indexed import chosen_folder
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.imports.kinds import Kind
    from bench.imports.manifest import Manifest
    from bench.imports.reading import Imported

SCHEMA = "pixelmeter.import/1"
# Those of bench.imports.kinds, which help must not load.
_KINDS = "openai-costs, openai-usage, litellm, litellm-db, focus, openrouter, csv"


def register(app: typer.Typer) -> None:
    """Add the command `import` to the command line."""
    app.command("import")(import_)


def import_(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help=f"What the file is: {_KINDS}."),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file, CSV or JSON.")
    ] = None,
    *,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="For csv: what a column says, such as Cost=amount; repeat the option.",
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For csv: the same as a YAML file."),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option(
            "--skip-bad", help="Leave out rows that can't be used, instead of all."
        ),
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Show what was imported.")
    ] = False,
    remove: Annotated[
        str | None, typer.Option(metavar="ID", help="Take an import away.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Import a bill: a provider's cost export, or a gateway's spend log.

    Rows stay in the data folder under `imports`; columns that tell who asked do
    not. `pixelmeter reconcile` compares them with what was measured.
    """
    from bench.errors import BadInput
    from bench.imports.reading import import_file

    wishes = (kind is not None, list_, remove is not None)
    if sum(wishes) != 1 or (kind is not None and file is None):
        raise BadInput(
            f"import: name a kind ({_KINDS}) and a file, or give --list or --remove ID"
        )
    if list_:
        _list(data, json=json)
    elif remove is not None:
        _remove(data, remove, json=json)
    elif kind is not None and file is not None:
        chosen = _chosen(kind, map_ or [], mapping)
        _tell(
            import_file(chosen_folder(data), chosen, file, skip_bad=skip_bad), json=json
        )


def _chosen(name: str, map_: list[str], mapping: Path | None) -> "Kind":
    from bench.errors import BadInput
    from bench.imports.kinds import kind_of
    from bench.imports.mapping import mapped

    kind = kind_of(name)
    if name == "csv":
        return mapped(kind, map_, mapping)
    if map_ or mapping:
        raise BadInput(f"--map and --mapping: {name} has columns of its own; take csv")
    return kind


def _tell(imported: "Imported", *, json: bool) -> None:
    from bench.words.figures import so_many
    from bench.words.printable import printable

    manifest = imported.manifest
    for sentence in imported.told:
        typer.echo(f"left out: {sentence}", err=True)
    for note in manifest.notes:
        typer.echo(f"note: {note}", err=True)
    if json:
        _print_json(
            {"schema": SCHEMA, "is_new": imported.is_new, "import": manifest.to_json()}
        )
        return
    file = printable(manifest.file)
    if not imported.is_new:
        later = f", written now at {manifest.written_at}" if imported.is_later else ""
        typer.echo(
            f"{file} was imported before, as {manifest.id}{later}; nothing was added "
            f"(`pixelmeter import --remove {manifest.id}` takes it away)"
        )
        return
    usd = "no dollars" if manifest.amount_usd is None else f"{manifest.amount_usd} USD"
    mark = "".join(f", {mark}" for mark in _marks(manifest))
    typer.echo(
        f"imported {so_many(manifest.rows, 'row')} of {file} as {manifest.id}{mark}: "
        f"{usd}, UTC days {manifest.first_on} to {manifest.last_on}"
    )


def _list(data: Path | None, *, json: bool) -> None:
    from bench.imports.shelf import Shelf
    from bench.words.printable import printable
    from bench.words.tables import print_table

    manifests = Shelf.of(chosen_folder(data)).manifests()
    if json:
        listed = [manifest.to_json() for manifest in manifests]
        _print_json({"schema": SCHEMA, "imports": listed})
        return
    if not manifests:
        typer.echo("nothing was imported yet", err=True)
        return
    columns = (
        *(("Import", False), ("File", False), ("Rows", True), ("USD", True)),
        *(("First day", False), ("Last day", False), ("Imported", False), ("", False)),
    )
    rows = [
        (
            m.id,
            printable(m.file),
            f"{m.rows:,}",
            m.amount_usd or "–",
            m.first_on or "–",
            m.last_on or "–",
            m.imported_at[:16].replace("T", " "),
            " ".join(_marks(m)),
        )
        for m in manifests
    ]
    print_table(columns, rows)


def _marks(manifest: "Manifest") -> "Iterator[str]":
    if manifest.untried:
        yield "UNTRIED"
    if manifest.simulated:
        yield "SIMULATED"
    if manifest.is_part:
        yield "a part"


def _remove(data: Path | None, import_id: str, *, json: bool) -> None:
    from bench.imports.shelf import Shelf

    Shelf.of(chosen_folder(data)).remove(import_id)
    if json:
        _print_json({"schema": SCHEMA, "removed": import_id})
    else:
        typer.echo(
            f"{import_id} was taken away; the file that it came from is untouched"
        )


def _print_json(answer: dict[str, object]) -> None:
    import orjson

    typer.echo(orjson.dumps(answer).decode())

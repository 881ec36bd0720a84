"""Export: the command that gives a run's rows to other programs."""

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import run_names
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from bench.exports.run import Wanted
    from bench.folder import DataFolder

SCHEMA = "pixelmeter.export/1"
# Those of bench.exports.run, which help must not load.
_FORMATS = ("csv", "jsonl", "parquet", "xlsx", "focus", "pytest-benchmark")


def register(app: typer.Typer) -> None:
    """Add the command `export` to the command line."""
    app.command("export")(export)


def export(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run's name, or latest.", autocompletion=run_names
        ),
    ] = "latest",
    *,
    format_: Annotated[
        str, typer.Option("--format", metavar="|".join(_FORMATS), help="How.")
    ] = "csv",
    table: Annotated[
        str | None,
        typer.Option(metavar="trials|attempts|cells", help="What; else trials."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; else stdout.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write a run's rows for other programs, exact to the last digit.

    The columns are those of the index's views. In CSV a text that a spreadsheet
    would take for a formula begins with an apostrophe. An xlsx holds a summary,
    the cells and the table; focus is the FinOps cost format, a row a charge;
    pytest-benchmark has service times, a benchmark a cell.
    """
    import orjson

    from bench.errors import BadInput
    from bench.exports.run import Wanted, pour

    path = output.absolute() if output else None
    wanted = Wanted(table=table, format=format_, output=path, force=force)
    wanted.refuse()
    if json and path is None:
        raise BadInput("--json: it answers about a file; name one with --output")
    folder = chosen_folder(data)
    answer, held = _exported(folder, folder.existing_run(run).run_id, wanted)
    if held:
        pour(held, sys.stdout.buffer)
    elif json:
        typer.echo(orjson.dumps(answer).decode())
    else:
        mark = " (simulated)" if answer["simulated"] else ""
        typer.echo(
            f"{answer['rows']:,} {wanted.rows} of run {answer['run_id']}{mark}: {path}"
        )


def _exported(
    folder: "DataFolder", run_id: str, wanted: "Wanted"
) -> "tuple[dict[str, Any], IO[bytes] | None]":
    """What was written, and what is yet to be, where no file was named."""
    from bench.errors import BadInput
    from bench.exports.run import remarks, spool, write_file
    from bench.store import queries
    from bench.store.exported import table_of
    from pricing.money import usd_text

    held = None
    with current_index(folder) as con:
        shown = queries.run(con, run_id)
        if shown is None:
            raise BadInput(f"run '{run_id}' can't be exported: its plan can't be read")
        table = table_of(con, wanted.rows, run_id)
        if wanted.output:
            write_file(table, wanted, wanted.output)
        else:
            held = spool(table, wanted)
        notes = list(remarks(table, wanted.format, simulated=shown["simulated"]))
    if shown["state"] == "running":
        typer.echo(f"note: run {run_id} goes on; these are its rows so far", err=True)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    usd = table.charge_usd
    answer = {
        "schema": SCHEMA,
        "run_id": run_id,
        "table": wanted.rows,
        "format": wanted.format,
        "path": str(wanted.output),
        "rows": table.n_rows,
        "charge_usd": None if usd is None else usd_text(usd),
        "simulated": shown["simulated"],
    }
    return answer, held

"""Report: the command that writes a run as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.indexed import chosen_folder
from bench.commands.naming import RunArgument
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from bench.folder import DataFolder

SCHEMA = "pixelmeter.report/1"


def register(app: typer.Typer) -> None:
    """Add the command `report` to the command line."""
    app.command("report")(report)


def report(
    run: RunArgument = "latest",
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Else reports/<run>.html in the data folder."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write a run as one HTML page that opens offline.

    Comparison, charts, savings, pictures, method and exact dollars in one file;
    nothing is fetched when it is opened.
    """
    import orjson

    from bench.words.figures import bytes_text
    from bench.words.places import place
    from dashboards.report.writing import check_path, report_path

    folder = chosen_folder(data)
    run_id = folder.existing_run(run).run_id
    path = (output or report_path(folder, run_id)).absolute()
    check_path(path, force=force)
    written = write(folder, run_id, path)
    if json:
        typer.echo(orjson.dumps({"schema": SCHEMA, **written}).decode())
    else:
        mark = " (simulated)" if written["simulated"] else ""
        size = bytes_text(written["n_bytes"])
        typer.echo(f"report of run {run_id}{mark}: {place(path)} ({size})")


def write(folder: "DataFolder", run_id: str, path: Path) -> dict[str, Any]:
    """Write the report of a run, in place of what stands there.

    Returns:
        `run_id, path, n_bytes, simulated`.

    Raises:
        BadInput: There is no such run.
        StorageFailed: The report can't be written.
    """
    from dashboards.report.facts import read_facts
    from dashboards.report.page import render
    from dashboards.report.pictures import read_gallery
    from dashboards.report.writing import write_report

    facts = read_facts(folder, run_id)
    text = render(facts, read_gallery(facts, folder))
    n_bytes = write_report(path, text)
    return {
        "run_id": run_id,
        "path": str(path),
        "n_bytes": n_bytes,
        "simulated": facts.is_simulated,
    }

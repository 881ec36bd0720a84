"""Runs: the commands that list runs and show one."""

from typing import TYPE_CHECKING

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import RunArgument
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from bench.commands.checking import Checked
    from bench.commands.doubting import Doubts
    from bench.store.queries import Row
    from bench.store.shown import Shown

RUNS_SCHEMA = "pixelmeter.runs/1"
SHOW_SCHEMA = "pixelmeter.show/1"


def register(app: typer.Typer) -> None:
    """Add the commands `runs` and `show` to the command line."""
    app.command("runs")(runs)
    app.command("show")(show)


def runs(*, data: DataOption = None, json: JsonOption = False) -> None:
    """List what was run, the newest first."""
    import orjson

    from bench.commands.answers import run_answer
    from bench.commands.showing import print_runs
    from bench.store import queries

    folder = chosen_folder(data)
    found: list[Row] = []
    if folder.root.is_dir():
        with current_index(folder) as con:
            found = queries.runs(con)
    if json:
        answer = {"schema": RUNS_SCHEMA, "runs": [run_answer(row) for row in found]}
        typer.echo(orjson.dumps(answer).decode())
    elif found:
        print_runs(found)
    else:
        typer.echo(f"no runs in {folder.root} yet; `pixelmeter demo` makes one")


def show(
    run: RunArgument,
    *,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show how a run stands: trials, cells, dollars."""
    import orjson

    from bench.commands.answers import show_answer
    from bench.commands.checking import checked_answer, read_checked
    from bench.commands.doubting import doubts_answer, read_doubts
    from bench.commands.jobbing import job_answers, job_line
    from bench.errors import BadInput
    from bench.jobs.job import jobs_in
    from bench.store.served import served_otherwise
    from bench.store.shown import read_shown

    folder = chosen_folder(data)
    existing = folder.existing_run(run)
    run_id, jobs = existing.run_id, jobs_in(existing)
    with current_index(folder) as con:
        shown = read_shown(con, run_id)
        served = served_otherwise(con, run_id)
        doubts = read_doubts(con, folder, run_id)
        checked = read_checked(con, run_id)
    if shown is None:
        raise BadInput(
            f"run '{run_id}' can't be shown: the index does not hold it; "
            "`pixelmeter ingest` tells why"
        )
    if json:
        answer = {
            "schema": SHOW_SCHEMA,
            **show_answer(shown),
            "served_otherwise": served,
            **doubts_answer(doubts),
            **checked_answer(checked),
            "jobs": job_answers(jobs),
        }
        typer.echo(orjson.dumps(answer).decode())
    else:
        _print(shown, served, doubts, checked)
        for line in ["", *map(job_line, jobs)] if jobs else []:
            typer.echo(line)


def _print(
    shown: "Shown", served: "list[Row]", doubts: "Doubts", checked: "Checked"
) -> None:
    """A run and what is to be doubted of it."""
    from bench.commands.checking import print_checked
    from bench.commands.doubting import print_doubts
    from bench.commands.showing import print_shown
    from bench.words.served import other_than_asked

    print_shown(shown)
    if served:
        typer.echo("\nnot as asked")
    for sentence in other_than_asked(served):
        typer.echo(sentence)
    print_doubts(doubts)
    print_checked(shown.run, checked)

"""Compare: the command that tells differences, and how sure they are."""

from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.indexed import chosen_folder, current_index
from bench.commands.naming import RunsArgument
from bench.commands.options import DataOption, JsonOption

if TYPE_CHECKING:
    from bench.store.queries import Row
    from bench.studies.comparison import Comparison

SCHEMA = "pixelmeter.compare/1"
_MOST_RUNS = 2


def register(app: typer.Typer) -> None:
    """Add the command `compare` to the command line."""
    app.command("compare")(compare)


def compare(
    runs: RunsArgument,
    *,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="endpoint|model|quality|size|api|operation|mainline_model|PARAMETER",
            help="What to tell apart within one run; else the first that varies.",
        ),
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Compare within a run, or two runs, and say how sure.

    Everything is paired: same prompt, same parameters, same repeat. Each figure
    has its n and its 95% interval.
    """
    import orjson

    from bench.commands.answers import comparison_answer
    from bench.commands.comparing import print_comparison
    from bench.store import queries
    from bench.store.served import served_otherwise

    folder = chosen_folder(data)
    run_ids = [folder.existing_run(run).run_id for run in runs]
    _check(run_ids, by)
    with current_index(folder) as con:
        trials = {run_id: queries.trials(con, run_id) for run_id in run_ids}
        served = {run_id: served_otherwise(con, run_id) for run_id in run_ids}
        rows = [queries.run(con, run_id) or {} for run_id in run_ids]
    comparison = _compare(trials, by)
    if json:
        answer = {
            "schema": SCHEMA,
            "runs": run_ids,
            **comparison_answer(comparison),
            "served_otherwise": served,
            "client_limited": {row["run_id"]: row["client_limited"] for row in rows},
        }
        typer.echo(orjson.dumps(answer).decode())
    else:
        typer.echo(f"run{'s' if len(run_ids) > 1 else ''} {' and '.join(run_ids)}")
        _print_loads(rows)
        print_comparison(comparison)
        _print_served(served)


def _print_loads(rows: "list[Row]") -> None:
    """Which runs went by jobs, and which measured this program too."""
    from bench.commands.scheduled import BATCH
    from bench.words.limited import limited_sentence

    for row in rows:
        by_jobs = f"asked as {BATCH}" if row["load"] == "batch" else None
        if said := by_jobs or limited_sentence(row):
            typer.echo(f"run {row['run_id']}: {said}" if len(rows) > 1 else said)


def _print_served(served: "dict[str, list[Row]]") -> None:
    """What is not like with like, though it was asked alike."""
    from bench.words.served import other_than_asked

    if any(served.values()):
        typer.echo("\nnot like with like, because not as asked")
    for run_id, rows in served.items():
        of_run = f"run {run_id}: " if len(served) > 1 else ""
        for sentence in other_than_asked(rows):
            typer.echo(f"  {of_run}{sentence}")


def _check(run_ids: list[str], by: str | None) -> None:
    from bench.errors import BadInput

    if len(run_ids) > _MOST_RUNS:
        raise BadInput(f"{len(run_ids)} runs: name one or two")
    if len(run_ids) != len(set(run_ids)):
        raise BadInput(f"run {run_ids[0]} is named twice; name another one")
    if by is not None and len(run_ids) == _MOST_RUNS:
        raise BadInput(f"--by {by} compares within one run; name only one")


def _compare(trials: "dict[str, list[Row]]", by: str | None) -> "Comparison":
    from bench.errors import BadInput
    from bench.studies.comparison import compare_levels, compare_runs

    for run_id, rows in trials.items():
        if not rows:
            raise BadInput(
                f"run '{run_id}' can't be compared: it has no trials to read"
            )
    sides = list(trials.items())
    if len(sides) == _MOST_RUNS:
        return compare_runs(sides[0], sides[1])
    return compare_levels(sides[0][1], by)

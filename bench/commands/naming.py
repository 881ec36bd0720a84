"""Naming: runs as they are named on the command line."""

from pathlib import Path
from typing import Annotated

import typer

_MOST_NAMES = 100


def run_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of runs that begin so, for a shell that completes; newest first.

    Nothing is complained about here: a shell shows what it gets.
    """
    from bench.commands.indexed import chosen_folder
    from bench.errors import BenchError

    data = ctx.params.get("data")
    try:
        known = chosen_folder(Path(data) if data else None).run_ids()
    except (BenchError, OSError):
        return []
    names = ("latest", *known[::-1]) if known else ()
    return [name for name in names if name.startswith(incomplete)][:_MOST_NAMES]


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's name, or latest.", autocompletion=run_names
    ),
]
RunsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN [RUN]",
        help="One or two runs, or latest.",
        autocompletion=run_names,
    ),
]
RunOption = Annotated[
    str,
    typer.Option(
        "--run", metavar="RUN", help="Whose pictures.", autocompletion=run_names
    ),
]

"""Init: the command that writes a first suite and endpoints file."""

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import JsonOption

SCHEMA = "pixelmeter.init/1"


def register(app: typer.Typer) -> None:
    """Add the command `init` to the command line."""
    app.command("init")(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write into; made if new.")
    ] = Path(),
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write an example suite, endpoints file and .env.example.

    They run as they are, against the emulator. Beside them go the JSON Schemas
    that editors check them by, and a .gitignore where there is none.
    """
    import orjson

    from bench.commands.starting import next_commands, starter_files, write_all

    written = write_all(folder, starter_files(folder), over=force)
    commands = next_commands(folder)
    if json:
        answer = {
            "schema": SCHEMA,
            "folder": str(folder.absolute()),
            "written": [str(path) for path in written],
            "next": list(commands),
        }
        typer.echo(orjson.dumps(answer).decode())
        return
    for path in written:
        typer.echo(f"wrote {path}")
    typer.echo("\nnext, with no key and at no cost:")
    for command in commands:
        typer.echo(f"  {command}")
    typer.echo(
        "\nwith your key: write it into .env, then the last command with\n"
        "--endpoint openai; `pixelmeter doctor --endpoints endpoints.yaml` checks "
        "the set-up"
    )

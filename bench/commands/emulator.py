"""Emulator: the command that starts a double of the image API."""

from pathlib import Path
from typing import Annotated

import typer

from bench.emulator.options import Manner, Options, Profile


def register(app: typer.Typer) -> None:
    """Add the command `emulator` to the command line."""
    app.command("emulator")(emulator)


def emulator(
    *,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")],
    profile: Annotated[
        Profile,
        typer.Option(help="Models of today, or also the ones that were shut down."),
    ] = Profile.CURRENT,
    manner: Annotated[
        Manner, typer.Option(help="Behave like OpenAI or like a gateway.")
    ] = Manner.OPENAI,
    upstream: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="As a gateway, forward to this base URL (with /v1)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of pictures and times.")] = 0,
    time_scale: Annotated[
        float, typer.Option(help="Multiplies simulated seconds; 0 answers at once.")
    ] = 1.0,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Faults to begin with, as JSON or YAML."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Say the URL as JSON.")] = False,
) -> None:
    """Run a strict double of the OpenAI image API on this machine.

    It costs nothing and keeps a ledger of every request; pictures and answers
    are marked as simulated. One line on stdout says where it listens.
    """
    from bench.emulator.server import CannotStartError, ready_line, run

    def say_ready(url: str) -> None:
        said = f"The emulator listens at {url} (Ctrl-C ends it)."
        print(ready_line(url) if json else said, flush=True)  # noqa: T201 - the answer

    options = Options(
        port=port,
        profile=profile,
        manner=manner,
        upstream=upstream,
        seed=seed,
        time_scale=time_scale,
        faults_file=faults,
    )
    try:
        code = run(options, on_ready=say_ready)
    except CannotStartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(code)

"""Generate: the command that asks for one thing, and says its cost."""

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    DataOption,
    EndpointsOption,
    JsonOption,
    MaxCostOption,
    NoteOption,
    PricesOption,
    RouteOption,
    YesOption,
)


def register(app: typer.Typer) -> None:
    """Add the command `generate` to the command line."""
    app.command("generate")(generate)


def generate(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What is asked.")],
    *,
    model: Annotated[
        str | None, typer.Option(help="Image model; gpt-image-2.", metavar="MODEL")
    ] = None,
    quality: Annotated[
        str | None, typer.Option(metavar="QUALITY", help="Such as low, medium, high.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Such as 1024x1024.")
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Pictures in one request.")
    ] = None,
    output_format: Annotated[
        str | None, typer.Option(metavar="png|jpeg|webp", help="Format of the picture.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(metavar="opaque|transparent", help="Background.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Copy the picture here."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Endpoint to ask; openai without a file."),
    ] = None,
    endpoints: EndpointsOption = None,
    route: RouteOption = None,
    prices: PricesOption = None,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    note: NoteOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make one picture: file, seconds, dollars.

    It is recorded as a run of its own. Exit code 4 when there is no picture.
    """
    import asyncio

    from bench.commands.carrying import Session
    from bench.commands.choosing import Where
    from bench.commands.generating import Wanted, agree, answer_json, ask, code, tell
    from bench.meter.asking import endpoints_of

    session = Session.begin(data)
    parameters = {
        "model": model,
        "quality": quality,
        "size": size,
        "n": n,
        "output_format": output_format,
        "background": background,
    }
    where = Where(
        endpoints_file=endpoints,
        names=(endpoint,) if endpoint else (),
        route=route,
        prices=prices,
    )
    if endpoints or session.data.endpoints.is_file():
        chosen = where.read(session.data)[0]
    else:
        chosen = endpoints_of(endpoint or "openai", None, session.data)[0]
    wanted = Wanted(
        prompt=prompt,
        parameters=parameters,
        endpoint=chosen,
        max_cost=max_cost,
        note=note,
        output=output,
    )
    agree(wanted, session, agreed=yes)
    answer = asyncio.run(ask(wanted, session))
    typer.echo(answer_json(answer)) if json else tell(answer, wanted, session)
    raise typer.Exit(code(answer, session))

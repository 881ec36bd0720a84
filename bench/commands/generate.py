"""Generate: the command that asks for one thing, and says its cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from bench.commands.carrying import Session
    from bench.endpoint import Endpoint


def register(app: typer.Typer) -> None:
    """Add the command `generate` to the command line."""
    app.command("generate")(generate)


def generate(
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="What is asked.")
    ] = None,
    *,
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="FILE|URL|FILE-ID",
            help="Picture to start from; repeat to compose of several.",
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where the first may be changed."),
    ] = None,
    then: Annotated[
        list[str] | None,
        typer.Option(
            "--then", metavar="TEXT", help="The next turn of a conversation; repeat."
        ),
    ] = None,
    variation: Annotated[
        bool, typer.Option("--variation", help="Variations of --image, no PROMPT.")
    ] = False,
    api: Annotated[
        str | None, typer.Option(metavar="images|responses", help="Which API.")
    ] = None,
    mainline_model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Text model that drives the image tool."),
    ] = None,
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
        int | None, typer.Option("--n", help="Pictures in one request.")
    ] = None,
    output_format: Annotated[
        str | None, typer.Option(metavar="png|jpeg|webp", help="Format of the picture.")
    ] = None,
    output_compression: Annotated[
        int | None, typer.Option(metavar="0-100", help="Of jpeg and webp.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(metavar="opaque|transparent", help="Background.")
    ] = None,
    input_fidelity: Annotated[
        str | None, typer.Option(metavar="low|high", help="Of what is sent along.")
    ] = None,
    moderation: Annotated[
        str | None, typer.Option(metavar="auto|low", help="How much is refused.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Have the answer come as events.")
    ] = False,
    partial_images: Annotated[
        int | None,
        typer.Option(metavar="0-3", help="Partial pictures of a stream."),
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
    """Make one picture, or a conversation of them: files, seconds, dollars.

    With --image it is an edit, with several made of all of them, with --mask changed
    inside it. It is recorded as a run of its own. Exit code 4 when a picture is
    missing.
    """
    import asyncio

    from bench.commands.carrying import Session
    from bench.commands.generated import Given, answers_json, tell
    from bench.commands.generating import Wanted, agree, ask, code

    session = Session.begin(data)
    given = Given.read(
        prompt=prompt, then=then, images=image, mask=mask, is_variation=variation
    )
    parameters = {
        "api": given.api(api),
        "mainline_model": mainline_model,
        "model": model,
        "quality": quality,
        "size": size,
        "n": n,
        "output_format": output_format,
        "output_compression": output_compression,
        "background": background,
        "input_fidelity": input_fidelity,
        "moderation": moderation,
        "stream": stream or None,
        "partial_images": partial_images,
    }
    wanted = Wanted(
        given=given,
        parameters=parameters,
        endpoint=_chosen(session, endpoint, endpoints, route, prices),
        max_cost=max_cost,
        note=note,
        output=output,
    )
    agree(wanted, session, agreed=yes)
    answers = asyncio.run(ask(wanted, session))
    if json:
        typer.echo(answers_json(given, answers))
    else:
        tell(given, answers, wanted.outputs, session)
    raise typer.Exit(code(answers, wanted, session))


def _chosen(
    session: "Session",
    name: str | None,
    file: Path | None,
    route: str | None,
    prices: str | None,
) -> "Endpoint":
    from bench.commands.choosing import Where
    from bench.meter.asking import endpoints_of

    if file or session.data.endpoints.is_file():
        names = (name,) if name else ()
        where = Where(endpoints_file=file, names=names, route=route, prices=prices)
        return where.read(session.data)[0]
    return endpoints_of(name or "openai", None, session.data)[0]

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
    markup: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Drawn over the first, transparent around."),
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
        str | None,
        typer.Option(
            "--output-format",
            "--format",
            metavar="png|jpeg|webp|gif|svg",
            help="Format of the picture.",
        ),
    ] = None,
    output_compression: Annotated[
        int | None, typer.Option(metavar="0-100", help="Of jpeg and webp.")
    ] = None,
    svg_model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Text model that writes an SVG."),
    ] = None,
    svg_effort: Annotated[
        str | None,
        typer.Option(metavar="none..max", help="How much it thinks about it."),
    ] = None,
    frame_count: Annotated[
        int | None, typer.Option(metavar="2-16", help="Frames of a gif.")
    ] = None,
    frame_duration_ms: Annotated[
        int | None, typer.Option(metavar="MS", help="How long each frame stays.")
    ] = None,
    complexity: Annotated[
        str | None, typer.Option(metavar="low|medium|high", help="Of gpt-image-2.6.")
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
    inside it, with --markup as drawn over it. It is recorded as a run of its own. Exit
    code 4 when a picture is missing.
    """
    from bench.commands.carrying import Session
    from bench.commands.generated import Given
    from bench.commands.generating import Wanted, fulfil

    session = Session.begin(data)
    over = {"mask": mask, "markup": markup}
    given = Given.read(
        prompt=prompt, then=then, images=image, is_variation=variation, **over
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
        "svg_model": svg_model,
        "svg_effort": svg_effort,
        "frame_count": frame_count,
        "frame_duration_ms": frame_duration_ms,
        "complexity": complexity,
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
    raise typer.Exit(fulfil(wanted, session, agreed=yes, as_json=json))


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

"""Mask: the command that makes a mask of a drawing, or checks one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import JsonOption

if TYPE_CHECKING:
    from bench.inputs.masking import Mask

SCHEMA = "pixelmeter.mask/1"


def register(app: typer.Typer) -> None:
    """Add the command `mask` to the command line."""
    app.command("mask")(mask)


def mask(
    drawing: Annotated[
        Path | None,
        typer.Argument(metavar="IN", help="A picture painted black and white."),
    ] = None,
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="The mask to write (PNG).")
    ] = None,
    *,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="black|white",
            help="What stays as it is; the other colour may be edited.",
        ),
    ] = "black",
    target: Annotated[
        Path | None,
        typer.Option(
            "--for",
            metavar="IMAGE",
            help="The picture to be edited: the mask is scaled to its size, and "
            "checked against it.",
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="MASK",
            help="Make nothing; say whether this is a mask for the picture of --for.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over OUT if it is there.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a mask of a black-and-white drawing: white may be edited, black stays.

    A mask says where a model may edit: where it is transparent. Pixels above
    middle grey count as white. Nothing is sent.
    """
    from bench.errors import BadInput

    if check is not None:
        if drawing is not None or target is None:
            raise BadInput("--check MASK: needs --for IMAGE, and neither IN nor OUT")
        from bench.inputs.masking import checked_mask

        _tell(checked_mask(check, target), check, "checked", as_json=json)
        return
    if drawing is None or out is None:
        raise BadInput("mask: name the drawing and the mask to write: mask IN OUT")
    if keep not in {"black", "white"}:
        raise BadInput(f"--keep: '{keep[:60]}' should be black or white")
    _check_out(out, drawing, force=force)
    from bench.inputs.masking import made_mask

    made = made_mask(drawing, keep, target)
    _write(out, made.content)
    _tell(made, out, "written", as_json=json)


def _check_out(out: Path, drawing: Path, *, force: bool) -> None:
    from bench.errors import BadInput

    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a mask is a PNG; name it so, such as mask.png")
    if out.exists() and out.samefile(drawing):
        raise BadInput(f"{out}: is the drawing itself; name another file")
    if out.exists() and not force:
        raise BadInput(f"{out}: is there already; name another, or add --force")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")


def _write(out: Path, content: bytes) -> None:
    from bench.errors import StorageFailed
    from bench.folder import write_durably

    try:
        write_durably(out, content)
    except OSError as error:
        raise StorageFailed(f"{out}: can't be written ({error.strerror})") from None


def _tell(made: "Mask", path: Path, done: str, *, as_json: bool) -> None:
    import orjson

    from bench.words.figures import percent

    if as_json:
        answer = {
            "schema": SCHEMA,
            "mask": str(path),
            "done": done,
            "width_px": made.width_px,
            "height_px": made.height_px,
            "bytes": len(made.content),
            "editable_share": round(made.editable_share, 6),
            "was_scaled": made.was_scaled,
        }
        typer.echo(orjson.dumps(answer).decode())
        return
    scaled = ", scaled to the picture" if made.was_scaled else ""
    typer.echo(
        f"{path}  {made.width_px}x{made.height_px}{scaled}: "
        f"{percent(made.editable_share)} of it may be edited, the rest stays"
    )

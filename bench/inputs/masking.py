"""Masking: a mask made of a black-and-white picture, or one checked."""

from dataclasses import dataclass
from pathlib import Path

from bench.errors import BadInput
from bench.inputs.masks import check_mask
from bench.inputs.opener import Opener
from bench.inputs.reading import Opened, look, look_at
from bench.reference import Reference
from bench.words.figures import percent
from bench.words.places import place
from bench.words.printable import printable

# A few pixels at the edges of a drawing, or what JPEG does to them, are no harm.
MOST_COLOURED = 0.05
MOST_BETWEEN = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A mask that holds, and what it says.

    Attributes:
        content: Its bytes: a PNG, transparent where the model may edit.
        was_scaled: Whether it had another size before.
    """

    content: bytes
    width_px: int
    height_px: int
    editable_share: float
    was_scaled: bool = False


def made_mask(path: Path, keep: str, target: Path | None) -> Mask:
    """A mask out of a black-and-white picture.

    Args:
        path: The picture; it may have another size than what it is for.
        keep: `black` or `white`: what the model must leave as it is.
        target: The picture to be edited, None where nobody says it.

    Raises:
        BadInput: A picture can't be used, or nothing would be left to edit.
    """
    with Opener() as opener:
        drawn = look(path, opener)
        name = printable(place(path))
        _check_drawing(name, drawn)
        first = None if target is None else _target(target, opener)
        size_px = (0, 0) if first is None else _size(first)
        seen = opener.see(drawn.content, keep=keep, size_px=size_px)
        if seen.problem is not None:
            raise BadInput(f"{name}: {seen.problem}; no mask can be made of it")
        made = look_at(name, seen.mask, opener)
    if not made.seen.n_clear_px:
        other = "white" if keep == "black" else "black"
        raise BadInput(
            f"{name}: nothing is {other}, so nothing could be edited; paint what the "
            f"model may change {other}, or set --keep {other}"
        )
    check_mask(made.reference, made.seen, first or made.reference)
    was_scaled = _size(made.reference) != _size(drawn.reference)
    return _mask(made, was_scaled=was_scaled)


def checked_mask(path: Path, target: Path) -> Mask:
    """A mask that is there, checked against the picture that it is for.

    Raises:
        BadInput: It is no mask for that picture; says how to mend it.
    """
    with Opener() as opener:
        found, first = look(path, opener), _target(target, opener)
    check_mask(found.reference, found.seen, first)
    return _mask(found, was_scaled=False)


def _check_drawing(name: str, drawn: Opened) -> None:
    """Refuse what was not drawn as a mask."""
    seen = drawn.seen
    if seen.n_clear_px:
        raise BadInput(
            f"{name}: is transparent in places already, as a mask is; use it as it "
            "stands: `pixelmeter mask --check MASK --for IMAGE` says whether it fits"
        )
    if seen.coloured_share > MOST_COLOURED or seen.between_share > MOST_BETWEEN:
        what = (
            f"{percent(seen.coloured_share)} of its pixels are coloured"
            if seen.coloured_share > MOST_COLOURED
            else f"{percent(seen.between_share)} of its pixels are in between"
        )
        raise BadInput(
            f"{name}: is no black-and-white picture: {what}; paint black and white "
            "alone over a copy of the picture to be edited"
        )


def _target(path: Path, opener: Opener) -> Reference:
    return look(path, opener).reference


def _size(one: Reference) -> tuple[int, int]:
    return one.width_px or 0, one.height_px or 0


def _mask(found: Opened, *, was_scaled: bool) -> Mask:
    width_px, height_px = _size(found.reference)
    return Mask(
        content=found.content,
        width_px=width_px,
        height_px=height_px,
        editable_share=found.seen.n_clear_px / (width_px * height_px),
        was_scaled=was_scaled,
    )

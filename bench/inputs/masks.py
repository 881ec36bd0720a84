"""Masks: where the first input may be changed, checked unsent."""

from bench.errors import BadInput
from bench.inputs.opener import Seen
from bench.reference import Reference

# The official library's text; the guides say 50 MB, the stricter one holds.
MOST_BYTES = 4_000_000
UNSEEN = (
    "mask: should be a file of yours, so that it can be checked before anything is sent"
)
_MAKE = "`pixelmeter mask IN OUT` makes one of a black-and-white picture"


def check_mask(mask: Reference, seen: Seen, first: Reference | None) -> None:
    """Refuse a mask that the API would refuse, or that would change nothing.

    Args:
        mask: As it is sent.
        seen: What is in it.
        first: The input that it is for; None where there is none.

    Raises:
        BadInput: Says what is wrong, and how to mend it.
    """
    name = f"mask {mask.file}" if mask.file else "the mask"
    if mask.format != "png":
        raise BadInput(f"{name}: is {mask.format}, and a mask has to be PNG; {_MAKE}")
    if (mask.n_bytes or 0) >= MOST_BYTES:
        raise BadInput(
            f"{name}: {mask.n_bytes:,} bytes; a mask has less than {MOST_BYTES:,}; "
            "a PNG of few colours is much smaller"
        )
    if not seen.has_alpha:
        raise BadInput(
            f"{name}: has no alpha channel, which says where to edit; {_MAKE}"
        )
    if not seen.n_clear_px:
        raise BadInput(
            f"{name}: no pixel is transparent, so nothing could be edited; {_MAKE}"
        )
    if first is None:
        raise BadInput(f"{name}: there is no input that it is for; add inputs")
    size, other = _size(mask), _size(first)
    if first.format not in {None, mask.format}:
        raise BadInput(
            f"{name}: is png and the first input {first.format}; both have to be of "
            "one format, so save the input as PNG"
        )
    if first.width_px is not None and size != other:
        raise BadInput(
            f"{name}: {size} pixels, the first input {other}; both have to be of one "
            "size: `pixelmeter mask IN OUT --for INPUT` scales a mask"
        )


def _size(one: Reference) -> str:
    return f"{one.width_px}x{one.height_px}"

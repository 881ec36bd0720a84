"""Sent: pictures that went with a prompt, in words."""

from bench.prompt import Prompt
from bench.reference import Reference
from bench.words.figures import so_many
from bench.words.printable import shortened

_MOST_LETTERS = 80


def named_pictures(prompt: Prompt) -> tuple[tuple[str, Reference], ...]:
    """The inputs, and mask and markup, each with what people call it."""
    inputs = ((_name(one), one) for one in prompt.inputs)
    over = (("mask", prompt.mask), ("markup", prompt.markup))
    drawn = ((f"{key} {_name(one)}", one) for key, one in over if one is not None)
    return (*inputs, *drawn)


def sent_along(prompt: Prompt) -> str:
    """All of them with what is known of their sizes, a line each."""
    return "\n".join(
        f"{name}{_size(reference)}" for name, reference in named_pictures(prompt)
    )


def _name(reference: Reference) -> str:
    where = reference.file or reference.url or reference.file_id
    if where is None or where.startswith("data:"):
        return "a picture within the request"
    return shortened(where, _MOST_LETTERS)


def _size(reference: Reference) -> str:
    known = [] if reference.format is None else [reference.format]
    if reference.width_px is not None:
        known.insert(0, f"{reference.width_px}x{reference.height_px}")
    if reference.n_bytes is not None:
        known.append(so_many(reference.n_bytes, "byte"))
    return f" ({', '.join(known)})" if known else ""

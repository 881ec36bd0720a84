"""Wanted: what a cell asks for, as the price floor knows it."""

from collections.abc import Sequence

from bench.attempt import Cell
from bench.prompt import Prompt
from pricing.variant import (
    MAX_INPUT_IMAGES,
    InputImage,
    PictureRequest,
    Variant,
    parse_size,
)

# What a model makes where frame_count is left out (official library 3.52.0).
FRAMES_OF_A_GIF = 9


def variant_asked(cell: Cell) -> Variant:
    """Model, quality and size of a cell's pictures."""
    return Variant(
        model=cell.model,
        quality=cell.text("quality") or "auto",
        size=parse_size(cell.text("size") or "auto"),
    )


def picture_request(
    cell: Cell, prompt: Prompt, before: Sequence[Prompt]
) -> PictureRequest:
    """What is asked for; pictures of earlier turns go in again."""
    inputs = tuple(one for turn in (*before, prompt) for one in turn.inputs)
    fidelity = cell.text("input_fidelity") or "low"
    seen = tuple(
        InputImage(width_px=one.width_px, height_px=one.height_px, fidelity=fidelity)
        for one in inputs[:MAX_INPUT_IMAGES]
        if one.width_px is not None and one.height_px is not None
    )
    unseen = sum(len(turn.pictures) - len(turn.inputs) for turn in (*before, prompt))
    return PictureRequest(
        variant=variant_asked(cell),
        n=cell.n,
        partial_images=cell.n_partials,
        input_images=seen,
        unseen_images=len(inputs) - len(seen) + unseen + len(before),
        frames=_frames(cell),
    )


def _frames(cell: Cell) -> int:
    is_gif = cell.parameter("output_format") == "gif"
    return cell.count("frame_count", FRAMES_OF_A_GIF) if is_gif else 1

"""Order: seeded random blocks, each cell once in a block."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.attempt import Cell
from bench.prompt import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a trial stands: indexes of cell and prompt, repeat and block."""

    cell: int
    prompt: int
    repeat: int
    block: int


def variant_of(cell: Cell) -> tuple[object, ...]:
    """What two cells share that differ in nothing but the endpoint."""
    plain = (cell.api, cell.operation, cell.model, cell.parameters)
    # Names of trials in records of before hang on this.
    return plain if cell.mainline_model is None else (*plain, cell.mainline_model)


def pieces_of(prompts: Sequence[Prompt]) -> tuple[tuple[int, ...], ...]:
    """Indexes of what stays together: one prompt, or the turns of a conversation."""
    pieces: dict[tuple[str | None, str], list[int]] = {}
    for index, prompt in enumerate(prompts):
        key = (prompt.conversation, "" if prompt.conversation else prompt.id)
        pieces.setdefault(key, []).append(index)
    return tuple(tuple(piece) for piece in pieces.values())


def order(
    cells: Sequence[Cell], pieces: Sequence[tuple[int, ...]], repeats: int, seed: int
) -> tuple[Place, ...]:
    """All trials of a plan, in the order in which they are sent.

    A block is one (prompt, repeat), or one (conversation, repeat); blocks come in
    random order. In a block variants come in random order, and the endpoints of a
    variant follow each other directly, in random order: direct and gateway meet
    the same minute. The turns of a conversation at a cell follow each other
    directly. Method: randomised complete blocks.

    Args:
        cells: At which each prompt is asked.
        pieces: Indexes of prompts, those that stay together in one.
        repeats: How often.
        seed: Of the order.
    """
    # Reproducible from the seed in the plan; nothing secret hangs on it.
    chance = random.Random(seed)  # noqa: S311
    by_variant: dict[tuple[object, ...], list[int]] = {}
    for index, cell in enumerate(cells):
        by_variant.setdefault(variant_of(cell), []).append(index)
    blocks = [(piece, r) for r in range(1, repeats + 1) for piece in pieces]
    chance.shuffle(blocks)
    places: list[Place] = []
    for block, (piece, repeat) in enumerate(blocks):
        groups = [list(indexes) for indexes in by_variant.values()]
        chance.shuffle(groups)
        for group in groups:
            chance.shuffle(group)
            places.extend(
                Place(cell=cell, prompt=prompt, repeat=repeat, block=block)
                for cell in group
                for prompt in piece
            )
    return tuple(places)


def trial_id(run_id: str, cell: Cell, prompt: Prompt, repeat: int) -> str:
    """A name made from what is measured, the same at every reading."""
    parts = (run_id, cell.endpoint, *variant_of(cell), prompt.id, repeat)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]

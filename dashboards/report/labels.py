"""Labels: what a cell asks, in the fewest words that tell it apart."""

from collections.abc import Sequence

from bench.words.variants import Row, asked_values, in_words, without_usual


def short_labels(cells: Sequence[Row]) -> dict[int, str]:
    """By cell index what it asks, without what all cells ask alike."""
    every = [asked_values(cell) for cell in cells]
    varying = {
        name
        for one in every
        for name in one
        if len({str(o.get(name)) for o in every}) > 1
    }
    kept = varying or {"model"}
    return {
        cell["cell_index"]: in_words({k: v for k, v in one.items() if k in kept})
        for cell, one in zip(cells, every, strict=True)
    }


def asked_by_all(cells: Sequence[Row]) -> str:
    """What all cells ask alike; empty when nothing."""
    every = [asked_values(cell) for cell in cells]
    alike = {
        name: value
        for name, value in (every[0] if every else {}).items()
        if len({str(one.get(name)) for one in every}) == 1
    }
    return in_words(without_usual(alike))

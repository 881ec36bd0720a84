"""Labels: what a cell asks, in the fewest words that tell it apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Row = Mapping[str, Any]
_BARE = frozenset({"model", "quality", "size"})


def asked(row: Row) -> str:
    """All that a cell of `bench.store.queries.cells` asks."""
    return _words(_asked(row))


def short_labels(cells: Sequence[Row]) -> dict[int, str]:
    """By cell index what it asks, without what all cells ask alike."""
    every = [_asked(cell) for cell in cells]
    varying = {
        name
        for one in every
        for name in one
        if len({str(o.get(name)) for o in every}) > 1
    }
    kept = varying or {"model"}
    return {
        cell["cell_index"]: _words({k: v for k, v in one.items() if k in kept})
        for cell, one in zip(cells, every, strict=True)
    }


def asked_by_all(cells: Sequence[Row]) -> str:
    """What all cells ask alike; empty when nothing."""
    every = [_asked(cell) for cell in cells]
    alike = {
        name: value
        for name, value in (every[0] if every else {}).items()
        if len({str(one.get(name)) for one in every}) == 1
    }
    return _words(alike)


def _asked(row: Row) -> dict[str, object]:
    return {"model": row["model"], **orjson.loads(row["parameters"])}


def _words(values: Mapping[str, object]) -> str:
    return " ".join(
        str(value) if name in _BARE else f"{name}={value}"
        for name, value in values.items()
    )

"""Overview: the queries of a screen over a million attempts."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.folder import DataFolder
from bench.store import figures
from bench.store.figures import Chosen
from bench.store.index import open_index

TARGET_S = 0.5
_ROUNDS = 5
_Figure = Callable[[Any], object]
_OVERVIEW: dict[str, _Figure] = {
    "choices": figures.choices,
    "totals": lambda con: figures.totals(con, Chosen()),
    "cells": lambda con: figures.cells(con, Chosen()),
    "errors": lambda con: figures.errors(con, Chosen()),
    "daily": lambda con: figures.daily(con, Chosen()),
}
_OTHERS: dict[str, _Figure] = {
    "tokens": lambda con: figures.tokens(con, Chosen()),
    "spread": lambda con: figures.spread(con, Chosen(), "model"),
    "parts": lambda con: figures.parts(con, Chosen(), "endpoint"),
    "slowest": lambda con: figures.slowest(con, Chosen(), 20),
    "over_time": lambda con: figures.over_time(con, Chosen()),
}


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure); the best of five rounds.

    The index is made by another process, whose memory is its own. DuckDB takes
    as many threads as there are processors.
    """
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        maker = str(Path(__file__).with_name("million.py"))
        begun_s = time.perf_counter()
        command = [sys.executable, maker, str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        made_s = time.perf_counter() - begun_s
        folder = DataFolder(root)
        first = _round(folder, _OVERVIEW)
        rounds = [_round(folder, _OVERVIEW | _OTHERS) for _ in range(_ROUNDS)]
        n_mb = folder.index.stat().st_size / 1e6
    best = {name: min(taken[name] for taken in rounds) for name in rounds[0]}
    together_s = min(sum(taken[name] for name in _OVERVIEW) for taken in rounds)
    parts = ", ".join(f"{name} {best[name] * 1000:.0f}" for name in _OVERVIEW)
    return [
        ("index of 1 M attempts made", "under 60 s", f"{made_s:.0f} s, {n_mb:.0f} MB"),
        ("overview of 1 M attempts, first", "-", f"{sum(first.values()):.2f} s"),
        (
            "overview of 1 M attempts, warm, best of 5",
            f"under {TARGET_S} s",
            f"{together_s:.2f} s (ms: {parts})",
        ),
        *((f"  {name}", "-", f"{best[name] * 1000:.0f} ms") for name in _OTHERS),
    ]


def _round(folder: DataFolder, wanted: dict[str, _Figure]) -> dict[str, float]:
    """Seconds of each query, on a connection that is opened anew as for a page."""
    taken: dict[str, float] = {}
    with open_index(folder) as con:
        for name, ask in wanted.items():
            begun_s = time.perf_counter()
            ask(con)
            taken[name] = time.perf_counter() - begun_s
    return taken

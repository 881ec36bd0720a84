"""Peers: our harness and others against one stub, interleaved, and the page of it.

    make bench-peers                 quick form, under ten minutes
    make bench-peers FORM=full       every load three times, about forty

Writes `docs/performance.md` and its raw rows `docs/performance.json`.
"""

import json
import shutil
import signal
import sys
from pathlib import Path

from cells import Cell, measure, stub
from harnesses import HARNESSES, Load
from machine import described
from page import page

_LARGE, _SMALL = 1_500_000, 2_048
_16 = Load(name="1.5 MB, 16 in flight", n_bytes=_LARGE, in_flight=16)
_256 = Load(name="1.5 MB, 256 in flight", n_bytes=_LARGE, in_flight=256)
_2_KB = Load(name="2 KB, 64 in flight", n_bytes=_SMALL, in_flight=64)
_TIMED = (
    Load(name="burst", n_bytes=_LARGE, in_flight=200, service="2"),
    Load(name="spread", n_bytes=_LARGE, in_flight=200, service="1.5-2.5"),
)
_ONCE = (_256, *_TIMED)
# Rounds of loads, and the seconds that a job should take.
QUICK = ((_16, _2_KB, *_ONCE), (_16,)), 2.5
FULL = (
    (
        (
            Load(name="1.5 MB, 1 in flight", n_bytes=_LARGE, in_flight=1),
            _16,
            Load(name="1.5 MB, 64 in flight", n_bytes=_LARGE, in_flight=64),
            _256,
            _2_KB,
            *_TIMED,
        ),
    )
    * 3,
    4.0,
)
_PAGE = Path("docs/performance.md")
_ROWS = Path("docs/performance.json")


def main() -> int:
    """Run the chosen form and write the page; the code is 2 when nothing can run."""
    form = sys.argv[1] if sys.argv[1:] else "quick"
    if form not in ("quick", "full"):
        sys.stderr.write(f"'{form}' is no form; choose quick or full\n")
        return 2
    if shutil.which("wrk") is None:
        sys.stderr.write("wrk is not here: its row will say so (Debian package wrk)\n")
    # Ended by anything but an exception, stub and client would outlive it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rounds, span_s = FULL if form == "full" else QUICK
    cells = [cell for turn in _turns(rounds) for cell in _round(*turn, span_s)]
    facts = {"form": form, **described(Path(".venv-peers/bin/python"))}
    rows = ",\n".join(json.dumps(cell.row()) for cell in cells)
    _ROWS.write_text(f'{{"facts": {json.dumps(facts)},\n"cells": [\n{rows}\n]}}\n')
    _PAGE.write_text(page(facts, cells), "utf-8")
    print(f"written: {_PAGE} and {_ROWS}")
    return 0


def _turns(rounds: tuple[tuple[Load, ...], ...]) -> list[tuple[int, Load]]:
    return [(turn, load) for turn, loads in enumerate(rounds, 1) for load in loads]


def _round(turn: int, load: Load, span_s: float) -> list[Cell]:
    """Every harness once, each against a stub of its own; odd rounds reversed.

    What drifts on the machine meanwhile then meets first and last alike.
    """
    order = HARNESSES if turn % 2 else HARNESSES[::-1]
    cells: list[Cell] = []
    for harness in order:
        with stub(load) as there:
            cell = measure(harness, load, there, turn, span_s)
        said = cell.why_not or f"{cell.per_s:,.0f}/s, {cell.cpu_ms:.2f} ms CPU"
        print(f"{load.name:<24} {turn}  {harness.name:<32} {said}", flush=True)
        cells.append(cell)
    return cells


if __name__ == "__main__":
    sys.exit(main())

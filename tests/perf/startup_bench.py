"""Startup: how long `pixelmeter --help` takes."""

import statistics
import subprocess
import sys
import time
from pathlib import Path


def _median_s(*command: str, times: int = 9) -> float:
    taken_s: list[float] = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken_s.append(time.perf_counter() - begun)
    return statistics.median(taken_s)


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    program = str(Path(sys.executable).with_name("pixelmeter"))
    help_s = _median_s(program, "--help")
    bare_s = _median_s(sys.executable, "-c", "pass")
    figure = f"{help_s:.2f} s (bare Python {bare_s:.2f})"
    return [("pixelmeter --help, median of 9", "under 0.3 s", figure)]

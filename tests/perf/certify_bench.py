"""Certify: times against the emulator's stamps, calm and under hogs (R8)."""

import asyncio
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.checkup import timing
from bench.checkup.timing import SERVICE_S, Floor, Load
from bench.commands.doubles import started

N_RUNS = 30
N_HOGS = 2
# 100 answers: a p99 that is not the longest of them.
LOAD = Load(answer_bytes=1_500_000, rate=20, length_s=5.0)
BOUNDS_S = (0.002, 0.025, 0.05)
N_STREAM_RUNS = 10
STREAM = Load(answer_bytes=150_000, rate=20, length_s=5.0, partial_images=1)
PARTIAL_P99_S = 0.002


@contextmanager
def _hogs(n: int) -> Iterator[None]:
    command = [sys.executable, "-I", "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _figures_s(floor: Floor) -> tuple[float, float, float]:
    """First byte p50 and p99, last byte p99; never compared is endlessly off."""
    first, last = floor.first_byte_error_s, floor.service_error_s
    if first is None or last is None:
        return math.inf, math.inf, math.inf
    return first[0], first[2], last[2]


def _row(what: str, found: list[Floor]) -> tuple[str, str, str]:
    figures = [_figures_s(floor) for floor in found]
    is_out = [
        any(s > bound_s for s, bound_s in zip(three, BOUNDS_S, strict=True))
        for three in figures
    ]
    is_marked = [floor.client_limited is True for floor in found]
    pairs = zip(is_out, is_marked, strict=True)
    n_unmarked = sum(out and not marked for out, marked in pairs)
    columns = zip(*figures, strict=True)
    middle = [sorted(column)[len(found) // 2] * 1000 for column in columns]
    errors = " / ".join(f"{ms:.1f}" for ms in middle)
    said = (
        f"{n_unmarked} out unmarked ({sum(is_out)} out, {sum(is_marked)} "
        "client-limited; median run: first byte p50 / p99, last byte p99 "
        f"{errors} ms)"
    )
    return f"certify: 1.5 MB, 20/s, {len(found)} runs, {what}", "0 out unmarked", said


def _streams(url: str) -> tuple[str, str, str]:
    """How far first partial pictures were stamped from where they were sent."""
    found = [asyncio.run(timing.measure(url, STREAM)) for _ in range(N_STREAM_RUNS)]
    errors = [floor.first_partial_error_s for floor in found]
    p99s_s = [math.inf if three is None else three[2] for three in errors]
    pairs = zip(p99s_s, found, strict=True)
    n_unmarked = sum(
        s > PARTIAL_P99_S and not floor.client_limited for s, floor in pairs
    )
    middle = [
        sorted(column)[len(column) // 2] * 1000
        for column in zip(*(three for three in errors if three), strict=True)
    ]
    said = " / ".join(f"{ms:.2f}" for ms in middle)
    return (
        f"certify: first partials of 150 KB, 20/s, {N_STREAM_RUNS} runs, calm",
        "p99 under 2 ms or marked",
        f"{n_unmarked} out unmarked (median run: p50 / p95 / p99 {said} ms)",
    )


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    rows: list[tuple[str, str, str]] = []
    with started() as double:
        constant = {"distribution": "constant", "median_s": SERVICE_S, "sigma": 0}
        double.change({"time_scale": 1, "service_time": constant})
        double.change({"answer_bytes": LOAD.answer_bytes})
        for what, n_hogs in (("calm", 0), (f"{N_HOGS} hogs", N_HOGS)):
            with _hogs(n_hogs):
                found = [
                    asyncio.run(timing.measure(double.url, LOAD)) for _ in range(N_RUNS)
                ]
            rows.append(_row(what, found))
        double.change({"answer_bytes": STREAM.answer_bytes})
        rows.append(_streams(double.url))
    return rows

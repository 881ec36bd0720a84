"""Journal: what durability costs an attempt, at 64 in flight."""

import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from bench.folder import DataFolder
from bench.journal import JournalWriter

IN_FLIGHT = 64
SERVICE_S = 0.2
N_PACED = 1_280
N_SATURATED = 12_800
INTENT = {"kind": "intent", "v": 1, "attempt_id": "x" * 22, "bound_usd": "0.006"}
OUTCOME = {"kind": "outcome", "v": 1, "attempt_id": "x" * 22, "headers": "h" * 900}


async def _load(
    journal: JournalWriter, n_attempts: int, service_s: float
) -> list[float]:
    """What durability adds to each attempt, in seconds."""
    waits_s: list[float] = []
    left = iter(range(n_attempts))
    chance = random.Random(1)

    async def worker() -> None:
        for _ in left:
            begun = time.perf_counter()
            await journal.append(INTENT)
            sent = time.perf_counter()
            if service_s:
                await asyncio.sleep(chance.uniform(0.5, 1.5) * service_s)
            answered = time.perf_counter()
            await journal.append(OUTCOME)
            waits_s.append(time.perf_counter() - answered + sent - begun)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return sorted(waits_s)


def _one_sync_s(folder: Path) -> float:
    times_s: list[float] = []
    with (folder / "probe").open("ab", buffering=0) as file:
        for _ in range(200):
            begun = time.perf_counter()
            file.write(b"x" * 1000)
            os.fdatasync(file.fileno())
            times_s.append(time.perf_counter() - begun)
    return statistics.median(times_s)


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        journal = JournalWriter(DataFolder(folder).run("bench"))
        waits_s = asyncio.run(_load(journal, N_PACED, SERVICE_S))
        begun = time.perf_counter()
        asyncio.run(_load(journal, N_SATURATED, 0.0))
        elapsed_s = time.perf_counter() - begun
        journal.close()
        probe_s = _one_sync_s(folder)
    p95_ms = waits_s[int(len(waits_s) * 0.95)] * 1000
    p50_ms = statistics.median(waits_s) * 1000
    return [
        (
            "journal: intent + outcome, 64 in flight of 0.2 s, p95",
            "under 1 ms",
            f"{p95_ms:.2f} ms (p50 {p50_ms:.2f}; one sync here {probe_s * 1000:.2f})",
        ),
        (
            "journal: records a second, saturated",
            "at least 10,000",
            f"{2 * N_SATURATED / elapsed_s:,.0f}",
        ),
    ]

"""Import bench: a cost export of a million rows, in a process of its own."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bills import HEADER

N_ROWS = 1_000_000
_DAY_S = 86_400
_FROM_S = 1_790_553_600
_ITEMS = (
    "gpt-image-2, image output",
    "gpt-image-2, text input",
    "gpt-5-nano, input_tokens",
)


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure) for an import of `N_ROWS`.

    Amounts have 30 decimals, all of them different; days, line items and projects
    repeat, as in an export that is grouped by all three.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "cost.csv"
        write_costs(path, N_ROWS)
        n_bytes = path.stat().st_size
        given = ("import", "openai-costs", path, "--data", Path(place) / "data")
        began_at = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "pixelmeter", *given],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, code, used = os.wait4(process.pid, 0)
        taken_s = time.perf_counter() - began_at
        process.returncode = os.waitstatus_to_exitcode(code)
        assert process.returncode == 0
    peak_mb = used.ru_maxrss / 1024
    what = f"import of {N_ROWS:,} cost rows, {n_bytes / 1e6:,.0f} MB"
    used_s = used.ru_utime + used.ru_stime
    return [
        (what, "< 10 s", f"{taken_s:.1f} s ({used_s:.1f} processor seconds)"),
        ("its memory at most", "< 500 MB", f"{peak_mb:,.0f} MB"),
    ]


def write_costs(path: Path, n_rows: int) -> None:
    """A cost export as OpenAI's Cost tab has it; nobody's."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        for number in range(n_rows):
            start = _FROM_S + _DAY_S * (number % 60)
            digits = f"{chance.randrange(10**15):015d}{chance.randrange(10**15):015d}"
            file.write(
                f"{start},{start + _DAY_S},2026-09-28T00:00:00,2026-09-29T00:00:00,"
                f"0.{digits},usd,{chance.randrange(1, 10**6)},tokens,"
                f'"{_ITEMS[number % 3]}",user-{number % 50},key_{number % 9},'
                f"proj_{number % 7},org-1,Project,House,p{number % 50}@example.com,\n"
            )

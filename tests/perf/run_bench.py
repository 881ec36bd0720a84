"""Run: memory of a thousand trials at 64 in flight, 1.5 MB an answer."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

N_TRIALS = 1_000
CONCURRENCY = 64
PROGRAM = str(Path(sys.executable).with_name("pixelmeter"))
SUITE = f"""
name: memory
prompts: [{{id: one, text: A lighthouse on a rock in the evening}}]
fixed: {{model: gpt-image-2, quality: low, size: 1024x1024}}
repeats: {N_TRIALS}
"""
ENDPOINTS = """
endpoints:
  - name: double
    base_url: {url}
    api_key_env: BENCH_KEY
    route: direct
    prices: openai
"""


@contextlib.contextmanager
def _emulator() -> Generator[str]:
    command = [PROGRAM, "emulator", "--port", "0", "--time-scale", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            yield json.loads(line)["url"]
        finally:
            process.terminate()


def _high_water_kb(pid: int) -> int:
    """The most that a process held so far, 0 when it is gone.

    Its parent's accounting would not do: that begins with the size of the
    process that started it.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(ln.split()[1]) for ln in lines if ln.startswith("VmHWM")), 0)


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, _emulator() as url:
        folder = Path(name)
        (folder / "suite.yaml").write_text(SUITE)
        (folder / "endpoints.yaml").write_text(ENDPOINTS.format(url=url))
        command = [
            *(PROGRAM, "run", "suite.yaml", "--endpoints", "endpoints.yaml"),
            *("--yes", "--concurrency", str(CONCURRENCY)),
        ]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "BENCH_KEY": "sk-bench", "PIXELMETER_DATA": "data"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        most_kb = 0
        while process.poll() is None:
            most_kb = max(most_kb, _high_water_kb(process.pid))
            time.sleep(0.1)
        elapsed_s = time.perf_counter() - begun
    return [
        (
            f"run: {N_TRIALS} trials, {CONCURRENCY} in flight, most resident",
            "under 250 MB",
            (
                f"{most_kb / 1024:.0f} MB (exit {process.returncode}, "
                f"{N_TRIALS / elapsed_s:.0f} trials/s)"
            ),
        )
    ]

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
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed_s = time.perf_counter() - begun
    cpu_ms = (usage.ru_utime + usage.ru_stime) / N_TRIALS * 1000
    return [
        (
            f"run: {N_TRIALS} trials, {CONCURRENCY} in flight, most resident",
            "under 250 MB",
            (
                f"{usage.ru_maxrss / 1024:.0f} MB (exit {process.returncode}, "
                f"{N_TRIALS / elapsed_s:.0f} trials/s, {cpu_ms:.0f} ms CPU each)"
            ),
        )
    ]

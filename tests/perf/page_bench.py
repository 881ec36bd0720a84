"""Page: the overview over a million attempts, in a real browser."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
TARGET_S = 4.0
TARGET_MB = 400
_ROUNDS = 3
_SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure); the best of three warm visits."""
    if not CHROMIUM.exists():
        return [("overview page of 1 M attempts", "-", f"no {CHROMIUM}: not measured")]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        maker = str(Path(__file__).with_name("million.py"))
        subprocess.run(
            [sys.executable, maker, str(root)], check=True, stdout=subprocess.DEVNULL
        )
        return measure_on(root)


def measure_on(root: Path) -> list[tuple[str, str, str]]:
    """The same over a data folder that is there already."""
    with _served(root) as (url, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        cold_s = _visit(browser.new_page(viewport={"width": 1440, "height": 1300}), url)
        page = browser.new_page(viewport={"width": 1440, "height": 1300})
        warm_s = [_visit(page, url) for _ in range(1 + _ROUNDS)][1:]
        filtered_s = _visit(page, url + "/?quality=low")
        rss_mb, peak_mb = _memory_mb(pid)
        browser.close()
    return [
        ("overview page of 1 M attempts, first visit", "-", f"{cold_s:.1f} s"),
        (
            "overview page of 1 M attempts, warm, settled",
            f"under {TARGET_S:.0f} s",
            f"{min(warm_s):.1f} s (worst {max(warm_s):.1f})",
        ),
        ("overview page of 1 M attempts, new filter", "-", f"{filtered_s:.1f} s"),
        (
            "server memory after it",
            f"under {TARGET_MB} MB",
            f"{rss_mb:.0f} MB (peak {peak_mb:.0f})",
        ),
    ]


@contextmanager
def _served(root: Path) -> Generator[tuple[str, int]]:
    command = [sys.executable, "-m", "pixelmeter", "dashboard", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--no-browser", "--data", str(root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _visit(page: Page, url: str) -> float:
    """Seconds from the address to the last table and chart drawn."""
    page.set_default_timeout(120_000)
    begun_s = time.perf_counter()
    page.goto(url)
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    page.locator(".js-plotly-plot .point").first.wait_for()
    page.wait_for_selector(_SETTLED)
    return time.perf_counter() - begun_s


def _memory_mb(pid: int) -> tuple[float, float]:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024

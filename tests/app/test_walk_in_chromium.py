"""A walk over all pages in a real browser, light and dark."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.conftest import Desk, Double

pytestmark = pytest.mark.slow
PAGES = {
    "Overview": "Cells",
    "Latency": "The slowest requests",
    "Cost": "Prices",
    "Direct or gateway": "Like with like",
    "Savings": "Every variant at this volume (simulated)",
}
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# On a deep link Streamlit first looks for its server below the page's path.
PROBES = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")
PATIENCE_MS = 120_000


@pytest.fixture
def serve() -> Iterator[Callable[[Desk], str]]:
    """Serve a desk's data; gives the URL."""
    running: list[tuple[Desk, Any]] = []

    def start(desk: Desk) -> str:
        process = desk.start("dashboard", "--port", 0, "--no-browser")
        running.append((desk, process))
        assert process.stdout is not None
        return process.stdout.readline().split(" at ")[1].split(" ")[0]

    yield start
    for desk, process in running:
        process.terminate()
        ended = desk.end(process)
        assert ended.err == ""


@pytest.fixture(scope="module")
def measured_url(measured: Desk) -> Iterator[str]:
    """The URL of the screens over the measured folder."""
    process = measured.start("dashboard", "--port", 0, "--no-browser")
    assert process.stdout is not None
    yield process.stdout.readline().split(" at ")[1].split(" ")[0]
    process.terminate()
    assert measured.end(process).err == ""


class Visitor:
    """One visitor: what the browser asked for, and what it complained about."""

    def __init__(self, browser: Browser, url: str, theme: str) -> None:
        context = browser.new_context(
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            viewport={"width": 1440, "height": 1300},
        )
        self.url = url
        self.theme = theme
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: Any) -> None:
        own = (self.url, self.url.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.foreign.append(request.url)

    def _note_console(self, message: Any) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and not PROBES.search(where):
            self.complaints.append(f"{message.text} {where}")

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector(SETTLED)
        # The state is also "not running" for the moment before a run begins.
        self.page.wait_for_timeout(500)
        self.page.wait_for_selector(SETTLED)
        assert self.page.locator('[data-testid="stException"]').count() == 0

    def click_to(self, title: str, heading: str) -> None:
        self.page.get_by_role("link", name=title, exact=True).first.click()
        self.page.get_by_role("heading", name=heading, exact=True).wait_for()
        self.settle()

    def keep(self, name: str) -> None:
        """Save what is seen for whoever asks for it; no test looks at it."""
        if asked := os.environ.get("PIXELMETER_SCREENSHOTS"):
            folder = Path(asked)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}-{self.theme}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_pages_draw_in_a_browser_without_a_foreign_request(
    chromium: Browser,
    measured_url: str,
    theme: str,
) -> None:
    visitor = Visitor(chromium, measured_url, theme)
    visitor.go("/?quality=low")
    for title, heading in PAGES.items():
        visitor.click_to(title, heading)
        charts = visitor.page.locator(".js-plotly-plot")
        charts.first.wait_for()
        assert charts.first.bounding_box()
        # The filter came by the address and holds on every page.
        assert "quality=low" in visitor.page.url
        box = visitor.page.get_by_test_id("stMultiSelect").filter(has_text="Quality")
        assert "low" in box.inner_text()
        assert "Simulated." in visitor.page.inner_text('[data-testid="stApp"]')
        visitor.keep(title.split()[0].lower())
    paper = visitor.page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert (paper == "rgb(255, 255, 255)") == (theme == "light")
    assert visitor.foreign == []
    assert visitor.complaints == []


def test_every_page_is_a_deep_link(chromium: Browser, measured_url: str) -> None:
    visitor = Visitor(chromium, measured_url, "light")
    visitor.go("/savings?volume=25000&endpoint=half&endpoint=direct")
    visitor.page.get_by_text("At 25,000 images a month").wait_for()
    visitor.go("/latency?by=Quality&log=false")
    visitor.page.get_by_role("heading", name="The slowest requests").wait_for()
    assert visitor.foreign == []


def test_a_page_fills_by_itself_when_a_run_comes(
    chromium: Browser, serve: Callable[[Desk], str], desk: Desk, direct: Double
) -> None:
    visitor = Visitor(chromium, serve(desk), "light")
    visitor.go("/")
    visitor.page.get_by_text("No run is recorded here yet").wait_for()
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run().code == 0
    visitor.page.get_by_role("heading", name="Cells").wait_for()
    assert visitor.complaints == []


def test_hostile_text_does_nothing_in_a_browser(
    chromium: Browser, serve: Callable[[Desk], str], hostile: Desk
) -> None:
    visitor = Visitor(chromium, serve(hostile), "light")
    visitor.go("/")
    for title, heading in PAGES.items():
        if title == "Direct or gateway":
            heading = "Endpoints"  # noqa: PLW2901  three endpoints, several pairs
        visitor.click_to(title, heading)
        assert (
            visitor.page.title().endswith("Pixelmeter") or title in visitor.page.title()
        )
        assert visitor.page.locator("img[src*='evil']").count() == 0
        assert visitor.page.locator("a[href*='evil']").count() == 0
        assert visitor.page.locator(".katex").count() == 0
    assert visitor.foreign == []
    assert visitor.complaints == []

"""Fixtures of the screens: measured folders, pages, a real browser."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.canned import answering
from tests.machine import CHROMIUM, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.conftest import Desk, Double

ROOT = Path(__file__).parents[2]
ENTRY = ROOT / "dashboards" / "app" / "entry.py"
# Whatever reads one of these as markup asks a foreign host or changes the page.
IMAGE = "<img src=http://evil.example/a onerror=\"document.title='owned'\">"
MARKDOWN = "![i](http://evil.example/b) $\\alpha$ :red[r] `c` **s** :tada:"
LINK = "<a href=//evil.example/c>c</a><b>d</b>"
EVIL = f"{IMAGE} {MARKDOWN} {LINK} [l](http://evil.example) =1+1"


@pytest.fixture(scope="session")
def new_desk(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Desk]]:
    """Make desks that last as long as the session."""
    plugin: Any = request.config.pluginmanager.get_plugin(
        str(ROOT / "tests" / "conftest.py")
    )
    with ExitStack() as stack:

        def new(folder: Path) -> Desk:
            desk = plugin.Desk(folder)
            stack.callback(desk.close)
            return desk

        yield new


@pytest.fixture(scope="session")
def measured(
    new_desk: Callable[[Path], Desk],
    start_double: Callable[..., Double],
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A folder with one run: eight prompts, two qualities, direct and half price.

    One prompt is refused everywhere; at the gateway one is cut off before its
    answer (possibly billed) and one within it (billed, and wasted).
    """
    direct, gateway = start_double("--seed", "5"), start_double("--seed", "6")
    lognormal = {"distribution": "lognormal", "median_s": 0.03, "sigma": 0.4}
    for double in (direct, gateway):
        double.profile(time_scale=1, service_time=lognormal)
    gateway.profile(price_factor="0.5", overhead_s=0.01)
    refused = {"scenario": "moderation_blocked", "when": {"prompt_contains": "forbid"}}
    direct.faults(refused)
    gateway.faults(
        refused,
        {"scenario": "reset_before_headers", "when": {"prompt_contains": "number 6"}},
        {"scenario": "reset_in_body", "when": {"prompt_contains": "number 7"}},
    )
    desk = new_desk(tmp_path_factory.mktemp("measured"))
    words = [f"A kite, number {i}" for i in range(8)]
    prompts = [*words, "A forbidden thing"]
    desk.suite(
        prompts=[{"id": f"p{i}", "text": text} for i, text in enumerate(prompts)],
        axes={"model": ["gpt-image-2"], "quality": ["low", "medium"]},
        repeats=2,
    )
    desk.two_endpoints(direct, gateway)
    ended = desk.run("--endpoint", "direct", "--endpoint", "half", "--yes")
    assert ended.code in {0, 4}, ended
    return desk


@pytest.fixture(scope="session")
def hostile(
    new_desk: Callable[[Path], Desk],
    start_double: Callable[..., Double],
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A folder whose every name from outside is an attack on the page."""
    direct, gateway = (
        start_double("--time-scale", "0"),
        start_double("--time-scale", "0"),
    )
    desk = new_desk(tmp_path_factory.mktemp("hostile"))
    prompts = [{"id": f"{i} {EVIL}"[:200], "text": EVIL} for i in range(2)]
    desk.suite(name=MARKDOWN, prompts=prompts)
    # Names of endpoints are letters, digits and . _ : -, which still spell markup.
    places = ("d:tada:", "g:red-background:", "b__b__:small:")
    with answering(
        400, {"error": {"message": EVIL, "type": EVIL, "code": EVIL}}
    ) as server:
        desk.endpoint(direct.url, name=places[0])
        half = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
        desk.another_endpoint(gateway.url, name=places[1], route="gateway", prices=half)
        desk.another_endpoint(server.url, name=places[2], route="gateway", prices=half)
        options = [part for name in places for part in ("--endpoint", name)]
        ended = desk.run(*options, "--yes", "--tag", f"t={EVIL}", "--note", EVIL)
    assert ended.code in {0, 4}, ended
    return desk


class Screen:
    """The screens over a data folder, as one visitor goes through them."""

    def __init__(self, data: Path) -> None:
        os.environ["PIXELMETER_DATA"] = str(data)
        self.app = AppTest.from_file(ENTRY, default_timeout=60)

    def show(self, page: str, **query: str | list[str]) -> AppTest:
        """Open a page by its address; it must not fail."""
        for name, value in query.items():
            self.app.query_params[name] = value
        self.app._page_hash = calc_hash("" if page == "overview" else page)
        self.app.run()
        failures = [f"{e.message} {e.stack_trace}" for e in self.app.exception]
        assert failures == []
        assert "mistake of ours" not in self.sentences
        return self.app

    @property
    def sentences(self) -> str:
        """All that is said outside tables, cards and charts."""
        app = self.app
        parts = [*app.text, *app.info, *app.warning, *app.error, *app.caption]
        return "\n".join(str(part.value) for part in parts)

    def card(self, label: str) -> str:
        """The value of a card, as a reader sees it."""
        (found,) = [card.value for card in self.app.metric if card.label == label]
        return found.replace("\\", "")

    def table(self, alt: str) -> list[dict[str, Any]]:
        """The rows of a table whose name begins so, values as they sort."""
        named = [t for t in self.app.dataframe if t.proto.alt.startswith(alt)]
        assert len(named) == 1, [t.proto.alt for t in self.app.dataframe]
        frame: Any = named[0].value
        return frame.to_dict("records")


@pytest.fixture
def open_screens(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Screen]:
    """Open the screens over a data folder."""
    monkeypatch.setenv("PIXELMETER_DATA", "")
    monkeypatch.setenv("PIXELMETER_TRACEBACK", "1")
    return Screen


# Not for the session: while it is open its loop runs in the main thread, where no
# other test could run one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real headless Chromium."""
    if not Path(CHROMIUM).exists():
        lacking(f"{CHROMIUM} is missing; apt-get install chromium brings it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()

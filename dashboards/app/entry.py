"""Entry: what the server runs for each visit and each change."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboards.app.visit import Page, receive
from dashboards.screens import cost, latency, overview, routes, savings

_ICON = Path(__file__).with_name("icon.png")
_PAGES: tuple[tuple[str, str, Page], ...] = (
    ("overview", "Overview", overview.show),
    ("latency", "Latency", latency.show),
    ("cost", "Cost", cost.show),
    ("routes", "Direct or gateway", routes.show),
    ("savings", "Savings", savings.show),
)


def _shown(title: str, page: Page) -> Callable[[], None]:
    return lambda: receive(title, page)


st.set_page_config(page_title="Pixelmeter", page_icon=str(_ICON), layout="wide")
st.navigation(
    [
        st.Page(_shown(title, page), title=title, url_path=path, default=i == 0)
        for i, (path, title, page) in enumerate(_PAGES)
    ],
    position="top",
).run()

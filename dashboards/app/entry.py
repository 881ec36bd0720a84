"""Entry: what the server runs for each visit and each change."""

from pathlib import Path

import streamlit as st

from dashboards.app.stage import Stage
from dashboards.screens import cost, latency, overview, routes, savings

_ICON = Path(__file__).with_name("icon.png")
_PAGES = (
    ("overview", "Overview", overview.show),
    ("latency", "Latency", latency.show),
    ("cost", "Cost", cost.show),
    ("routes", "Direct or gateway", routes.show),
    ("savings", "Savings", savings.show),
)

st.set_page_config(page_title="Pixelmeter", page_icon=str(_ICON), layout="wide")
stage = Stage()
stage.open(
    st.navigation(
        [
            st.Page(stage.playing(show), title=title, url_path=path, default=place == 0)
            for place, (path, title, show) in enumerate(_PAGES)
        ],
        position="top",
    )
)

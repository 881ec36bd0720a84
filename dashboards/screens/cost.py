"""Page to come."""

import streamlit as st

from dashboards.screens.frame import Visit


def show(visit: Visit) -> None:
    """Show it."""
    st.text("cost")

"""Entry: what the server runs for each visit and each change."""

import streamlit as st

st.title("hi")

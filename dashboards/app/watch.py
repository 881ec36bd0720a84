"""Watch: data age and runs under way, looked at again by itself."""

import time

import streamlit as st

from bench.folder import DataFolder
from bench.words.figures import duration
from dashboards.filters.reading import Standing, look

_EVERY_S = 4
_FRESH_S = 2.0


@st.fragment(run_every=_EVERY_S)
def keep_watch(folder: DataFolder, standing: Standing) -> None:
    """Say how fresh the page is; draw it anew when there is something new."""
    now = standing
    if time.time() - standing.looked_at > _FRESH_S:
        now = look(folder)
    if now.stamp != standing.stamp or now.obstacle != standing.obstacle:
        st.rerun()
    alive = [run_id for run_id in folder.run_ids() if folder.run(run_id).is_alive()]
    if alive:
        names = ", ".join(alive[-3:])
        st.text(f"Under way: {names}")
    if now.stamp:
        changed_at = max(modified_ns for modified_ns, _ in now.stamp) / 1e9
        age = duration(max(time.time() - changed_at, 0))
        st.caption(f"Index changed {age} ago; looked at every {_EVERY_S} s")
    for problem in now.problems[:3]:
        st.text(problem)

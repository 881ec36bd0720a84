"""Watch: data age and runs under way, looked at again by itself."""

import time

import streamlit as st

from bench.folder import DataFolder
from bench.words.figures import duration
from dashboards.filters.reading import Standing, look

_EVERY_S = 4
_FRESH_NS = 2_000_000_000
_MOST_WATCHED = 20


@st.fragment(run_every=_EVERY_S)
def keep_watch(folder: DataFolder, standing: Standing, *, is_shown: bool) -> None:
    """Say how fresh the page is; draw it anew when there is something new.

    A page that could not be shown is tried again every time.
    """
    now = standing
    if time.monotonic_ns() - standing.looked_ns > _FRESH_NS:
        now = look(folder)
        if not is_shown or (now.stamp, now.obstacle) != (
            standing.stamp,
            standing.obstacle,
        ):
            st.rerun()
    recent = folder.run_ids()[-_MOST_WATCHED:]
    alive = [run_id for run_id in recent if folder.run(run_id).is_alive()]
    if alive:
        st.text(f"Under way: {', '.join(alive)}")
    if now.stamp:
        # Files are dated by the system clock, so their age is taken with it.
        changed_at = max(modified_ns for modified_ns, _ in now.stamp) / 1e9
        age = duration(max(time.time() - changed_at, 0))
        st.caption(f"Index changed {age} ago; looked at every {_EVERY_S} s")
    for problem in now.problems[:3]:
        st.text(problem)

"""Stage: one look at the data, handed to the page that was asked for."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from bench.errors import BenchError
from bench.folder import DataFolder
from bench.store.figures import choices, totals
from dashboards.app.watch import keep_watch
from dashboards.filters.choosing import choose
from dashboards.filters.reading import Asker, asking, data_folder, has_runs, look
from dashboards.screens.frame import Visit, is_empty, mark

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

Show = Callable[[Visit], None]


class Stage:
    """What all pages share: filters, marks, and what is said when nothing shows.

    Filters are drawn before the page runs: Streamlit takes a widget within a
    page for another one on the next page.
    """

    def __init__(self) -> None:
        """Begin without anything to show."""
        self._visit: Visit | None = None
        self._is_shown = False

    def playing(self, show: Show) -> Callable[[], None]:
        """A page that Streamlit can run, once the stage is open."""

        def play() -> None:
            if self._visit is not None:
                show(self._visit)

        return play

    def open(self, page: "Page") -> None:
        """Show a page with the data as it stands; says so where it can't."""
        folder = data_folder()
        st.title(page.title, anchor=False)
        with st.spinner("Reading new records"):
            standing = look(folder)
        try:
            if not standing.stamp:
                _say_what_fills(folder, standing.obstacle)
            else:
                with asking(folder, standing.stamp) as ask:
                    self._show(page, ask, standing.obstacle)
            self._is_shown = True
        except BenchError as error:
            _say_and_retry(str(error))
        except OSError as error:
            _say_and_retry(f"{folder.root}: it can't be read ({error.strerror})")
        except Exception as error:  # a traceback helps us, not the person in front
            if os.environ.get("PIXELMETER_TRACEBACK"):
                raise
            _say_and_retry(
                f"A mistake of ours ({type(error).__name__}); other pages still work. "
                "PIXELMETER_TRACEBACK=1 shows where it happened."
            )
        with st.sidebar:
            keep_watch(folder, standing, is_shown=self._is_shown)

    def _show(self, page: "Page", ask: Asker, obstacle: str | None) -> None:
        found = ask(choices)
        with st.sidebar:
            chosen = choose(found)
        self._visit = Visit(
            ask=ask, chosen=chosen, choices=found, totals=ask(totals, chosen)
        )
        if obstacle:
            st.text(f"Shown as of the last reading: {obstacle}")
        mark(self._visit.totals)
        if not is_empty(self._visit):
            page.run()


def _say_what_fills(folder: DataFolder, obstacle: str | None) -> None:
    if obstacle:
        _say_and_retry(obstacle)
    elif has_runs(folder):
        st.info(
            "There are runs here, but no index yet, and this page can't write one. "
            "`pixelmeter ingest` makes it."
        )
    else:
        st.info(
            "No run is recorded here yet. Fill this page with `pixelmeter demo` (no "
            "key, nothing is paid) or `pixelmeter run SUITE --endpoint NAME`."
        )
    state = "" if folder.root.is_dir() else " (does not exist yet)"
    st.text(f"Data folder: {folder.root}{state}")


def _say_and_retry(sentence: str) -> None:
    st.warning("Nothing can be shown right now. This page tries again by itself.")
    st.text(sentence)

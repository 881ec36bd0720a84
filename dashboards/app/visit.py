"""Visit: one look at the data, handed to the page that was asked for."""

import logging
import os
from collections.abc import Callable

import streamlit as st

from bench.errors import BenchError
from bench.folder import DataFolder
from bench.store.figures import choices, totals
from dashboards.app.watch import keep_watch
from dashboards.filters.choosing import choose
from dashboards.filters.reading import Asker, asking, data_folder, has_runs, look
from dashboards.screens.frame import Visit, is_empty, mark

Page = Callable[[Visit], None]


def receive(title: str, page: Page) -> None:
    """Show a page with the data as it stands; says so where it can't."""
    folder = data_folder()
    st.title(title, anchor=False)
    with st.spinner("Reading new records"):
        standing = look(folder)
    try:
        if not standing.stamp:
            _say_what_fills(folder, standing.obstacle)
        else:
            with asking(folder, standing.stamp) as ask:
                _show(page, ask, standing.obstacle)
    except BenchError as error:
        _say_and_retry(str(error))
    except OSError as error:
        _say_and_retry(f"{folder.root}: it can't be read ({error.strerror})")
    except Exception as error:  # a traceback helps us, not the person in front
        if os.environ.get("PIXELMETER_TRACEBACK"):
            raise
        logging.getLogger("pixelmeter").debug("page", exc_info=error)
        _say_and_retry(
            f"A mistake of ours ({type(error).__name__}); other pages still work. "
            "PIXELMETER_TRACEBACK=1 shows where it happened."
        )
    with st.sidebar:
        keep_watch(folder, standing)


def _show(page: Page, ask: Asker, obstacle: str | None) -> None:
    found = ask(choices)
    with st.sidebar:
        chosen = choose(found)
    visit = Visit(ask=ask, chosen=chosen, choices=found, totals=ask(totals, chosen))
    if obstacle:
        st.text(f"Shown as of the last reading: {obstacle}")
    mark(visit.totals)
    if not is_empty(visit):
        page(visit)


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

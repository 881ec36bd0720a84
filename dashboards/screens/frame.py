"""Frame: what every page has: data, marks, charts, sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from bench.store.chosen import Chosen
from bench.words.figures import so_many
from bench.words.variants import beside_variant
from dashboards.charts.theme import Theme, dress
from dashboards.filters.choosing import NOT_SENT, is_filtered
from dashboards.filters.reading import Asker

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.lib.grid_container import GridContainer

Row = Mapping[str, Any]
SIMULATED = " (simulated)"
_CHART = {"displayModeBar": False, "responsive": True}
_LEAST_CHART_PX = 400
# A plan of many thousand trials is too large to read for every visit.
MOST_PLAN_BYTES = 8_000_000
_MARKDOWN = set("\\`*_[]<>~:$#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page is shown with.

    Attributes:
        choices: As `bench.store.chosen.choices` gives them.
        totals: As `bench.store.figures.totals` gives them, for what is chosen.
    """

    ask: Asker
    chosen: Chosen
    choices: Mapping[str, Sequence[Any]]
    totals: Row

    @property
    def runs(self) -> tuple[Row, ...]:
        """The chosen runs, the newest first; all without a filter."""
        return tuple(
            row
            for row in self.choices["runs"]
            if (not self.chosen.runs or row["run_id"] in self.chosen.runs)
            and (not self.chosen.suites or row["suite"] in self.chosen.suites)
        )


def marked(name: object, *, simulated: bool) -> str:
    """A name with its mark where it is simulated."""
    return f"{name}{SIMULATED if simulated else ''}"


def endpoint_of(row: Row) -> str:
    """The endpoint of a row, marked."""
    return marked(row["endpoint"], simulated=bool(row["simulated"]))


def charted(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows for a chart, whose endpoints keep one colour on all pages.

    A chart says itself where all of it is simulated; only where some is, the
    endpoints are told apart by their marks.
    """
    is_mixed = len({bool(row["simulated"]) for row in rows}) > 1
    return [
        {**row, "endpoint": endpoint_of(row) if is_mixed else row["endpoint"]}
        for row in rows
    ]


def variant_of(row: Row) -> str:
    """Model, quality and size of a row in one line, and what else it asks."""
    named = [str(row[k] or f"{k} {NOT_SENT}") for k in ("model", "quality", "size")]
    return " ".join(filter(None, (*named, beside_variant(row))))


def cell_of(row: Row) -> str:
    """Variant and endpoint of a row in one line."""
    return f"{variant_of(row)} at {endpoint_of(row)}"


def inert(text: object) -> str:
    """Text that Markdown shows letter by letter; for headings and cards of ours."""
    return "".join(
        f"\\{letter}" if letter in _MARKDOWN else letter
        for letter in " ".join(str(text).split())
    )


def say(text: str) -> None:
    """A sentence that may hold names from outside: shown as it is."""
    st.text(text, width="stretch")


def note(text: str) -> None:
    """A quiet remark in our own words, under what it is about."""
    st.caption(inert(text))


def side_by_side() -> "tuple[DeltaGenerator, DeltaGenerator]":
    """Two places for charts; one below the other where they would be squeezed."""
    grid = chart_grid()
    return grid.cell(), grid.cell()


def chart_grid() -> "GridContainer":
    """Places for charts, two in a row where the page is wide enough."""
    return st.grid(2, min_column_width=_LEAST_CHART_PX, gap=("small", "large"))


def chart(figure: "go.Figure", alt: str, key: str) -> None:
    """A chart on the paper of the visitor's theme."""
    is_dark = st.context.theme.type == "dark"
    dressed = dress(figure, Theme.DARK if is_dark else Theme.LIGHT)
    st.plotly_chart(dressed, theme=None, key=key, alt=alt, config=_CHART)


def mark(totals: Row) -> None:
    """The mark over a page that shows simulated figures."""
    n, n_simulated = totals["n_trials"], totals["n_simulated"]
    if not n_simulated:
        return
    if n_simulated == n:
        words = (
            "Simulated. Every figure here comes from an emulator; no money was spent."
        )
    else:
        words = (
            f"Partly simulated. {n_simulated:,} of {n:,} trials come from an emulator; "
            "their endpoints are marked, and no money was spent on them."
        )
    st.badge(words, icon=":material/science:", color="orange")


def limited_mark(runs: Sequence[Row]) -> None:
    """The mark over a page of times that this program made longer itself."""
    sent = [row for row in runs if row["attempts"]]
    n_limited = sum(row["client_limited"] is True for row in sent)
    n_unknown = sum(row["client_limited"] is None for row in sent)
    if n_limited:
        which = (
            so_many(n_limited, "run")
            if n_limited == len(sent)
            else (f"{n_limited:,} of {len(sent):,} runs")
        )
        st.badge(
            f"Client-limited. In {which} this program was too slow for its own load: "
            "times there may hold delays of its own.",
            icon=":material/speed:",
            color="red",
        )
    if n_unknown:
        of = f"{n_unknown:,} of {len(sent):,} runs"
        note(f"Of {of} nobody knows whether this program kept up with its own load.")


def is_empty(visit: Visit) -> bool:
    """Whether nothing fits the filters; says so, and what helps."""
    if visit.totals["n_trials"]:
        return False
    if is_filtered(visit.chosen):
        st.info("No trial fits these filters. Clear one of them in the sidebar.")
    else:
        st.info(
            "No trial is recorded yet. Fill this page with `pixelmeter demo` (no key, "
            "nothing is paid) or `pixelmeter run SUITE --endpoint NAME`."
        )
    return True

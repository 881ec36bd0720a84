"""Choosing: filters in the sidebar, shared by all pages by their URL."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from bench.store.chosen import Chosen

NOT_SENT = "not sent"
# The URL's word, the field of `Chosen`, what stands above the box.
_FILTERS = (
    ("run", "runs", "Run"),
    ("suite", "suites", "Suite"),
    ("endpoint", "endpoints", "Endpoint"),
    ("model", "models", "Model"),
    ("quality", "qualities", "Quality"),
    ("size", "sizes", "Size"),
)


def choose(choices: Mapping[str, Sequence[Any]]) -> Chosen:
    """The filters as they stand; what the URL asks for but is not there is dropped.

    Args:
        choices: As `bench.store.chosen.choices` gives them.
    """
    picked: dict[str, tuple[str, ...]] = {}
    runs = [row["run_id"] for row in choices["runs"]]
    for key, field, label in _FILTERS:
        values = runs if field == "runs" else choices[field]
        picked[field] = _pick(key, label, [str(value) for value in values])
    return Chosen(**picked)


def _pick(key: str, label: str, values: list[str]) -> tuple[str, ...]:
    found = st.multiselect(
        label,
        values,
        key=key,
        format_func=_named,
        placeholder="All",
        bind="query-params",
    )
    # What a browser sends is not checked against the options.
    return tuple(value for value in found if value in values)


def _named(value: str) -> str:
    return value or NOT_SENT


def is_filtered(chosen: Chosen) -> bool:
    """Whether any filter is set."""
    return any(chosen.values().values())

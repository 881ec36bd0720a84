"""Served: what came in place of what was asked, as sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

_MOST_KINDS = 6
_NAMES = {"svg_model": "author of SVGs"}


def other_than_asked(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """A sentence a kind, from rows of `bench.store.served.served_otherwise`."""
    sentences = [_sentence(row) for row in rows]
    n_more = len(sentences) - _MOST_KINDS
    more = [f"and {n_more} other kinds"] if n_more > 0 else []
    return (*sentences[:_MOST_KINDS], *more)


def _sentence(row: Mapping[str, Any]) -> str:
    answers = f"{row['n_answers']} of {row['n_ok']} answers"
    if row["what"] == "images":
        what = f"{row['served']} pictures in place of {row['asked']}"
        return f"{row['endpoint']} served {what} in {answers}"
    named = _NAMES.get(row["what"], row["what"])
    what = f"{row['served']} in place of {row['asked']} in {answers}"
    return f"{row['endpoint']} served another {named} than asked: {what}"

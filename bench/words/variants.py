"""Variants: what a cell asks, in words that tell it apart."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Row = Mapping[str, Any]
_BARE = frozenset({"operation", "model", "quality", "size"})
_APIS = {"images": "Image API", "responses": "Responses API"}
# What goes without saying, as long as nothing else is asked beside it.
_USUAL = {"operation": "generate", "api": "images"}


def asked_values(row: Row) -> dict[str, object]:
    """All that a cell asks beside its prompt, by name, in the order of words.

    Args:
        row: Of a cell: operation, api, model, mainline_model, and parameters, as JSON
            or as a mapping.
    """
    mainline = row.get("mainline_model")
    sent = parameters_of(row)
    # What stands without its name comes first: `low moderation=low` can be read.
    first = {name: sent[name] for name in ("quality", "size") if name in sent}
    return {
        # Behind the text model it would read as a part of that one's name.
        "model": row["model"],
        "operation": row.get("operation") or "generate",
        "api": row.get("api") or "images",
        **({"mainline_model": mainline} if mainline else {}),
        **first,
        **sent,
    }


def parameters_of(row: Row) -> dict[str, object]:
    """The parameters of a cell, which a row may hold as JSON or as a mapping."""
    sent: Any = row["parameters"] or {}
    return orjson.loads(sent) if isinstance(sent, str) else dict(sent)


def in_words(values: Mapping[str, object]) -> str:
    """Values as `asked_values` has them, in one line."""
    return " ".join(_word(name, value) for name, value in values.items())


def without_usual(
    values: Mapping[str, object], leave_out: Iterable[str] = ()
) -> dict[str, object]:
    """The values that have to be said."""
    out = set(leave_out)
    return {
        name: value
        for name, value in values.items()
        if name not in out and _USUAL.get(name) != value
    }


def asked(row: Row) -> str:
    """All that has to be said of a cell."""
    return in_words(without_usual(asked_values(row)))


def beside_model(row: Row) -> str:
    """The same without its image model, for a table that has a column for it."""
    return in_words(without_usual(asked_values(row), ("model",)))


def beside_variant(row: Row) -> str:
    """The same without model, quality and size; empty for what is usual."""
    named = ("model", "quality", "size")
    return in_words(without_usual(asked_values(row), named))


def _word(name: str, value: object) -> str:
    if name in _BARE:
        return str(value)
    if name == "api":
        return _APIS.get(str(value), str(value))
    if name == "mainline_model":
        return f"with {value}"
    if name == "stream" and isinstance(value, bool):
        return "streamed" if value else "not streamed"
    return f"{name}={value}"

"""Author: who is to write an SVG, as a request spells it; pure."""

from collections.abc import Mapping
from typing import Any, cast

_IN_A_FORM = {"svg[model]": "svg_model", "svg[reasoning][effort]": "svg_effort"}


def with_author(said: Mapping[str, Any]) -> dict[str, Any]:
    """A request's members, with an SVG's author under the names of a suite."""
    found = {_IN_A_FORM.get(name, name): value for name, value in said.items()}
    author = found.get("svg")
    if not isinstance(author, dict):
        return found
    del found["svg"]
    written = cast("dict[str, Any]", author)
    thought = written.get("reasoning")
    is_told = isinstance(thought, dict)
    effort = cast("dict[str, Any]", thought).get("effort") if is_told else None
    named = {"svg_model": written.get("model"), "svg_effort": effort}
    return {**found, **named}

"""Limits: the most that text models read and write, from plain data."""

from dataclasses import dataclass
from datetime import date

from pricing.errors import BadBook
from pricing.form import Form

_KEYS = ("models", "source", "input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLimits:
    """What one request to a text model can't pass, reasoning in its output."""

    model: str
    input_tokens: int
    output_tokens: int
    source: str
    checked_on: date


def read_limits(file: Form) -> tuple[TextLimits, ...]:
    """The limits of each model that the file's ``[[limits]]`` name."""
    if "limits" not in file:
        return ()
    sources = file.table("sources")
    checked_on = file.need(file.day, "checked_on")
    result: list[TextLimits] = []
    for item in file.items("limits"):
        form = Form(item, "limits", _KEYS)
        source = form.need(form.text, "source")
        if source not in sources:
            raise BadBook(f"{form.where}: source '{source}' is not in [sources]")
        result.extend(
            TextLimits(
                model=model,
                input_tokens=form.need(form.whole, "input_tokens"),
                output_tokens=form.need(form.whole, "output_tokens"),
                source=str(sources[source]),
                checked_on=checked_on,
            )
            for model in form.texts("models")
        )
    return tuple(result)

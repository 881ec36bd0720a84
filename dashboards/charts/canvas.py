"""Canvas: a figure before anything is drawn on it."""

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from dashboards.charts.theme import LETTERS_PX, Theme, template

Row = Mapping[str, Any]
SIMULATED = "simulated: answers come from an emulator"
NOTHING = "nothing measured yet"
MOST_LETTERS = 48
_HEADING_PX = 16
_PART_PX = 28
_LONG = 22
_MOST_TITLE = 90
# Free room at both ends of a logarithmic axis, in decades.
_ROOM = 0.15
_EDGES_PX = 215
# Digits of the ticks of a logarithmic axis; the second where the first are few.
_DIGITS = (
    ("1", "2", "5"),
    ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "7", "8", "9"),
)
_FEWEST_TICKS = 3


def canvas(title: str, rows: Sequence[Row], *, remark: str = "") -> go.Figure:
    """An empty figure with its title, and the mark where rows are simulated.

    Args:
        title: Shown as plain text, as is the remark.
        rows: What will be drawn.
        remark: One line or several, below the title.
    """
    marks = [SIMULATED] if any(row.get("simulated") for row in rows) else []
    lines = [plain(line, _MOST_TITLE) for line in (*marks, *remark.splitlines())]
    return go.Figure(
        layout={
            "template": template(Theme.LIGHT),
            "title": {
                "text": plain(title, _MOST_TITLE),
                "subtitle": {"text": "<br>".join(lines)},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 8, "l": 4},
                "font": {"size": _HEADING_PX},
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 0,
                "yref": "container",
                "yanchor": "bottom",
            },
            "margin": {"t": 52 + 18 * len(lines), "r": 16, "b": 84, "l": 16},
            "height": 380,
            "hovermode": "closest",
            "barcornerradius": 2,
        }
    )


def nothing(title: str, why: str = NOTHING) -> go.Figure:
    """A figure that says why there is nothing to see."""
    figure = canvas(title, ())
    figure.add_annotation(
        text=plain(why, 200),
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": LETTERS_PX + 1},
    )
    figure.update_xaxes(visible=False)
    return figure.update_yaxes(visible=False).update_layout(height=200)


def plain(name: object, most_letters: int = MOST_LETTERS) -> str:
    """A name from outside as text that plotly shows letter by letter.

    Plotly reads a part of HTML in every text; letters that control the
    direction or shape of others are left out.
    """
    letters = (c for c in " ".join(str(name).split()) if _is_shown(c))
    shown = "".join(letters)
    if len(shown) > most_letters:
        shown = shown[: most_letters - 1] + "…"
    return escape(shown, quote=False)


def _is_shown(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}


def places(names: Sequence[str]) -> dict[str, int]:
    """A place on an axis for each name, the first uppermost.

    Names stand on numeric axes: plotly would take "1024" or "2026-11-21" on
    an axis of names for a number or a day, and join names that look alike.
    """
    distinct = list(dict.fromkeys(names))
    return {name: len(distinct) - 1 - i for i, name in enumerate(distinct)}


def name_axis(found: Mapping[str, int]) -> dict[str, Any]:
    """An upright axis that writes names at their places."""
    return {
        "tickvals": list(found.values()),
        "ticktext": [_in_two_lines(name) for name in found],
        "range": [-0.6, len(found) - 0.4],
        "showgrid": False,
        "zeroline": False,
        "title": None,
    }


def _in_two_lines(name: str) -> str:
    """A long name broken where its middle is, for narrow pages."""
    if len(name) <= _LONG:
        return plain(name)
    spaces = [i for i, letter in enumerate(name) if letter == " "]
    if not spaces:
        return plain(name)
    place = min(spaces, key=lambda i: abs(i - len(name) / 2))
    return f"{plain(name[:place])}<br>{plain(name[place:])}"


def dollar_axis(words: str, usd: Sequence[float], *, is_log: bool) -> dict[str, Any]:
    """An axis of US$; its title says when it is logarithmic."""
    if not is_log:
        return {"title": words, "tickprefix": "$", "rangemode": "tozero"}
    return {"title": f"{words} (log axis)", **_decades(usd, "$")}


def seconds_axis(words: str, seen: Sequence[float], *, is_log: bool) -> dict[str, Any]:
    """An axis of seconds; its title says when it is logarithmic."""
    if not is_log:
        return {"title": f"{words}, s", "rangemode": "tozero"}
    return {"title": f"{words}, s (log axis)", **_decades(seen)}


def _decades(seen: Sequence[float], sign: str = "") -> dict[str, Any]:
    """A logarithmic axis around some values, at least three ticks in sight."""
    above_0 = [value for value in seen if value > 0]
    low = log10(min(above_0, default=1)) - _ROOM
    high = log10(max(above_0, default=1)) + _ROOM
    steps: list[Decimal] = []
    for digits in _DIGITS:
        decades = range(floor(low) - 1, ceil(high) + 1)
        steps = [Decimal(f"{digit}e{e}") for e in decades for digit in digits]
        if sum(low <= log10(step) <= high for step in steps) >= _FEWEST_TICKS:
            break
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": [float(step) for step in steps],
        "ticktext": [f"{sign}{step:f}" for step in steps],
    }


def height_px(n_parts: int) -> int:
    """High enough that so many lines of a chart can be read."""
    return max(300, _EDGES_PX + _PART_PX * n_parts)


def counted(rows: Sequence[Row], key: str = "n") -> str:
    """How many measurements stand behind each of some rows."""
    least, most = min(row[key] for row in rows), max(row[key] for row in rows)
    return f"n={most:,}" if least == most else f"n={least:,} to {most:,}"


def number(value: Any) -> float | None:  # noqa: ANN401  Decimal, float, int or None
    """A figure for drawing; unknown stays unknown."""
    return None if value is None else float(value)

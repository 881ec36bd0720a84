"""Inks: one colour, dash, marker and pattern a name, on every page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

# Told apart by the colour-blind too; each has 3:1 against both our papers.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PINK = "#B5558F"
SKY = "#3F9CD6"
OCHRE = "#A6761D"
GREY = "#808080"

_DIRECT = (GREEN, BLUE, SKY)
_GATEWAY = (PINK, VERMILLION, OCHRE)
_ANY = (BLUE, VERMILLION, GREEN, PINK, SKY, OCHRE)
# The second and third time round the colours, these tell names apart.
_SOLID_DASHES = ("solid", "longdash", "longdashdot")
_BROKEN_DASHES = ("dash", "dot", "dashdot")
_ROUND_MARKERS = ("circle", "square", "triangle-up")
_POINTED_MARKERS = ("diamond", "x", "triangle-down")
_PATTERNS = ("/", "x", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """How one name is drawn; a gateway never differs by colour alone."""

    colour: str
    dash: str
    marker: str
    pattern: str


def fill(ink: Ink) -> dict[str, Any]:
    """A bar's marker: its colour, a gateway's hatched."""
    return hatched(ink.colour, ink.pattern)


def hatched(colour: str, pattern: str) -> dict[str, Any]:
    """A bar's marker: a colour, and a pattern over it that both papers show."""
    lines = {"shape": pattern, "fillmode": "overlay", "fgcolor": "rgba(255,255,255,.7)"}
    return {"color": colour, "pattern": {**lines, "solidity": 0.25, "size": 7}}


def inks_of(
    rows: Iterable[Mapping[str, Any]], name: str = "endpoint"
) -> dict[str, Ink]:
    """The inks of the names in some rows; `route` chooses the family."""
    return inks({str(row[name]): row.get("route") for row in rows})


def inks(routes: Mapping[str, str | None]) -> dict[str, Ink]:
    """The inks of names, given with their route (None: neither); direct first.

    A name keeps its ink whatever else is shown, but where two names of one
    family want the same colour: then the later in the alphabet moves on.
    """
    found: dict[str, Ink] = {}
    taken: set[tuple[str, str]] = set()
    for name in sorted(routes, key=lambda name: (routes[name] or "", name)):
        found[name] = _free_ink(name, routes[name], taken)
        taken.add((found[name].colour, found[name].marker))
    return found


def _free_ink(name: str, route: str | None, taken: set[tuple[str, str]]) -> Ink:
    is_gateway = route == "gateway"
    colours = {"direct": _DIRECT, "gateway": _GATEWAY}.get(route or "", _ANY)
    start = crc32(name.encode()) % len(colours)
    markers = _POINTED_MARKERS if is_gateway else _ROUND_MARKERS
    dashes = _BROKEN_DASHES if is_gateway else _SOLID_DASHES
    places = [
        (colours[(start + step) % len(colours)], lap)
        for lap in range(len(markers))
        for step in range(len(colours))
    ]
    colour, lap = next(
        (place for place in places if (place[0], markers[place[1]]) not in taken),
        places[0],
    )
    return Ink(
        colour=colour,
        dash=dashes[lap],
        marker=markers[lap],
        pattern=_PATTERNS[lap] if is_gateway else "",
    )

"""Theme: our own light and dark template, and fonts that know Chinese."""

from enum import StrEnum

import plotly.graph_objects as go

from dashboards.charts.inks import BLUE, GREEN, OCHRE, PINK, SKY, VERMILLION

FONTS = "Noto Sans CJK SC, Noto Sans SC, sans-serif"
LETTERS_PX = 13


class Theme(StrEnum):
    """The paper that a figure lies on."""

    LIGHT = "light"
    DARK = "dark"


_TEXT = {Theme.LIGHT: "#1b1f24", Theme.DARK: "#e6e8eb"}
_QUIET = {Theme.LIGHT: "#57606a", Theme.DARK: "#a3abb5"}
_GRID = {Theme.LIGHT: "#e3e6ea", Theme.DARK: "#30363d"}
_LINE = {Theme.LIGHT: "#8b949e", Theme.DARK: "#6e7681"}
_HOVER = {Theme.LIGHT: "#ffffff", Theme.DARK: "#161b22"}


def dress(figure: go.Figure, theme: Theme) -> go.Figure:
    """The same figure on the paper of a theme."""
    return go.Figure(figure).update_layout(template=template(theme))


def template(theme: Theme) -> go.layout.Template:
    """Our template: paper is transparent, what it shows is the page's."""
    text, quiet = _TEXT[theme], _QUIET[theme]
    axis = {
        "gridcolor": _GRID[theme],
        "linecolor": _LINE[theme],
        "zerolinecolor": _LINE[theme],
        "tickcolor": _LINE[theme],
        "tickfont": {"color": quiet},
        "title": {"font": {"color": quiet, "size": LETTERS_PX}},
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONTS, "size": LETTERS_PX, "color": text},
            "title": {"subtitle": {"font": {"color": quiet, "size": LETTERS_PX}}},
            "legend": {"title": {"font": {"size": LETTERS_PX}}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [BLUE, VERMILLION, GREEN, PINK, SKY, OCHRE],
            "xaxis": axis,
            "yaxis": axis,
            "annotationdefaults": {"font": {"color": quiet}},
            "hoverlabel": {
                "bgcolor": _HOVER[theme],
                "bordercolor": _LINE[theme],
                "font": {"family": FONTS, "size": LETTERS_PX, "color": text},
            },
        }
    )

"""Inline: figures and plotly's script as text for a page of our own."""

import json
from functools import cache

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dashboards.charts.theme import Theme, template


@cache
def plotly_script() -> str:
    """Plotly's own script, about 4.8 MB."""
    return get_plotlyjs()


def figure_content(figure: go.Figure) -> dict[str, object]:
    """A figure as JSON content without its template.

    Returns:
        `{"data": [...], "layout": {...}}`, what `Plotly.newPlot` takes.
    """
    bare = go.Figure(figure).update_layout(template="none")
    content = json.loads(str(bare.to_json()))
    content["layout"].pop("template", None)
    return content


def template_content(theme: Theme) -> dict[str, object]:
    """Our template of a theme, as JSON content."""
    dressed = go.Figure(layout={"template": template(theme)})
    return json.loads(str(dressed.to_json()))["layout"]["template"]

"""Shell: what every page of ours is wrapped in."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from dashboards.charts.inline import plotly_script, template_content
from dashboards.charts.theme import Theme
from dashboards.report.exact import inert_chart


def shell() -> dict[str, Any]:
    """Style, scripts and policy of a page, as its template names them."""
    script, program = Markup(plotly_script()), part("page.js")  # noqa: S704  plotly's own
    return {
        "style": part("page.css"),
        "plotly": script,
        "program": program,
        "policy": _policy(script, program),
        "templates": inert_chart({t.value: template_content(t) for t in Theme}),
        "inert": inert_chart,
    }


def _policy(*scripts: str) -> str:
    """Nothing is fetched, and no script runs but the two that we put in."""
    digests = (hashlib.sha256(text.encode()).digest() for text in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@cache
def part(name: str) -> Markup:
    """A file of ours that is put in as it is."""
    text = (files("dashboards.report") / name).read_text("utf-8")
    return Markup(text)  # noqa: S704  our own file


def template(name: str) -> Any:  # noqa: ANN401  jinja's own class
    """A page of ours, with the macros that all pages draw by."""
    room = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return room.from_string(f"{part('macros.html')}{part(name)}")

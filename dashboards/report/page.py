"""Page: the parts of a report put into one document."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bench.commands.comparing import sentences
from bench.studies.comparison import Factor, level_name
from bench.words.figures import bytes_text, dollars, seconds
from dashboards.charts.inline import plotly_script, template_content
from dashboards.charts.theme import Theme
from dashboards.report.drawings import (
    cost_drawings,
    pair_drawings,
    saving_drawing,
    time_drawings,
)
from dashboards.report.exact import exact_figures, inert_chart, inert_json
from dashboards.report.facts import IMAGES_PER_MONTH, Facts
from dashboards.report.labels import asked_by_all, short_labels
from dashboards.report.pictures import Gallery
from dashboards.report.prose import money_lines, remarks, standing
from dashboards.report.settings import (
    cards_table,
    endpoints_table,
    prompts_table,
    settings_table,
)
from dashboards.report.tables import (
    cells_table,
    errors_table,
    levels_table,
    possibly_billed_table,
    savings_table,
)

MOST_PAIRINGS_TOLD = 12


def render(facts: Facts, gallery: Gallery) -> str:
    """The whole document; everything in it is escaped or made inert."""
    script, style = Markup(plotly_script()), _part("page.css")  # noqa: S704  plotly's own
    program = _part("page.js")
    return _template().render(
        **_head(facts, script, program),
        **_findings(facts),
        **_records(facts),
        gallery=gallery,
        labels=short_labels(facts.shown.cells),
        asked_by_all=asked_by_all(facts.shown.cells),
        figures=inert_json(exact_figures(facts)),
        plotly=script,
        style=style,
        program=program,
        inert=inert_chart,
        dollars=dollars,
        seconds=seconds,
        bytes_text=bytes_text,
    )


def _head(facts: Facts, script: str, program: str) -> dict[str, Any]:
    return {
        "facts": facts,
        "run": facts.shown.run,
        "made_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "standing": standing(facts),
        "remarks": remarks(facts),
        "policy": _policy(script, program),
        "templates": inert_chart({t.value: template_content(t) for t in Theme}),
    }


def _findings(facts: Facts) -> dict[str, Any]:
    return {
        "comparisons": [
            {
                "by": found.by,
                "table": levels_table(found, _order(facts, found.by)),
                "n_pairings": len(found.pairings),
                "told": [
                    (pairing.first, pairing.second, sentences(pairing))
                    for pairing in found.pairings[:MOST_PAIRINGS_TOLD]
                ],
            }
            for found in facts.comparisons
        ],
        "pairs": pair_drawings(facts),
        "savings": savings_table(facts.savings, IMAGES_PER_MONTH),
        "months": saving_drawing(facts),
        "times": time_drawings(facts),
        "costs": cost_drawings(facts),
        "cells": cells_table(facts),
    }


def _order(facts: Facts, by: str) -> list[str]:
    """The levels of a factor in the order of the plan."""
    return [level_name(cell, Factor(by)) for cell in facts.shown.cells]


def _records(facts: Facts) -> dict[str, Any]:
    return {
        "errors": errors_table(facts.shown.errors),
        "possibly_billed": possibly_billed_table(facts.shown.possibly_billed),
        "money": money_lines(facts.shown.run),
        "prompts": prompts_table(facts),
        "settings": settings_table(facts),
        "endpoints": endpoints_table(facts),
        "cards": cards_table(facts),
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
def _part(name: str) -> Markup:
    """A file of ours that is put in as it is."""
    text = (files("dashboards.report") / name).read_text("utf-8")
    return Markup(text)  # noqa: S704  our own file


def _template() -> Any:  # noqa: ANN401  jinja's own class
    room = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return room.from_string(str(_part("page.html")))

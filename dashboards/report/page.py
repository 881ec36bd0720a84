"""Page: the parts of a report put into one document."""

from datetime import UTC, datetime
from typing import Any

from bench.commands.comparing import sentences
from bench.studies.comparison import level_name
from bench.words.figures import bytes_text, dollars, seconds
from dashboards.report.drawings import (
    cost_drawings,
    pair_drawings,
    saving_drawing,
    time_drawings,
)
from dashboards.report.exact import exact_figures, inert_json
from dashboards.report.facts import IMAGES_PER_MONTH, Facts
from dashboards.report.labels import asked_by_all, short_labels
from dashboards.report.pictures import Gallery
from dashboards.report.prose import money_lines, remarks, standing, trust
from dashboards.report.settings import (
    cards_table,
    endpoints_table,
    prompts_table,
    settings_table,
)
from dashboards.report.shell import shell, template
from dashboards.report.tables import (
    both_table,
    cells_table,
    errors_table,
    levels_table,
    modes_tables,
    possibly_billed_table,
    savings_table,
)

MOST_PAIRINGS_TOLD = 12


def render(facts: Facts, gallery: Gallery) -> str:
    """The whole document; everything in it is escaped or made inert."""
    return template("page.html").render(
        **shell(),
        **_head(facts),
        **_findings(facts),
        **_records(facts),
        gallery=gallery,
        labels=short_labels(facts.shown.cells),
        asked_by_all=asked_by_all(facts.shown.cells),
        figures=inert_json(exact_figures(facts)),
        dollars=dollars,
        seconds=seconds,
        bytes_text=bytes_text,
    )


def _head(facts: Facts) -> dict[str, Any]:
    return {
        "facts": facts,
        "run": facts.shown.run,
        "made_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "standing": standing(facts),
        "remarks": remarks(facts),
        "trust": trust(facts),
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
        "both": both_table(facts),
        "modes": modes_tables(facts),
    }


def _order(facts: Facts, by: str) -> list[str]:
    """The levels of a factor in the order of the plan."""
    return [level_name(cell, by) for cell in facts.shown.cells]


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

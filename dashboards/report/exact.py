"""Exact: the figures of a report for programs, money to the last digit."""

import json
from typing import Any

import orjson
from markupsafe import Markup

from bench.commands.answers import comparison_answer, saving_answer, show_answer
from bench.commands.checking import checked_answer
from bench.commands.doubting import doubts_answer
from bench.commands.jobbing import job_answers
from dashboards.report.facts import Facts

SCHEMA = "pixelmeter.report-figures/1"
# Inside a script element a text must not end it, nor begin a comment.
_INERT = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def exact_figures(facts: Facts) -> dict[str, Any]:
    """What `show --json` and `compare --json` answer, and the savings."""
    return {
        "schema": SCHEMA,
        "show": {
            **show_answer(facts.shown),
            "served_otherwise": facts.served,
            **doubts_answer(facts.doubts),
            **checked_answer(facts.checked),
            "jobs": job_answers(facts.jobs),
        },
        "comparisons": [comparison_answer(found) for found in facts.comparisons],
        "savings": [saving_answer(saving) for saving in facts.savings],
    }


def inert_json(content: object) -> Markup:
    """JSON that is safe inside a script element."""
    text = orjson.dumps(content, default=str).decode()
    return Markup(text.translate(_INERT))  # noqa: S704  it holds no markup any more


def inert_chart(content: object) -> Markup:
    """The same for a chart, whose numbers may be beyond orjson's."""
    text = json.dumps(content, ensure_ascii=False)
    return Markup(text.translate(_INERT))  # noqa: S704  as above

"""Outlook page: a projection as one document that opens offline."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from textwrap import fill
from typing import Any

from bench.studies.assumptions import assumptions, price_sources
from bench.studies.outlook import Outlook
from bench.studies.weighed import Compared
from bench.words.savings import cents
from dashboards.charts.inline import figure_content
from dashboards.charts.months import months
from dashboards.charts.points import outlook_points, swing_points
from dashboards.charts.still import months_png
from dashboards.charts.tornado import tornado
from dashboards.report.drawings import Drawing
from dashboards.report.outlook_prose import (
    doubt_sentence,
    sentences_of,
    volume_words,
)
from dashboards.report.outlook_tables import (
    MOST_SWINGS,
    alone,
    brief_table,
    costs_table,
    course_table,
    months_table,
    numbers_table,
    swings_table,
)
from dashboards.report.shell import shell, template

_MOST_IN_FULL = 8
_MOST_LINES = 12
_MOST_CARES = 3
_MOST_LETTERS = 95


def render_outlook(found: Outlook, notes: Sequence[str]) -> str:
    """The whole document; everything in it is escaped or made inert."""
    is_long = len(found.compared) > _MOST_IN_FULL
    return template("outlook.html").render(
        **shell(),
        found=found,
        notes=notes,
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        volume=volume_words(found),
        costs=costs_table(found),
        months=_months(found),
        comparisons=[]
        if is_long
        else [_comparison(found, k, one) for k, one in enumerate(found.compared)],
        brief=brief_table(found) if is_long else None,
        alone=[course_table(found, line) for line in alone(found)],
        numbers=numbers_table(found),
        assumptions=assumptions(found),
        prices=price_sources(found),
    )


def draw_outlook(found: Outlook) -> bytes:
    """The chart of the months as a PNG."""
    rows, remark = _points(found)
    # It may be passed on without the page that says the same.
    cares = (fill(f"take care: {one}", _MOST_LETTERS) for one in found.warnings)
    said = "\n".join((remark, *islice(cares, _MOST_CARES)))
    return months_png(rows, title=found.scenario.name, remark=said)


def _points(found: Outlook) -> tuple[list[dict[str, Any]], str]:
    """What is drawn of the months, and what is said beside it."""
    names = [line.choice.name for line in found.lines][:_MOST_LINES]
    rows = [row for row in outlook_points(found) if row["name"] in names]
    remark = volume_words(found)
    if any(row["usd_low"] is not None for row in rows):
        remark += "\nband: 90%, by resampling whole prompts; prices do not vary in it"
    if len(found.lines) > _MOST_LINES:
        remark += f"\nthe first {_MOST_LINES} of {len(found.lines)} alternatives"
    return rows, remark


def _months(found: Outlook) -> Drawing:
    rows, remark = _points(found)
    return Drawing(
        name="months",
        says="Cumulative US dollars of every alternative as months pass",
        content=figure_content(months(rows, remark=remark)),
        elsewhere="The figures stand month by month in the tables below.",
    )


def _comparison(found: Outlook, number: int, compared: Compared) -> dict[str, Any]:
    saving = compared.saving
    return {
        "title": f"{saving.alternative} against {saving.against}",
        "sentences": sentences_of(found, compared),
        "doubt": doubt_sentence(found, compared),
        "swings": _swings(found, number, compared),
        "months": months_table(found, compared),
    }


def _swings(found: Outlook, number: int, compared: Compared) -> Drawing | None:
    rows = swing_points(compared, MOST_SWINGS)
    if not rows:
        return None
    base = f"as assumed it is {cents(compared.saving.whole.usd)}"
    return Drawing(
        name=f"swings-{number}",
        says="How far the saving moves with each assumption",
        content=figure_content(tornado(rows, remark=base)),
        twin=swings_table(found, compared),
    )

"""Projection lines: the months of an outlook as CSV."""

from collections.abc import Iterator
from itertools import zip_longest

from bench.exports.lines import csv_line
from bench.studies.outlook import Line, Outlook
from bench.studies.weighed import Compared

COLUMNS = (
    *("month", "starts_on", "images", "alternative", "simulated"),
    *("usd_per_image", "cost_usd", "cost_so_far_usd"),
    *("against", "saving_usd", "saving_so_far_usd"),
)


def projection_lines(found: Outlook) -> Iterator[bytes]:
    """A header, then a line a month and alternative; money exact, unknown empty.

    `usd_per_image` is of a usable picture, fees apart; costs hold the fees.
    """
    yield csv_line(COLUMNS)
    savings = {one.saving.alternative: one for one in found.compared}
    for line in found.lines:
        compared = savings.get(line.choice.name)
        months = zip_longest(found.images, found.calendar)
        for k, (images, starts_on) in enumerate(months):
            yield csv_line(
                (
                    *(k + 1, starts_on and starts_on.isoformat(), images),
                    *_costs(line, k),
                    *_savings(compared, k),
                )
            )


def _costs(line: Line, k: int) -> tuple[object, ...]:
    course = line.course
    return (
        *(line.choice.name, line.priced.simulated, line.priced.unit.usd),
        *(course.costs_usd[k], course.cumulative_usd[k]),
    )


def _savings(compared: Compared | None, k: int) -> tuple[object, ...]:
    if compared is None:
        return (None, None, None)
    saving = compared.saving
    return saving.against, saving.savings_usd[k], saving.cumulative_usd[k]

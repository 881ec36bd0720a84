"""Projection book: months of money as an Excel file that calculates."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]  it has none
from xlsxwriter import exceptions  # pyright: ignore[reportMissingTypeStubs]  as above

from bench.exports.projection_costs import (
    ASSUMPTIONS,
    UNIT_COSTS,
    write_assumptions,
    write_unit_costs,
)
from bench.exports.projection_months import MONTHS, MonthColumns, write_months
from bench.exports.projection_totals import (
    write_sensitivity,
    write_sentences,
    write_totals,
)
from bench.exports.sheets import Sheet, looks_of
from bench.studies.outlook import Outlook
from pricing.assumption import values_of

_xlsxwriter: Any = xlsxwriter
_exceptions: Any = exceptions
SUMMARY, SENSITIVITY = "summary", "sensitivity"
_NAMES = (SUMMARY, MONTHS, UNIT_COSTS, ASSUMPTIONS, SENSITIVITY)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
SIMULATED = "SIMULATED: an emulator answered, these are its prices and failures"
# More lines than these can't be told apart.
_MOST_LINES = 12


def write_projection(found: Outlook, path: Path, notes: Sequence[str] = ()) -> None:
    """Write assumptions, unit costs, months and totals, each a formula of the last.

    Args:
        found: The projection.
        path: The file.
        notes: What is to be said beside it, such as what is left out.

    Raises:
        OSError: The file can't be written.
    """
    # Rows wait on disk; what is left of them goes with the folder.
    with tempfile.TemporaryDirectory() as folder:
        book = _xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": folder})
        try:
            _fill(book, found, notes)
            book.close()
        except _exceptions.FileCreateError as error:
            # It carries the error of the operating system.
            raise error.args[0] from error


def _fill(
    book: Any,  # noqa: ANN401  xlsxwriter has no types
    found: Outlook,
    notes: Sequence[str],
) -> None:
    looks = looks_of(book)
    mark = f" · {SIMULATED}" if found.simulated else ""
    title = f"Pixelmeter · {found.scenario.name}{mark}"
    book.set_properties({"title": title})
    sheets = {
        name: Sheet(sheet=book.add_worksheet(name), looks=looks) for name in _NAMES
    }
    if found.simulated:
        for sheet in sheets.values():
            sheet.sheet.set_tab_color("orange")
            sheet.sheet.set_header(f"&C{SIMULATED}")
    values = values_of(found.assumptions)
    refs = write_assumptions(sheets[ASSUMPTIONS], title, found)
    units = write_unit_costs(sheets[UNIT_COSTS], title, found, refs, values)
    columns = write_months(sheets[MONTHS], title, found, (refs, values), units)
    last = write_totals(sheets[SUMMARY], title, found, units, columns)
    last = write_sentences(sheets[SUMMARY], found, notes, last)
    write_sensitivity(sheets[SENSITIVITY], title, found)
    _draw(book, sheets[SUMMARY], found, columns, last)


def _draw(
    book: Any,  # noqa: ANN401  xlsxwriter has no types
    summary: Sheet,
    found: Outlook,
    columns: MonthColumns,
    row: int,
) -> None:
    chart = book.add_chart({"type": "line"})
    months = len(found.images)
    for line in found.lines[:_MOST_LINES]:
        column = columns.costs_so_far[line.choice.name]
        chart.add_series(
            {
                # A name of its own could be taken for a formula.
                "name": f"={MONTHS}!${columns.costs[line.choice.name]}$2",
                "categories": f"={columns.cells('A', months)}",
                "values": f"={columns.cells(column, months)}",
                "marker": {"type": "automatic"},
            }
        )
    chart.set_title({"name": "US$ spent as months pass", "overlay": False})
    chart.set_y_axis({"num_format": "#,##0", "name": "US$, cumulative"})
    chart.set_x_axis({"name": "month"})
    chart.set_size({"width": 860, "height": 380})
    summary.sheet.insert_chart(row + 2, 0, chart)

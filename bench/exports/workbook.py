"""Workbook: a run as an Excel file whose totals are live formulas."""

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]  it has none
from xlsxwriter import exceptions  # pyright: ignore[reportMissingTypeStubs]  as above

from bench.errors import BadInput
from bench.exports.sheets import (
    MOST_ROWS,
    N_HEAD_ROWS,
    Formula,
    Looks,
    Sheet,
    exact_texts,
    letters_of,
    looks_of,
    money_columns,
)
from bench.exports.summary import CellRow, RowsTotal, write_summary
from bench.store import queries
from bench.store.exported import Table, one_sided_cells, table_of
from pricing.money import minus

_xlsxwriter: Any = xlsxwriter
_exceptions: Any = exceptions
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_EXACT = "_exact"
_SAVINGS = "savings_usd"
SIMULATED = "SIMULATED: no money was spent on what is marked so"


def refuse_rows(table: Table) -> None:
    """Say why a table is too long for a sheet.

    Raises:
        BadInput: It has more rows than a sheet holds.
    """
    most = MOST_ROWS - N_HEAD_ROWS
    if table.n_rows > most:
        raise BadInput(
            f"--format xlsx: run {table.run_id} has {table.n_rows:,} {table.name} and "
            f"a sheet holds {most:,}; take csv or parquet, or --table cells"
        )


def write_workbook(table: Table, path: Path) -> None:
    """Write sheets `summary` and `cells`, and the table's own.

    Raises:
        BadInput: The table has more rows than a sheet holds.
        OSError: The file can't be written.
    """
    refuse_rows(table)
    # Rows wait on disk; what is left of them goes with the folder.
    with tempfile.TemporaryDirectory() as folder:
        book = _xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": folder})
        # A sheet's XML may pass 4 GB before it is packed.
        book.use_zip64()
        try:
            _fill(book, table)
            book.close()
        except _exceptions.FileCreateError as error:
            # It carries the error of the operating system.
            raise error.args[0] from error


def _fill(book: Any, table: Table) -> None:  # noqa: ANN401  xlsxwriter has no types
    run = queries.run(table.con, table.run_id) or {}
    looks = looks_of(book)
    mark = f" · {SIMULATED}" if run["simulated"] else ""
    title = f"Pixelmeter · run {run['run_id']} · suite {run['suite']}{mark}"
    book.set_properties({"title": title, "created": run["created_at"]})
    names = ["summary", "cells"] + ([] if table.name == "cells" else [table.name])
    sheets = {name: _sheet(book, looks, name, run["simulated"]) for name in names}
    cells = table_of(table.con, "cells", table.run_id)
    rows = list(_cell_rows(cells))
    total = None if table.name == "cells" else _rows_total(table)
    write_summary(sheets["summary"], title, run, rows, total)
    _write_cells(sheets["cells"], title, cells, rows)
    if total:
        _write_rows(sheets[table.name], title, table)


def _sheet(book: Any, looks: Looks, name: str, simulated: bool) -> Sheet:  # noqa: ANN401, FBT001  as above; a fact of the run
    sheet = book.add_worksheet(name)
    if simulated:
        sheet.set_tab_color("orange")
        sheet.set_header(f"&C{SIMULATED}")
    return Sheet(sheet=sheet, looks=looks)


def _cell_rows(cells: Table) -> Iterator[CellRow]:
    """Each cell with what it saved against the list, None where that is unknown."""
    one_sided = one_sided_cells(cells.con, cells.run_id)
    for values in cells.rows():
        row = dict(zip(cells.columns, values, strict=True))
        charge, listed = row["charge_usd"], row["list_usd"]
        is_one_sided = row["cell_index"] in one_sided
        savings_usd = None
        if not is_one_sided and charge is not None and listed is not None:
            savings_usd = minus(listed, charge)
        yield CellRow(
            row=row,
            savings_usd=savings_usd,
            is_one_sided=is_one_sided,
        )


def _write_cells(
    sheet: Sheet, title: str, cells: Table, rows: Sequence[CellRow]
) -> None:
    money = money_columns(cells.columns, cells.kinds)
    names = [*cells.columns, _SAVINGS, *(name + _EXACT for name in (*money, _SAVINGS))]
    sheet.write_head(title, names)
    listed, charged = (
        letters_of(cells.columns.index(name)) for name in ("list_usd", "charge_usd")
    )
    for index, cell in enumerate(rows, N_HEAD_ROWS):
        savings = _savings(
            cell.savings_usd, f"{listed}{index + 1}-{charged}{index + 1}"
        )
        all_money = {**cell.row, _SAVINGS: cell.savings_usd}
        texts = exact_texts(all_money, (*money, _SAVINGS))
        sheet.write_row(index, [*cell.row.values(), savings, *texts])
    _filter(sheet, len(rows), len(names))


def _savings(value: Decimal | None, formula: str) -> Formula | None:
    return None if value is None else Formula(text=f"={formula}", value=value)


def _write_rows(sheet: Sheet, title: str, table: Table) -> None:
    money = money_columns(table.columns, table.kinds)
    names = [*table.columns, *(name + _EXACT for name in money)]
    sheet.write_head(title, names)
    for index, values in enumerate(table.rows(), N_HEAD_ROWS):
        row = dict(zip(table.columns, values, strict=True))
        sheet.write_row(index, [*values, *exact_texts(row, money)])
    _filter(sheet, table.n_rows, len(names))


def _filter(sheet: Sheet, n_rows: int, n_columns: int) -> None:
    last = N_HEAD_ROWS - 1 + n_rows
    sheet.sheet.autofilter(N_HEAD_ROWS - 1, 0, last, n_columns - 1)


def _rows_total(table: Table) -> RowsTotal:
    """Where on its sheet the charges of a table stand, and their sum."""
    column = letters_of(table.columns.index("charge_usd"))
    last = N_HEAD_ROWS + max(table.n_rows, 1)
    return RowsTotal(
        name=table.name,
        cells=f"{table.name}!${column}${N_HEAD_ROWS + 1}:${column}${last}",
        charge_usd=table.charge_usd,
    )

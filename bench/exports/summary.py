"""Summary: the first sheet of a workbook, endpoint by endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.exports.sheets import N_HEAD_ROWS, Formula, Sheet, letters_of
from pricing.money import minus, total, usd_text

UNKNOWN = "unknown"
_COUNTS = ("n_trials", "n_ok", "images", "attempts", "n_charge_unknown")
_MONEY = ("charge_usd", "list_usd", "possibly_billed_usd")
_SAVINGS = "savings_usd"
_FACTS = ("run_id", "suite", "state", "created_at", "simulated", "note")
_LIMITED = "client_limited"
_WHETHER = {True: "yes", False: "no", None: "unknown"}
_NOTES = (
    "charge_usd: what the endpoint's prices make of the usage that was reported",
    "list_usd: the same usage at the direct book's price",
    "savings_usd: list_usd less charge_usd, negative where the endpoint is dearer",
    "possibly_billed_usd: bounds what may have been billed unknown to us",
    "n_charge_unknown: trials with money that is not in charge_usd",
    "Totals are formulas over the other sheets; _exact holds every digit as text.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """A row of the sheet `cells`.

    Attributes:
        row: Its columns of `v_cell`.
        savings_usd: List less charge; None when it is unknown.
        is_one_sided: Some attempt has only one of the two, so they don't compare.
    """

    row: Mapping[str, Any]
    savings_usd: Decimal | None
    is_one_sided: bool

    def usd(self, name: str) -> Decimal | None:
        """One of its amounts."""
        return self.savings_usd if name == _SAVINGS else self.row[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsTotal:
    """The charges of a sheet of rows: the range, and its exact sum."""

    name: str
    cells: str
    charge_usd: Decimal | None


def write_summary(
    sheet: Sheet,
    title: str,
    run: Mapping[str, Any],
    cells: Sequence[CellRow],
    rows: RowsTotal | None,
) -> None:
    """Write a line an endpoint, their total, and whether the rows agree."""
    names = ["endpoint", "route", "simulated", *_COUNTS, *_MONEY, _SAVINGS]
    exact = [f"{name}_exact" for name in (*_MONEY, _SAVINGS)]
    sheet.write_head(title, [*names, *exact])
    places = _Places(names=names, cells=cells)
    lines = places.endpoint_lines()
    row = N_HEAD_ROWS
    for line in [*lines, places.total_line(len(lines))]:
        sheet.write_row(row, line)
        row += 1
    if rows:
        sheet.write_row(row + 1, places.rows_line(rows))
        sheet.write_row(row + 2, places.gap_line(rows, row))
        row += 3
    for fact in _FACTS:
        row += 1
        sheet.write_row(row, [fact, run[fact]])
    row += 1
    why = "; ".join(run[f"{_LIMITED}_reasons"])
    sheet.write_row(row, [_LIMITED, _WHETHER[run[_LIMITED]], why or None])
    for note in _NOTES:
        row += 1
        sheet.write_row(row, [note])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where figures stand on the sheets `summary` and `cells`."""

    names: Sequence[str]
    cells: Sequence[CellRow]

    def endpoint_lines(self) -> list[list[object]]:
        """A line an endpoint, in the order of the plan."""
        by_endpoint: dict[str, list[CellRow]] = {}
        for cell in self.cells:
            by_endpoint.setdefault(cell.row["endpoint"], []).append(cell)
        return [
            self._endpoint_line(row, cells)
            for row, cells in enumerate(by_endpoint.values(), N_HEAD_ROWS + 1)
        ]

    def _endpoint_line(self, row: int, cells: Sequence[CellRow]) -> list[object]:
        first = cells[0].row
        counts = [
            Formula(
                text=self._by_name(name, row), value=sum(c.row[name] for c in cells)
            )
            for name in _COUNTS
        ]
        sums = [_known_sum(cells, name) for name in (*_MONEY, _SAVINGS)]
        money = [
            _formula(self._by_name(name, row), value)
            for name, value in zip((*_MONEY, _SAVINGS), sums, strict=True)
        ]
        named = [first["endpoint"], first["route"], first["simulated"]]
        return [*named, *counts, *money, *map(_exact, sums)]

    def total_line(self, n_endpoints: int) -> list[object]:
        """The sums of the endpoints' lines."""
        first, last = N_HEAD_ROWS + 1, N_HEAD_ROWS + max(n_endpoints, 1)
        counts = [
            Formula(
                text=f"=SUM({column}{first}:{column}{last})",
                value=sum(cell.row[name] for cell in self.cells),
            )
            for name, column in ((name, self._column(name)) for name in _COUNTS)
        ]
        sums = [_known_sum(self.cells, name) for name in (*_MONEY, _SAVINGS)]
        money = [
            _formula(f"=SUM({column}{first}:{column}{last})", value)
            for column, value in zip(
                map(self._column, (*_MONEY, _SAVINGS)), sums, strict=True
            )
        ]
        return ["total", None, None, *counts, *money, *map(_exact, sums)]

    def rows_line(self, rows: RowsTotal) -> list[object]:
        """The sum of the charges of the rows, by themselves."""
        line: list[object] = [f"sum of sheet {rows.name}"]
        line += [None] * (self.names.index("charge_usd") - 1)
        return [*line, _formula(f"=SUM({rows.cells})", rows.charge_usd)]

    def gap_line(self, rows: RowsTotal, total_row: int) -> list[object]:
        """What the rows have more than the cells: attempts of no known trial."""
        charged = _known_sum(self.cells, "charge_usd")
        column = self._column("charge_usd")
        line: list[object] = ["less the total of cells"]
        line += [None] * (self.names.index("charge_usd") - 1)
        if not isinstance(charged, Decimal) or rows.charge_usd is None:
            return line
        text = f"=ROUND({column}{total_row + 2}-{column}{total_row},12)"
        return [*line, Formula(text=text, value=minus(rows.charge_usd, charged))]

    def _by_name(self, name: str, row: int) -> str:
        """The sum of a column of `cells` over an endpoint, told by exact name."""
        last = N_HEAD_ROWS + len(self.cells)
        of_cells = [*self.cells[0].row, _SAVINGS]

        def column(wanted: str) -> str:
            letters = letters_of(of_cells.index(wanted))
            return f"cells!${letters}${N_HEAD_ROWS + 1}:${letters}${last}"

        return f"=SUMPRODUCT(--EXACT({column('endpoint')},$A{row}),{column(name)})"

    def _column(self, name: str) -> str:
        return letters_of(self.names.index(name))


def _known_sum(cells: Sequence[CellRow], name: str) -> Decimal | str | None:
    """The sum of what is known; `unknown` where it would mislead."""
    if name == _SAVINGS and any(cell.is_one_sided for cell in cells):
        return UNKNOWN
    known = [usd for cell in cells if (usd := cell.usd(name)) is not None]
    if known:
        return total(known)
    return UNKNOWN if any(cell.row["n_charge_unknown"] for cell in cells) else None


def _formula(text: str, value: Decimal | str | None) -> object:
    return Formula(text=text, value=value) if isinstance(value, Decimal) else value


def _exact(value: Decimal | str | None) -> str | None:
    return usd_text(value) if isinstance(value, Decimal) else value

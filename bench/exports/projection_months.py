"""Projection months: volumes, costs and savings as formulas."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bench.exports.projection_costs import Refs, UnitCells
from bench.exports.sheets import N_HEAD_ROWS, Formula, Sheet, letters_of
from bench.studies.outlook import Outlook
from pricing.assumption import Values
from pricing.demand import GROWTH, IMAGES, listed_key, season_key
from pricing.money import plus, times

MONTHS = "months"
_EXACT, _IMAGES = "B", "C"
_N_LEADING = 3
# Of 15 that a double holds, two for what multiplying lost.
_DIGITS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthColumns:
    """Columns of the sheet of months, by name of the alternative."""

    costs: Mapping[str, str]
    costs_so_far: Mapping[str, str]
    savings: Mapping[str, str]

    def cells(self, column: str, months: int) -> str:
        """The first so many months of a column."""
        first = N_HEAD_ROWS + 1
        return f"{MONTHS}!${column}${first}:${column}${first + months - 1}"


def write_months(
    sheet: Sheet,
    title: str,
    found: Outlook,
    refs: tuple[Refs, Values],
    units: Mapping[str, UnitCells],
) -> MonthColumns:
    """Write a row a month; returns where its figures stand."""
    names = [line.choice.name for line in found.lines]
    savers = [one.saving.alternative for one in found.compared]
    places = _places(names, savers)
    heads = [
        *("month", "images before rounding", "images"),
        *(head for name in names for head in (name, f"{name}, so far")),
        *(h for n in savers for h in (f"{n} saves", f"{n} saves, so far")),
    ]
    sheet.write_head(title, heads)
    for k in range(len(found.images)):
        row = N_HEAD_ROWS + k
        sheet.write_row(
            row,
            [
                *_volume(found, k, *refs),
                *(f for line in _costs(found, k, units, places) for f in line),
                *(f for line in _savings(found, k, places) for f in line),
            ],
        )
    return places


def _places(names: list[str], savers: list[str]) -> MonthColumns:
    after = _N_LEADING + 2 * len(names)
    return MonthColumns(
        costs={n: letters_of(_N_LEADING + 2 * i) for i, n in enumerate(names)},
        costs_so_far={
            n: letters_of(_N_LEADING + 2 * i + 1) for i, n in enumerate(names)
        },
        savings={n: letters_of(after + 2 * i) for i, n in enumerate(savers)},
    )


def _volume(found: Outlook, k: int, refs: Refs, values: Values) -> list[object]:
    here = N_HEAD_ROWS + k + 1
    month = f"{found.calendar[k]:%Y-%m}" if found.calendar else k + 1
    x = f"{_EXACT}{here}"
    # Half to even, as the figures of the program; ROUND alone goes away from 0.
    whole = f"=IF({x}-INT({x})=0.5,2*ROUND({x}/2,0),ROUND({x},0))"
    return [
        month,
        _exact_volume(found, k, refs, values),
        Formula(text=whole, value=found.images[k]),
    ]


def _exact_volume(found: Outlook, k: int, refs: Refs, values: Values) -> Formula:
    if found.demand.is_listed:
        key = listed_key(k + 1)
        return Formula(text=f"={refs[key]}", value=values[key])
    exact = values[IMAGES]
    for _ in range(k):
        exact = times(exact, plus(Decimal(1), values[GROWTH]))
    text = f"{refs[IMAGES]}*(1+{refs[GROWTH]})^{k}"
    if found.demand.has_seasons:
        season = season_key(found.calendar[k].month)
        text, exact = f"{text}*{refs[season]}", times(exact, values[season])
    # A double of 60.5 grown by shares is seldom 60.5 to the last bit.
    return Formula(
        text=f"=ROUND({text},{_DIGITS}-LEN(INT({text})))",
        value=round(exact, _DIGITS - len(str(int(exact)))),
    )


def _costs(
    found: Outlook, k: int, units: Mapping[str, UnitCells], places: MonthColumns
) -> list[list[Formula]]:
    here = N_HEAD_ROWS + k + 1
    rows: list[list[Formula]] = []
    for line in found.lines:
        name, course = line.choice.name, line.course
        cells = units[name]
        text = f"={_IMAGES}{here}*{cells.unit}+{cells.monthly_fee}"
        if k == 0:
            text += f"+{cells.setup}"
        rows.append(
            [
                Formula(text=text, value=course.costs_usd[k]),
                _so_far(places.costs[name], k, course.cumulative_usd[k]),
            ]
        )
    return rows


def _savings(found: Outlook, k: int, places: MonthColumns) -> list[list[Formula]]:
    here = N_HEAD_ROWS + k + 1
    rows: list[list[Formula]] = []
    for one in found.compared:
        saving = one.saving
        text = (
            f"={places.costs[saving.against]}{here}"
            f"-{places.costs[saving.alternative]}{here}"
        )
        column = places.savings[saving.alternative]
        rows.append(
            [
                Formula(text=text, value=saving.savings_usd[k]),
                _so_far(column, k, saving.cumulative_usd[k]),
            ]
        )
    return rows


def _so_far(column: str, k: int, value: Decimal) -> Formula:
    first = N_HEAD_ROWS + 1
    return Formula(text=f"=SUM({column}${first}:{column}{first + k})", value=value)

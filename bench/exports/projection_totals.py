"""Projection totals: sums, break-even, and what moves them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bench.exports.projection_costs import UnitCells
from bench.exports.projection_months import MONTHS, MonthColumns
from bench.exports.sheets import N_HEAD_ROWS, Formula, Sheet, letters_of
from bench.studies.assumptions import assumptions, price_sources
from bench.studies.outlook import Line, Outlook
from bench.studies.weighed import Compared, Crossings
from pricing.demand import MONTHS_A_YEAR

_FIRST_IMAGES = f"{MONTHS}!$C${N_HEAD_ROWS + 1}"
_TOTAL = "all months"
_TRY = (
    "To try other numbers, change them on the sheet assumptions; bands and the sheet "
    "sensitivity stay as they were computed"
)
Units = Mapping[str, UnitCells]


def write_totals(
    sheet: Sheet, title: str, found: Outlook, units: Units, columns: MonthColumns
) -> int:
    """Write costs and savings; returns the row after them."""
    n_months = len(found.images)
    costs = (
        *("alternative", "US$ a usable image", "first month, set-up apart"),
        *("first 12 months", f"all {n_months} months", "US$ an image, fees in"),
    )
    sheet.write_head(title, costs)
    sheet.sheet.set_column(0, 0, 34)
    row, rows = N_HEAD_ROWS, dict[str, int]()
    for line in found.lines:
        rows[line.choice.name] = row + 1
        sheet.write_row(row, _cost(line, units, columns, row + 1))
        row += 1
    return _write_savings(sheet, found, (units, columns), rows, row + 1)


def write_sentences(
    sheet: Sheet, found: Outlook, notes: Sequence[str], row: int
) -> int:
    """Write what stands beside the figures below a row; returns the last one."""
    description = (found.scenario.description or "").strip()
    sentences = (
        *filter(None, [description]),
        *(f"take care: {warning}" for warning in found.warnings),
        *notes,
        *assumptions(found),
        *price_sources(found),
        _TRY,
    )
    for number, sentence in enumerate(sentences, row + 1):
        sheet.write_row(number, [sentence])
    return row + len(sentences)


def _cost(line: Line, units: Units, columns: MonthColumns, here: int) -> list[object]:
    name, course = line.choice.name, line.course
    cells, months = units[name], len(course.images)
    year = None
    if course.first_year:
        summed = columns.cells(columns.costs[name], MONTHS_A_YEAR)
        year = Formula(text=f"=SUM({summed})", value=course.first_year.usd)
    whole = columns.cells(columns.costs[name], months)
    images = columns.cells("C", months)
    all_in = None
    if course.all_in_usd is not None:
        all_in = Formula(text=f"=E{here}/SUM({images})", value=course.all_in_usd)
    return [
        name + (" (simulated)" if line.priced.simulated else ""),
        Formula(text=f"={cells.unit}", value=line.priced.unit.usd),
        Formula(
            text=f"={_FIRST_IMAGES}*{cells.unit}+{cells.monthly_fee}",
            value=course.month.usd,
        ),
        year,
        Formula(text=f"=SUM({whole})", value=course.whole.usd),
        all_in,
    ]


def _write_savings(
    sheet: Sheet,
    found: Outlook,
    known: tuple[Units, MonthColumns],
    rows: Mapping[str, int],
    row: int,
) -> int:
    """Write a row a comparison below the costs; returns the row after them."""
    heads = (
        *("saving of", "against", "first month, set-up apart", "first 12 months"),
        *(_TOTAL, "saving", "costs less", "break-even, images a month"),
        *("with set-up spread", "break-even with set-up"),
        *("90% low", "90% high", "why no band"),
    )
    for column, head in enumerate(heads):
        sheet.sheet.write_string(row, column, head, sheet.looks.name)
    for compared in found.compared:
        row += 1
        sheet.write_row(row, _saving(compared, known[0], rows, len(found.images)))
    return row + 1


def _saving(
    compared: Compared, units: Units, rows: Mapping[str, int], months: int
) -> list[object]:
    saving = compared.saving
    one, other = rows[saving.against], rows[saving.alternative]

    def less(column: int, value: Decimal | None) -> Formula | None:
        at = letters_of(column)
        text = f"={at}{one}-{at}{other}"
        return None if value is None else Formula(text=text, value=value)

    share = None
    if saving.share is not None:
        text = f"=(E{one}-E{other})/E{one}"
        share = Formula(text=text, value=saving.share, is_share=True)
    band = saving.whole.band
    first, second = units[saving.against], units[saving.alternative]
    return [
        *(saving.alternative, saving.against, less(2, saving.month.usd)),
        less(3, saving.first_year and saving.first_year.usd),
        *(less(4, saving.whole.usd), share),
        *_crossing(compared.running, (first, second), None),
        *_crossing(compared.with_setup or compared.running, (first, second), months),
        *((band.low_usd, band.high_usd) if band else (None, None)),
        compared.why_no_band,
    ]


def _crossing(
    found: Crossings, sides: tuple[UnitCells, UnitCells], spread: int | None
) -> list[Formula]:
    """When the second is cheaper, in a word, and the volume where both are equal."""
    first, second = sides
    slope = f"({first.unit}-{second.unit})"
    fees = f"{second.monthly_fee}-{first.monthly_fee}"
    if spread:
        fees += f"+({second.setup}-{first.setup})/{spread}"
    volume = f"({fees})/{slope}"
    # Doubles of equal sums may differ in their last bit.
    fees = f"ROUND({fees},12)"
    flat = f'IF({fees}=0,"the same",IF({fees}<0,"always","never"))'
    falling = f'IF({fees}<=0,"always","from")'
    # It must pay for one whole picture at least.
    is_worth = f"ROUND({volume},9)>1"
    rising = f'IF({is_worth},"up to","never")'
    word = f"=IF({slope}=0,{flat},IF({slope}>0,{falling},{rising}))"
    single = f'IF({is_worth},{volume},"none")'
    centre = found.centre
    return [
        Formula(text=word, value=str(centre.crossing)),
        Formula(
            text=f'=IF({slope}*{fees}>0,IF({slope}>0,{volume},{single}),"none")',
            value="none" if centre.exact is None else centre.exact,
        ),
    ]


def write_sensitivity(sheet: Sheet, title: str, found: Outlook) -> None:
    """Write how far each saving moves with each assumption; numbers, no formulas."""
    sheet.write_head(
        f"{title} · as computed; these don't follow changed assumptions",
        (
            *("saving of", "against", "assumption", "varied by"),
            *("at its low end", "at its high end", "apart"),
        ),
    )
    sheet.sheet.set_column(2, 2, 48)
    row = N_HEAD_ROWS
    for compared in found.compared:
        saving = compared.saving
        doubt = (compared.medium,) if compared.medium else ()
        for one in (*compared.swings, *doubt):
            ends = (one.low_usd, one.high_usd, one.spread_usd)
            names = (saving.alternative, saving.against, one.what, one.reach)
            sheet.write_row(row, [*names, *ends])
            row += 1

"""Outlook tables: a projection as texts under headings."""

from collections.abc import Sequence
from decimal import Decimal

from bench.studies.assumptions import numbers
from bench.studies.outlook import Line, Outlook
from bench.studies.weighed import Compared
from bench.words.assumed import range_words, value_words
from bench.words.breakevens import volume_words
from bench.words.figures import UNKNOWN, dollars, percent, so_many
from bench.words.savings import band_text, cents
from dashboards.report.outlook_prose import is_steady
from dashboards.report.tables import Table, table
from pricing.demand import MONTHS_A_YEAR
from pricing.projection import Band, Course

# Longer names would push figures off an 80-column terminal.
_LONGEST_HEADING = 12
# Of what moves a result, the first few are told; --json has all.
MOST_SWINGS = 8


def costs_table(found: Outlook) -> Table:
    """One line an alternative: a picture, a month, all months."""
    lines = found.lines
    columns: list[tuple[str, bool]] = [("alternative", False)]
    rows = [[_name(line)] for line in lines]

    def add(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        columns.extend((heading, True) for heading in headings)
        for row, more in zip(rows, cells, strict=True):
            row.extend(more)

    if any(line.priced.made_usd != line.priced.unit.usd for line in lines):
        add(["US$ an image"], [[_usd(line.priced.made_usd)] for line in lines])
        add(["a usable image"], [[dollars(line.priced.unit.usd)] for line in lines])
    else:
        add(["US$ an image"], [[dollars(line.priced.unit.usd)] for line in lines])
    if any(line.priced.is_measured for line in lines):
        headings = ["median", "90% band", "n", "prompts"]
        add(headings, [_measured(line) for line in lines])
    if any(_has_fees(line) for line in lines):
        add(["with fees"], [[_usd(line.course.all_in_usd)] for line in lines])
    month = "a month" if is_steady(found) else "first month"
    add([month], [[cents(line.course.month.usd)] for line in lines])
    if len(found.images) > MONTHS_A_YEAR:
        add(["first year"], [[_year(line.course)] for line in lines])
    n_months = so_many(len(found.images), "month")
    add([n_months], [[cents(line.course.whole.usd)] for line in lines])
    return table("What each alternative costs", columns, rows)


def _name(line: Line) -> str:
    return line.choice.name + (" (simulated)" if line.priced.simulated else "")


def _has_fees(line: Line) -> bool:
    return bool(line.choice.monthly_fee_usd or line.choice.setup_usd)


def _usd(usd: Decimal | None) -> str:
    return UNKNOWN if usd is None else dollars(usd)


def _year(course: Course) -> str:
    return cents(course.first_year.usd) if course.first_year else UNKNOWN


def _measured(line: Line) -> list[str]:
    unit = line.priced.unit
    band = None
    if unit.usd_low is not None:
        band = Band(low_usd=unit.low, high_usd=unit.high)
    return [
        UNKNOWN if unit.median_usd is None else dollars(unit.median_usd),
        band_text(band),
        f"{unit.n:,}" if unit.n else UNKNOWN,
        str(line.priced.n_prompts or UNKNOWN),
    ]


def _months(found: Outlook) -> list[str]:
    if found.calendar:
        return [f"{day:%Y-%m}" for day in found.calendar]
    return [str(number) for number in range(1, len(found.images) + 1)]


def months_table(found: Outlook, compared: Compared) -> Table:
    """A line a month: both costs and the saving, each with its sum so far."""
    lines = {line.choice.name: line.course for line in found.lines}
    saving = compared.saving
    first, second = lines[saving.against], lines[saving.alternative]
    names = (saving.against, saving.alternative)
    if max(map(len, names)) > _LONGEST_HEADING:
        names = ("baseline", "alternative")
    amounts = [
        *(first.costs_usd, first.cumulative_usd, second.costs_usd),
        *(second.cumulative_usd, saving.savings_usd, saving.cumulative_usd),
    ]
    headings = [part for name in (*names, "saving") for part in (name, "so far")]
    return table(
        f"Months of {saving.alternative} against {saving.against}",
        [("month", True), ("images", True), *((name, True) for name in headings)],
        [
            [month, f"{first.images[k]:,}", *(cents(a[k]) for a in amounts)]
            for k, month in enumerate(_months(found))
        ],
    )


def course_table(found: Outlook, line: Line) -> Table:
    """A line a month of an alternative that stands alone."""
    course = line.course
    rows = zip(
        *(_months(found), course.images, course.costs_usd, course.cumulative_usd),
        strict=True,
    )
    return table(
        f"Months of {line.choice.name}",
        [("month", True), ("images", True), ("cost", True), ("so far", True)],
        [
            [month, f"{images:,}", cents(cost), cents(so_far)]
            for month, images, cost, so_far in rows
        ],
    )


def alone(found: Outlook) -> list[Line]:
    """The alternatives that no comparison names."""
    told = {
        name
        for one in found.compared
        for name in (one.saving.alternative, one.saving.against)
    }
    return [line for line in found.lines if line.choice.name not in told]


def brief_table(found: Outlook) -> Table:
    """A line a comparison."""
    return table(
        "What each alternative saves",
        [
            *(("alternative", False), ("against", False)),
            *(("saving a month" if is_steady(found) else "first month", True),),
            *(("90% band", True), ("saving", True), ("all months", True)),
            *(("costs less, images a month", False), ("", False)),
        ],
        [_brief_line(compared) for compared in found.compared],
    )


def _brief_line(compared: Compared) -> list[str]:
    saving = compared.saving
    return [
        saving.alternative + (" (simulated)" if compared.simulated else ""),
        saving.against,
        cents(saving.month.usd),
        band_text(saving.month.band),
        percent(saving.share),
        cents(saving.whole.usd),
        volume_words(compared.running.centre),
        compared.why_no_band or saving.month.direction,
    ]


def swings_table(found: Outlook, compared: Compared) -> Table | None:
    """What moves a saving most, the widest first; None where nothing does."""
    if not compared.swings:
        return None
    n_months = so_many(len(found.images), "month")
    saving = compared.saving.whole.usd
    says = ", so it costs more" if saving < 0 else ""
    return table(
        f"The saving over {n_months} is {cents(saving)}{says}; what moves it most, "
        "all else as assumed",
        [
            *(("assumption", False), ("varied by", False)),
            *(("at its low end", True), ("at its high end", True)),
        ],
        [
            [one.what, one.reach, cents(one.low_usd), cents(one.high_usd)]
            for one in compared.swings[:MOST_SWINGS]
        ],
    )


def numbers_table(found: Outlook) -> Table:
    """Every number that the figures hang on, with who says so."""
    return table(
        "What is assumed",
        [("what", False), ("value", True), ("says who", False), ("own range", False)],
        [
            [one.what, value_words(one), one.source, range_words(one)]
            for one in numbers(found)
        ],
    )

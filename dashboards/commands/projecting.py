"""Projecting: an outlook as tables and sentences."""

from collections.abc import Sequence

import typer

from bench.commands.showing import SIMULATED
from bench.studies.assumptions import assumptions, numbers, price_sources
from bench.studies.outlook import Line, Outlook
from bench.studies.weighed import Compared
from bench.words.assumed import range_words, value_words
from bench.words.figures import UNKNOWN, dollars, percent, so_many
from bench.words.savings import band_text, cents
from bench.words.tables import print_table
from dashboards.commands.weighing import is_steady, sentences_of, tell_swings
from pricing.demand import MONTHS_A_YEAR
from pricing.projection import Band, Course

# More comparisons than these are told by a line each.
_MOST_IN_FULL = 4
# Longer names would push figures off an 80-column terminal.
_LONGEST_HEADING = 12


def tell(found: Outlook, notes: Sequence[str]) -> None:
    """Costs, savings, months, and what was taken for granted."""
    scenario = found.scenario
    typer.echo(f"{scenario.name}: {volume_words(found)}")
    if scenario.description:
        typer.echo(scenario.description.strip())
    if found.simulated:
        typer.echo(SIMULATED)
    for warning in found.warnings:
        typer.echo(f"take care: {warning}")
    typer.echo("")
    _tell_costs(found)
    if len(found.compared) > _MOST_IN_FULL:
        _tell_briefly(found)
    else:
        _tell_in_full(found)
    _tell_list("notes", notes)
    _tell_numbers(found)
    _tell_list("taken for granted", assumptions(found))
    _tell_list("prices", price_sources(found))


def volume_words(found: Outlook) -> str:
    """How many images in how many months."""
    images, n_months = found.images, len(found.images)
    months = so_many(n_months, "month")
    if found.calendar:
        months += f" from {found.calendar[0]:%Y-%m}"
    if is_steady(found):
        return f"{images[0]:,} images a month, {months}"
    return f"{sum(images):,} images in {months}, {images[0]:,} in the first"


def _tell_costs(found: Outlook) -> None:
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
    print_table(columns, rows)


def _name(line: Line) -> str:
    return line.choice.name + (" (simulated)" if line.priced.simulated else "")


def _has_fees(line: Line) -> bool:
    return bool(line.choice.monthly_fee_usd or line.choice.setup_usd)


def _usd(usd: object) -> str:
    return UNKNOWN if usd is None else dollars(usd)  # pyright: ignore[reportArgumentType]


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


def _tell_in_full(found: Outlook) -> None:
    lines = {line.choice.name: line for line in found.lines}
    for compared in found.compared:
        saving = compared.saving
        typer.echo(f"\n{saving.alternative} against {saving.against}")
        first, second = lines[saving.against], lines[saving.alternative]
        for sentence in sentences_of(found, compared, (first, second)):
            typer.echo(f"  {sentence}")
        typer.echo("")
        _tell_months(found, (first.course, second.course), compared)
        tell_swings(found, compared)
    told = {
        name
        for c in found.compared
        for name in (c.saving.alternative, c.saving.against)
    }
    for name, line in lines.items():
        if name not in told:
            typer.echo(f"\n{name}")
            _tell_course(found, line.course)


def _months(found: Outlook) -> list[str]:
    if found.calendar:
        return [f"{day:%Y-%m}" for day in found.calendar]
    return [str(number) for number in range(1, len(found.images) + 1)]


def _tell_months(
    found: Outlook, sides: tuple[Course, Course], compared: Compared
) -> None:
    first, second = sides
    saving = compared.saving
    names = (saving.against, saving.alternative)
    if max(map(len, names)) > _LONGEST_HEADING:
        names = ("baseline", "alternative")
    amounts = [
        *(first.costs_usd, first.cumulative_usd, second.costs_usd),
        *(second.cumulative_usd, saving.savings_usd, saving.cumulative_usd),
    ]
    headings = [part for name in (*names, "saving") for part in (name, "so far")]
    print_table(
        [("month", True), ("images", True), *((name, True) for name in headings)],
        [
            [month, f"{first.images[k]:,}", *(cents(a[k]) for a in amounts)]
            for k, month in enumerate(_months(found))
        ],
    )


def _tell_course(found: Outlook, course: Course) -> None:
    rows = zip(
        *(_months(found), course.images, course.costs_usd, course.cumulative_usd),
        strict=True,
    )
    print_table(
        [("month", True), ("images", True), ("cost", True), ("so far", True)],
        [
            [month, f"{images:,}", cents(cost), cents(so_far)]
            for month, images, cost, so_far in rows
        ],
    )


def _tell_briefly(found: Outlook) -> None:
    typer.echo(
        "\nEvery line is for the full volume; it is not a mix. --model, --quality and "
        "--size choose one and show its months."
    )
    print_table(
        [
            *(("alternative", False), ("against", False)),
            *(("saving a month" if is_steady(found) else "first month", True),),
            *(("90% band", True), ("saving", True), ("all months", True)),
            ("", False),
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
        compared.why_no_band or saving.month.direction,
    ]


def _tell_numbers(found: Outlook) -> None:
    typer.echo("\nassumed")
    print_table(
        [("what", False), ("value", True), ("says who", False), ("own range", False)],
        [
            [one.what, value_words(one), one.source, range_words(one)]
            for one in numbers(found)
        ],
    )


def _tell_list(heading: str, sentences: Sequence[str]) -> None:
    if sentences:
        typer.echo(f"\n{heading}")
        for sentence in sentences:
            typer.echo(f"  - {sentence}")

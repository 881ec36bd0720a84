"""Projecting: an outlook as tables and sentences."""

from collections.abc import Sequence

import typer

from bench.commands.showing import SIMULATED
from bench.studies.assumptions import assumptions, price_sources
from bench.studies.outlook import Compared, Line, Outlook
from bench.words.figures import UNKNOWN, dollars, percent, so_many
from bench.words.savings import band_text, cents, saving_sentence
from bench.words.tables import print_table
from pricing.projection import MONTHS_A_YEAR, Band, Banded, Course

# More comparisons than these are told by a line each.
_MOST_IN_FULL = 4
# Longer names would push figures off an 80-column terminal.
_LONGEST_HEADING = 12


def tell(found: Outlook, notes: Sequence[str]) -> None:
    """Costs, savings, months, and what was taken for granted."""
    scenario = found.scenario
    typer.echo(f"{scenario.name}: {_volume(found)}")
    if scenario.description:
        typer.echo(scenario.description.strip())
    if found.simulated:
        typer.echo(SIMULATED)
    typer.echo("")
    _tell_costs(found)
    if len(found.compared) > _MOST_IN_FULL:
        _tell_briefly(found)
    else:
        _tell_in_full(found)
    _tell_list("notes", notes)
    _tell_list("assumed", assumptions(found))
    _tell_list("prices", price_sources(found))


def _volume(found: Outlook) -> str:
    images, n_months = found.images, len(found.images)
    months = so_many(n_months, "month")
    if _is_steady(found):
        return f"{images[0]:,} images a month, {months}"
    return f"{sum(images):,} images in {months}, {images[0]:,} in the first"


def _is_steady(found: Outlook) -> bool:
    return len(set(found.images)) == 1


def _tell_costs(found: Outlook) -> None:
    month = "a month" if _is_steady(found) else "first month"
    n_months = len(found.images)
    has_year = n_months > MONTHS_A_YEAR
    measured = [("median", True), ("90% band", True), ("n images", True)]
    measured.append(("prompts", True))
    has_measured = any(line.priced.bases for line in found.lines)
    print_table(
        [
            *(("alternative", False), ("US$ an image", True)),
            *(measured if has_measured else []),
            (month, True),
            *([("first year", True)] if has_year else []),
            (so_many(n_months, "month"), True),
        ],
        [
            _cost_line(line, has_measured=has_measured, has_year=has_year)
            for line in found.lines
        ],
    )


def _cost_line(line: Line, *, has_measured: bool, has_year: bool) -> list[str]:
    course = line.course
    year = [cents(course.first_year.usd)] if has_year and course.first_year else []
    return [
        line.choice.name + (" (simulated)" if line.priced.simulated else ""),
        dollars(line.priced.unit.usd),
        *(_measured(line) if has_measured else []),
        cents(course.month.usd),
        *year,
        cents(course.whole.usd),
    ]


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
        for sentence in _sentences(found, compared):
            typer.echo(f"  {sentence}")
        first, second = lines[saving.against], lines[saving.alternative]
        typer.echo("")
        _tell_months(first.course, second.course, compared)
    told = {
        name
        for c in found.compared
        for name in (c.saving.alternative, c.saving.against)
    }
    for name, line in lines.items():
        if name not in told:
            typer.echo(f"\n{name}")
            _tell_course(line.course)


def _sentences(found: Outlook, compared: Compared) -> list[str]:
    saving, n_months = compared.saving, len(found.images)
    month = "a month" if _is_steady(found) else "in the first month"
    has_setup = any(line.choice.setup_usd for line in found.lines)
    if has_setup:
        month += ", set-up apart,"
    horizons: list[tuple[Banded | None, str]] = [(saving.month, month)]
    horizons.append((saving.first_year, "in the first year"))
    if n_months == 1 and has_setup:
        horizons.append((saving.whole, "in all"))
    elif n_months not in {1, MONTHS_A_YEAR}:
        horizons.append((saving.whole, f"over all {n_months} months"))
    told = [(figure, when) for figure, when in horizons if figure is not None]
    whys = [compared.why_no_band, *[None] * len(told)]
    sentences = [
        saving_sentence(saving.alternative, saving.against, figure, when, why)
        for (figure, when), why in zip(told, whys, strict=False)
    ]
    if saving.share:
        word = "less" if saving.share > 0 else "more"
        sentences[-1] += f": {percent(abs(saving.share))} {word}"
    return sentences


def _tell_months(first: Course, second: Course, compared: Compared) -> None:
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
            [str(number + 1), f"{images:,}", *(cents(a[number]) for a in amounts)]
            for number, images in enumerate(first.images)
        ],
    )


def _tell_course(course: Course) -> None:
    months = zip(course.images, course.costs_usd, course.cumulative_usd, strict=True)
    print_table(
        [("month", True), ("images", True), ("cost", True), ("so far", True)],
        [
            [str(number), f"{images:,}", cents(cost), cents(so_far)]
            for number, (images, cost, so_far) in enumerate(months, start=1)
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
            *(("saving a month" if _is_steady(found) else "first month", True),),
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


def _tell_list(heading: str, sentences: Sequence[str]) -> None:
    if sentences:
        typer.echo(f"\n{heading}")
        for sentence in sentences:
            typer.echo(f"  - {sentence}")

"""Weighing: what a comparison says, and what it hangs on, in words."""

import typer

from bench.studies.outlook import Line, Outlook
from bench.studies.weighed import Compared, Crossings
from bench.words.breakevens import break_even_sentence, payback_sentence
from bench.words.figures import percent, so_many
from bench.words.savings import cents, saving_sentence
from bench.words.tables import print_table
from pricing.demand import MONTHS_A_YEAR
from pricing.sensitivity import Swing

# Of what moves a result, the first few are told; --json has all.
_MOST_SWINGS = 8


def is_steady(found: Outlook) -> bool:
    """Whether every month has the same volume."""
    return len(set(found.images)) == 1


def sentences_of(
    found: Outlook, compared: Compared, sides: tuple[Line, Line]
) -> list[str]:
    """What one alternative saves against another, and from which volume on."""
    return [
        *_savings(found, compared),
        *_break_evens(found, compared, sides),
    ]


def _savings(found: Outlook, compared: Compared) -> list[str]:
    saving, n_months = compared.saving, len(found.images)
    month = "a month" if is_steady(found) else "in the first month"
    has_setup = any(line.choice.setup_usd for line in found.lines)
    if has_setup:
        month += ", set-up apart,"
    horizons = [(saving.month, month), (saving.first_year, "in the first year")]
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


def _break_evens(
    found: Outlook, compared: Compared, sides: tuple[Line, Line]
) -> list[str]:
    saving, months = compared.saving, len(found.images)
    apart = ", set-up apart" if compared.with_setup else ""
    sentences = [f"break-even{apart}: {_crossing(compared, compared.running)}"]
    if compared.with_setup:
        spread = _crossing(compared, compared.with_setup)
        over = so_many(months, "month")
        sentences.append(f"break-even, set-up spread over {over}: {spread}")
    if sides[1].choice.setup_usd > sides[0].choice.setup_usd:
        sentences.append(
            payback_sentence(saving.alternative, compared.payback_month, months)
        )
    return sentences


def _crossing(compared: Compared, found: Crossings) -> str:
    saving, ends = compared.saving, None
    if found.cheapest and found.dearest:
        ends = (found.cheapest, found.dearest)
    return break_even_sentence(saving.alternative, saving.against, found.centre, ends)


def tell_swings(found: Outlook, compared: Compared) -> None:
    """What moves the saving over all months most, and what doubtful rates may do."""
    n_months = so_many(len(found.images), "month")
    base = compared.saving.whole.usd
    if compared.swings:
        typer.echo(
            f"\n  what moves the saving of {cents(base)} over {n_months} most, all "
            "else as assumed"
        )
        print_table(
            [
                *(("assumption", False), ("varied by", False)),
                *(("at its low end", True), ("at its high end", True)),
            ],
            [_swing(one) for one in compared.swings[:_MOST_SWINGS]],
        )
    if compared.medium:
        low, high = sorted((compared.medium.low_usd, compared.medium.high_usd))
        typer.echo(
            f"  doubt about prices, apart from all bands: were the rates of medium "
            f"confidence {compared.medium.reach.lstrip('±')} lower or higher, the "
            f"saving over {n_months} would be {cents(low)} to {cents(high)}"
        )


def _swing(one: Swing) -> list[str]:
    return [one.what, one.reach, cents(one.low_usd), cents(one.high_usd)]

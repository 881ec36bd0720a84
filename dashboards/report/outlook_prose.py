"""Outlook prose: what a projection says, in sentences."""

from bench.studies.outlook import Outlook
from bench.studies.weighed import Compared, Crossings
from bench.words.breakevens import break_even_sentence, payback_sentence
from bench.words.figures import percent, so_many
from bench.words.savings import cents, saving_sentence
from pricing.demand import MONTHS_A_YEAR
from pricing.projection import Direction


def is_steady(found: Outlook) -> bool:
    """Whether every month has the same volume."""
    return len(set(found.images)) == 1


def sentences_of(found: Outlook, compared: Compared) -> list[str]:
    """What one alternative saves against another, and from which volume on."""
    return [*_savings(found, compared), *_break_evens(found, compared)]


def _savings(found: Outlook, compared: Compared) -> list[str]:
    saving, n_months = compared.saving, len(found.images)
    month = "a month" if is_steady(found) else "in the first month"
    names = (saving.alternative, saving.against)
    sides = [line for line in found.lines if line.choice.name in names]
    has_setup = any(line.choice.setup_usd for line in sides)
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
    is_clear = saving.whole.direction is not Direction.NO_CLEAR_DIFFERENCE
    if saving.share and is_clear:
        word = "less" if saving.share > 0 else "more"
        sentences[-1] += f": {percent(abs(saving.share))} {word}"
    return sentences


def _break_evens(found: Outlook, compared: Compared) -> list[str]:
    saving, months = compared.saving, len(found.images)
    apart = ", set-up apart" if compared.with_setup else ""
    sentences = [f"break-even{apart}: {_crossing(compared, compared.running)}"]
    if compared.with_setup:
        spread = _crossing(compared, compared.with_setup)
        over = so_many(months, "month")
        sentences.append(f"break-even, set-up spread over {over}: {spread}")
    setups = {line.choice.name: line.choice.setup_usd for line in found.lines}
    if setups[saving.alternative] > setups[saving.against]:
        sentences.append(
            payback_sentence(saving.alternative, compared.payback_month, months)
        )
    return sentences


def _crossing(compared: Compared, found: Crossings) -> str:
    saving, ends = compared.saving, None
    if found.cheapest and found.dearest:
        ends = (found.cheapest, found.dearest)
    return break_even_sentence(saving.alternative, saving.against, found.centre, ends)


def doubt_sentence(found: Outlook, compared: Compared) -> str | None:
    """What doubtful rates may do to a saving; None where none is in it."""
    if compared.medium is None:
        return None
    low, high = sorted((compared.medium.low_usd, compared.medium.high_usd))
    return (
        "doubt about prices, apart from all bands: were the rates of medium "
        f"confidence {compared.medium.reach.lstrip('±')} lower or higher, the saving "
        f"over {so_many(len(found.images), 'month')} would be {cents(low)} to "
        f"{cents(high)}"
    )


def volume_words(found: Outlook) -> str:
    """How many images in how many months."""
    images, n_months = found.images, len(found.images)
    months = so_many(n_months, "month")
    if found.calendar:
        months += f" from {found.calendar[0]:%Y-%m}"
    if is_steady(found):
        return f"{images[0]:,} images a month, {months}"
    return f"{sum(images):,} images in {months}, {images[0]:,} in the first"

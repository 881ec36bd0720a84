"""Assumptions: what a projection takes for granted, beside its numbers."""

from collections.abc import Iterator, Sequence

from bench.studies.outlook import Line, Outlook
from bench.studies.request_ends import RequestEnds
from bench.studies.resampling import N_RESAMPLES
from bench.studies.run_price import Basis, variant_text
from bench.words.figures import dollars, more_or_less
from pricing.assumption import Assumption, Unit
from pricing.rates import BookRef


def assumptions(found: Outlook) -> tuple[str, ...]:
    """Everything that a reader must believe beside the numbers, a sentence each."""
    lines = found.lines
    sentences = [_volume(found)]
    for line in lines:
        sentences += _remarks(line)
    if any(_takes_all_usable(line) for line in lines):
        sentences.append(
            "where a price is given or from a book and no failures are given, every "
            "picture is taken for usable: no failed, repeated or refused request is "
            "added"
        )
    if any(line.priced.recipe.failures for line in lines):
        sentences.append(
            "every picture that is wanted is asked for until it is usable; with "
            "shares of all requests its cost is the price times (usable + billed for "
            "nothing) / usable"
        )
    if any(line.priced.made_usd != line.priced.unit.usd for line in lines):
        sentences.append(
            "a usable image: its cost with failures and cache in, fees apart"
        )
    if any(line.priced.recipe.cache_hit for line in lines):
        sentences.append("a picture from the cache costs nothing")
    if any(line.priced.is_measured for line in lines):
        sentences += _of_measured(lines)
    sentences.append("prices and the mix stay as they are for all months")
    sentences.append(
        "amounts are shown rounded, each by itself, so that shown ones may not add up "
        "to the last cent; --json and --csv hold every digit"
    )
    return tuple(dict.fromkeys(sentences))


def numbers(found: Outlook) -> tuple[Assumption, ...]:
    """The numbers that are worth a line: those that say more than nothing."""
    return tuple(one for one in found.assumptions if not _says_nothing(one))


def _says_nothing(one: Assumption) -> bool:
    if one.unit is Unit.GROWTH:
        return not one.value
    if one.key.startswith("season."):
        return one.value == 1
    if one.key.startswith("share."):
        return one.group is None
    return one.key.split(":")[0].endswith("_billed_share") and not one.value


def price_sources(found: Outlook) -> tuple[str, ...]:
    """Whose rates stand behind the figures, since when, and when they were checked."""
    refs = dict.fromkeys(
        ref for line in found.lines for ref in line.priced.source.books
    )
    return tuple(_ref(ref) for ref in refs)


def _volume(found: Outlook) -> str:
    scenario, images = found.scenario, found.images
    first, last = images[0], images[-1]
    if isinstance(scenario.images_per_month, tuple):
        return f"volume: as listed, {sum(images):,} images in {len(images)} months"
    seasons = ", times the factor of its calendar month" * bool(scenario.seasonality)
    if scenario.growth:
        return (
            f"volume: {scenario.images_per_month:,} images in the first month, "
            f"{more_or_less(float(scenario.growth), 'more', 'less')} each month"
            f"{seasons} ({last:,} in month {len(images)}, rounded to whole images)"
        )
    if seasons:
        return (
            f"volume: {scenario.images_per_month:,} images in an ordinary month"
            f"{seasons}, no growth"
        )
    months = f"each of {len(images)} months" if len(images) > 1 else "one month"
    return f"volume: {first:,} images in {months}, no growth"


def _takes_all_usable(line: Line) -> bool:
    return not line.priced.source.bases and line.priced.recipe.failures is None


def _remarks(line: Line) -> Iterator[str]:
    name, priced = line.choice.name, line.priced
    for note in priced.source.notes:
        yield f"{name}: {note}"
    for basis in priced.source.bases:
        yield from _beside(name, basis)
    if priced.source.bases and line.priced.terms.failures.value:
        yield f"{name}: what failed is in its measured cost, and is not added again"
    if priced.requests:
        yield from _unknown(name, priced.requests)


def _unknown(name: str, requests: RequestEnds) -> Iterator[str]:
    if requests.n_unknown:
        yield (
            f"{name}: {requests.n_unknown} requests of run {requests.run_id} may have "
            "been billed, nobody knows; they are in no share"
        )


def _beside(name: str, basis: Basis) -> Iterator[str]:
    """Money that is not in a measured cost."""
    one = basis.measured
    variant = variant_text(one.variant)
    if one.n_charge_unknown:
        yield (
            f"{name}: {one.n_charge_unknown} of {one.n_trials} trials of {variant} "
            "hold money of unknown amount, which is not in the cost; up to "
            f"{dollars(one.possibly_billed_usd)} is possibly billed"
        )
    elif one.possibly_billed_usd:
        yield (
            f"{name}: up to {dollars(one.possibly_billed_usd)} is possibly billed "
            "beside the cost"
        )


def _of_measured(lines: Sequence[Line]) -> Iterator[str]:
    if any(line.priced.source.bases for line in lines):
        yield (
            "a measured cost is all known money of a run, of failed and repeated "
            "requests too, over its usable pictures"
        )
    yield (
        f"90% bands: {N_RESAMPLES:,} resamples of whole prompts, alike for all that "
        "was measured on the same prompts; they tell how much prompts differ, not how "
        "prices may change"
    )
    if any(line.priced.simulated for line in lines):
        yield "simulated: an emulator answered, so these are its prices and failures"


def _ref(ref: BookRef) -> str:
    return (
        f"{ref.vendor} book, rates valid from {ref.valid_from}, checked "
        f"{ref.checked_on} ({ref.source})"
    )

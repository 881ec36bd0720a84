"""Assumptions: what a projection takes for granted, a sentence each."""

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.scenario import Part
from bench.studies.outlook import Line, Outlook
from bench.studies.resampling import N_RESAMPLES
from bench.studies.run_price import Basis, variant_text
from bench.words.figures import dollars, more_or_less, percent
from pricing.rates import BookRef

# So many of one source are told in one sentence.
_MOST_ALIKE = 4


def assumptions(found: Outlook) -> tuple[str, ...]:
    """Everything that a reader must believe to believe the figures."""
    lines = found.lines
    sentences = [
        _volume(found),
        *_fixed_terms(found),
        *_prices(lines),
    ]
    if any(not line.priced.bases for line in lines):
        sentences.append(
            "where a price is given or from a book, every picture is taken for usable: "
            "no failed, repeated or refused request is added"
        )
    if any(line.priced.bases for line in lines):
        sentences += _of_measured(lines)
    sentences.append("prices and the mix stay as they are for all months")
    return tuple(dict.fromkeys(sentences))


def mix_text(mix: Sequence[Part] | None) -> str:
    """A mix in words; what is not named is left to the price."""
    return ", ".join(_part(part, len(mix or ())) for part in mix or ()) or "any picture"


def price_sources(found: Outlook) -> tuple[str, ...]:
    """Whose rates stand behind the figures, since when, and when they were checked."""
    refs = dict.fromkeys(ref for line in found.lines for ref in line.priced.books)
    return tuple(_ref(ref) for ref in refs)


def _volume(found: Outlook) -> str:
    scenario, images = found.scenario, found.images
    first, last = images[0], images[-1]
    if isinstance(scenario.images_per_month, tuple):
        return f"volume: as listed, {sum(images):,} images in {len(images)} months"
    if scenario.growth:
        return (
            f"volume: {first:,} images in the first month, "
            f"{more_or_less(float(scenario.growth), 'more', 'less')} each month "
            f"({last:,} in month {len(images)}, rounded to whole images)"
        )
    months = f"each of {len(images)} months" if len(images) > 1 else "one month"
    return f"volume: {first:,} images in {months}, no growth"


def _fixed_terms(found: Outlook) -> Iterator[str]:
    for line in found.lines:
        choice = line.choice
        fees = [
            f"{dollars(choice.monthly_fee_usd)} a month" * bool(choice.monthly_fee_usd),
            f"{dollars(choice.setup_usd)} once, in the first month"
            * bool(choice.setup_usd),
        ]
        if any(fees):
            yield f"fees of {choice.name}: {' and '.join(fee for fee in fees if fee)}"


def _prices(lines: Sequence[Line]) -> Iterator[str]:
    n_alike = Counter(line.priced.how for line in lines)
    for line in lines:
        name, priced = line.choice.name, line.priced
        n = n_alike[priced.how]
        if n > _MOST_ALIKE:
            yield f"{n} alternatives: {priced.how}, each for what its name says"
        else:
            yield f"{name}: {priced.how}, for {mix_text(line.mix)}"
        for note in priced.notes:
            yield f"{name}: {note}"
        for basis in priced.bases:
            yield from _beside(name, basis)


def _beside(name: str, basis: Basis) -> Iterator[str]:
    """Money that is not in a measured cost, and what it averages over."""
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
    if one.n_settings > 1:
        yield (
            f"{name}: {variant} averages over {one.n_settings} different requests of "
            "the run"
        )


def _of_measured(lines: Sequence[Line]) -> Iterator[str]:
    yield (
        "a measured cost is all known money of a run, of failed and repeated requests "
        "too, over its usable pictures"
    )
    yield (
        f"90% bands: {N_RESAMPLES:,} resamples of whole prompts, alike for all that "
        "was measured on the same prompts; they tell how much prompts differ, not how "
        "prices may change"
    )
    if any(line.priced.simulated for line in lines):
        yield "simulated: an emulator answered, so these are its prices and failures"


def _part(part: Part, n_parts: int) -> str:
    asked = " ".join(v for v in (part.model, part.quality, part.size) if v)
    named = asked or "any picture"
    return named if n_parts == 1 else f"{percent(part.share)} {named}"


def _ref(ref: BookRef) -> str:
    return (
        f"{ref.vendor} book, rates valid from {ref.valid_from}, checked "
        f"{ref.checked_on} ({ref.source})"
    )

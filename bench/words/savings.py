"""Savings: what an alternative saves, as sentences with their sign."""

from decimal import Decimal

from bench.words.figures import dollars
from pricing.projection import Band, Banded, Direction


def saving_sentence(
    alternative: str,
    against: str,
    saving: Banded,
    when: str,
    why_no_band: str | None = None,
) -> str:
    """A saving in words: `gateway costs US$350.00 less a month than direct`.

    Args:
        alternative: Who saves or does not.
        against: Whom it is compared with.
        saving: Dollars; above 0 the alternative is cheaper.
        when: `a month`, `in the first year` and the like.
        why_no_band: Said where a measured saving has no band.
    """
    basis = _basis(saving.band, why_no_band)
    match saving.direction:
        case Direction.SAME:
            return f"{alternative} and {against} cost the same {when}{basis}"
        case Direction.NO_CLEAR_DIFFERENCE:
            return (
                f"no clear difference {when} between {alternative} and {against}: "
                f"measured {_signed(saving.usd)}{basis}"
            )
        case Direction.LESS | Direction.MORE as direction:
            amount = dollars(abs(saving.usd))
            return (
                f"{alternative} costs US{amount} {direction} {when} than "
                f"{against}{basis}"
            )


def band_text(band: Band | None) -> str:
    """A band of costs for a table."""
    if band is None:
        return "–"
    low, high = dollars(band.low_usd), dollars(band.high_usd)
    return low if low == high else f"{low} to {high}"


def _basis(band: Band | None, why_no_band: str | None) -> str:
    if band is None:
        return f" (no 90% band: {why_no_band})" if why_no_band else ""
    low, high = _signed(band.low_usd), _signed(band.high_usd)
    if low == high:
        return " (90% band too narrow to show)"
    return f" (90% band {low} to {high})"


def _signed(usd: Decimal) -> str:
    if usd == 0:
        return "US$0.00"
    return f"US{dollars(abs(usd))} {'less' if usd > 0 else 'more'}"

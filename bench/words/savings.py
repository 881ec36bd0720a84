"""Savings: what an alternative saves, as sentences with their sign."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from bench.words.figures import MINUS, UNKNOWN, dollars
from pricing.projection import Band, Banded, Direction

_CENT = Decimal("0.01")
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


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
            same = f"{alternative} and {against} cost the same"
            return f"{same} {when.removesuffix(',')}{basis}"
        case Direction.NO_CLEAR_DIFFERENCE:
            return (
                f"no clear difference {when} between {alternative} and {against}: "
                f"measured {_signed(saving.usd)}{basis}"
            )
        case Direction.LESS | Direction.MORE as direction:
            amount = cents(abs(saving.usd))
            return (
                f"{alternative} costs US{amount} {direction} {when} than "
                f"{against}{basis}"
            )


def cents(usd: Decimal) -> str:
    """A sum to the cent, however large; below one as `dollars` shows it."""
    if abs(usd) < 1:
        return dollars(usd)
    sign = MINUS if usd < 0 else ""
    return f"{sign}${abs(usd).quantize(_CENT, context=_WIDE):,}"


def band_text(band: Band | None) -> str:
    """A band for a table."""
    if band is None:
        return UNKNOWN
    say = dollars if abs(band.high_usd) < 1 else cents
    low, high = say(band.low_usd), say(band.high_usd)
    return low if low == high else f"{low} to {high}"


def _basis(band: Band | None, why_no_band: str | None) -> str:
    if band is None:
        return f" (no 90% band: {why_no_band})" if why_no_band else ""
    low, high = _signed(band.low_usd), _signed(band.high_usd)
    if low == high:
        return " (90% band too narrow to show)"
    if band.low_usd > 0:
        low = low.removesuffix(" less")
    if band.high_usd < 0:
        # The smaller amount first, as people say it.
        low, high = high.removesuffix(" more"), low
    return f" (90% band {low} to {high})"


def _signed(usd: Decimal) -> str:
    if usd == 0:
        return "US$0.00"
    return f"US{cents(abs(usd))} {'less' if usd > 0 else 'more'}"

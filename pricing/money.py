"""Money: exact dollars, from text to text."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

from pricing.errors import BadAmount

# Wide enough for every product below: no step but the one rounding loses a digit.
_EXACT = Context(prec=160, rounding=ROUND_HALF_EVEN)
_LINE_STEP = Decimal("0.000000000001")
_ZERO = Decimal(0)
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,40})?", re.ASCII)
# A line must fit DECIMAL(38,12), as the index stores it.
_LARGEST_USD = Decimal(10) ** 26


def usd(text: str) -> Decimal:
    """Read an amount from plain decimal text, for example ``"0.04224"``.

    Exponents, signs other than ``-``, spaces, NaN, infinities and every type but
    ``str`` raise BadAmount: a float has lost the amount before it arrives.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadAmount(f"an amount must be text such as '0.05', not {text!r}")
    if not _AMOUNT.fullmatch(text):
        raise BadAmount(
            f"'{text[:60]}' is no plain decimal amount such as '0.05' "
            "(at most 12 digits before the point and 40 after it)"
        )
    return Decimal(text)


def line_usd(quantity: int, rate: Decimal, per: int) -> Decimal:
    """Dollars of one line: quantity x rate / per, rounded once, half-even, to 12."""
    return round_usd(_EXACT.divide(_EXACT.multiply(quantity, rate), per))


def round_usd(amount: Decimal) -> Decimal:
    """Round to 12 decimals, half-even; refuse what DECIMAL(38,12) can't hold."""
    # copy_abs, since abs() would round to the digits of the caller's context.
    if amount.copy_abs() >= _LARGEST_USD:
        raise BadAmount("the amount passes 10^26 USD, more than a record can hold")
    return amount.quantize(_LINE_STEP, context=_EXACT)


def times(amount: Decimal, factor: Decimal | int) -> Decimal:
    """Multiply exactly, whatever precision the caller's context has."""
    return _EXACT.multiply(amount, Decimal(factor))


def minus(amount: Decimal, other: Decimal) -> Decimal:
    """Subtract exactly, whatever precision the caller's context has."""
    return _EXACT.subtract(amount, other)


def plus(amount: Decimal, other: Decimal) -> Decimal:
    """Add exactly, whatever precision the caller's context has."""
    return _EXACT.add(amount, other)


def ratio(amount: Decimal, other: Decimal) -> Decimal:
    """Divide to 160 digits; whoever uses it rounds the result once."""
    return _EXACT.divide(amount, other)


def round_up(amount: Decimal, step: Decimal) -> Decimal:
    """The smallest whole multiple of a step that is not below the amount."""
    whole, rest = _EXACT.divmod(amount, step)
    return _EXACT.multiply(_EXACT.add(whole, 1 if rest > 0 else 0), step)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Part of a whole to 12 decimals, half-even; None when the whole is 0."""
    return round_usd(_EXACT.divide(part, whole)) if whole else None


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Sum exactly, whatever precision the caller's context has."""
    result = _ZERO
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def usd_text(amount: Decimal) -> str:
    """Exact plain notation: no exponent, no trailing zeros (``0.04224``, ``700``)."""
    if not amount.is_finite():
        raise BadAmount(f"{amount} is no amount")
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text

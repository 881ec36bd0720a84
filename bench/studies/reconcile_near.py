"""Near: when two amounts are the same, for all that a bill can tell."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType

from pricing.money import minus, plus, ratio, times

# Providers compute with floats: what is off by less than a millionth is the same.
NOISE_SHARE = Decimal("0.000001")
# Our lines are rounded to 12 decimals; an attempt has six at most.
_OURS_STEP = Decimal("3e-12")
_COARSE_SHARE = Decimal("0.01")
_PLACES = 12
_MILLION = 1_000_000
# Tokens of one unit, by the words of bills in small letters.
PER_UNIT = MappingProxyType(
    {
        "tokens": 1,
        "token": 1,
        "1000_tokens": 1000,
        "1k tokens": 1000,
        "1m tokens": _MILLION,
    }
)
_WIDE = Context(prec=160, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """How finely a sum was told.

    Attributes:
        n_rows: Amounts in it, each of which may have been rounded.
        decimals: The most that any amount of the import has.
    """

    n_rows: int
    decimals: int
    attempts: int = 0

    def slack(self, expected: Decimal) -> Decimal:
        """The largest difference from an expected amount that means nothing."""
        half = times(Decimal(1).scaleb(-self.decimals), self.n_rows) / 2
        noise = times(abs(expected), NOISE_SHARE)
        return plus(plus(half, noise), times(_OURS_STEP, self.attempts))

    def equal(self, told: Decimal, expected: Decimal) -> bool:
        """Whether only the noise of floats lies between two amounts."""
        return abs(minus(told, expected)) <= times(abs(expected), NOISE_SHARE)

    def same(self, told: Decimal, expected: Decimal) -> bool:
        """Whether two amounts are the same as far as can be seen."""
        return abs(minus(told, expected)) <= self.slack(expected)

    def too_coarse(self, expected: Decimal) -> bool:
        """Whether amounts are rounded too much to tell a rate from another."""
        return self.slack(expected) > times(abs(expected), _COARSE_SHARE)


def per_million(amount: Decimal, quantity: Decimal) -> Decimal:
    """Dollars for a million units, to 12 decimals."""
    return _rounded(times(ratio(amount, quantity), _MILLION), _PLACES)


def plain_rate(amount: Decimal, quantity: Decimal, grain: Grain) -> Decimal:
    """The shortest rate for a million units that gives the amount."""
    rate = per_million(amount, quantity)
    for places in range(_PLACES):
        short = _rounded(rate, places)
        if grain.same(amount, ratio(times(quantity, short), Decimal(_MILLION))):
            return short
    return rate


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=_WIDE)

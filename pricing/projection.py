"""Projection: a month of pictures, here and there, and the saving."""

from dataclasses import dataclass
from decimal import Decimal

from pricing.errors import BadQuantity
from pricing.money import minus, share, times
from pricing.usage import check_quantity

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """USD a picture: centre, interval if measured, and from how many pictures.

    Attributes:
        n: pictures measured; 0 where the cost is a list price, which is exact.
    """

    usd: Decimal
    usd_low: Decimal | None = None
    usd_high: Decimal | None = None
    n: int = 0

    def __post_init__(self) -> None:
        """Refuse half an interval, and a centre outside its interval."""
        if (self.usd_low is None) != (self.usd_high is None):
            raise BadQuantity("a unit cost needs both ends of its interval, or none")
        if not self.low <= self.usd <= self.high:
            raise BadQuantity("a unit cost must lie inside its interval")

    @property
    def low(self) -> Decimal:
        """The lower end; the centre where there is no interval."""
        return self.usd if self.usd_low is None else self.usd_low

    @property
    def high(self) -> Decimal:
        """The upper end; the centre where there is no interval."""
        return self.usd if self.usd_high is None else self.usd_high


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A month at two unit costs; a negative saving means the alternative is dearer.

    Attributes:
        saving_share: saving over direct cost, 0..1; None where direct costs nothing.
        saving_low_usd: the saving if direct is cheapest and the alternative dearest.
        saving_high_usd: the saving if direct is dearest and the alternative cheapest.
    """

    images_per_month: int
    direct: UnitCost
    alternative: UnitCost
    direct_usd: Decimal
    alternative_usd: Decimal
    saving_usd: Decimal
    saving_low_usd: Decimal
    saving_high_usd: Decimal
    saving_share: Decimal | None
    saving_year_usd: Decimal


def monthly(
    images_per_month: int, direct: UnitCost, alternative: UnitCost
) -> Projection:
    """Project one month, and its saving over a year, at a constant volume."""
    check_quantity("images_per_month", images_per_month)
    saving = times(minus(direct.usd, alternative.usd), images_per_month)
    direct_usd = times(direct.usd, images_per_month)
    return Projection(
        images_per_month=images_per_month,
        direct=direct,
        alternative=alternative,
        direct_usd=direct_usd,
        alternative_usd=times(alternative.usd, images_per_month),
        saving_usd=saving,
        saving_low_usd=times(minus(direct.low, alternative.high), images_per_month),
        saving_high_usd=times(minus(direct.high, alternative.low), images_per_month),
        saving_share=share(saving, direct_usd),
        saving_year_usd=times(saving, MONTHS_A_YEAR),
    )

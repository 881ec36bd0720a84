"""Projection: months of pictures, here and there, and the saving."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate

from pricing.demand import MONTHS_A_YEAR
from pricing.errors import BadQuantity
from pricing.money import minus, share, times, total
from pricing.usage import check_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """USD a picture: centre, interval if measured, and from how many pictures.

    Attributes:
        n: pictures measured; 0 where the cost is a list price, which is exact.
        median_usd: the median of the resamples that made the interval.
    """

    usd: Decimal
    usd_low: Decimal | None = None
    usd_high: Decimal | None = None
    n: int = 0
    median_usd: Decimal | None = None

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


class Direction(StrEnum):
    """Which way a saving points, as far as its band allows to say."""

    LESS = "less"
    MORE = "more"
    SAME = "the same"
    NO_CLEAR_DIFFERENCE = "no clear difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Between what a figure in dollars lies, and the middle one where it is known."""

    low_usd: Decimal
    high_usd: Decimal
    median_usd: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse ends in the wrong order."""
        if self.low_usd > self.high_usd:
            raise BadQuantity("the low end of a band can't lie above its high end")

    def scaled(self, images: int, plus_usd: Decimal) -> "Band":
        """The band of so many pictures and a sum on top, from that of one."""

        def scaled(usd: Decimal) -> Decimal:
            return total((times(usd, images), plus_usd))

        return Band(
            low_usd=scaled(self.low_usd),
            high_usd=scaled(self.high_usd),
            median_usd=None if self.median_usd is None else scaled(self.median_usd),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Banded:
    """A figure in dollars; without a band it is exact, or nobody knows how sure."""

    usd: Decimal
    band: Band | None = None

    @property
    def direction(self) -> Direction:
        """Where the figure is a saving: what it says of the alternative."""
        band = self.band or Band(low_usd=self.usd, high_usd=self.usd)
        if band.low_usd == band.high_usd == 0:
            return Direction.SAME
        if band.low_usd <= 0 <= band.high_usd:
            return Direction.NO_CLEAR_DIFFERENCE
        return Direction.LESS if self.usd > 0 else Direction.MORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to get the pictures: its cost a picture, and its fixed fees."""

    name: str
    unit: UnitCost
    monthly_fee_usd: Decimal = Decimal(0)
    setup_usd: Decimal = Decimal(0)

    def cost_usd(self, images: int, months: int, *, with_setup: bool) -> Decimal:
        """So many pictures over so many months."""
        return total(
            (times(self.unit.usd, images), self.fees_usd(months, with_setup=with_setup))
        )

    def fees_usd(self, months: int, *, with_setup: bool) -> Decimal:
        """What does not depend on the volume."""
        setup = self.setup_usd if with_setup else Decimal(0)
        return total((times(self.monthly_fee_usd, months), setup))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What an alternative costs month by month; its set-up falls in the first.

    Attributes:
        month: the first month, set-up apart.
        first_year: twelve months with set-up; None in a shorter projection.
        whole: all months with set-up.
    """

    alternative: Alternative
    images: tuple[int, ...]
    costs_usd: tuple[Decimal, ...]
    cumulative_usd: tuple[Decimal, ...]
    month: Banded
    first_year: Banded | None
    whole: Banded

    @property
    def all_in_usd(self) -> Decimal | None:
        """Dollars a picture over all months, fees and set-up in, to 12 decimals."""
        return share(self.whole.usd, Decimal(sum(self.images)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingCourse:
    """What an alternative saves month by month; below 0 it is dearer.

    Attributes:
        month, first_year, whole: as in `Course`, with the bands of the saving.
        share: of the other's cost over all months; None where that costs nothing.
    """

    alternative: str
    against: str
    savings_usd: tuple[Decimal, ...]
    cumulative_usd: tuple[Decimal, ...]
    month: Banded
    first_year: Banded | None
    whole: Banded
    share: Decimal | None


def course(alternative: Alternative, images: Sequence[int]) -> Course:
    """What an alternative costs at the volume of each month."""
    costs = tuple(
        alternative.cost_usd(volume, 1, with_setup=number == 0)
        for number, volume in enumerate(images)
    )
    unit = alternative.unit
    band = None
    if unit.usd_low is not None:
        band = Band(low_usd=unit.low, high_usd=unit.high, median_usd=unit.median_usd)

    def over(months: int, *, with_setup: bool = True) -> Banded:
        volume = sum(images[:months])
        fees = alternative.fees_usd(months, with_setup=with_setup)
        return Banded(
            usd=alternative.cost_usd(volume, months, with_setup=with_setup),
            band=band.scaled(volume, fees) if band else None,
        )

    return Course(
        alternative=alternative,
        images=tuple(images),
        costs_usd=costs,
        cumulative_usd=_cumulative(costs),
        month=over(1, with_setup=False),
        first_year=over(MONTHS_A_YEAR) if len(images) >= MONTHS_A_YEAR else None,
        whole=over(len(images)),
    )


def saving(first: Course, second: Course, band: Band | None = None) -> SavingCourse:
    """What the second alternative saves against the first.

    Args:
        first: the one to save against, over the same months.
        second: the alternative.
        band: of the saving a picture, first less second; fees are exact.
    """
    months = tuple(
        minus(one, other)
        for one, other in zip(first.costs_usd, second.costs_usd, strict=True)
    )

    def over(one: Banded, other: Banded, n: int, *, with_setup: bool) -> Banded:
        fees = minus(
            first.alternative.fees_usd(n, with_setup=with_setup),
            second.alternative.fees_usd(n, with_setup=with_setup),
        )
        volume = sum(first.images[:n])
        return Banded(
            usd=minus(one.usd, other.usd),
            band=band.scaled(volume, fees) if band else None,
        )

    n_months = len(first.images)
    year = None
    if first.first_year and second.first_year:
        year = over(first.first_year, second.first_year, MONTHS_A_YEAR, with_setup=True)
    whole = over(first.whole, second.whole, n_months, with_setup=True)
    return SavingCourse(
        alternative=second.alternative.name,
        against=first.alternative.name,
        savings_usd=months,
        cumulative_usd=_cumulative(months),
        month=over(first.month, second.month, 1, with_setup=False),
        first_year=year,
        whole=whole,
        share=share(whole.usd, first.whole.usd),
    )


def _cumulative(amounts: Iterable[Decimal]) -> tuple[Decimal, ...]:
    return tuple(accumulate(amounts, lambda so_far, more: total((so_far, more))))

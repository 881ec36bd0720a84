"""Demand: how many usable pictures are wanted, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from pricing.assumption import ONE, Values
from pricing.errors import BadQuantity
from pricing.money import plus, times
from pricing.usage import LARGEST_QUANTITY, check_quantity

MONTHS_A_YEAR = 12
# Nobody knows a price ten years ahead.
MOST_MONTHS = 120
IMAGES = "images"
GROWTH = "growth"


def listed_key(number: int) -> str:
    """The key of the pictures of a month, counted from 1."""
    return f"{IMAGES}.{number}"


def season_key(month: int) -> str:
    """The key of the factor of a calendar month, January is 1."""
    return f"season.{month}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How a volume follows from its assumptions.

    Attributes:
        is_listed: each month has a volume of its own; else the first one grows.
        start: first day of the first month; None where months are only counted.
        has_seasons: factors by calendar month; needs `start`.
    """

    months: int
    is_listed: bool = False
    start: date | None = None
    has_seasons: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """Every key that the volume hangs on."""
        if self.is_listed:
            return frozenset(listed_key(k) for k in range(1, self.months + 1))
        calendar = self.calendar() if self.has_seasons else ()
        return frozenset((IMAGES, GROWTH, *(season_key(d.month) for d in calendar)))

    def calendar(self) -> tuple[date, ...]:
        """The first day of each month; empty without a start."""
        if self.start is None:
            return ()
        begin = self.start.year * MONTHS_A_YEAR + self.start.month - 1
        return tuple(
            date((begin + k) // MONTHS_A_YEAR, (begin + k) % MONTHS_A_YEAR + 1, 1)
            for k in range(self.months)
        )

    def images(self, values: Values) -> tuple[int, ...]:
        """Whole usable pictures of each month; raises BadQuantity."""
        if self.is_listed:
            listed = (values[listed_key(k)] for k in range(1, self.months + 1))
            return tuple(map(_whole, listed))
        calendar = self.calendar() if self.has_seasons else ()
        seasons = [values[season_key(day.month)] for day in calendar]
        return volumes(values[IMAGES], self.months, values[GROWTH], seasons)


def volumes(
    first: Decimal | int,
    months: int,
    growth: Decimal,
    seasons: Sequence[Decimal] = (),
) -> tuple[int, ...]:
    """Pictures of each month: first x (1 + growth)^k x season, to whole pictures.

    Each month is rounded half-even by itself, so roundings don't add up.

    Args:
        first: volume of the first month before its season.
        months: how many.
        growth: share a month, compound.
        seasons: a factor for each month; none is 1 for all.

    Raises:
        BadQuantity: A volume that can't be meant.
    """
    check_quantity("images_per_month", int(first))
    if not 1 <= months <= MOST_MONTHS:
        raise BadQuantity(f"months must be 1 to {MOST_MONTHS}, not {months}")
    if growth <= -1:
        raise BadQuantity("growth must stay above -100% a month")
    found: list[int] = []
    exact = Decimal(first)
    for number in range(months):
        wanted = times(exact, seasons[number]) if seasons else exact
        if max(wanted, exact) > LARGEST_QUANTITY:
            raise BadQuantity(f"growth brings month {number + 1} above 10^12 images")
        found.append(_whole(wanted))
        exact = times(exact, plus(ONE, growth))
    return tuple(found)


def _whole(images: Decimal) -> int:
    return int(images.to_integral_value(ROUND_HALF_EVEN))

"""Assumption: a number taken for granted, with its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pricing.money import times

Values = Mapping[str, Decimal]
ONE = Decimal(1)


class Unit(StrEnum):
    """What the number of an assumption counts."""

    IMAGES = "images"
    USD = "usd"
    SHARE = "share"
    FACTOR = "factor"
    GROWTH = "growth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number, what it means and who says so.

    Attributes:
        key: names it in recipes and demands; unique in a projection.
        what: the same for people.
        source: who says so, in words.
        as_of: the day that it holds for, where it has one.
        group: assumptions of one group move together when it is varied.
        low, high: its own range; both None where it has none.
        reach: what that range is, such as `90% band`.
        medium_usd: of a price, the dollars that rest on rates of medium confidence.
    """

    key: str
    what: str
    value: Decimal
    unit: Unit
    source: str
    as_of: date | None = None
    group: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    reach: str | None = None
    medium_usd: Decimal = Decimal(0)

    def moved(self, factor: Decimal) -> Decimal:
        """The value times a factor; a share stays at 1 or below."""
        found = times(self.value, factor)
        return min(found, ONE) if self.unit is Unit.SHARE else found


def values_of(assumptions: Iterable[Assumption]) -> dict[str, Decimal]:
    """The numbers by their keys."""
    return {one.key: one.value for one in assumptions}

"""Break-even: the monthly volume at which two ways cost the same."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from pricing.money import plus, ratio, times


class Crossing(StrEnum):
    """At which volumes an alternative is the cheaper one."""

    ALWAYS = "always"
    FROM = "from"
    UP_TO = "up to"
    NEVER = "never"
    SAME = "the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where an alternative becomes, or stops to be, cheaper than another.

    Attributes:
        images: with `FROM` the smallest whole volume a month that costs less, with
            `UP_TO` the largest; None else.
        exact: the volume at which both cost the same, to 160 digits; None else.
        spend_usd: what the other costs a month at `images`, fees in.
    """

    crossing: Crossing
    images: int | None = None
    exact: Decimal | None = None
    spend_usd: Decimal | None = None


def break_even(
    unit_saving_usd: Decimal, fees_usd: Decimal, other: tuple[Decimal, Decimal]
) -> BreakEven:
    """Compare v x unit saving with the fees that it must outweigh, a month.

    Args:
        unit_saving_usd: the other's cost a picture less the alternative's.
        fees_usd: the alternative's fees a month less the other's; a set-up counts
            with its part a month of the months that it is spread over.
        other: the other's cost a picture and its fees a month.
    """
    if unit_saving_usd == 0:
        return BreakEven(crossing=_without_slope(fees_usd))
    if unit_saving_usd > 0 and fees_usd <= 0:
        return BreakEven(crossing=Crossing.ALWAYS)
    if unit_saving_usd < 0 and fees_usd >= 0:
        return BreakEven(crossing=Crossing.NEVER)
    exact = ratio(fees_usd, unit_saving_usd)
    whole = int(exact.to_integral_value(ROUND_FLOOR))
    if unit_saving_usd > 0:
        crossing, images = Crossing.FROM, whole + 1
    else:
        crossing, images = Crossing.UP_TO, whole - 1 if whole == exact else whole
    if images < 1:
        return BreakEven(crossing=Crossing.NEVER)
    spend = plus(times(other[0], images), other[1])
    return BreakEven(crossing=crossing, images=images, exact=exact, spend_usd=spend)


def _without_slope(fees_usd: Decimal) -> Crossing:
    if fees_usd == 0:
        return Crossing.SAME
    return Crossing.ALWAYS if fees_usd < 0 else Crossing.NEVER


def spread_fees_usd(monthly_usd: Decimal, setup_usd: Decimal, months: int) -> Decimal:
    """Fees a month with a set-up spread evenly over so many months."""
    return plus(monthly_usd, ratio(setup_usd, Decimal(months)))


def payback_month(cumulative_usd: tuple[Decimal, ...]) -> int | None:
    """The month, from 1, from whose end on the savings so far stay above 0."""
    last = max((k for k, usd in enumerate(cumulative_usd, 1) if usd <= 0), default=0)
    return last + 1 if last < len(cumulative_usd) else None

"""Weighed: one alternative against another, and when it is worth it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bench.studies.priced import Priced
from bench.studies.unit_cost import TOO_FEW_USABLE
from pricing.breakeven import (
    BreakEven,
    break_even,
    payback_month,
    spread_fees_usd,
)
from pricing.demand import Demand
from pricing.money import minus
from pricing.projection import Band, Course, SavingCourse, saving
from pricing.sensitivity import Knob, Result, Swing, ranked, swing


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """Where two alternatives cost the same, as measured or given and at the band.

    Attributes:
        cheapest, dearest: Where the saving a picture is at the high and at the low
            end of its band; None without a band.
    """

    centre: BreakEven
    cheapest: BreakEven | None = None
    dearest: BreakEven | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The saving of one alternative against another.

    Attributes:
        unit_band: 90 % of the saving a picture; None without one.
        why_no_band: Why a measured saving has no band; None where it has one or
            is exact.
        running: Volume at which a month costs the same, set-up apart.
        with_setup: The same with the set-up spread over all months; None without.
        payback_month: From whose end on the savings so far stay above 0; None
            where that isn't so within the projection.
        swings: What moves the saving over all months most, widest first.
        medium: What rates of medium confidence may do to it; None without such.
    """

    saving: SavingCourse
    simulated: bool
    unit_band: Band | None
    why_no_band: str | None
    running: Crossings
    with_setup: Crossings | None
    payback_month: int | None
    swings: tuple[Swing, ...]
    medium: Swing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all alternatives of a scenario share.

    Attributes:
        knobs: What is varied, each once for all alternatives.
        medium: All rates of medium confidence; None without such.
    """

    demand: Demand
    values: Mapping[str, Decimal]
    knobs: tuple[Knob, ...]
    medium: Knob | None


Side = tuple[Priced, Course]


def weigh(first: Side, second: Side, ground: Ground) -> Compared:
    """What the second saves against the first, when, and what that hangs on."""
    (one, one_course), (other, other_course) = first, second
    band, why = _unit_band(one, other)
    found = saving(one_course, other_course, band)
    result = Result(demand=ground.demand, cost_of=one.recipe, less=other.recipe)
    swings, medium = varied(result, ground)
    has_setup = other_course.alternative.setup_usd != one_course.alternative.setup_usd
    return Compared(
        saving=found,
        simulated=one.simulated or other.simulated,
        unit_band=band,
        why_no_band=why,
        running=_crossings(one_course, other_course, band, spread=False),
        with_setup=_crossings(one_course, other_course, band, spread=True)
        if has_setup
        else None,
        payback_month=payback_month(found.cumulative_usd),
        swings=swings,
        medium=medium,
    )


def varied(result: Result, ground: Ground) -> tuple[tuple[Swing, ...], Swing | None]:
    """What moves a result, and what rates of medium confidence may do to it."""
    swings = ranked(result, ground.values, ground.knobs)
    if ground.medium is None:
        return swings, None
    medium = swing(result, ground.values, ground.medium)
    return swings, medium if medium.spread_usd else None


def _unit_band(first: Priced, second: Priced) -> tuple[Band | None, str | None]:
    why = first.why_no_band or second.why_no_band
    draws = first.draws.less(second.draws)
    if why is not None or not draws.terms:
        return None, why
    band = draws.band(minus(first.unit.usd, second.unit.usd))
    return band, None if band else TOO_FEW_USABLE


def _crossings(
    first: Course, second: Course, band: Band | None, *, spread: bool
) -> Crossings:
    one, other = first.alternative, second.alternative
    months = len(first.images)

    def fees_usd(monthly: Decimal, setup: Decimal) -> Decimal:
        return spread_fees_usd(monthly, setup if spread else Decimal(0), months)

    paid = fees_usd(one.monthly_fee_usd, one.setup_usd)
    more = minus(fees_usd(other.monthly_fee_usd, other.setup_usd), paid)

    def at(unit_saving_usd: Decimal) -> BreakEven:
        return break_even(unit_saving_usd, more, (one.unit.usd, paid))

    return Crossings(
        centre=at(minus(one.unit.usd, other.unit.usd)),
        cheapest=at(band.high_usd) if band else None,
        dearest=at(band.low_usd) if band else None,
    )

"""Sensitivity: how far a result moves when one assumption does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pricing.assumption import Assumption, Values
from pricing.demand import Demand
from pricing.errors import BadAmount, BadQuantity
from pricing.money import minus, plus, times, total
from pricing.recipe import NOTHING, Recipe

STEP = Decimal("0.1")
STEP_WORDS = "±10%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """Assumptions that move together, at the low and the high end of their range."""

    what: str
    reach: str
    low: Mapping[str, Decimal]
    high: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What a knob does to a result, all else as assumed.

    Attributes:
        low_usd, high_usd: the result at the low and the high end of the knob.
    """

    what: str
    reach: str
    low_usd: Decimal
    high_usd: Decimal

    @property
    def spread_usd(self) -> Decimal:
        """How far apart both ends are."""
        return abs(minus(self.high_usd, self.low_usd))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The sum over all months of a cost, or of one cost less another's."""

    demand: Demand
    cost_of: Recipe
    less: Recipe | None = None

    @property
    def keys(self) -> frozenset[str]:
        """Every key that it hangs on."""
        less = self.less.keys if self.less else frozenset[str]()
        return self.demand.keys | self.cost_of.keys | less

    def usd(self, values: Values) -> Decimal:
        """The result at some values; set-up in."""
        images = sum(self.demand.images(values))
        cost = _whole_usd(self.cost_of, values, images, self.demand.months)
        if self.less is None:
            return cost
        other = _whole_usd(self.less, values, images, self.demand.months)
        return minus(cost, other)


def _whole_usd(recipe: Recipe, values: Values, images: int, months: int) -> Decimal:
    return total(
        (
            times(recipe.unit_usd(values), images),
            times(recipe.monthly_fee_usd(values), months),
            recipe.setup_usd(values),
        )
    )


def knobs(assumptions: Iterable[Assumption]) -> tuple[Knob, ...]:
    """One for each group: its own range where it has one, else 10 % either way."""
    groups: dict[str, list[Assumption]] = {}
    for one in assumptions:
        if one.group is not None:
            groups.setdefault(one.group, []).append(one)
    return tuple(_knob(what, members) for what, members in groups.items())


def _knob(what: str, members: list[Assumption]) -> Knob:
    down, up = minus(Decimal(1), STEP), plus(Decimal(1), STEP)
    return Knob(
        what=what,
        reach=next((one.reach for one in members if one.reach), STEP_WORDS),
        low={o.key: o.moved(down) if o.low is None else o.low for o in members},
        high={o.key: o.moved(up) if o.high is None else o.high for o in members},
    )


def medium_knob(assumptions: Iterable[Assumption], step: Decimal) -> Knob | None:
    """All dollars that rest on rates of medium confidence, moved together."""
    moved = {
        one.key: (one.value, times(one.medium_usd, step))
        for one in assumptions
        if one.medium_usd
    }
    if not moved:
        return None
    return Knob(
        what="rates of medium confidence",
        reach=f"±{step:.0%}",
        low={key: minus(usd, by) for key, (usd, by) in moved.items()},
        high={key: plus(usd, by) for key, (usd, by) in moved.items()},
    )


def swing(result: Result, values: Values, knob: Knob) -> Swing:
    """The result at both ends of a knob.

    An end that no projection can have, such as more failures than requests, is
    left where it is assumed, and the reach says so.
    """
    low, high = (_end_usd(result, {**values, **end}) for end in (knob.low, knob.high))
    reach = knob.reach
    if low is None or high is None:
        reach += f", {'high' if low is None else 'low'} end alone"
    as_assumed = result.usd(values) if low is None or high is None else NOTHING
    return Swing(
        what=knob.what,
        reach=reach,
        low_usd=as_assumed if low is None else low,
        high_usd=as_assumed if high is None else high,
    )


def _end_usd(result: Result, values: Values) -> Decimal | None:
    try:
        return result.usd(values)
    except (BadQuantity, BadAmount):
        return None


def ranked(result: Result, values: Values, varied: Iterable[Knob]) -> tuple[Swing, ...]:
    """What moves the result, the widest swing first; what doesn't is left out."""
    keys = result.keys
    # Of many alternatives, each has knobs of its own.
    touching = [knob for knob in varied if not keys.isdisjoint(knob.low)]
    swings = [swing(result, values, knob) for knob in touching]
    moving = [one for one in swings if one.spread_usd]
    return tuple(sorted(moving, key=lambda one: (-one.spread_usd, one.what)))

"""Volume: the pictures of each month of a scenario, as assumptions."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from bench.scenario.form import Scenario
from bench.scenario.written import MONTH_NAMES
from pricing.assumption import ONE, Assumption, Unit
from pricing.demand import (
    GROWTH,
    IMAGES,
    MONTHS_A_YEAR,
    Demand,
    listed_key,
    season_key,
)
from pricing.money import minus, plus, times
from pricing.sensitivity import STEP

SCENARIO = "the scenario"
_VOLUME = "images a month"
_SEASONS = "the swing of the seasons"


def demand_of(scenario: Scenario) -> tuple[Demand, tuple[Assumption, ...]]:
    """How the volume runs, and the numbers that it is made of."""
    listed = scenario.images_per_month
    is_listed = isinstance(listed, tuple)
    demand = Demand(
        months=len(listed)
        if isinstance(listed, tuple)
        else scenario.months or MONTHS_A_YEAR,
        is_listed=is_listed,
        start=date.fromisoformat(f"{scenario.start}-01") if scenario.start else None,
        has_seasons=scenario.seasonality is not None,
    )
    return demand, tuple(_assumed(scenario, demand))


def _assumed(scenario: Scenario, demand: Demand) -> Iterator[Assumption]:
    volume = scenario.images_per_month
    if isinstance(volume, tuple):
        for number, images in enumerate(volume, start=1):
            yield _images(
                listed_key(number), f"usable images in month {number}", images
            )
        return
    yield _images(
        IMAGES,
        "usable images in the first month" + ", before its season" * demand.has_seasons,
        volume,
    )
    yield Assumption(
        key=GROWTH,
        what="growth a month, compound",
        value=scenario.growth or Decimal(0),
        unit=Unit.GROWTH,
        source=SCENARIO if scenario.growth is not None else "none given",
        group="growth a month",
    )
    for number, factor in enumerate(scenario.seasonality or (), start=1):
        yield _season(number, factor)


def _images(key: str, what: str, images: int) -> Assumption:
    return Assumption(
        key=key,
        what=what,
        value=Decimal(images),
        unit=Unit.IMAGES,
        source=SCENARIO,
        group=_VOLUME,
    )


def _season(number: int, factor: Decimal) -> Assumption:
    swing = times(minus(factor, ONE), STEP)
    return Assumption(
        key=season_key(number),
        what=f"{MONTH_NAMES[number - 1]} against an ordinary month",
        value=factor,
        unit=Unit.FACTOR,
        source=SCENARIO,
        group=_SEASONS,
        low=max(Decimal(0), minus(factor, swing)),
        high=plus(factor, swing),
    )

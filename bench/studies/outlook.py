"""Outlook: what the alternatives of a scenario come to, month by month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bench.errors import BadInput
from bench.scenario.form import Choice, FromRun, Part, Scenario
from bench.studies.priced import Priced, Pricer
from bench.studies.run_price import MeasuredRun, variant_text
from bench.studies.unit_cost import Variant
from bench.studies.volume import demand_of
from bench.studies.weighed import Compared, Ground, varied, weigh
from pricing.assumption import Assumption, values_of
from pricing.demand import Demand
from pricing.errors import PricingError
from pricing.projection import Alternative, Course, course
from pricing.sensitivity import Result, Swing, knobs, medium_knob


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One alternative: its price, its months, and whom it is compared with.

    Attributes:
        swings: What moves its cost over all months, the widest first.
    """

    choice: Choice
    against: str | None
    priced: Priced
    course: Course
    swings: tuple[Swing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A scenario with its figures.

    Attributes:
        images: Pictures of each month; every alternative is for all of them.
        calendar: The first day of each month; empty where they are only counted.
        assumptions: Every number that the figures hang on, each once.
        warnings: What the figures silently take for possible and may not be.
    """

    scenario: Scenario
    demand: Demand
    images: tuple[int, ...]
    calendar: tuple[date, ...]
    assumptions: tuple[Assumption, ...]
    lines: tuple[Line, ...]
    compared: tuple[Compared, ...]
    warnings: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        """Whether an emulator answered behind some figure."""
        return any(line.priced.simulated for line in self.lines)


def outlook(scenario: Scenario, pricer: Pricer) -> Outlook:
    """The months of every alternative, and the savings.

    Raises:
        BadInput: A price is not to be had, or figures grow beyond measure.
    """
    try:
        return _outlook(scenario, pricer)
    except PricingError as error:
        raise BadInput(str(error)) from None


def _outlook(scenario: Scenario, pricer: Pricer) -> Outlook:
    demand, of_volume = demand_of(scenario)
    priced = {c.name: pricer.price(c, scenario) for c in scenario.alternatives}
    assumed = (*of_volume, *(a for one in priced.values() for a in one.assumptions))
    once = _once(assumed)
    ground = Ground(
        demand=demand,
        values=values_of(once),
        knobs=knobs(once),
        medium=medium_knob(once, scenario.medium_price_range),
    )
    images = demand.images(ground.values)
    lines = {
        choice.name: _line(choice, scenario, priced[choice.name], images, ground)
        for choice in scenario.alternatives
    }
    return Outlook(
        scenario=scenario,
        demand=demand,
        images=images,
        calendar=demand.calendar(),
        assumptions=once,
        lines=tuple(lines.values()),
        compared=tuple(
            weigh(_side(lines[line.against]), _side(line), ground)
            for line in lines.values()
            if line.against
        ),
        warnings=tuple(dict.fromkeys(_ended(lines.values(), demand))),
    )


def _once(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    return tuple({one.key: one for one in assumptions}.values())


def _line(
    choice: Choice,
    scenario: Scenario,
    priced: Priced,
    images: tuple[int, ...],
    ground: Ground,
) -> Line:
    alternative = Alternative(
        name=choice.name,
        unit=priced.unit,
        monthly_fee_usd=choice.monthly_fee_usd,
        setup_usd=choice.setup_usd,
    )
    result = Result(demand=ground.demand, cost_of=priced.recipe)
    return Line(
        choice=choice,
        against=scenario.against(choice),
        priced=priced,
        course=course(alternative, images),
        swings=varied(result, ground)[0],
    )


def _side(line: Line) -> tuple[Priced, Course]:
    return line.priced, line.course


def _ended(lines: Iterable[Line], demand: Demand) -> Iterable[str]:
    """Months that are reckoned after a model can't be bought any more."""
    calendar = demand.calendar()
    for line in lines:
        for model, end in line.priced.source.ends:
            if not calendar:
                yield (
                    f"{model} can't be bought from {end} on; give start, the first "
                    "month, to see which months that concerns"
                )
            late = [day for day in calendar if day >= end]
            if late:
                yield (
                    f"{model} can't be bought from {end} on; for {line.choice.name} "
                    f"{len(late)} of {len(calendar)} months are reckoned as if it could"
                )


def choices_of_run(
    run: MeasuredRun, part: Part
) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    """Alternatives for every variant of a run that a part names, at each endpoint.

    The first direct endpoint is what the others are compared with.

    Returns:
        The alternatives, and a sentence for each that has nothing to project from.

    Raises:
        BadInput: The run has no direct or no gateway endpoint, no such variant,
            or nothing of it can be projected.
    """
    endpoints = (*run.endpoints("direct"), *run.endpoints("gateway"))
    variants = run.variants(part)
    found: list[Choice] = []
    left_out: list[str] = []
    for variant in variants:
        if missing := _missing(run, variant, endpoints):
            left_out.append(
                f"{variant_text(variant)} is left out: no usable picture of known "
                f"price at {', '.join(missing)}"
            )
            continue
        begin = f"{variant_text(variant)}, " if len(variants) > 1 else ""
        names = [f"{begin}{endpoint}" for endpoint in endpoints]
        found += [
            _choice(run.run_id, variant, endpoint, (name, names[0]))
            for endpoint, name in zip(endpoints, names, strict=True)
        ]
    if not found:
        raise BadInput(f"run {run.run_id}: {'; '.join(left_out)}")
    return tuple(found), tuple(left_out)


def _missing(
    run: MeasuredRun, variant: Variant, endpoints: tuple[str, ...]
) -> list[str]:
    priced = {m.endpoint for m in run.measured if m.variant == variant and m.unit}
    return [endpoint for endpoint in endpoints if endpoint not in priced]


def _choice(
    run_id: str, variant: Variant, endpoint: str, names: tuple[str, str]
) -> Choice:
    name, baseline = names
    model, quality, size, asked = variant
    # Names of a run's own making may be longer than those that people write.
    return Choice.model_construct(
        name=name,
        from_run=FromRun(run=run_id, endpoint=endpoint),
        against=None if name == baseline else baseline,
        mix=(Part(model=model, quality=quality, size=size, asked=asked),),
    )

"""Outlook: what the alternatives of a scenario come to, month by month."""

from dataclasses import dataclass
from decimal import Decimal

from bench.errors import BadInput
from bench.scenario import Choice, FromRun, Part, Scenario
from bench.studies.priced import Priced, Pricer
from bench.studies.run_price import MeasuredRun, variant_text
from bench.studies.unit_cost import TOO_FEW_USABLE, Variant
from pricing.errors import PricingError
from pricing.money import minus
from pricing.projection import (
    MONTHS_A_YEAR,
    Alternative,
    Course,
    SavingCourse,
    course,
    saving,
    volumes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One alternative: its price, its months, and whom it is compared with."""

    choice: Choice
    mix: tuple[Part, ...] | None
    against: str | None
    priced: Priced
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The saving of one alternative against another.

    Attributes:
        why_no_band: Why a measured saving has no band; None where it has one or
            is exact.
    """

    saving: SavingCourse
    simulated: bool
    why_no_band: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A scenario with its figures.

    Attributes:
        images: Pictures of each month; every alternative is for all of them.
    """

    scenario: Scenario
    images: tuple[int, ...]
    lines: tuple[Line, ...]
    compared: tuple[Compared, ...]

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
    images = _images(scenario)
    lines: dict[str, Line] = {}
    for choice in scenario.alternatives:
        priced = pricer.price(choice, scenario.mix)
        alternative = Alternative(
            name=choice.name,
            unit=priced.unit,
            monthly_fee_usd=choice.monthly_fee_usd,
            setup_usd=choice.setup_usd,
        )
        lines[choice.name] = Line(
            choice=choice,
            mix=choice.mix or scenario.mix,
            against=scenario.against(choice),
            priced=priced,
            course=course(alternative, images),
        )
    compared = [
        _compared(lines[line.against], line) for line in lines.values() if line.against
    ]
    return Outlook(
        scenario=scenario,
        images=images,
        lines=tuple(lines.values()),
        compared=tuple(compared),
    )


def _images(scenario: Scenario) -> tuple[int, ...]:
    if isinstance(scenario.images_per_month, tuple):
        return scenario.images_per_month
    months = scenario.months or MONTHS_A_YEAR
    return volumes(scenario.images_per_month, months, scenario.growth or Decimal(0))


def _compared(first: Line, second: Line) -> Compared:
    whys = (first.priced.why_no_band, second.priced.why_no_band)
    why = next((reason for reason in whys if reason), None)
    band = None
    draws = first.priced.draws.less(second.priced.draws)
    if draws.terms and why is None:
        band = draws.band(minus(first.priced.unit.usd, second.priced.unit.usd))
        why = None if band else TOO_FEW_USABLE
    return Compared(
        saving=saving(first.course, second.course, band),
        simulated=first.priced.simulated or second.priced.simulated,
        why_no_band=why,
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
    model, quality, size = variant
    # Names of a run's own making may be longer than those that people write.
    return Choice.model_construct(
        name=name,
        from_run=FromRun(run=run_id, endpoint=endpoint),
        against=None if name == baseline else baseline,
        mix=(Part(model=model, quality=quality, size=size),),
    )

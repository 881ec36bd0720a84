"""Priced: an alternative as a recipe, and what it comes to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from bench.errors import BadInput
from bench.scenario.form import Choice, MeasuredMix, Part, Scenario
from bench.studies.book_price import BookPricer
from bench.studies.request_ends import RequestEnds
from bench.studies.resampling import Draws
from bench.studies.run_price import MeasuredRun, RunRecord
from bench.studies.sourced import Source, from_book, from_price, from_run
from bench.studies.terms import Chosen, Mix, Taken, Terms, taken
from bench.studies.unit_cost import TOO_FEW_USABLE
from bench.studies.usage_mix import Usage, read_usage
from pricing.assumption import Assumption, values_of
from pricing.book import PriceBook
from pricing.errors import PricingError
from pricing.money import ratio, times, total
from pricing.projection import UnitCost
from pricing.recipe import Recipe

ReadRun = Callable[[str], RunRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """An alternative's cost a usable picture, with its sources.

    Attributes:
        recipe: How the cost follows from the assumptions; some of them are other
            alternatives' too.
        unit: Dollars a usable picture, failures and cache in, fees apart.
        made_usd: Dollars of one picture, before failures and cache; of a measured
            cost, of the trials that were ok alone.
        draws: The unit cost redrawn.
        requests: How requests ended, where that is measured.
        why_no_band: For a measured cost without one, why.
    """

    recipe: Recipe
    assumptions: tuple[Assumption, ...]
    source: Source
    terms: Terms
    unit: UnitCost
    made_usd: Decimal | None
    draws: Draws
    requests: RequestEnds | None
    why_no_band: str | None

    @property
    def mix(self) -> Mix:
        """What is asked for the pictures."""
        return tuple(price.part for price in self.source.parts)

    @property
    def is_measured(self) -> bool:
        """Whether anything of its cost was measured."""
        return bool(self.source.bases or self.requests)

    @property
    def n_prompts(self) -> int | None:
        """Prompts behind a measured cost: of the part that has the fewest."""
        found = [basis.measured.n_prompts for basis in self.source.bases]
        if self.requests:
            found.append(self.requests.n_prompts)
        return min(found, default=None)

    @property
    def simulated(self) -> bool:
        """Whether an emulator answered behind it."""
        measured = any(basis.measured.simulated for basis in self.source.bases)
        return measured or bool(self.requests and self.requests.simulated)


class Pricer:
    """Prices alternatives one after the other; each run and file is read once."""

    def __init__(
        self, read_run: ReadRun, today: date, prices: PriceBook | None = None
    ) -> None:
        """Take what reads a run, the day for prices without a date, and the books."""
        self._books = BookPricer(today, prices)
        self._read_run = read_run
        self._runs: dict[str, MeasuredRun] = {}
        self._usages: dict[str, Usage] = {}
        self._priced: dict[str, Priced] = {}

    def run(self, name: str) -> MeasuredRun:
        """A run and its unit costs.

        Raises:
            BadInput: It has nothing to project from.
        """
        if name not in self._runs:
            self._runs[name] = MeasuredRun(self._read_run(name))
        return self._runs[name]

    def price(self, choice: Choice, scenario: Scenario) -> Priced:
        """The cost a picture of an alternative; those it follows come before.

        Raises:
            BadInput: It has no price; names the alternative and says why.
        """
        try:
            found = self._price(choice, self._terms(choice, scenario))
        except (BadInput, PricingError) as error:
            raise BadInput(f"alternative '{choice.name}': {error}") from None
        self._priced[choice.name] = found
        return found

    def _terms(self, choice: Choice, scenario: Scenario) -> Terms:
        if choice.of is None:
            base = Terms(
                mix=Chosen(scenario.mix),
                failures=Chosen(scenario.failures),
                cache_hit_share=Chosen(scenario.cache_hit_share),
                batch_share=Chosen(scenario.batch_share),
                price_of=choice.name,
            )
        else:
            first = self._priced[choice.of.alternative].terms
            factor = (choice.name, choice.of.multiplier)
            base = replace(first, factors=(*first.factors, factor))
        own = {
            key: Chosen(value, choice.name)
            for key in ("mix", "failures", "cache_hit_share", "batch_share")
            if (value := getattr(choice, key)) is not None
        }
        return replace(base, **own)

    def _price(self, choice: Choice, terms: Terms) -> Priced:
        mix, mix_source = self._mix(terms.mix.value)
        source = self._source(choice, terms, mix)
        requests, failing = None, terms.failures.value
        if failing and failing.from_run is not None and not source.bases:
            requests = self.run(failing.from_run).ends(failing)
        found = taken(choice, terms, source, mix_source, requests)
        return _priced(choice.name, found, source, terms, requests)

    def _mix(self, asked: Mix | MeasuredMix | None) -> tuple[Mix, str | None]:
        """The parts of a mix, and where they come from where they were measured."""
        if not isinstance(asked, MeasuredMix):
            return asked or (Part(),), None
        if asked.from_run is not None:
            run = self.run(asked.from_run)
            parts = run.mix()
            n_images = int(total(part.share for part in parts))
            return parts, f"{n_images:,} usable images of run {run.run_id}"
        name = str(asked.from_usage)
        if name not in self._usages:
            self._usages[name] = read_usage(Path(name))
        return self._usages[name].parts, _usage_words(name, self._usages[name])

    def _source(self, choice: Choice, terms: Terms, mix: Mix) -> Source:
        batch = bool(terms.batch_share.value)
        if choice.of:
            return self._followed(choice.of.alternative, batch=batch)
        if choice.book:
            batch = batch and choice.book.tier != "batch"
            return from_book(self._books, choice.book, mix, batch=batch)
        if choice.from_run:
            run = self.run(choice.from_run.run)
            return from_run(run, choice.from_run, mix, batch=batch)
        return from_price(choice, mix, batch=batch)

    def _followed(self, name: str, *, batch: bool) -> Source:
        """The source of another; what it costs times a factor follows by recipe."""
        found = self._priced[name].source
        if batch and any(part.batch_usd is None for part in found.parts):
            raise BadInput(
                f"batch_share: {name} was priced without its batch tier; give "
                f"batch_share to {name} too, or a book here"
            )
        return found


def _usage_words(name: str, usage: Usage) -> str:
    days = ""
    if usage.first_on and usage.last_on:
        days = f", {usage.first_on} to {usage.last_on}"
    return f"{usage.n_images:,} images in {usage.n_rows:,} rows of {name}{days}"


def _priced(
    name: str,
    found: Taken,
    source: Source,
    terms: Terms,
    requests: RequestEnds | None,
) -> Priced:
    recipe = Recipe(name=name, **found.keys)
    values = values_of(found.assumptions)
    usd = recipe.unit_usd(values)
    made_usd = recipe.made_usd(values)
    draws = Draws(constant_usd=usd)
    if source.bases:
        draws = _redrawn(recipe, source, values)
        made_usd = _ok_usd(recipe, source, values)
    elif requests:
        served = recipe.overhead({**values, **_no_failures(recipe)})
        draws = requests.pictures_billed.scaled(times(made_usd, served))
    unit, why = _unit(usd, draws, source, requests)
    return Priced(
        recipe=recipe,
        assumptions=found.assumptions,
        source=source,
        terms=terms,
        unit=unit,
        made_usd=made_usd,
        draws=draws,
        requests=requests,
        why_no_band=why,
    )


def _no_failures(recipe: Recipe) -> dict[str, Decimal]:
    keys = recipe.failures
    if keys is None:
        return {}
    return dict.fromkeys((keys.unusable, keys.refused, keys.retried), Decimal(0))


def _redrawn(recipe: Recipe, source: Source, values: dict[str, Decimal]) -> Draws:
    """A mix of measured costs; the same prompts are redrawn for all its parts."""
    factor = recipe.overhead(values)
    for key in recipe.factors:
        factor = times(factor, values[key])
    shares = [values[part.share] for part in recipe.parts]
    draws = Draws()
    for share, price in zip(shares, source.parts, strict=True):
        if price.draws is not None:
            weight = times(ratio(share, total(shares)), factor)
            draws = draws.plus(price.draws.scaled(weight))
    return draws


def _ok_usd(
    recipe: Recipe, source: Source, values: dict[str, Decimal]
) -> Decimal | None:
    """The same mix at what an image cost where all went well."""
    found = {
        keys.usd: price.ok_usd
        for keys, price in zip(recipe.parts, source.parts, strict=True)
        if price.ok_usd is not None
    }
    if len(found) < len(recipe.parts):
        return None
    return recipe.made_usd({**values, **found})


def _unit(
    usd: Decimal, draws: Draws, source: Source, requests: RequestEnds | None
) -> tuple[UnitCost, str | None]:
    n = sum(basis.unit.n for basis in source.bases)
    why = source.why_no_band
    if requests:
        n, why = requests.n_requests, requests.why_no_band
    if not draws.terms:
        return UnitCost(usd=usd, n=n), why
    band = None if why else draws.band(usd)
    if band is None:
        return UnitCost(usd=usd, n=n), why or TOO_FEW_USABLE
    unit = UnitCost(
        usd=usd,
        usd_low=band.low_usd,
        usd_high=band.high_usd,
        n=n,
        median_usd=band.median_usd,
    )
    return unit, None

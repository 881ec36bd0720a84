"""Terms: what an alternative takes, as keys and assumptions."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

from bench.scenario.form import Choice, Failing, MeasuredMix, Part
from bench.studies.request_ends import SHARES, RequestEnds
from bench.studies.sourced import PartPrice, Source, part_words
from bench.studies.volume import SCENARIO
from pricing.assumption import Assumption, Unit
from pricing.recipe import FailureKeys, PartKeys

BAND = "90% band"
Mix = tuple[Part, ...]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Value]):
    """A value, and the alternative that it is an own one of; none is the scenario."""

    value: Value
    owner: str = ""

    def key(self, name: str) -> str:
        """The key of an assumption of this owner."""
        return f"{name}:{self.owner}"

    @property
    def whose(self) -> str:
        """Whose it is, to stand before what it is."""
        return f"{self.owner}: " if self.owner else ""

    @property
    def source(self) -> str:
        """Who says so."""
        return f"the scenario, for {self.owner}" if self.owner else SCENARIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an alternative takes, each from itself, from whom it follows, or from all.

    Attributes:
        mix: What is asked for the pictures; None is any picture.
        price_of: The alternative whose prices it takes; itself as a rule.
        factors: Names and factors of those that follow it, in a chain.
    """

    mix: Chosen[Mix | MeasuredMix | None]
    failures: Chosen[Failing | None]
    cache_hit_share: Chosen[Decimal | None]
    batch_share: Chosen[Decimal | None]
    price_of: str
    factors: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Keys for a recipe, by its attributes, and the assumptions behind them."""

    keys: dict[str, Any] = field(default_factory=dict[str, Any])
    assumptions: tuple[Assumption, ...] = ()


def taken(
    choice: Choice,
    terms: Terms,
    source: Source,
    mix_source: str | None,
    requests: RequestEnds | None,
) -> Taken:
    """All that an alternative takes."""
    found = (
        _parts(terms, source, mix_source),
        _factors(terms),
        _batch(terms.batch_share, source),
        _cache(terms.cache_hit_share),
        Taken() if source.bases else _failures(terms.failures, requests),
        _fees(choice),
    )
    keys: dict[str, Any] = {}
    for one in found:
        keys |= one.keys
    return Taken(
        keys=keys, assumptions=tuple(a for one in found for a in one.assumptions)
    )


def _parts(terms: Terms, source: Source, mix_source: str | None) -> Taken:
    assumed: list[Assumption] = []
    keys: list[PartKeys] = []
    is_mixed = len(source.parts) > 1
    for number, price in enumerate(source.parts, start=1):
        one = PartKeys(
            share=terms.mix.key(f"share.{number}"),
            usd=f"price.{number}:{terms.price_of}",
            batch_usd=None
            if price.batch_usd is None
            else f"batch.{number}:{terms.price_of}",
        )
        keys.append(one)
        assumed += (
            _share(one.share, price.part, terms, mix_source, is_mixed=is_mixed),
            *_prices(one, price, terms.price_of, (source, number)),
        )
    return Taken(keys={"parts": tuple(keys)}, assumptions=tuple(assumed))


def _share(
    key: str, part: Part, terms: Terms, mix_source: str | None, *, is_mixed: bool
) -> Assumption:
    words = f"{part_words(part)} in the mix"
    counted = "images" if mix_source else "share"
    return Assumption(
        key=key,
        what=f"{terms.mix.whose}{counted} of {words}",
        value=part.share,
        unit=Unit.IMAGES if mix_source else Unit.SHARE,
        source=mix_source or terms.mix.source,
        group=f"{terms.mix.whose}share of {words}" if is_mixed else None,
    )


def _prices(
    keys: PartKeys, price: PartPrice, name: str, place: tuple[Source, int]
) -> list[Assumption]:
    source, number = place
    words = part_words(price.part)
    # A book's rate is one number, whoever is priced by it.
    group = f"price of {name}"
    if source.rates_of is not None:
        group = f"{source.rates_of} prices of {price.part.model or 'all models'}"
    found = [
        Assumption(
            key=keys.usd,
            what=f"{name}: US$ an image, {words}",
            value=price.usd,
            unit=Unit.USD,
            source=source.said_by(number),
            as_of=source.as_of,
            group=group,
            low=price.low_usd,
            high=price.high_usd,
            reach=None if price.low_usd is None else BAND,
            medium_usd=price.medium_usd,
        )
    ]
    if keys.batch_usd and price.batch_usd is not None:
        found.append(
            Assumption(
                key=keys.batch_usd,
                what=f"{name}: US$ an image in batch, {words}",
                value=price.batch_usd,
                unit=Unit.USD,
                source=source.said_by(number),
                as_of=source.as_of,
                group=group,
                medium_usd=price.batch_medium_usd,
            )
        )
    return found


def _factors(terms: Terms) -> Taken:
    if not terms.factors:
        return Taken()
    return Taken(
        keys={"factors": tuple(f"factor:{name}" for name, _ in terms.factors)},
        assumptions=tuple(
            Assumption(
                key=f"factor:{name}",
                what=f"{name}: times the price that it follows",
                value=factor,
                unit=Unit.FACTOR,
                source=SCENARIO,
                group=f"{name}: factor on the price that it follows",
            )
            for name, factor in terms.factors
        ),
    )


def _batch(chosen: Chosen[Decimal | None], source: Source) -> Taken:
    if not chosen.value or any(part.batch_usd is None for part in source.parts):
        return Taken()
    return _one("batch", "batch_share", "share in the batch tier", chosen)


def _cache(chosen: Chosen[Decimal | None]) -> Taken:
    if not chosen.value:
        return Taken()
    return _one("cache_hit", "cache_hit_share", "share served from a cache", chosen)


def _one(role: str, name: str, words: str, chosen: Chosen[Decimal | None]) -> Taken:
    key, what = chosen.key(name), f"{chosen.whose}{words}"
    return Taken(
        keys={role: key},
        assumptions=(
            Assumption(
                key=key,
                what=what,
                value=chosen.value or Decimal(0),
                unit=Unit.SHARE,
                source=chosen.source,
                group=what,
            ),
        ),
    )


_FAILURE_WORDS = {
    "unusable_share": "requests that give an unusable image",
    "refused_share": "requests that are refused",
    "retried_share": "requests that fail and are sent again",
    "refused_billed_share": "of the refused, billed",
    "retried_billed_share": "of those sent again, billed",
}


def _failures(chosen: Chosen[Failing | None], requests: RequestEnds | None) -> Taken:
    failing = chosen.value
    if failing is None:
        return Taken()
    values = requests.failures if requests else failing
    source = chosen.source
    if requests:
        source = (
            f"measured in run {requests.run_id} at {requests.where}, "
            f"n={requests.n_requests:,} requests of {requests.n_prompts} prompts"
        )
    assumed: list[Assumption] = []
    for name in SHARES:
        what = f"{chosen.whose}{_FAILURE_WORDS[name]}"
        band = requests.bands[name] if requests else None
        assumed.append(
            Assumption(
                key=chosen.key(name),
                what=what,
                value=getattr(values, name),
                unit=Unit.SHARE,
                source=source,
                group=what,
                low=band and band.low_usd,
                high=band and band.high_usd,
                reach=BAND if band else None,
            )
        )
    names = (name.removesuffix("_share") for name in SHARES)
    keys = {n: chosen.key(f"{n}_share") for n in names}
    return Taken(keys={"failures": FailureKeys(**keys)}, assumptions=tuple(assumed))


def _fees(choice: Choice) -> Taken:
    fees = (
        ("monthly_fee", "fee a month", choice.monthly_fee_usd),
        ("setup", "set-up, once in the first month", choice.setup_usd),
    )
    given = [(role, words, usd) for role, words, usd in fees if usd]
    return Taken(
        keys={role: f"{role}:{choice.name}" for role, _, _ in given},
        assumptions=tuple(
            Assumption(
                key=f"{role}:{choice.name}",
                what=f"{choice.name}: {words}",
                value=usd,
                unit=Unit.USD,
                source=SCENARIO,
                group=f"{choice.name}: {words.split(',')[0]}",
            )
            for role, words, usd in given
        ),
    )

"""Run price: what a picture cost in a run, for a mix of its variants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.errors import BadInput
from bench.scenario.form import Failing, FromRun, Part
from bench.studies.levels import Row
from bench.studies.request_ends import RequestEnds, request_ends
from bench.studies.unit_cost import (
    NOT_SENT,
    Measured,
    Variant,
    measure,
    variant_text,
)
from pricing.projection import UnitCost
from pricing.rates import BookRef, Confidence, RateCard, TokenClass

_MOST_LISTED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A recorded run, as far as a projection needs it.

    Attributes:
        trials: Rows of `bench.store.queries.trials`.
        cards: The rate cards that its plan froze, by endpoint and model.
        requests: Rows of `bench.store.queries.requests`.
    """

    run_id: str
    trials: Sequence[Row]
    cards: Mapping[tuple[str, str], RateCard]
    requests: Sequence[Row] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """One measured unit cost, and the share of the pictures that it stands for."""

    run_id: str
    share: Decimal
    measured: Measured
    unit: UnitCost


class MeasuredRun:
    """A run and its unit costs by variant and endpoint, measured once."""

    def __init__(self, record: RunRecord) -> None:
        """Measure the run.

        Raises:
            BadInput: It has no trials.
        """
        if not record.trials:
            raise BadInput(f"run {record.run_id} has no trials to read")
        self.run_id = record.run_id
        self.measured = measure(record.trials)
        self._cards = record.cards
        self._requests = record.requests

    def ends(self, asked: Failing) -> RequestEnds:
        """How its requests ended.

        Raises:
            BadInput: There are none of those that are asked for.
        """
        return request_ends(self.run_id, self._requests, asked)

    def mix(self) -> tuple[Part, ...]:
        """Its usable pictures of known price by variant; a share is their count.

        Raises:
            BadInput: It has none.
        """
        counts: dict[Variant, int] = {}
        for one in self.measured:
            n_images = one.unit.n if one.unit else 0
            counts[one.variant] = counts.get(one.variant, 0) + n_images
        if not any(counts.values()):
            raise BadInput(f"run {self.run_id} has no usable picture of known price")
        return tuple(_counted(variant, n) for variant, n in counts.items() if n)

    def medium_usd(self, basis: Basis) -> Decimal:
        """Of a measured cost, what rests on rates of medium confidence: all or none."""
        one = basis.measured
        card = self._cards.get((one.endpoint, one.variant[0]))
        rates = [price.rate for price in card.images] if card else []
        if card and TokenClass.OUTPUT_IMAGE in card.rates:
            rates.append(card.rates[TokenClass.OUTPUT_IMAGE])
        is_medium = any(rate.confidence is Confidence.MEDIUM for rate in rates)
        return basis.unit.usd if is_medium else Decimal(0)

    def endpoints(self, route: str) -> tuple[str, ...]:
        """Its endpoints of a route, by name.

        Raises:
            BadInput: It has none.
        """
        found = sorted({m.endpoint for m in self.measured if m.route == route})
        if not found:
            there = sorted({f"{m.endpoint} ({m.route})" for m in self.measured})
            raise BadInput(
                f"run {self.run_id} has no {route} endpoint, only {', '.join(there)}; "
                "run the suite at both, or give the price in a scenario file"
            )
        return tuple(found)

    def endpoint(self, asked: FromRun) -> str:
        """The endpoint that is asked for by name or route.

        Raises:
            BadInput: There is none, or several.
        """
        if asked.route:
            first, *more = self.endpoints(asked.route)
            if more:
                raise BadInput(
                    f"run {self.run_id} has several {asked.route} endpoints, "
                    f"{', '.join((first, *more))}; name one as endpoint"
                )
            return first
        known = sorted({m.endpoint for m in self.measured})
        if asked.endpoint not in known:
            raise BadInput(
                f"endpoint '{asked.endpoint}' is not in run {self.run_id}, "
                f"which has {', '.join(known)}"
            )
        return str(asked.endpoint)

    def variants(self, part: Part) -> tuple[Variant, ...]:
        """The variants that have what a part names.

        Raises:
            BadInput: There is none; lists those that there are.
        """
        known = tuple(dict.fromkeys(m.variant for m in self.measured))
        found = tuple(variant for variant in known if _is_meant(part, variant))
        if not found:
            raise BadInput(
                f"run {self.run_id} has no variant{_asked(part)}; "
                f"it has {_listed(known)}"
            )
        return found

    def bases(self, endpoint: str, mix: Iterable[Part]) -> tuple[Basis, ...]:
        """The unit cost of each part of a mix at an endpoint.

        Raises:
            BadInput: A part is no variant of the run, or several, or has no
                usable picture of known price.
        """
        return tuple(self._basis(endpoint, part) for part in mix)

    def books(self, bases: Iterable[Basis]) -> tuple[BookRef, ...]:
        """The rates that its plan froze for those unit costs."""
        keys = [(b.measured.endpoint, b.measured.variant[0]) for b in bases]
        cards = [self._cards[key] for key in keys if key in self._cards]
        return tuple(dict.fromkeys(_ref(card) for card in cards))

    def _basis(self, endpoint: str, part: Part) -> Basis:
        variant, *more = self.variants(part)
        if more:
            raise BadInput(
                f"run {self.run_id} has several variants{_asked(part)}: "
                f"{_listed((variant, *more))}; name model, quality, size "
                "and asked in the mix"
            )
        for one in self.measured:
            if one.variant == variant and one.endpoint == endpoint and one.unit:
                return Basis(
                    run_id=self.run_id, share=part.share, measured=one, unit=one.unit
                )
        raise BadInput(
            f"run {self.run_id} has no usable picture of known price of "
            f"{variant_text(variant)} at {endpoint}"
        )


def _counted(variant: Variant, n_images: int) -> Part:
    model, quality, size, asked = (None if v == NOT_SENT else v for v in variant)
    # A count in place of a share: shares are taken as parts of their sum.
    return Part.model_construct(
        share=Decimal(n_images), model=model, quality=quality, size=size, asked=asked
    )


def _is_meant(part: Part, variant: Variant) -> bool:
    asked = (part.model, part.quality, part.size, part.asked)
    return all(a in {None, v} for a, v in zip(asked, variant, strict=True))


def _asked(part: Part) -> str:
    named = (part.model, part.quality, part.size, part.asked)
    given = [value for value in named if value]
    return f" '{' '.join(given)}'" if given else ""


def _listed(variants: Sequence[Variant]) -> str:
    shown = ", ".join(variant_text(variant) for variant in variants[:_MOST_LISTED])
    more = len(variants) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def _ref(card: RateCard) -> BookRef:
    return BookRef(
        vendor=card.vendor,
        valid_from=card.valid_from,
        source=card.source,
        checked_on=card.checked_on,
    )

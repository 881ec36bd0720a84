"""Prices: the price floor asked for the cells of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bench.attempt import Cell
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.prompt import Prompt
from pricing.book import PriceBook, shipped_book
from pricing.charge import Charge, charge
from pricing.errors import PricingError, UnknownQuantity
from pricing.estimate import Bound, request_bound, request_estimate
from pricing.picture import charge_images
from pricing.rates import RateCard, Tier
from pricing.scheme import Scheme, parse_scheme
from pricing.usage import Usage
from pricing.variant import PictureRequest, Variant, parse_size

# The usual rule of thumb for English; an estimate, never a charge of its own.
BYTES_PER_TOKEN = 4
_NO_BATCH = "leave --batch out, or write its batch rates into a book of your own"
Counts = Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """One request at the endpoint's price and at the direct book's."""

    endpoint: Charge
    direct: Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedModel:
    """The rates of a model at an endpoint, frozen for a run.

    Attributes:
        mainline: Rates of the text model that drives the image tool, where a call
            has one.
    """

    card: RateCard
    scheme: Scheme | None
    mainline: RateCard | None = None

    def to_json(self) -> dict[str, Any]:
        """The card and the scheme as plain data."""
        scheme = None if self.scheme is None else self.scheme.to_json()
        return {"card": self.card.to_json(), "scheme": scheme}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "PricedModel":
        """Read what `to_json` wrote."""
        scheme = entry["scheme"]
        return cls(
            card=RateCard.from_json(entry["card"]),
            scheme=None if scheme is None else parse_scheme(scheme),
        )

    def charges(self, counts: Counts, cell: Cell) -> Charges:
        """Charge a request's token counts; whole pictures by their price.

        Raises:
            PricingError: The counts can't be priced.
        """
        if self.card.images:
            variant = _request(cell).variant
            direct = charge_images(
                self.card,
                variant.quality,
                variant.size,
                cell.n,
                inputs=_inputs(counts) if self.card.rates else None,
            )
        else:
            direct = charge(Usage(**counts), self.card)
        if self.scheme is None:
            return Charges(endpoint=direct, direct=direct)
        size = _request(cell).variant.size if self.scheme.needs_size else None
        return Charges(endpoint=self.scheme.apply(direct, size), direct=direct)


def priced_of(prices: Mapping[tuple[str, str], PricedModel], cell: Cell) -> PricedModel:
    """The rates of a cell's model, and of its text model where it has one.

    Args:
        prices: By endpoint and model; text models have entries of their own.
        cell: What is asked at.
    """
    priced = prices[cell.endpoint, cell.model]
    if cell.mainline_model is None:
        return priced
    return replace(priced, mainline=prices[cell.endpoint, cell.mainline_model].card)


def price_model(
    endpoint: Endpoint,
    model: str,
    day: date,
    book: PriceBook | None = None,
    tier: Tier = Tier.STANDARD,
) -> PricedModel:
    """The rates that hold for a model at an endpoint on a day, in a tier.

    Without a book those of the shipped one.

    Raises:
        BadInput: No rate is known, or the scheme can't be used.
    """
    try:
        scheme = None if endpoint.scheme is None else parse_scheme(endpoint.scheme)
        card = (book or shipped_book()).card(endpoint.vendor, model, day, tier)
    except PricingError as error:
        cure = f"; {_NO_BATCH}" if tier is Tier.BATCH else ""
        raise BadInput(
            f"endpoint {endpoint.name}: model {model}: {error}{cure}"
        ) from None
    if scheme is not None and scheme.needs_all_calls:
        raise BadInput(
            f"endpoint {endpoint.name}: a fee with purchase_usd belongs to many calls; "
            "leave purchase_usd out, and each call bears the fee's share"
        )
    return PricedModel(card=card, scheme=scheme)


def bound(priced: PricedModel, cell: Cell, prompt: Prompt, day: date) -> Bound:
    """The most that one request for a prompt at a cell can cost.

    Raises:
        BadInput: The request has no price at all.
    """
    try:
        return request_bound(
            card=priced.card,
            scheme=priced.scheme,
            request=_request(cell),
            prompt_bytes=len(prompt.text.encode()),
            as_of=day,
        )
    except PricingError as error:
        raise BadInput(
            f"endpoint {cell.endpoint}: model {cell.model}: {error}"
        ) from None


def expected_counts(
    priced: PricedModel, cell: Cell, prompt: Prompt, day: date
) -> Counts | None:
    """Token counts of one request by the published rules, None without a rule."""
    guess = -(-len(prompt.text.encode()) // BYTES_PER_TOKEN)
    if priced.card.images:
        return {"input_text_tokens": cell.n * guess} if priced.card.rates else {}
    try:
        found = request_estimate(
            card=priced.card,
            scheme=None,
            request=_request(cell),
            prompt_tokens=guess,
            as_of=day,
        )
    except UnknownQuantity:
        return None
    if found is None:
        return None
    by_class = {line.name: line.quantity for line in found.lines}
    return {
        "input_text_tokens": by_class.get("input_text", 0),
        "cached_text_tokens": 0,
        "input_image_tokens": by_class.get("input_image", 0),
        "cached_image_tokens": 0,
        "output_image_tokens": by_class.get("output_image", 0),
        "output_text_tokens": by_class.get("output_text", 0),
    }


def _inputs(counts: Counts) -> Usage:
    """What went in, where whole pictures are priced and their input beside them."""
    return Usage(**{key: n for key, n in counts.items() if "output" not in key})


def _request(cell: Cell) -> PictureRequest:
    return PictureRequest(
        variant=Variant(
            model=cell.model,
            quality=cell.text("quality") or "auto",
            size=parse_size(cell.text("size") or "auto"),
        ),
        n=cell.n,
        partial_images=cell.count("partial_images", 0),
    )

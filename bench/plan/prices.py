"""Prices: the price floor asked for the cells of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from bench.attempt import Cell
from bench.endpoint import Endpoint, Route
from bench.errors import BadInput
from bench.plan.mainline import author_bound, mainline_bound
from bench.plan.wanted import picture_request, variant_asked
from bench.prompt import Prompt
from pricing.book import PriceBook, shipped_book
from pricing.charge import Charge, charge, charge_mainline
from pricing.errors import OutsideLife, PricingError, UnknownModel, UnknownQuantity
from pricing.estimate import Bound, request_bound, request_estimate
from pricing.picture import charge_images
from pricing.rates import RateCard, Tier
from pricing.scheme import Scheme, parse_scheme
from pricing.usage import MainlineUsage, Usage

# The usual rule of thumb for English; an estimate, never a charge of its own.
BYTES_PER_TOKEN = 4
_NO_BATCH = "leave --batch out, or write its batch rates into a book of your own"
_NO_MODEL = (
    "`pixelmeter prices` lists those that it knows; a book of your own adds more"
)
Counts = Mapping[str, int | None]
MAINLINE_COUNTS = (
    "mainline_input_tokens",
    "mainline_cached_tokens",
    "mainline_cache_write_tokens",
    "mainline_output_tokens",
)
# What the author of an SVG used; its reasoning is part of its output.
AUTHOR_COUNTS = ("svg_input_tokens", "svg_output_tokens", "svg_reasoning_tokens")
_AUTHOR = "name a text model that its book prices, such as svg_model: gpt-5-mini"


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
        author: Those of the text model that writes an SVG.
    """

    card: RateCard
    scheme: Scheme | None
    mainline: RateCard | None = None
    author: RateCard | None = None

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

    def charges(self, counts: Counts, cell: Cell, made: int | None = None) -> Charges:
        """Charge token counts; by whole pictures those made, else those asked for.

        Raises:
            PricingError: The counts can't be priced.
        """
        variant = variant_asked(cell)
        if self.card.images:
            direct = charge_images(
                self.card,
                variant.quality,
                variant.size,
                cell.n if made is None else made,
                inputs=_inputs(counts) if self.card.rates else None,
            )
        else:
            direct = charge(Usage(**_of_pictures(counts)), self.card)
        if self.mainline is not None:
            direct = direct.plus(charge_mainline(_of_mainline(counts), self.mainline))
        if self.author is not None:
            direct = direct.plus(charge_mainline(_of_author(counts), self.author))
        if self.scheme is None:
            return Charges(endpoint=direct, direct=direct)
        size = variant.size if self.scheme.needs_size else None
        return Charges(endpoint=self.scheme.apply(direct, size), direct=direct)


def priced_of(prices: Mapping[tuple[str, str], PricedModel], cell: Cell) -> PricedModel:
    """The rates of a cell's model, and of its text models where it has any.

    Args:
        prices: By endpoint and model; text models have entries of their own.
        cell: What is asked at.
    """
    cards = {key: prices[cell.endpoint, model].card for key, model in cell.models}
    return replace(
        prices[cell.endpoint, cell.model],
        mainline=cards.get("mainline_model"),
        author=cards.get("svg_model"),
    )


def price_model(
    endpoint: Endpoint,
    model: str,
    day: date,
    book: PriceBook | None = None,
    tier: str = Tier.STANDARD,
    key: str = "model",
) -> PricedModel:
    """The rates that hold for a model at an endpoint on a day, in a tier.

    Without a book those of the shipped one; `key` is what names the model. A gateway
    may sell a model that its maker has shut down: at what its last day's price comes
    to there.

    Raises:
        BadInput: No rate is known, or the scheme can't be used.
    """
    try:
        scheme = None if endpoint.scheme is None else parse_scheme(endpoint.scheme)
        card = _card(endpoint, model, day, book or shipped_book(), tier)
    except PricingError as error:
        cure = f"; {_NO_BATCH}" if tier is Tier.BATCH else ""
        if isinstance(error, UnknownModel):
            cure = f"; {_NO_MODEL}"
        if key == "svg_model":
            cure = f"; {_AUTHOR}"
        raise BadInput(
            f"endpoint {endpoint.name}: {key} {model}: {error}{cure}"
        ) from None
    if scheme is not None and scheme.needs_all_calls:
        raise BadInput(
            f"endpoint {endpoint.name}: a fee with purchase_usd belongs to many calls; "
            "leave purchase_usd out, and each call bears the fee's share"
        )
    return PricedModel(card=card, scheme=scheme)


def _card(
    endpoint: Endpoint, model: str, day: date, book: PriceBook, tier: str
) -> RateCard:
    try:
        return book.card(endpoint.vendor, model, day, tier)
    except OutsideLife:
        retired = book.model(endpoint.vendor, model).retired
        if endpoint.route is not Route.GATEWAY or retired is None or day < retired:
            raise
        return book.card(endpoint.vendor, model, retired - timedelta(days=1), tier)


def bound(
    priced: PricedModel,
    cell: Cell,
    prompt: Prompt,
    day: date,
    before: Sequence[Prompt] = (),
) -> Bound:
    """The most that one request for a prompt at a cell can cost.

    Args:
        priced: The rates of the cell.
        cell: Where it is asked.
        prompt: What is asked.
        day: On which.
        before: The turns of its conversation that went before.

    Raises:
        BadInput: The request has no price at all.
    """
    if cell.parameter("output_format") == "svg" and priced.author is None:
        raise BadInput(
            f"endpoint {cell.endpoint}: output_format: an SVG is written by a text "
            "model, and nothing binds what one costs that is not named; name it, such "
            "as svg_model: gpt-5-mini"
        )
    try:
        # The text model writes the tool's prompt anew.
        n_bytes = len(prompt.text.encode())
        if priced.mainline is not None:
            n_bytes += cell.max_output_tokens
        return request_bound(
            card=priced.card,
            scheme=priced.scheme,
            request=picture_request(cell, prompt, before),
            prompt_bytes=n_bytes,
            as_of=day,
            beside=_beside(priced, cell, (*before, prompt)),
        )
    except PricingError as error:
        raise BadInput(
            f"endpoint {cell.endpoint}: model {cell.model}: {error}"
        ) from None


def _beside(
    priced: PricedModel, cell: Cell, turns: Sequence[Prompt]
) -> tuple[Charge, tuple[str, ...]] | None:
    """What the text models of a request can cost at most, and why; None without any."""
    found: list[tuple[Charge, tuple[str, ...]]] = []
    if priced.mainline is not None:
        found.append(mainline_bound(priced.mainline, cell, turns))
    if priced.author is not None:
        found.append(author_bound(priced.author))
    if not found:
        return None
    (most, reasons), *others = found
    for more, why in others:
        most, reasons = most.plus(more), (*reasons, *why)
    return most, reasons


def expected_counts(
    priced: PricedModel,
    cell: Cell,
    prompt: Prompt,
    day: date,
    before: Sequence[Prompt] = (),
) -> Counts | None:
    """Token counts of one request by the published rules, None without a rule.

    Those of text models are None: nobody publishes a rule.
    """
    counts = _expected_of_pictures(priced, cell, prompt, day, before)
    if counts is None:
        return None
    mainline = MAINLINE_COUNTS if priced.mainline is not None else ()
    author = AUTHOR_COUNTS if priced.author is not None else ()
    return {**counts, **dict.fromkeys((*mainline, *author))}


def _expected_of_pictures(
    priced: PricedModel, cell: Cell, prompt: Prompt, day: date, before: Sequence[Prompt]
) -> Counts | None:
    guess = -(-len(prompt.text.encode()) // BYTES_PER_TOKEN)
    if priced.card.images:
        return {"input_text_tokens": cell.n * guess} if priced.card.rates else {}
    try:
        found = request_estimate(
            card=priced.card,
            scheme=None,
            request=picture_request(cell, prompt, before),
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
    pictures = _of_pictures(counts)
    return Usage(**{key: n for key, n in pictures.items() if "output" not in key})


def _of_pictures(counts: Counts) -> Counts:
    others = (*MAINLINE_COUNTS, *AUTHOR_COUNTS)
    return {key: n for key, n in counts.items() if key not in others}


def _of_mainline(counts: Counts) -> MainlineUsage:
    return MainlineUsage(
        **{name.removeprefix("mainline_"): counts.get(name) for name in MAINLINE_COUNTS}
    )


def _of_author(counts: Counts) -> MainlineUsage:
    """An answer tells no cached part of what the author of an SVG read."""
    return MainlineUsage(
        input_tokens=counts.get("svg_input_tokens"),
        output_tokens=counts.get("svg_output_tokens"),
    )

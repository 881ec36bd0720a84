"""Estimate: what a request should cost, and the most that it can cost."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from pricing.book import shipped_book
from pricing.charge import Charge, charge
from pricing.errors import BadQuantity, UnknownQuantity
from pricing.picture import charge_dearest, charge_images
from pricing.rates import RateCard, TokenClass
from pricing.scheme import Scheme
from pricing.tokens import ModelRules
from pricing.usage import Usage
from pricing.variant import PictureRequest

# What a model may add to a prompt, as the rules of OpenAI's models assume it.
_TEXT_OVERHEAD_TOKENS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Upper limit of one request's charge.

    Attributes:
        usd: no answer to the request should cost more.
        bounded: whether a quantity had to be bound because no rule gives it.
        reasons: one sentence for each such quantity.
    """

    usd: Decimal
    bounded: bool
    reasons: tuple[str, ...]


def estimate(
    card: RateCard,
    rules: ModelRules,
    request: PictureRequest,
    known: Usage,
    as_of: date,
) -> Charge:
    """The direct charge of a request before it is sent, by published rules only.

    ``known`` holds the input totals that the caller knows; an input class that is
    known from nowhere counts 0 and is flagged. Where no rule gives a quantity,
    UnknownQuantity names it.
    """
    variant = request.variant
    one = rules.output_tokens(variant.quality, variant.size)
    if request.frames > 1:
        raise UnknownQuantity("output_image_tokens", _moving(rules))
    pictures = known.input_image_tokens
    if pictures is None and request.unseen_images:
        raise UnknownQuantity("input_image_tokens", _unseen(rules))
    if pictures is None and request.input_images:
        pictures = request.n * rules.picture_tokens(request.input_images, as_of)
    return charge(_planned(request, rules, known, one, pictures), card)


def estimate_bound(
    card: RateCard,
    rules: ModelRules,
    request: PictureRequest,
    known: Usage,
    as_of: date,
) -> Charge:
    """The most that ``estimate`` can turn out as; ``auto`` is the dearest."""
    variant = request.variant
    one = rules.output_tokens_bound(variant.quality, variant.size)
    pictures = known.input_image_tokens
    if pictures is None and request.has_inputs:
        seen = rules.picture_tokens_bound(request.input_images, as_of)
        unseen = request.unseen_images * rules.bounds.picture_tokens
        pictures = request.n * (seen + unseen)
    usage = _planned(request, rules, known, one, pictures)
    if TokenClass.OUTPUT_TEXT in card.rates:
        text = request.n * rules.bounds.output_text_tokens
        usage = replace(usage, output_text_tokens=text)
    return charge(usage, card)


def request_estimate(
    *,
    card: RateCard,
    scheme: Scheme | None,
    request: PictureRequest,
    prompt_tokens: int,
    as_of: date | None = None,
) -> Charge | None:
    """The best estimate of one request; None where no published rule gives it.

    ``prompt_tokens`` is the caller's guess for one picture; input is counted n times.
    """
    day = as_of or datetime.now(UTC).date()
    variant = request.variant
    try:
        if card.images:
            inputs = Usage(
                input_text_tokens=request.n * prompt_tokens, cached_text_tokens=0
            )
            found = charge_images(
                card,
                variant.quality,
                variant.size,
                request.n,
                inputs if card.rates else None,
            )
        else:
            known = Usage(
                input_text_tokens=request.n * prompt_tokens,
                input_image_tokens=None if request.has_inputs else 0,
            )
            found = estimate(card, _rules(card), request, known, day)
        return scheme.apply(found, variant.size) if scheme else found
    except UnknownQuantity:
        return None


def request_bound(
    *,
    card: RateCard,
    scheme: Scheme | None,
    request: PictureRequest,
    prompt_bytes: int,
    as_of: date | None = None,
    beside: tuple[Charge, tuple[str, ...]] | None = None,
) -> Bound:
    """The most that one request can cost, for a budget's reservation.

    Prompt text is bound by its UTF-8 bytes (a token is at least one byte) and the few
    tokens that a model may add, n times. What the same call is charged for ``beside``
    its pictures enters before the scheme. Raises UnknownPrice or BadVariant where the
    request has no price at all.
    """
    day = as_of or datetime.now(UTC).date()
    if card.images:
        most, reasons = _image_bound(card, request, prompt_bytes)
    else:
        found = _rules(card)
        most = _token_bound(card, found, request, prompt_bytes, day)
        reasons = _reasons(card, found, request, day)
    if beside is not None:
        most, reasons = most.plus(beside[0]), (*reasons, *beside[1])
    after = scheme.apply(most, request.variant.size) if scheme else most
    return Bound(usd=after.usd, bounded=bool(reasons), reasons=reasons)


def _token_bound(
    card: RateCard,
    rules: ModelRules,
    request: PictureRequest,
    prompt_bytes: int,
    day: date,
) -> Charge:
    """The most that a request billed by tokens can cost directly."""
    known = Usage(
        input_text_tokens=request.n
        * (prompt_bytes + rules.bounds.text_overhead_tokens),
        cached_text_tokens=0,
        input_image_tokens=None if request.has_inputs else 0,
    )
    return estimate_bound(card, rules, request, known, day)


def _rules(card: RateCard) -> ModelRules:
    """The shipped token rules of a card's model."""
    return shipped_book().rules(card.model)


def _planned(
    request: PictureRequest,
    rules: ModelRules,
    known: Usage,
    output_tokens: int,
    input_image_tokens: int | None,
) -> Usage:
    """The usage of a whole request from that of one picture."""
    if known.output_image_tokens is not None or known.output_text_tokens is not None:
        raise BadQuantity(
            "an estimate computes the output itself; "
            "with output tokens at hand ask in mode usage"
        )
    partials = request.partial_images * rules.partial_tokens
    return replace(
        known,
        input_image_tokens=input_image_tokens,
        output_image_tokens=request.n * (request.frames * output_tokens + partials),
    )


def _reasons(
    card: RateCard, rules: ModelRules, request: PictureRequest, as_of: date
) -> tuple[str, ...]:
    """Why a bound is no exact figure: one sentence for each unknown quantity."""
    reasons: list[str] = []
    variant = request.variant
    try:
        rules.output_tokens(variant.quality, variant.size)
    except UnknownQuantity as error:
        basis = f" ({rules.output_source})" if rules.output_assumed else ""
        reasons.append(f"{error}{basis}")
    try:
        rules.picture_tokens(request.input_images, as_of)
    except UnknownQuantity as error:
        reasons.append(f"{error} ({rules.bounds.source})")
    if request.frames > 1:
        reasons.append(_moving(rules))
    if request.unseen_images:
        reasons.append(f"{_unseen(rules)} ({rules.bounds.source})")
    if TokenClass.OUTPUT_TEXT in card.rates and rules.bounds.output_text_tokens:
        reasons.append(
            f"output_text_tokens of {rules.model} vary from answer to answer "
            f"({rules.bounds.source})"
        )
    return tuple(reasons)


def _moving(rules: ModelRules) -> str:
    """Why a picture of several frames has no known tokens."""
    return (
        f"output_image_tokens of {rules.model} are not published for a GIF; each frame "
        "is taken for a picture of its own (assumed)"
    )


def _unseen(rules: ModelRules) -> str:
    """Why pictures of no known size have no known tokens."""
    return (
        f"input_image_tokens of {rules.model} are unknown for a mask, for a picture of "
        "an earlier turn and for one whose size nobody tells"
    )


def _image_bound(
    card: RateCard, request: PictureRequest, prompt_bytes: int
) -> tuple[Charge, tuple[str, ...]]:
    """The dearest price of whole pictures that the request can turn out as."""
    variant = request.variant
    quality, size = variant.quality, variant.size
    inputs, reasons = _image_inputs(card, request, prompt_bytes)
    try:
        found = charge_images(card, quality, size, request.n, inputs)
    except UnknownQuantity as error:
        reasons = (str(error), *reasons)
        found = charge_dearest(card, quality, size, request.n, inputs)
    return found, reasons


def _image_inputs(
    card: RateCard, request: PictureRequest, prompt_bytes: int
) -> tuple[Usage | None, tuple[str, ...]]:
    """What binds the input of a card that prices it beside the pictures."""
    if not card.rates:
        return None, ()
    if request.has_inputs:
        raise UnknownQuantity(
            "input_image_tokens",
            f"nothing binds the tokens that an input picture of {card.model} takes",
        )
    most = Usage(
        input_text_tokens=request.n * (prompt_bytes + _TEXT_OVERHEAD_TOKENS),
        cached_text_tokens=0,
    )
    return most, (f"the prompt of {card.model} is bound by its bytes",)

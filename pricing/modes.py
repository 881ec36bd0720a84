"""Modes: the direct charge of a question's one call, by its mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from pricing.asked import AskedPart, Question
from pricing.book import PriceBook
from pricing.charge import (
    Charge,
    charge,
    charge_mainline,
)
from pricing.errors import (
    BadAmount,
    BadQuantity,
    PricingError,
    UnknownModel,
    UnknownPrice,
    UnknownQuantity,
)
from pricing.estimate import estimate, estimate_bound
from pricing.money import usd
from pricing.picture import charge_dearest, charge_flat, charge_images
from pricing.rates import ANY_MODEL, RateCard, Tier
from pricing.scheme import Scheme
from pricing.usage import MainlineUsage, Usage, check_quantity
from pricing.variant import AUTO, InputImage, PictureRequest, Variant, parse_size

TOOL_USAGE_UNKNOWN = "tool_usage_unknown"
RESPONSES = "responses"
_TIERS = frozenset(Tier)
_OF_ESTIMATE = ("n", "partial_images", "input_images")
_OF_RESPONSES = ("mainline", "tool_usage_image_gen", "svg_usage")
# A quantity that belongs to another mode would silently not be priced.
_FOREIGN = {
    "usage": ("images", "flat_price", *_OF_RESPONSES),
    "estimate": ("images", "flat_price", *_OF_RESPONSES),
    "per_image": ("usage", "flat_price", *_OF_ESTIMATE, *_OF_RESPONSES),
    "flat": ("usage", *_OF_ESTIMATE, *_OF_RESPONSES),
    RESPONSES: ("usage", "images", "flat_price", *_OF_ESTIMATE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a question is answered by: books, day and the gateway's scheme."""

    book: PriceBook
    as_of: date
    scheme: Scheme | None

    def card(self, asked: Question, model: str | None) -> RateCard:
        """The rates that the question asks for."""
        if model is None and not self._prices_any_model(asked.provider):
            raise UnknownModel("model is missing: name the image model")
        name = model or ANY_MODEL
        return self.book.card(asked.provider, name, self.as_of, asked.tier)

    def _prices_any_model(self, provider: str) -> bool:
        """Whether a vendor's list holds for every model (or no such vendor is)."""
        if provider not in self.book.vendors:
            return True
        models = self.book.models
        return any(one.vendor == provider and one.name == ANY_MODEL for one in models)


def one_call(asked: Question, setting: Setting) -> Charge:
    """The direct charge of one call, before scheme and repetition."""
    kind = _kind(asked)
    for key in _FOREIGN[kind]:
        if key in asked.given and not _prices_input(asked, setting, kind, key):
            raise BadQuantity(f"'{key}' doesn't belong in a question of mode {kind}")
    return _CHARGES[kind](asked, setting)


def _prices_input(asked: Question, setting: Setting, kind: str, key: str) -> bool:
    """Whether a whole picture's book also prices the tokens that go in."""
    if (kind, key) != ("per_image", "usage"):
        return False
    try:
        card = setting.card(asked, asked.model)
    except PricingError:
        return True  # why there is no such card is told instead
    return bool(card.images and card.rates)


def n_calls(asked: Question) -> int:
    """How many equal calls the question is about."""
    counts = {"requests": asked.requests}
    if asked.mode in {"per_image", "flat"}:
        counts["images"] = asked.images
    calls = 1
    for name, count in counts.items():
        check_quantity(name, count)
        if count < 1:
            raise BadQuantity(f"{name} must be at least 1")
        calls *= count
    return calls


def dearest_call(asked: Question, setting: Setting) -> Charge:
    """The most that one call of a question with unknown quantities can cost."""
    if asked.mode == "usage" and "n" not in asked.given:
        raise UnknownQuantity("n", "without n nobody knows how many pictures it was")
    card = setting.card(asked, asked.model)
    request = _request(asked)
    if card.images:
        variant, inputs = request.variant, _inputs(asked)
        return charge_dearest(card, variant.quality, variant.size, inputs=inputs)
    known = replace(
        _usage(asked.usage), output_image_tokens=None, output_text_tokens=None
    )
    rules = setting.book.rules(card.model)
    return estimate_bound(card, rules, request, known, setting.as_of)


def possible_pictures(
    asked: Question, setting: Setting
) -> tuple[tuple[str, str | None], ...]:
    """Quality and size that ``auto`` quality may turn out as.

    Empty where the quality is no open question; the size is open only in an estimate.
    """
    if _kind(asked) not in {"estimate", "per_image"} or asked.quality not in {
        None,
        AUTO,
    }:
        return ()
    card = setting.card(asked, asked.model)
    if card.images:
        qualities = dict.fromkeys(price.quality for price in card.images)
        return tuple((quality, asked.size) for quality in qualities)
    output = setting.book.rules(card.model).output
    is_open = parse_size(asked.size or AUTO) is None
    sizes = [str(size) for size in output.sizes()] if is_open else [asked.size]
    return tuple(product(output.qualities, sizes))


def _kind(asked: Question) -> str:
    """The mode, or ``responses`` for the usage of a Responses call."""
    if asked.mode not in {"usage", "estimate", "per_image", "flat"}:
        raise UnknownPrice(
            f"mode '{asked.mode[:40]}' is none of usage, estimate, per_image, flat"
        )
    if asked.api not in {"images", RESPONSES}:
        raise UnknownPrice(f"api '{asked.api[:40]}' is neither images nor responses")
    if asked.tier not in _TIERS:
        raise UnknownPrice(f"tier '{asked.tier[:40]}' is neither standard nor batch")
    if asked.api == "images" or asked.mode == "flat":
        return asked.mode
    if asked.mode != "usage":
        raise UnknownPrice(f"a Responses call has no price in mode {asked.mode}")
    return RESPONSES


def _by_usage(asked: Question, setting: Setting) -> Charge:
    """Mode usage: the tokens that an answer reported."""
    card = setting.card(asked, asked.model)
    if asked.usage is None:
        raise UnknownQuantity(
            "usage", "usage is missing; without an answer's usage ask in mode estimate"
        )
    return charge(_usage(asked.usage), card)


def _by_estimate(asked: Question, setting: Setting) -> Charge:
    """Mode estimate: what the published rules say."""
    card = setting.card(asked, asked.model)
    if card.images:
        raise UnknownPrice(
            f"{asked.provider} prices {card.title} by whole images: "
            "ask in mode per_image"
        )
    known = _usage(asked.usage)
    if known.input_image_tokens is None and asked.input_images == ():
        known = replace(known, input_image_tokens=0)
    rules = setting.book.rules(card.model)
    return estimate(card, rules, _request(asked), known, setting.as_of)


def _by_image(asked: Question, setting: Setting) -> Charge:
    """Mode per_image: one whole picture."""
    card = setting.card(asked, asked.model)
    quality = asked.quality or AUTO
    if asked.quality is None and len({price.quality for price in card.images}) == 1:
        quality = card.images[0].quality
    size = parse_size(asked.size or AUTO)
    return charge_images(card, quality, size, inputs=_inputs(asked))


def _inputs(asked: Question) -> Usage | None:
    """The input tokens of one call; what it gives back is a whole picture."""
    known = _usage(asked.usage) if asked.usage else None
    if known and (known.output_image_tokens or known.output_text_tokens):
        raise BadQuantity("output tokens don't belong in a question of mode per_image")
    return known


def _by_flat_price(asked: Question, _setting: Setting) -> Charge:
    """Mode flat: one picture at a price from no book."""
    if asked.flat_price is None:
        raise BadQuantity("flat_price is missing")
    try:
        return charge_flat(usd(asked.flat_price))
    except BadAmount as error:
        raise BadQuantity(f"flat_price: {error}") from error


def _by_responses(asked: Question, setting: Setting) -> Charge:
    """A Responses call: mainline model, image tool and SVG author, as reported."""
    found = _text_model(asked.mainline, "mainline", asked, setting)
    tool = asked.tool_usage
    if tool is None or tool.usage is None:
        found = found.flagged(TOOL_USAGE_UNKNOWN)
    else:
        card = _tool_card(tool, asked, setting)
        found = found.plus(charge(_usage(tool.usage), card))
    if asked.svg_usage is None:
        return found
    return found.plus(_text_model(asked.svg_usage, "svg_usage", asked, setting))


def _text_model(
    part: AskedPart | None, name: str, asked: Question, setting: Setting
) -> Charge:
    """What a text model of the call used, at that model's rates."""
    if part is None or part.model is None or part.usage is None:
        raise UnknownQuantity(name, f"{name} needs model and usage")
    card = setting.card(asked, part.model)
    return charge_mainline(_mainline_usage(part.usage), card)


def _tool_card(tool: AskedPart, asked: Question, setting: Setting) -> RateCard:
    """The rates of the image tool's model."""
    if tool.model is None:
        raise UnknownModel(
            "tool_usage_image_gen.model is missing: name the image model"
        )
    return setting.card(asked, tool.model)


_CHARGES: Mapping[str, Callable[[Question, Setting], Charge]] = {
    "usage": _by_usage,
    "estimate": _by_estimate,
    "per_image": _by_image,
    "flat": _by_flat_price,
    RESPONSES: _by_responses,
}


def _request(asked: Question) -> PictureRequest:
    """The request that the question describes."""
    return PictureRequest(
        variant=Variant(
            model=asked.model or ANY_MODEL,
            quality=asked.quality or AUTO,
            size=parse_size(asked.size or AUTO),
        ),
        n=asked.n,
        partial_images=asked.partial_images,
        input_images=tuple(
            InputImage(
                width_px=image.width,
                height_px=image.height,
                fidelity=image.fidelity or "low",
            )
            for image in asked.input_images or ()
        ),
    )


def _usage(tokens: Mapping[str, int | None] | None) -> Usage:
    """Reported tokens as a value; what is not given is unknown."""
    return Usage(**tokens) if tokens else Usage()


def _mainline_usage(tokens: Mapping[str, int | None]) -> MainlineUsage:
    """Reported tokens of the text model."""
    return MainlineUsage(**tokens)

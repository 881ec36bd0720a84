"""Rates: what a model's tokens and pictures cost over a period."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pricing.errors import BadForm, UnknownPrice
from pricing.form import Form
from pricing.money import usd, usd_text
from pricing.variant import Size

# The name under which a list of prices holds for every model.
ANY_MODEL = "*"
_RATE_KEYS = ("usd", "per", "source", "checked_on", "confidence", "unusual")


class TokenClass(StrEnum):
    """What a line of a charge counts."""

    INPUT_TEXT = "input_text"
    CACHED_TEXT = "cached_text"
    INPUT_IMAGE = "input_image"
    CACHED_IMAGE = "cached_image"
    OUTPUT_IMAGE = "output_image"
    OUTPUT_TEXT = "output_text"
    MAINLINE_INPUT = "mainline_input"
    MAINLINE_CACHED = "mainline_cached"
    MAINLINE_CACHE_WRITE = "mainline_cache_write"
    MAINLINE_OUTPUT = "mainline_output"


class Tier(StrEnum):
    """How the request is served, where that changes the price."""

    STANDARD = "standard"
    BATCH = "batch"


class Confidence(StrEnum):
    """How sure a rate is; low confidence is not shipped."""

    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Dollars for ``per`` units, with the page and day that say so.

    ``unusual`` marks an amount that is meant though no other book has one like it.
    """

    usd: Decimal
    per: int
    source: str
    checked_on: date
    confidence: Confidence
    unusual: bool = False

    def to_json(self) -> dict[str, object]:
        """Plain texts and whole numbers."""
        found: dict[str, object] = {
            "usd": usd_text(self.usd),
            "per": self.per,
            "source": self.source,
            "checked_on": self.checked_on.isoformat(),
            "confidence": str(self.confidence),
        }
        return found | {"unusual": True} if self.unusual else found

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what ``to_json`` wrote."""
        form = Form(value, "rate", _RATE_KEYS)
        return cls(
            usd=usd(form.need(form.text, "usd")),
            per=form.need(form.whole, "per"),
            source=form.need(form.text, "source"),
            checked_on=form.need(form.day, "checked_on"),
            confidence=form.one_of("confidence", Confidence),
            unusual=form.raw("unusual") is True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrice:
    """Price of a whole picture of a quality; size None is any size.

    With ``per_px`` the rate is for each so many pixels, rounded up to whole ones.
    """

    quality: str
    size: Size | None
    rate: Rate
    per_px: int | None = None

    def to_json(self) -> dict[str, object]:
        """Plain texts, whole numbers and mappings."""
        found: dict[str, object] = {
            "quality": self.quality,
            "size": self.size and str(self.size),
            "rate": self.rate.to_json(),
        }
        return found if self.per_px is None else found | {"per_px": self.per_px}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what ``to_json`` wrote."""
        form = Form(value, "image price", ("quality", "size", "rate", "per_px"))
        size = form.text("size")
        return cls(
            quality=form.need(form.text, "quality"),
            size=Size.parse(size) if size else None,
            rate=Rate.from_json(form.raw("rate")),
            per_px=form.whole("per_px"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRef:
    """Which rates a charge was computed with."""

    vendor: str
    valid_from: date
    source: str
    checked_on: date

    def to_json(self) -> dict[str, str]:
        """Plain texts."""
        return {
            "vendor": self.vendor,
            "valid_from": self.valid_from.isoformat(),
            "source": self.source,
            "checked_on": self.checked_on.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """A model's rates at a vendor and tier, over a period.

    Attributes:
        valid_from: first billable day.
        valid_until: first day that is not billable any more; None is open.
        rates: rate by token class; a class that is absent has no known rate.
        images: prices of whole pictures, for models that are not billed by token;
            ``rates`` beside them are for the input alone.
        long_above_tokens: above so many input tokens ``long_rates`` hold instead.
        round_up_usd: a call's charge is rounded up to whole steps of this amount.
        own: from a book of the user's own, which wins over the shipped ones.
    """

    vendor: str
    model: str
    tier: Tier
    valid_from: date
    valid_until: date | None
    source: str
    checked_on: date
    rates: Mapping[TokenClass, Rate]
    images: tuple[ImagePrice, ...] = ()
    long_above_tokens: int | None = None
    long_rates: Mapping[TokenClass, Rate] = field(
        default_factory=dict["TokenClass", "Rate"]
    )
    round_up_usd: Decimal | None = None
    own: bool = False

    def rate(self, token_class: TokenClass, input_tokens: int = 0) -> Rate:
        """The rate of a class for a request of so many input tokens."""
        is_long = (
            self.long_above_tokens is not None and input_tokens > self.long_above_tokens
        )
        found = (self.long_rates if is_long else self.rates).get(token_class)
        if found is None:
            span = f" above {self.long_above_tokens} input tokens" if is_long else ""
            raise UnknownPrice(
                f"the {self.vendor} book has no {self.tier} rate for {token_class} "
                f"tokens of {self.title}{span} from {self.valid_from}"
            )
        return found

    @property
    def title(self) -> str:
        """The model as sentences name it."""
        return "any model" if self.model == ANY_MODEL else self.model

    @property
    def ref(self) -> BookRef:
        """The card's name in an answer."""
        return BookRef(
            vendor=self.vendor,
            valid_from=self.valid_from,
            source=self.source,
            checked_on=self.checked_on,
        )

    def holds_on(self, day: date) -> bool:
        """Whether the card's rates are in force on a day."""
        return self.valid_from <= day and (
            self.valid_until is None or day < self.valid_until
        )

    def to_json(self) -> dict[str, object]:
        """Plain texts, whole numbers, lists and mappings, for a frozen plan."""
        found: dict[str, object] = {
            "vendor": self.vendor,
            "model": self.model,
            "tier": str(self.tier),
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until and self.valid_until.isoformat(),
            "source": self.source,
            "checked_on": self.checked_on.isoformat(),
            "rates": _rates_to_json(self.rates),
            "images": [price.to_json() for price in self.images],
            "long_above_tokens": self.long_above_tokens,
            "long_rates": _rates_to_json(self.long_rates),
        }
        # What a card lacks it leaves out: older plans stay the same to the byte.
        if self.round_up_usd is not None:
            found["round_up_usd"] = usd_text(self.round_up_usd)
        return found | {"own": True} if self.own else found

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what ``to_json`` wrote; anything else raises BadForm."""
        form = Form(value, "rate card", cls.__dataclass_fields__)
        return cls(
            vendor=form.need(form.text, "vendor"),
            model=form.need(form.text, "model"),
            tier=form.one_of("tier", Tier),
            valid_from=form.need(form.day, "valid_from"),
            valid_until=form.day("valid_until"),
            source=form.need(form.text, "source"),
            checked_on=form.need(form.day, "checked_on"),
            rates=_rates_from_json(form.table("rates")),
            images=tuple(ImagePrice.from_json(one) for one in form.items("images")),
            long_above_tokens=form.whole("long_above_tokens"),
            long_rates=_rates_from_json(form.table("long_rates")),
            round_up_usd=form.amount("round_up_usd"),
            own=form.raw("own") is True,
        )


def token_class(name: str) -> TokenClass:
    """The class of that name; BadForm names those there are."""
    if name not in set(TokenClass):
        known = ", ".join(TokenClass)
        raise BadForm(f"rates: '{name[:40]}' is no token class; there are {known}")
    return TokenClass(name)


def _rates_to_json(rates: Mapping[TokenClass, Rate]) -> dict[str, object]:
    """Rates by the text of their class."""
    return {str(name): rate.to_json() for name, rate in rates.items()}


def _rates_from_json(table: Mapping[str, object]) -> dict[TokenClass, Rate]:
    """Rates by class."""
    return {token_class(name): Rate.from_json(item) for name, item in table.items()}

"""Book file: one TOML file of rates or token rules, read and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing.errors import BadBook, PricingError
from pricing.form import Form
from pricing.rates import (
    Confidence,
    ImagePrice,
    Rate,
    RateCard,
    Tier,
    TokenClass,
    token_class,
)
from pricing.rulesfile import read_rules
from pricing.tokens import ModelRules
from pricing.variant import Size

TOKENS_PER_RATE = 1_000_000
_PROVENANCE = ("source", "checked_on", "confidence")
_PERIOD = ("valid_from", "valid_until")
_PRICES = ("rates", "images", "long_above_tokens", "long_rates")
_FILE_KEYS = (
    *(*_PROVENANCE, "vendor", "kind"),
    *("sources", "aliases", "model", "sizes", "rules"),
)
_MODEL_KEYS = (*_PROVENANCE, "name", "kind", "released", "retired", "card")
_CARD_KEYS = (*_PROVENANCE, *_PERIOD, *_PRICES, "tier")
_RATE_KEYS = (*_PROVENANCE, "usd", "exact_half")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLife:
    """A model at a vendor: first billable day, and first day that no longer is."""

    vendor: str
    name: str
    kind: str
    released: date
    retired: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFile:
    """What one file holds."""

    models: tuple[ModelLife, ...]
    cards: tuple[RateCard, ...]
    aliases: Mapping[tuple[str, str], str]
    rules: tuple[ModelRules, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provenance:
    """Where a rate is from; what is not given is inherited from what is around it."""

    sources: Mapping[str, object]
    source: str | None
    checked_on: date | None
    confidence: str | None

    def within(self, form: Form) -> "_Provenance":
        """The provenance inside a model, a card or a rate."""
        source = form.text("source") or self.source
        if source is not None and source not in self.sources:
            raise BadBook(f"{form.where}: source '{source}' is not in [sources]")
        return _Provenance(
            sources=self.sources,
            source=source,
            checked_on=form.day("checked_on") or self.checked_on,
            confidence=form.text("confidence") or self.confidence,
        )

    def rate(self, amount: Decimal, per: int, where: str) -> Rate:
        """A rate of this provenance, refused where a part of it is missing."""
        if not self.source or not self.checked_on or not self.confidence:
            raise BadBook(f"{where}: needs source, checked_on and confidence")
        if self.confidence not in set(Confidence):
            raise BadBook(
                f"{where}: confidence '{self.confidence}' is not shipped; "
                "it must be high or medium"
            )
        return Rate(
            usd=amount,
            per=per,
            source=str(self.sources[self.source]),
            checked_on=self.checked_on,
            confidence=Confidence(self.confidence),
        )


def read_book_file(name: str, text: str) -> BookFile:
    """Read and check one file; BadBook names the file and the fault."""
    try:
        return _read(Form(tomllib.loads(text, parse_float=Decimal), name, _FILE_KEYS))
    except tomllib.TOMLDecodeError as error:
        raise BadBook(f"{name}: not TOML: {error}") from error
    except PricingError as error:
        raise BadBook(f"{name}: {error}") from error


def _read(form: Form) -> BookFile:
    """The file's models, cards, aliases and rules."""
    around = _Provenance(
        sources=form.table("sources"),
        source=form.text("source"),
        checked_on=form.need(form.day, "checked_on"),
        confidence=form.text("confidence"),
    )
    vendor = form.text("vendor")
    models: list[ModelLife] = []
    cards: list[RateCard] = []
    for item in form.items("model"):
        model, of_model = _read_model(form, item, around)
        models.append(model)
        cards.extend(of_model)
    return BookFile(
        models=tuple(models),
        cards=tuple(cards),
        aliases={
            (str(vendor), alias): str(name)
            for alias, name in form.table("aliases").items()
        },
        rules=read_rules(form),
    )


def _read_model(
    file: Form, item: object, around: _Provenance
) -> tuple[ModelLife, list[RateCard]]:
    """One model and its cards."""
    form = Form(item, "model", _MODEL_KEYS)
    form.where = f"model '{form.need(form.text, 'name')}'"
    model = ModelLife(
        vendor=file.need(file.text, "vendor"),
        name=form.need(form.text, "name"),
        kind=form.text("kind") or file.need(file.text, "kind"),
        released=form.need(form.day, "released"),
        retired=form.day("retired"),
    )
    inside = around.within(form)
    return model, [_read_card(model, card, inside) for card in form.items("card")]


def _read_card(model: ModelLife, item: object, around: _Provenance) -> RateCard:
    """One card; its dates are the model's unless it has its own."""
    form = Form(item, f"card of '{model.name}'", _CARD_KEYS)
    inside = around.within(form)
    anchor = inside.rate(Decimal(0), 1, form.where)
    return RateCard(
        vendor=model.vendor,
        model=model.name,
        tier=form.one_of("tier", Tier),
        valid_from=form.day("valid_from") or model.released,
        valid_until=form.day("valid_until") or model.retired,
        source=anchor.source,
        checked_on=anchor.checked_on,
        rates=_read_rates(form, "rates", inside),
        images=tuple(_read_image(one, inside) for one in form.items("images")),
        long_above_tokens=form.whole("long_above_tokens"),
        long_rates=_read_rates(form, "long_rates", inside),
    )


def _read_rates(form: Form, key: str, around: _Provenance) -> dict[TokenClass, Rate]:
    """Rates by class: a text, or a table with provenance of its own."""
    result: dict[TokenClass, Rate] = {}
    for name, item in form.table(key).items():
        where = f"{form.where}: {name}"
        value = {"usd": item} if isinstance(item, str) else item
        rate = Form(value, where, _RATE_KEYS)
        amount = rate.need(rate.amount, "usd")
        result[token_class(name)] = around.within(rate).rate(
            amount, TOKENS_PER_RATE, where
        )
    return result


def _read_image(item: object, around: _Provenance) -> ImagePrice:
    """Price of a whole picture."""
    form = Form(item, "image price", ("quality", "size", *_RATE_KEYS))
    size = form.text("size")
    return ImagePrice(
        quality=form.need(form.text, "quality"),
        size=Size.parse(size) if size else None,
        rate=around.within(form).rate(form.need(form.amount, "usd"), 1, form.where),
    )

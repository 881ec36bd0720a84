"""Book file: one TOML file of rates or token rules, read and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import cast

from pricing.errors import BadBook, PricingError
from pricing.form import Form
from pricing.limits import TextLimits, read_limits
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
_PRICES = ("rates", "images", "long_above_tokens", "long_rates", "round_up_usd")
_FILE_KEYS = (
    *(*_PROVENANCE, "vendor", "kind"),
    *("sources", "aliases", "model", "sizes", "rules", "limits"),
)
_MODEL_KEYS = (
    *(*_PROVENANCE, "name", "kind"),
    *("released", "known_from", "retired", "card"),
)
_CARD_KEYS = (*_PROVENANCE, *_PERIOD, *_PRICES, "tier")
_RATE_KEYS = (*_PROVENANCE, "usd", "exact_half", "unusual")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLife:
    """A model at a vendor: first billable day, and first day that no longer is.

    ``known_only`` says that the first day is only the one on which a price was read.
    """

    vendor: str
    name: str
    kind: str
    released: date
    retired: date | None
    known_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFile:
    """What one file holds."""

    models: tuple[ModelLife, ...]
    cards: tuple[RateCard, ...]
    aliases: Mapping[tuple[str, str], str]
    rules: tuple[ModelRules, ...]
    limits: tuple[TextLimits, ...] = ()


class Faults:
    """What is wrong with a file: the first fault is raised, or all are gathered."""

    __slots__ = ("file", "sentences")

    def __init__(self, file: str, sentences: list[str] | None = None) -> None:
        self.file = file
        self.sentences = sentences

    def note(self, fault: PricingError | str) -> None:
        """Raise BadBook, or keep the sentence."""
        sentence = f"{self.file}: {fault}"
        if self.sentences is None:
            raise BadBook(sentence)
        self.sentences.append(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What a rate inherits: its provenance, whose book it is, where faults go."""

    sources: Mapping[str, object]
    source: str | None
    checked_on: date | None
    confidence: str | None
    own: bool
    faults: Faults

    def within(self, form: Form) -> "_Around":
        """The provenance inside a model, a card or a rate."""
        source = form.text("source") or self.source
        if source is not None and source not in self.sources:
            raise BadBook(f"{form.where}: source '{source}' is not in [sources]")
        return replace(
            self,
            source=source,
            checked_on=form.day("checked_on") or self.checked_on,
            confidence=form.text("confidence") or self.confidence,
        )

    def rate(self, amount: Decimal, per: int, form: Form) -> Rate:
        """A rate of this provenance, refused where a part of it is missing."""
        if not self.source or not self.checked_on or not self.confidence:
            raise BadBook(f"{form.where}: needs source, checked_on and confidence")
        if self.confidence not in set(Confidence):
            raise BadBook(
                f"{form.where}: confidence '{self.confidence}' is not shipped; "
                "it must be high or medium"
            )
        return Rate(
            usd=amount,
            per=per,
            source=str(self.sources[self.source]),
            checked_on=self.checked_on,
            confidence=Confidence(self.confidence),
            unusual=form.raw("unusual") is True,
        )


def read_book_file(
    name: str, text: str, *, own: bool = False, faults: list[str] | None = None
) -> BookFile:
    """Read and check one file; BadBook names the file and the fault.

    With ``faults`` nothing is raised: what is wrong is added there, the rest is read.
    An ``own`` book holds rates alone.
    """
    told = Faults(name, faults)
    try:
        document = tomllib.loads(text, parse_float=Decimal)
        if hidden := _unprintable(document):
            raise BadBook(f"{hidden!a} holds signs that can't be shown")
        return _read(Form(document, name, _FILE_KEYS), own, told)
    except tomllib.TOMLDecodeError as error:
        told.note(f"not TOML: {error}")
    except RecursionError:
        told.note("not TOML: nested too deep")
    except PricingError as error:
        told.note(error)
    return BookFile(models=(), cards=(), aliases={}, rules=())


def _unprintable(value: object) -> str | None:
    """The first text that could steer a terminal; names are shown everywhere."""
    if isinstance(value, str):
        return None if value.isprintable() else value[:40]
    parts: list[object] = []
    if isinstance(value, dict):
        table = cast("dict[object, object]", value)
        parts = [*table.keys(), *table.values()]
    elif isinstance(value, list):
        parts = cast("list[object]", value)
    return next((found for part in parts if (found := _unprintable(part))), None)


def _read(form: Form, own: bool, faults: Faults) -> BookFile:  # noqa: FBT001  private
    """The file's models, cards, aliases and rules."""
    if own and ("rules" in form or "limits" in form or not form.items("model")):
        raise BadBook(
            "a book of your own holds rates of models, and no token rules or limits"
        )
    around = _Around(
        sources=form.table("sources"),
        source=form.text("source"),
        checked_on=form.need(form.day, "checked_on"),
        confidence=form.text("confidence"),
        own=own,
        faults=faults,
    )
    vendor = form.text("vendor")
    models: list[ModelLife] = []
    cards: list[RateCard] = []
    for item in form.items("model"):
        try:
            model, of_model = _read_model(form, item, around)
        except PricingError as error:
            faults.note(error)
            continue
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
        limits=read_limits(form),
    )


def _read_model(
    file: Form, item: object, around: _Around
) -> tuple[ModelLife, list[RateCard]]:
    """One model and its cards."""
    form = Form(item, "model", _MODEL_KEYS)
    form.where = f"model '{form.need(form.text, 'name')[:60]}'"
    if ("released" in form) == ("known_from" in form):
        raise BadBook(f"{form.where}: needs either released or known_from")
    model = ModelLife(
        vendor=file.need(file.text, "vendor"),
        name=form.need(form.text, "name"),
        kind=form.text("kind") or file.need(file.text, "kind"),
        released=form.day("released") or form.need(form.day, "known_from"),
        retired=form.day("retired"),
        known_only="known_from" in form,
    )
    inside = around.within(form)
    cards: list[RateCard] = []
    for number, card in enumerate(form.items("card"), start=1):
        try:
            cards.append(_read_card(model, number, card, inside))
        except PricingError as error:
            around.faults.note(error)
    return model, cards


def _read_card(
    model: ModelLife, number: int, item: object, around: _Around
) -> RateCard:
    """One card; its dates are the model's unless it has its own."""
    form = Form(item, f"card {number} of '{model.name[:60]}'", _CARD_KEYS)
    inside = around.within(form)
    anchor = inside.rate(Decimal(0), 1, form)
    return RateCard(
        vendor=model.vendor,
        model=model.name,
        tier=form.one_of("tier", Tier),
        valid_from=form.day("valid_from") or model.released,
        valid_until=form.day("valid_until") or model.retired,
        source=anchor.source,
        checked_on=anchor.checked_on,
        rates=_read_rates(form, "rates", inside),
        images=tuple(_read_image(form, one, inside) for one in form.items("images")),
        long_above_tokens=form.whole("long_above_tokens"),
        long_rates=_read_rates(form, "long_rates", inside),
        round_up_usd=form.amount("round_up_usd"),
        own=around.own,
    )


def _read_rates(form: Form, key: str, around: _Around) -> dict[TokenClass, Rate]:
    """Rates by class: a text, or a table with provenance of its own."""
    result: dict[TokenClass, Rate] = {}
    for name, item in form.table(key).items():
        try:
            rate = _read_rate(form, name, item, around)
        except PricingError as error:
            around.faults.note(error)
            continue
        try:
            result[token_class(name)] = rate
        except PricingError as error:
            around.faults.note(f"{form.where}: {error}")
    return result


def _read_rate(form: Form, name: str, item: object, around: _Around) -> Rate:
    """One rate a million tokens."""
    where = f"{form.where}: {name[:40]}"
    if isinstance(item, int | Decimal):
        raise BadBook(
            f'{where}: write the amount as text, "{item}", so that nothing rounds it'
        )
    value: object = {"usd": item}
    if isinstance(item, dict):
        value = cast("object", item)
    rate = Form(value, where, _RATE_KEYS)
    amount = rate.need(rate.amount, "usd")
    return around.within(rate).rate(amount, TOKENS_PER_RATE, rate)


def _read_image(card: Form, item: object, around: _Around) -> ImagePrice:
    """Price of a whole picture."""
    keys = ("quality", "size", "per_px", *_RATE_KEYS)
    form = Form(item, f"{card.where}: images", keys)
    size = form.text("size")
    per_px = form.whole("per_px")
    if per_px is not None and per_px < 1:
        raise BadBook(f"{form.where}: per_px must be at least 1")
    return ImagePrice(
        quality=form.need(form.text, "quality"),
        size=Size.parse(size) if size else None,
        rate=around.within(form).rate(form.need(form.amount, "usd"), 1, form),
        per_px=per_px,
    )

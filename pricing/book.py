"""Price book: every shipped rate and rule, looked up by model and day."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Self

from pricing.bookfile import TOKENS_PER_RATE, BookFile, ModelLife, read_book_file
from pricing.errors import (
    BadBook,
    OutsideLife,
    UnknownModel,
    UnknownPrice,
    UnknownQuantity,
)
from pricing.rates import ANY_MODEL, Rate, RateCard, Tier, TokenClass
from pricing.tokens import ModelRules

# A rate per token, per 1,000 tokens or in cents falls outside these: the unit trap.
_TOKEN_RATE_USD = (Decimal("0.001"), Decimal(200))
_IMAGE_RATE_USD = (Decimal("0.001"), Decimal(10))
_CACHED = (
    (TokenClass.CACHED_TEXT, TokenClass.INPUT_TEXT),
    (TokenClass.CACHED_IMAGE, TokenClass.INPUT_IMAGE),
    (TokenClass.MAINLINE_CACHED, TokenClass.MAINLINE_INPUT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Rate cards, models with their lives, token rules; ``digest`` names the whole."""

    models: tuple[ModelLife, ...]
    cards: tuple[RateCard, ...]
    aliases: Mapping[tuple[str, str], str]
    token_rules: Mapping[str, ModelRules]
    digest: str

    @classmethod
    def load(cls) -> Self:
        """Read the books that ship with the package; a bad one raises BadBook."""
        folder = resources.files("pricing").joinpath("books")
        texts = {
            entry.name: entry.read_text(encoding="utf-8")
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        }
        return cls.from_texts(texts)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Read books from the texts of their files, by file name."""
        files = [read_book_file(name, texts[name]) for name in sorted(texts)]
        cards = tuple(card for file in files for card in file.cards)
        models = tuple(model for file in files for model in file.models)
        rules = [rule for file in files for rule in file.rules]
        aliases = {key: to for file in files for key, to in file.aliases.items()}
        names = [(model.vendor, model.name) for model in models]
        _check_names(names)
        _check_names([("rules", rule.model) for rule in rules])
        for (vendor, alias), name in aliases.items():
            if (vendor, name) not in names or (vendor, alias) in names:
                raise BadBook(f"{vendor}: alias '{alias}' of '{name}' leads nowhere")
        _check(models, cards)
        return cls(
            models=models,
            cards=cards,
            aliases=aliases,
            token_rules={rule.model: rule for rule in rules},
            digest=_digest(files),
        )

    @property
    def vendors(self) -> tuple[str, ...]:
        """The vendors that have rates, sorted."""
        return tuple(sorted({model.vendor for model in self.models}))

    def model(self, vendor: str, model: str) -> ModelLife:
        """The model that a name or alias stands for at a vendor."""
        if vendor not in self.vendors:
            raise UnknownModel(
                f"no price book of provider '{vendor[:40]}'; "
                f"there are {', '.join(self.vendors)}"
            )
        name = self.aliases.get((vendor, model), model)
        for known in self.models:
            if known.vendor == vendor and known.name in {name, ANY_MODEL}:
                return known
        raise UnknownModel(f"the {vendor} book knows no model '{model[:60]}'")

    def card(
        self, vendor: str, model: str, as_of: date, tier: str = "standard"
    ) -> RateCard:
        """The rates of a model on a day.

        Raises UnknownModel, OutsideLife (with the dates) or UnknownPrice (no rate of
        that tier). The day a life or a rate ends on is not billable any more.
        """
        life = self.model(vendor, model)
        if as_of < life.released or (life.retired and life.retired <= as_of):
            raise OutsideLife(
                f"{_named(life)} could be billed from {life.released} "
                f"{_until(life.retired)}; {as_of} lies outside"
            )
        of_model = [
            card
            for card in self.cards
            if card.vendor == vendor and card.model == life.name and card.tier == tier
        ]
        for card in of_model:
            if card.holds_on(as_of):
                return card
        raise _no_card(life, tier, as_of, of_model)

    def rules(self, model: str) -> ModelRules:
        """The token rules of a model, by the name that its card bears.

        A model without any raises UnknownQuantity: what it takes is unknown.
        """
        if model not in self.token_rules:
            raise UnknownQuantity(
                "output_image_tokens",
                f"no rule says how many tokens a picture of '{model[:60]}' takes",
            )
        return self.token_rules[model]


@lru_cache(maxsize=1)
def shipped_book() -> PriceBook:
    """The books of the package, read once a process."""
    return PriceBook.load()


def _named(life: ModelLife) -> str:
    """The model as sentences name it."""
    return f"the {life.vendor} list" if life.name == ANY_MODEL else life.name


def _until(day: date | None) -> str:
    """The end of a period in words."""
    return f"until {day} (first day not billable)" if day else "without end"


def _no_card(
    life: ModelLife, tier: str, as_of: date, of_tier: Iterable[RateCard]
) -> UnknownPrice:
    """Why no card holds: the tier has no rates at all, or none on that day."""
    known = [
        f"from {card.valid_from} {_until(card.valid_until)}"
        for card in sorted(of_tier, key=lambda card: card.valid_from)
    ]
    if not known:
        return UnknownPrice(
            f"the {life.vendor} book has no {tier} rates of {_named(life)}"
        )
    return OutsideLife(
        f"{tier} rates of {_named(life)} are known {', '.join(known)}; "
        f"{as_of} lies outside"
    )


def _digest(files: Iterable[BookFile]) -> str:
    """SHA-256 over what the books say, so that a comment doesn't change it."""
    said = [
        {
            "models": [str(model) for model in file.models],
            "cards": [card.to_json() for card in file.cards],
            "aliases": sorted((*key, to) for key, to in file.aliases.items()),
            "rules": [str(rule) for rule in file.rules],
        }
        for file in files
    ]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_names(names: Iterable[tuple[str, str]]) -> None:
    """Refuse a name that stands twice."""
    seen: set[tuple[str, str]] = set()
    for name in names:
        if name in seen:
            raise BadBook(f"{name[0]}: model '{name[1]}' stands twice")
        seen.add(name)


def _check(models: Iterable[ModelLife], cards: Iterable[RateCard]) -> None:
    """Refuse books that contradict themselves."""
    lives = {(model.vendor, model.name): model for model in models}
    by_key: dict[tuple[str, str, Tier], list[RateCard]] = {}
    for card in cards:
        _check_card(card, lives[card.vendor, card.model])
        by_key.setdefault((card.vendor, card.model, card.tier), []).append(card)
    for of_key in by_key.values():
        of_key.sort(key=lambda card: card.valid_from)
        for first, second in pairwise(of_key):
            if first.valid_until is None or second.valid_from < first.valid_until:
                raise BadBook(
                    f"{first.vendor}: {first.tier} cards of '{first.model}' overlap "
                    f"on {second.valid_from}"
                )


def _check_card(card: RateCard, life: ModelLife) -> None:
    """Refuse a card without prices, outside its model's life, or in a wrong unit."""
    where = f"{card.vendor}: {card.tier} card of '{card.model}' from {card.valid_from}"
    if bool(card.rates) == bool(card.images):
        raise BadBook(f"{where}: needs either rates or images")
    ends = card.valid_until
    if ends is not None and ends <= card.valid_from:
        raise BadBook(f"{where}: ends on {ends}, before it begins")
    outlives = life.retired is not None and (ends is None or ends > life.retired)
    if card.valid_from < life.released or outlives:
        raise BadBook(f"{where}: reaches outside the model's life")
    for rates in (card.rates, card.long_rates):
        _check_rates(rates, where)
    for price in card.images:
        _check_unit(price.rate, _IMAGE_RATE_USD, f"{where}: {price.quality}")


def _check_rates(rates: Mapping[TokenClass, Rate], where: str) -> None:
    """Refuse rates in a wrong unit, and a cached rate above the plain one."""
    for name, rate in rates.items():
        _check_unit(rate, _TOKEN_RATE_USD, f"{where}: {name}")
        if rate.per != TOKENS_PER_RATE:
            raise BadBook(f"{where}: {name} must be per {TOKENS_PER_RATE} tokens")
    for cached, plain in _CACHED:
        if cached in rates and rates[cached].usd > rates[plain].usd:
            raise BadBook(f"{where}: {cached} costs more than {plain}")


def _check_unit(rate: Rate, span: tuple[Decimal, Decimal], where: str) -> None:
    """Refuse an amount that can only be meant in another unit."""
    low, high = span
    if not low <= rate.usd <= high:
        raise BadBook(
            f"{where}: {rate.usd} USD per {rate.per} lies outside {low} to {high}; "
            "check the unit"
        )

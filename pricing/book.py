"""Price book: every shipped rate and rule, looked up by model and day."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import chain
from typing import Self

from pricing.bookcheck import (
    alias_faults,
    card_faults,
    name_faults,
    neighbours_of,
)
from pricing.bookfile import BookFile, ModelLife, read_book_file
from pricing.errors import (
    BadBook,
    OutsideLife,
    UnknownModel,
    UnknownPrice,
    UnknownQuantity,
)
from pricing.limits import TextLimits
from pricing.rates import ANY_MODEL, RateCard
from pricing.tokens import ModelRules


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Rate cards, lives of models, token rules, limits; ``digest`` names the whole."""

    models: tuple[ModelLife, ...]
    cards: tuple[RateCard, ...]
    aliases: Mapping[tuple[str, str], str]
    token_rules: Mapping[str, ModelRules]
    text_limits: Mapping[str, TextLimits]
    digest: str
    _lives: Mapping[tuple[str, str], ModelLife] = field(
        init=False, repr=False, compare=False
    )
    _by_key: Mapping[tuple[str, str, str], tuple[RateCard, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Lay lives and cards out by name: questions come by the ten thousand."""
        by_key: dict[tuple[str, str, str], tuple[RateCard, ...]] = {}
        for card in self.cards:
            key = (card.vendor, card.model, card.tier)
            by_key[key] = (*by_key.get(key, ()), card)
        lives = {(life.vendor, life.name): life for life in self.models}
        object.__setattr__(self, "_by_key", by_key)
        object.__setattr__(self, "_lives", lives)

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
        limits = [limit for file in files for limit in file.limits]
        aliases = {key: to for file in files for key, to in file.aliases.items()}
        names = [(model.vendor, model.name) for model in models]
        for fault in chain(
            name_faults(names),
            name_faults(("rules", rule.model) for rule in rules),
            name_faults(("limits", limit.model) for limit in limits),
            alias_faults(aliases, names),
            card_faults(models, cards),
        ):
            raise BadBook(fault)
        return cls(
            models=models,
            cards=cards,
            aliases=aliases,
            token_rules={rule.model: rule for rule in rules},
            text_limits={limit.model: limit for limit in limits},
            digest=_digest(files),
        )

    def with_own(self, texts: Mapping[str, str]) -> "PriceBook":
        """This book under books of the user's own, by file name.

        An own card wins for the model, tier and days that it names. The first fault
        raises BadBook and says how many there are.
        """
        files, faults = self._own_files(texts)
        if not files:
            return self
        for fault in faults:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise BadBook(f"{fault}{more}")
        known = {(model.vendor, model.name) for model in self.models}
        own_models = [model for file in files for model in file.models]
        new = [one for one in own_models if (one.vendor, one.name) not in known]
        own_aliases = {key: to for file in files for key, to in file.aliases.items()}
        return PriceBook(
            models=(*self.models, *new),
            cards=(*(card for file in files for card in file.cards), *self.cards),
            aliases={**self.aliases, **own_aliases},
            token_rules=self.token_rules,
            text_limits=self.text_limits,
            digest=hashlib.sha256(
                f"{self.digest}{_digest(files)}".encode()
            ).hexdigest(),
        )

    def own_faults(self, texts: Mapping[str, str]) -> tuple[str, ...]:
        """All that is wrong with books of the user's own, one sentence each."""
        return self._own_files(texts)[1]

    def _own_files(
        self, texts: Mapping[str, str]
    ) -> tuple[list[BookFile], tuple[str, ...]]:
        """The user's files, and what is wrong with them."""
        faults: list[str] = []
        files: list[BookFile] = []
        near = neighbours_of(card for card in self.cards if not card.own)
        for name in sorted(texts):
            file = read_book_file(name, texts[name], own=True, faults=faults)
            files.append(file)
            found = card_faults(file.models, file.cards, near)
            faults.extend(f"{name}: {fault}" for fault in found)
        own = [(m.vendor, m.name) for file in files for m in file.models]
        named = (*own, *((model.vendor, model.name) for model in self.models))
        together = ", ".join(sorted(texts))
        faults.extend(f"{together}: {fault}" for fault in name_faults(own))
        faults.extend(
            f"{together}: {key[0]}: '{key[1]}' is another name of "
            f"'{self.aliases[key]}' in the shipped book; price that model"
            for key in own
            if key in self.aliases
        )
        for name, file in zip(sorted(texts), files, strict=True):
            found = alias_faults(file.aliases, named)
            faults.extend(f"{name}: {fault}" for fault in found)
        return files, tuple(faults)

    @property
    def vendors(self) -> tuple[str, ...]:
        """The vendors that have rates, sorted."""
        return tuple(sorted({model.vendor for model in self.models}))

    def model(self, vendor: str, model: str) -> ModelLife:
        """The model that a name or alias stands for at a vendor."""
        name = self.aliases.get((vendor, model), model)
        if found := self._lives.get((vendor, name)):
            return found
        if found := self._lives.get((vendor, ANY_MODEL)):
            return found
        if vendor not in self.vendors:
            raise UnknownModel(
                f"no price book of provider '{vendor[:40]}'; "
                f"there are {', '.join(self.vendors)}"
            )
        raise UnknownModel(f"the {vendor} book knows no model '{model[:60]}'")

    def card(
        self, vendor: str, model: str, as_of: date, tier: str = "standard"
    ) -> RateCard:
        """The rates of a model on a day.

        Raises UnknownModel, OutsideLife (with the dates) or UnknownPrice (no rate of
        that tier). The day a life or a rate ends on is not billable any more.
        """
        life = self.model(vendor, model)
        of_model = self._by_key.get((vendor, life.name, tier), ())
        holding = [card for card in of_model if card.holds_on(as_of)]
        for card in holding:
            if card.own:
                return card
        if as_of < life.released or (life.retired and life.retired <= as_of):
            raise OutsideLife(f"{_lived(life)}; {as_of} lies outside")
        for card in holding:
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

    def limits(self, model: str) -> TextLimits:
        """The limits of a text model, by the name that its card bears.

        A model without any raises UnknownQuantity: nothing binds what it takes.
        """
        if model not in self.text_limits:
            raise UnknownQuantity(
                "output_tokens",
                f"nothing says how much '{model[:60]}' may read and write; known are "
                f"{', '.join(self.text_limits)}",
            )
        return self.text_limits[model]


@lru_cache(maxsize=1)
def shipped_book() -> PriceBook:
    """The books of the package, read once a process."""
    return PriceBook.load()


def _named(life: ModelLife) -> str:
    """The model as sentences name it."""
    return f"the {life.vendor} list" if life.name == ANY_MODEL else life.name


def _lived(life: ModelLife) -> str:
    """From when to when a model could be billed, as far as the book knows."""
    if life.known_only:
        return (
            f"the price of {_named(life)} is known from {life.released}, the day it "
            f"was read, {_until(life.retired)}; what held before is not confirmed"
        )
    return f"{_named(life)} could be billed from {life.released} {_until(life.retired)}"


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
            **({"limits": [str(one) for one in file.limits]} if file.limits else {}),
        }
        for file in files
    ]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()

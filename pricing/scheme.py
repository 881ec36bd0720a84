"""Scheme: how a gateway derives its price from the direct one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from pricing.charge import Charge
from pricing.errors import BadAmount, BadScheme
from pricing.form import Form
from pricing.money import round_usd, times, usd, usd_text

# Each step adds a line; no gateway's price has more parts than this.
MAX_STEPS = 20
_LATER = (
    "flat_per_call",
    "per_class",
    "region",
    "round_up",
    "credits",
    "currency",
    "fee",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A gateway that charges a factor of the direct price of each call."""

    factor: Decimal

    def __post_init__(self) -> None:
        """Refuse a factor that would pay the caller."""
        if self.factor < 0:
            raise BadScheme(
                f"the multiplier {usd_text(self.factor)} can't be negative; "
                "half price is '0.5'"
            )

    def apply(self, charge: Charge) -> Charge:
        """One adjustment line: the product, rounded once, less the direct price."""
        return charge.adjusted_to(round_usd(times(charge.usd, self.factor)))

    def to_json(self) -> object:
        """The scheme as an endpoints file writes it."""
        return {"kind": "multiplier", "factor": usd_text(self.factor)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Schemes applied one after the other, each with its own line."""

    steps: tuple[Multiplier, ...]

    def apply(self, charge: Charge) -> Charge:
        """The charge after the last step."""
        for step in self.steps:
            charge = step.apply(charge)
        return charge

    def to_json(self) -> object:
        """The list of schemes."""
        return [step.to_json() for step in self.steps]


def parse_multiplier(factor: str) -> Multiplier:
    """Read the shorthand: a decimal text such as ``"0.5"``."""
    try:
        return Multiplier(factor=usd(factor))
    except BadAmount as error:
        raise BadScheme(f"the multiplier is no factor: {error}") from error


def parse_scheme(value: object) -> Multiplier | Chain:
    """Read one scheme (a mapping with ``kind``) or a list of them.

    Unknown keys and wrong types raise BadForm; an unknown kind, or one that is not
    priced yet, raises BadScheme.
    """
    if isinstance(value, list):
        steps = cast("list[object]", value)
        if not steps:
            raise BadScheme("a list of schemes must hold at least one scheme")
        if len(steps) > MAX_STEPS:
            raise BadScheme(f"a list of schemes may hold at most {MAX_STEPS}")
        return Chain(steps=tuple(_step(step) for step in steps))
    return _step(value)


def _step(value: object) -> Multiplier:
    """Read one scheme."""
    kind = _kind(value)
    if kind in _LATER:
        raise BadScheme(f"scheme '{kind}' is not priced yet; use multiplier")
    if kind != "multiplier":
        raise BadScheme(f"scheme '{kind[:40]}' is unknown; multiplier is known")
    form = Form(value, "scheme multiplier", ("kind", "factor"))
    return parse_multiplier(form.need(form.text, "factor"))


def _kind(value: object) -> str:
    """The kind that a scheme names, whatever else it holds."""
    form = Form(value, "scheme")
    return form.need(form.text, "kind")

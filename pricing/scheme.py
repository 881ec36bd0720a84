"""Scheme: how a gateway derives its price from the direct one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from pricing.charge import IMAGE_CLASS, MEGAPIXEL_CLASS, Charge
from pricing.errors import BadAmount, BadForm, BadScheme
from pricing.form import Form
from pricing.money import usd
from pricing.rates import TokenClass
from pricing.steps import (
    Credits,
    Currency,
    Fee,
    FlatPerCall,
    Megapixels,
    Multiplier,
    PerClass,
    Region,
    RoundUp,
    Step,
)
from pricing.variant import Size

# Each step adds a line; no gateway's price has more parts than this.
MAX_STEPS = 20
_CLASSES = (*TokenClass, IMAGE_CLASS, MEGAPIXEL_CLASS)
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Steps that turn a direct charge into a gateway's, each with its own line.

    Those on each call come first, then those on the total, each in the order in
    which they are written.
    """

    steps: tuple[Step, ...]
    is_list: bool = False

    @property
    def needs_size(self) -> bool:
        """Whether a price hangs on the picture's size."""
        return any(isinstance(step, Megapixels) for step in self.steps)

    @property
    def needs_all_calls(self) -> bool:
        """Whether a single call can't be priced by itself."""
        return any(
            isinstance(step, Fee) and step.purchase_usd is not None
            for step in self.steps
        )

    def per_call(self, charge: Charge, size: Size | None = None) -> Charge:
        """The gateway's charge of one call, before what it takes on the total."""
        for step in self.steps:
            if not step.is_on_total:
                charge = step.apply(charge, size)
        return charge

    def on_total(self, charge: Charge) -> Charge:
        """The gateway's charge from the sum of all calls."""
        for step in self.steps:
            if step.is_on_total:
                charge = step.apply(charge, None)
        return charge

    def apply(self, charge: Charge, size: Size | None = None) -> Charge:
        """The gateway's charge of a single call, which is the total too."""
        return self.on_total(self.per_call(charge, size))

    def to_json(self) -> object:
        """The scheme as an endpoints file writes it."""
        written = [step.to_json() for step in self.steps]
        return written if self.is_list else written[0]


def parse_multiplier(factor: str) -> Scheme:
    """Read the shorthand: a decimal text such as ``"0.5"``."""
    return Scheme(steps=(_multiplier(factor),))


def parse_scheme(value: object) -> Scheme:
    """Read one scheme (a mapping with ``kind``) or a list of them.

    Unknown keys and wrong types raise BadForm; what can't be priced raises BadScheme.
    """
    if not isinstance(value, list):
        return Scheme(steps=(_step(value),))
    written = cast("list[object]", value)
    if not written:
        raise BadScheme("a list of schemes must hold at least one scheme")
    if len(written) > MAX_STEPS:
        raise BadScheme(f"a list of schemes may hold at most {MAX_STEPS}")
    steps = tuple(_step(step) for step in written)
    changed = False
    for step in steps:
        if isinstance(step, PerClass) and changed:
            raise BadScheme(
                "per_class sets rates of the direct price: it must stand before "
                "the other steps on a call"
            )
        changed = changed or not (step.is_on_total or isinstance(step, PerClass))
    return Scheme(steps=steps, is_list=True)


def _step(value: object) -> Step:
    """Read one scheme."""
    kind = Form(value, "scheme").text("kind")
    if kind is None:
        raise BadForm("scheme: 'kind' is missing")
    if kind not in _READERS:
        raise BadScheme(
            f"scheme '{kind[:40]}' is unknown; known are {', '.join(_READERS)}"
        )
    keys, read = _READERS[kind]
    return read(Form(value, f"scheme {kind}", ("kind", *keys)))


def _multiplier(factor: str) -> Multiplier:
    try:
        return Multiplier(factor=usd(factor))
    except BadAmount as error:
        raise BadScheme(f"the multiplier is no factor: {error}") from error


def _amount(form: Form, key: str) -> Decimal:
    """An amount that must be given; one that is no amount has no price."""
    return _exact(form, key, form.need(form.text, key))


def _exact(form: Form, key: str, text: str) -> Decimal:
    try:
        return usd(text)
    except BadAmount as error:
        raise BadScheme(f"{form.where}: {key}: {error}") from error


def _per_class(form: Form) -> PerClass:
    if "rates" not in form:
        raise BadForm(f"{form.where}: 'rates' is missing")
    rates: dict[str, Decimal] = {}
    written = Form(form.table("rates"), f"{form.where}: rates")
    for name in written.names():
        known = name.removesuffix("_tokens")
        if known not in _CLASSES:
            raise BadScheme(
                f"per_class: class '{name[:40]}' is unknown; "
                f"known are {', '.join(_CLASSES)}"
            )
        rates[known] = _amount(written, name)
    if not rates:
        raise BadScheme("per_class: rates names no class")
    return PerClass(rates=rates)


def _round_up(form: Form) -> RoundUp | Megapixels:
    if ("to_usd" in form) == ("to_megapixel" in form):
        raise BadScheme("round_up needs one of to_usd and to_megapixel")
    if "to_usd" in form:
        return RoundUp(to_usd=_amount(form, "to_usd"))
    return Megapixels(to_megapixel=_amount(form, "to_megapixel"))


def _currency(form: Form) -> Currency:
    code = form.need(form.text, "code")
    if not _CODE.fullmatch(code):
        raise BadScheme(f"currency: '{code[:40]}' is no code like CNY")
    return Currency(
        code=code,
        per_usd=_amount(form, "per_usd"),
        as_of=form.need(form.day, "as_of"),
    )


def _fee(form: Form) -> Fee:
    return Fee(
        share=_amount(form, "share"),
        minimum_usd=_amount(form, "minimum_usd")
        if "minimum_usd" in form
        else Decimal(0),
        purchase_usd=_amount(form, "purchase_usd") if "purchase_usd" in form else None,
    )


_READERS: Mapping[str, tuple[tuple[str, ...], Callable[[Form], Step]]] = {
    "multiplier": (
        ("factor",),
        lambda form: _multiplier(form.need(form.text, "factor")),
    ),
    "flat_per_call": (
        ("usd",),
        lambda form: FlatPerCall(usd=_amount(form, "usd")),
    ),
    "per_class": (("rates",), _per_class),
    "region": (("factor",), lambda form: Region(factor=_amount(form, "factor"))),
    "round_up": (("to_usd", "to_megapixel"), _round_up),
    "credits": (("per_usd",), lambda form: Credits(per_usd=_amount(form, "per_usd"))),
    "currency": (("code", "per_usd", "as_of"), _currency),
    "fee": (("share", "minimum_usd", "purchase_usd"), _fee),
}

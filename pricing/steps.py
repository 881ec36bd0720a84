"""Steps: each way in which a gateway changes a direct price."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Protocol

from pricing.charge import IMAGE_CLASS, Charge
from pricing.errors import BadScheme, UnknownQuantity
from pricing.money import line_usd, plus, ratio, round_up, round_usd, times, usd_text
from pricing.variant import Size

FEE_MINIMUM = "fee_minimum_not_applied"
# Who rounds up to a megapixel counts 1024x1024 as one.
PX_PER_MEGAPIXEL = 1024 * 1024


class Step(Protocol):
    """One step of a scheme.

    Attributes:
        kind: as a scheme names it.
        is_on_total: whether it changes the sum of all calls, and not each call.
    """

    kind: ClassVar[str]
    is_on_total: ClassVar[bool]

    def apply(self, charge: Charge, size: Size | None, /) -> Charge:
        """The charge with one more line that brings it to the step's total."""
        ...

    def to_json(self) -> dict[str, object]:
        """The step as a scheme writes it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A factor of each call's price."""

    kind: ClassVar[str] = "multiplier"
    is_on_total: ClassVar[bool] = False
    factor: Decimal

    def __post_init__(self) -> None:
        """Refuse a factor that would pay the caller."""
        if self.factor < 0:
            raise BadScheme(
                f"the {self.kind} {usd_text(self.factor)} can't be negative; "
                "half price is '0.5'"
            )

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """The product, rounded once."""
        return charge.adjusted_to(round_usd(times(charge.usd, self.factor)))

    def to_json(self) -> dict[str, object]:
        """Kind and factor."""
        return {"kind": self.kind, "factor": usd_text(self.factor)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Multiplier):
    """An uplift for where a call is served, as a factor of its price."""

    kind: ClassVar[str] = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatPerCall:
    """One price for every call, whatever it asked for."""

    kind: ClassVar[str] = "flat_per_call"
    is_on_total: ClassVar[bool] = False
    usd: Decimal

    def __post_init__(self) -> None:
        """Refuse a negative price."""
        if self.usd < 0:
            raise BadScheme("flat_per_call: usd can't be negative")

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """The flat price."""
        return charge.adjusted_to(round_usd(self.usd))

    def to_json(self) -> dict[str, object]:
        """Kind and dollars."""
        return {"kind": self.kind, "usd": usd_text(self.usd)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PerClass:
    """Rates of its own for some classes, in the units of the direct book."""

    kind: ClassVar[str] = "per_class"
    is_on_total: ClassVar[bool] = False
    rates: Mapping[str, Decimal]

    def __post_init__(self) -> None:
        """Refuse a negative rate."""
        for name, rate in self.rates.items():
            if rate < 0:
                raise BadScheme(f"per_class: the rate of {name} can't be negative")

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """Every line at its own rate where there is one, rounded as a line is."""
        new_usd = Decimal(0)
        for line in charge.lines:
            rate = self.rates.get(line.name)
            priced = (
                line.usd if rate is None else line_usd(line.quantity, rate, line.per)
            )
            new_usd = plus(new_usd, priced)
        return charge.adjusted_to(new_usd)

    def to_json(self) -> dict[str, object]:
        """Kind and rates."""
        rates = {name: usd_text(rate) for name, rate in self.rates.items()}
        return {"kind": self.kind, "rates": rates}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundUp:
    """Each call rounded up to whole steps of an amount."""

    kind: ClassVar[str] = "round_up"
    is_on_total: ClassVar[bool] = False
    to_usd: Decimal

    def __post_init__(self) -> None:
        """Refuse a step that nothing can be rounded to."""
        if self.to_usd <= 0:
            raise BadScheme("round_up: to_usd must be above 0, such as '0.01'")

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """The next whole step; what is one already stays."""
        return charge.adjusted_to(round_usd(round_up(charge.usd, self.to_usd)))

    def to_json(self) -> dict[str, object]:
        """Kind and step."""
        return {"kind": self.kind, "to_usd": usd_text(self.to_usd)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Megapixels:
    """A price a megapixel: each call pays for its picture's, rounded up."""

    kind: ClassVar[str] = "round_up"
    is_on_total: ClassVar[bool] = False
    to_megapixel: Decimal

    def __post_init__(self) -> None:
        """Refuse a step that nothing can be rounded to."""
        if self.to_megapixel <= 0:
            raise BadScheme("round_up: to_megapixel must be above 0, such as '1'")

    def apply(self, charge: Charge, size: Size | None, /) -> Charge:
        """The price so far times the megapixels of the picture."""
        if any(line.name != IMAGE_CLASS for line in charge.lines[:1]):
            raise BadScheme(
                "round_up to_megapixel needs a price of whole pictures, "
                "not one of tokens"
            )
        if size is None:
            raise UnknownQuantity(
                "size", "round_up to_megapixel needs the picture's size; auto is none"
            )
        n_px = Decimal(size.width_px * size.height_px)
        megapixels = round_up(n_px, times(self.to_megapixel, PX_PER_MEGAPIXEL))
        factor = ratio(megapixels, Decimal(PX_PER_MEGAPIXEL))
        return charge.adjusted_to(round_usd(times(charge.usd, factor)))

    def to_json(self) -> dict[str, object]:
        """Kind and step."""
        return {"kind": self.kind, "to_megapixel": usd_text(self.to_megapixel)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Prices in credits, of which a dollar buys so many."""

    kind: ClassVar[str] = "credits"
    is_on_total: ClassVar[bool] = True
    per_usd: Decimal

    def __post_init__(self) -> None:
        """Refuse credits that no dollar buys."""
        if self.per_usd <= 0:
            raise BadScheme(f"{self.kind}: per_usd must be above 0, such as '211'")

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """The total so far is in credits; its dollars, rounded once."""
        return charge.adjusted_to(round_usd(ratio(charge.usd, self.per_usd)))

    def to_json(self) -> dict[str, object]:
        """Kind and rate."""
        return {"kind": self.kind, "per_usd": usd_text(self.per_usd)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency(Credits):
    """Prices in another currency, at the exchange rate of a day."""

    kind: ClassVar[str] = "currency"
    code: str
    as_of: date

    def to_json(self) -> dict[str, object]:
        """Kind, currency, rate and its day."""
        return {
            "kind": self.kind,
            "code": self.code,
            "per_usd": usd_text(self.per_usd),
            "as_of": self.as_of.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee on buying credit.

    Attributes:
        purchase_usd: what is bought at once; None where nobody says.
    """

    kind: ClassVar[str] = "fee"
    is_on_total: ClassVar[bool] = True
    share: Decimal
    minimum_usd: Decimal
    purchase_usd: Decimal | None

    def __post_init__(self) -> None:
        """Refuse fees that would pay the caller."""
        for name in ("share", "minimum_usd", "purchase_usd"):
            amount = getattr(self, name)
            if amount is not None and amount < 0:
                raise BadScheme(f"fee: {name} can't be negative")

    def apply(self, charge: Charge, _size: Size | None = None, /) -> Charge:
        """The total with the fee on its purchase, or with its own share of one."""
        if self.purchase_usd is not None:
            fee_usd = max(times(self.purchase_usd, self.share), self.minimum_usd)
            return charge.adjusted_to(round_usd(plus(charge.usd, fee_usd)))
        fee_usd = times(charge.usd, self.share)
        after = charge.adjusted_to(round_usd(plus(charge.usd, fee_usd)))
        return after.flagged(FEE_MINIMUM) if self.minimum_usd else after

    def to_json(self) -> dict[str, object]:
        """Kind, share, minimum and purchase."""
        purchase = self.purchase_usd
        return {
            "kind": self.kind,
            "share": usd_text(self.share),
            "minimum_usd": usd_text(self.minimum_usd),
            **({} if purchase is None else {"purchase_usd": usd_text(purchase)}),
        }

"""Recipe: how a usable picture's cost follows from assumptions."""

from dataclasses import astuple, dataclass
from decimal import Decimal

from pricing.assumption import ONE, Values
from pricing.errors import BadQuantity
from pricing.failures import Failures
from pricing.money import minus, ratio, round_usd, times, total

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKeys:
    """The keys of one part of a mix.

    Attributes:
        share: its share; shares are taken as parts of their sum.
        usd: what a picture of it costs.
        batch_usd: the same in the batch tier; None where that is not asked for.
    """

    share: str
    usd: str
    batch_usd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureKeys:
    """The keys of what `Failures` holds, in its order."""

    unusable: str
    refused: str
    retried: str
    refused_billed: str
    retried_billed: str

    def failures(self, values: Values) -> Failures:
        """The failures at some values."""
        return Failures(
            unusable_share=values[self.unusable],
            refused_share=values[self.refused],
            retried_share=values[self.retried],
            refused_billed_share=values[self.refused_billed],
            retried_billed_share=values[self.retried_billed],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The keys that an alternative's cost is made of; what is None plays no part.

    Attributes:
        factors: keys of factors on the price, one after the other.
        failures: None where the price itself holds what failed, as a measured one.
    """

    name: str
    parts: tuple[PartKeys, ...]
    factors: tuple[str, ...] = ()
    failures: FailureKeys | None = None
    cache_hit: str | None = None
    batch: str | None = None
    monthly_fee: str | None = None
    setup: str | None = None

    @property
    def keys(self) -> frozenset[str]:
        """Every key that its cost hangs on."""
        found = [self.cache_hit, self.batch, self.monthly_fee, self.setup]
        for part in self.parts:
            found += (part.share, part.usd, part.batch_usd)
        if self.failures is not None:
            found += astuple(self.failures)
        return frozenset((*self.factors, *(key for key in found if key)))

    def made_usd(self, values: Values) -> Decimal:
        """Dollars of one picture that is made, before failures and cache.

        The mean of the parts' prices by their shares, times the factors; with a
        batch share s each price is (1 - s) x standard + s x batch. To 160 digits.
        """
        shares = [values[part.share] for part in self.parts]
        whole = total(shares)
        if whole <= 0:
            raise BadQuantity("the shares of a mix must sum to more than 0")
        usd = total(
            times(self._part_usd(part, values), share)
            for part, share in zip(self.parts, shares, strict=True)
        )
        for factor in self.factors:
            usd = times(usd, values[factor])
        return usd if whole == 1 else ratio(usd, whole)

    def unit_usd(self, values: Values) -> Decimal:
        """Dollars of one usable picture: made x billed a usable one x (1 - cache hits).

        Rounded once, half-even, to 12 decimals.
        """
        made = self.made_usd(values)
        return round_usd(times(made, self.overhead(values)))

    def overhead(self, values: Values) -> Decimal:
        """Pictures that are billed for each usable one wanted."""
        served = minus(ONE, values[self.cache_hit]) if self.cache_hit else ONE
        if self.failures is None:
            return served
        return times(served, self.failures.failures(values).pictures_billed)

    def monthly_fee_usd(self, values: Values) -> Decimal:
        """What a month costs whatever its volume."""
        return values[self.monthly_fee] if self.monthly_fee else NOTHING

    def setup_usd(self, values: Values) -> Decimal:
        """What the first month costs on top, once."""
        return values[self.setup] if self.setup else NOTHING

    def _part_usd(self, part: PartKeys, values: Values) -> Decimal:
        usd = values[part.usd]
        if self.batch is None or part.batch_usd is None:
            return usd
        batch = values[self.batch]
        return total(
            (times(usd, minus(ONE, batch)), times(values[part.batch_usd], batch))
        )

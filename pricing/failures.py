"""Failures: what requests without a usable picture add to its cost."""

from dataclasses import dataclass
from decimal import Decimal

from pricing.errors import BadQuantity
from pricing.money import minus, plus, ratio, times, total

# Ten requests for one usable picture; nobody budgets for worse.
MOST_FAILED = Decimal("0.9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How requests end, as shares of all requests; what is left gave a usable picture.

    Attributes:
        unusable_share: gave a picture that can't be used, and was billed.
        refused_share: were refused by moderation.
        retried_share: failed otherwise and were sent again.
        refused_billed_share: of the refused, those billed like a picture.
        retried_billed_share: of the retried, those billed like a picture.
    """

    unusable_share: Decimal = Decimal(0)
    refused_share: Decimal = Decimal(0)
    retried_share: Decimal = Decimal(0)
    refused_billed_share: Decimal = Decimal(0)
    retried_billed_share: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1, and failures that leave next to nothing."""
        for name in self.__dataclass_fields__:
            if not 0 <= getattr(self, name) <= 1:
                raise BadQuantity(f"{name} must lie from 0 to 1")
        if self.usable_share <= 0:
            raise BadQuantity("no request would give a usable picture")

    @property
    def usable_share(self) -> Decimal:
        """Of all requests, those that gave a usable picture."""
        lost = (self.unusable_share, self.refused_share, self.retried_share)
        return minus(Decimal(1), total(lost))

    @property
    def billed_for_nothing_share(self) -> Decimal:
        """Of all requests, those billed without a usable picture."""
        return total(
            (
                self.unusable_share,
                times(self.refused_share, self.refused_billed_share),
                times(self.retried_share, self.retried_billed_share),
            )
        )

    @property
    def pictures_billed(self) -> Decimal:
        """Billed pictures for each usable one, 1 or more, to 160 digits.

        Every picture that is wanted is asked for until it is usable: with g usable
        and b billed for nothing of all requests, g + b are billed for g usable.
        """
        good = self.usable_share
        return ratio(plus(good, self.billed_for_nothing_share), good)

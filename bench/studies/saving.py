"""Saving: what a run's measured prices come to a month, by variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, product

from bench.studies.levels import Row
from bench.studies.unit_cost import Measured, Variant, measure
from pricing.money import minus, times
from pricing.projection import Projection, monthly


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """One variant at a direct endpoint and at a gateway, over a month.

    Attributes:
        n_prompts: Of the side that has fewer.
        saving_band_usd: 90 % band of the month's saving, from resampling whole
            prompts; None when there are too few.
    """

    variant: Variant
    direct: str
    gateway: str
    n_prompts: int
    projection: Projection
    saving_band_usd: tuple[Decimal, Decimal] | None

    def at(self, images_per_month: int) -> "Saving":
        """The same at another volume."""
        before = self.projection
        one = self.saving_band_usd
        factor = Decimal(images_per_month) / before.images_per_month
        return Saving(
            variant=self.variant,
            direct=self.direct,
            gateway=self.gateway,
            n_prompts=self.n_prompts,
            projection=monthly(images_per_month, before.direct, before.alternative),
            saving_band_usd=one and (times(one[0], factor), times(one[1], factor)),
        )


def savings(trials: Sequence[Row], images_per_month: int) -> tuple[Saving, ...]:
    """The saving of every gateway against every direct endpoint, by variant.

    Unit costs and their resamples are those of `bench.studies.unit_cost`: all
    known money over usable pictures.

    Args:
        trials: Rows of `bench.store.queries.trials` of one run.
        images_per_month: The volume that each variant is projected at.
    """
    found: list[Saving] = []
    for _, places in groupby(measure(trials), key=lambda place: place.variant):
        priced = [place for place in places if place.unit is not None]
        direct = [place for place in priced if place.route == "direct"]
        gateways = [place for place in priced if place.route == "gateway"]
        pairs = product(direct, gateways)
        found.extend(_saving(one, other, images_per_month) for one, other in pairs)
    return tuple(found)


def _saving(direct: Measured, gateway: Measured, images_per_month: int) -> Saving:
    if direct.unit is None or gateway.unit is None:
        raise ValueError("a saving needs both unit costs")
    step_usd = minus(direct.unit.usd, gateway.unit.usd)
    band = None
    if direct.why_no_band is None and gateway.why_no_band is None:
        band = direct.draws.less(gateway.draws).band(step_usd)
    return Saving(
        variant=direct.variant,
        direct=direct.endpoint,
        gateway=gateway.endpoint,
        n_prompts=min(direct.n_prompts, gateway.n_prompts),
        projection=monthly(images_per_month, direct.unit, gateway.unit),
        saving_band_usd=band
        and (
            times(band.low_usd, images_per_month),
            times(band.high_usd, images_per_month),
        ),
    )

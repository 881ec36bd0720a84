"""Saving: what a run's measured prices come to a month, by variant."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.studies.comparison import Factor, compare_levels
from bench.studies.levels import Row
from bench.studies.pairing import Pairing
from pricing.projection import Projection, UnitCost, monthly

Variant = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """One variant at a direct endpoint and at a gateway, over a month.

    Attributes:
        saving_interval_usd: 95 % interval of the month's saving, from paired
            differences by prompt; None when there are too few prompts.
    """

    variant: Variant
    direct: str
    gateway: str
    n_prompts: int
    projection: Projection
    saving_interval_usd: tuple[float, float] | None


def savings(trials: Sequence[Row], images_per_month: int) -> tuple[Saving, ...]:
    """The saving of every gateway against every direct endpoint, by variant.

    Args:
        trials: Rows of `bench.store.queries.trials` of one run.
        images_per_month: The volume that each variant is projected at.
    """
    routes = {str(row["endpoint"]): str(row["route"]) for row in trials}
    found: list[Saving] = []
    for variant, rows in _by_variant(trials).items():
        if len({row["endpoint"] for row in rows}) < 2:  # noqa: PLR2004  a pair
            continue
        for pairing in compare_levels(rows, Factor.ENDPOINT).pairings:
            sides = (routes[pairing.first], routes[pairing.second])
            if sides == ("direct", "gateway"):
                saving = _saving(variant, pairing, images_per_month)
                found.extend([] if saving is None else [saving])
    return tuple(sorted(found, key=_place))


def _place(saving: Saving) -> tuple[str, str, Decimal]:
    """By model and size, the cheap first."""
    model, _, size = saving.variant
    return model, size, saving.projection.direct_usd


def _by_variant(trials: Sequence[Row]) -> dict[Variant, list[Row]]:
    grouped: dict[Variant, list[Row]] = defaultdict(list)
    for row in trials:
        variant = (str(row["model"]), str(row["quality"]), str(row["size"]))
        grouped[variant].append(row)
    return grouped


def _saving(variant: Variant, pairing: Pairing, images_per_month: int) -> Saving | None:
    cost = pairing.cost
    first, second = cost.first_per_image, cost.second_per_image
    if first is None or second is None:
        return None
    low, high = cost.difference.interval.low, cost.difference.interval.high
    interval = None
    if low is not None and high is not None:
        interval = (-high * images_per_month, -low * images_per_month)
    return Saving(
        variant=variant,
        direct=pairing.first,
        gateway=pairing.second,
        n_prompts=cost.difference.n_prompts,
        projection=monthly(
            images_per_month,
            UnitCost(usd=first, n=cost.first_images),
            UnitCost(usd=second, n=cost.second_images),
        ),
        saving_interval_usd=interval,
    )

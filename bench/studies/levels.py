"""Levels: what a group of trials took, cost and gave, with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.stats import N_FOR_P95, Interval, quantile_interval, wilson_interval
from pricing.money import share, total

Row = Mapping[str, Any]
_UNSETTLED = ("not_sent", "in_flight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Service times of trials that were ok and really sent, in seconds.

    Attributes:
        p95_s: None below 72 values, where it has no upper bound.
        max_s: The longest; stands in for p95 where there are too few.
    """

    n: int
    p50_s: float | None
    p50_interval: Interval
    p95_s: float | None
    p95_interval: Interval
    max_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the factor: all its trials, paired or not.

    Attributes:
        n_settled: Trials that were sent and have ended; what `ok_share` is of.
        charge_usd: Of all attempts; None when nothing is known.
        n_charge_unknown: Trials with money that is not in `charge_usd`.
        usd_per_image: Charges over usable images, of trials whose money is all
            known; None without either.
    """

    name: str
    simulated: bool
    n_trials: int
    n_prompts: int
    n_settled: int
    n_ok: int
    ok_interval: Interval
    times: Times
    images: int
    charge_usd: Decimal | None
    list_usd: Decimal | None
    possibly_billed_usd: Decimal
    n_charge_unknown: int
    usd_per_image: Decimal | None

    @property
    def ok_share(self) -> float | None:
        """Share of settled trials that were ok."""
        return self.n_ok / self.n_settled if self.n_settled else None


def level_of(name: str, rows: Sequence[Row]) -> Level:
    """A level from its trials, rows of `bench.store.queries.trials`."""
    settled = [row for row in rows if is_settled(row)]
    ok = [row for row in settled if row["outcome"] == "ok"]
    images = sum(row["images"] or 0 for row in ok)
    charge_usd = _sum(rows, "charge_usd")
    return Level(
        name=name,
        simulated=any(row["simulated"] for row in rows),
        n_trials=len(rows),
        n_prompts=len({row["prompt_id"] for row in rows}),
        n_settled=len(settled),
        n_ok=len(ok),
        ok_interval=wilson_interval(len(ok), len(settled)),
        times=times_of([row["service_s"] for row in ok if is_timed(row)]),
        images=images,
        charge_usd=charge_usd,
        list_usd=_sum(rows, "list_usd"),
        possibly_billed_usd=_sum(rows, "possibly_billed_usd") or Decimal(0),
        n_charge_unknown=sum(row["charge_unknown"] for row in rows),
        usd_per_image=_usd_per_image(rows),
    )


def _usd_per_image(rows: Sequence[Row]) -> Decimal | None:
    known = [row for row in rows if not row["charge_unknown"]]
    images = sum(row["images"] or 0 for row in known if row["outcome"] == "ok")
    return per_image(_sum(known, "charge_usd"), images)


def per_image(usd: Decimal | None, images: int) -> Decimal | None:
    """Dollars an image, rounded to 12 decimals; None where it is unknown."""
    return None if usd is None else share(usd, Decimal(images))


def times_of(service_s: Sequence[float]) -> Times:
    """Median, p95 and maximum of service times, with their intervals."""
    n = len(service_s)
    nothing = Interval(low=None, high=None)
    return Times(
        n=n,
        p50_s=_quantile(service_s, 0.5),
        p50_interval=quantile_interval(service_s, 0.5),
        p95_s=_quantile(service_s, 0.95) if n >= N_FOR_P95 else None,
        p95_interval=quantile_interval(service_s, 0.95) if n >= N_FOR_P95 else nothing,
        max_s=max(service_s, default=None),
    )


def _quantile(values: Sequence[float], q: float) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _sum(rows: Iterable[Row], column: str) -> Decimal | None:
    known = [row[column] for row in rows if row[column] is not None]
    return total(known) if known else None


def is_timed(row: Row) -> bool:
    """Whether a trial measured its endpoint: ok, not from the cache, no warm-up."""
    is_measured = not (row["from_cache"] or row["warmup"])
    return row["outcome"] == "ok" and is_measured and bool(row["service_s"])


def is_settled(row: Row) -> bool:
    """Whether a trial was sent and has ended."""
    return row["bucket"] not in _UNSETTLED

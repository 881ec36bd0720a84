"""Points: what studies found, as the rows that charts take."""

from typing import Any

from bench.studies.levels import Times
from bench.studies.outlook import Line, Outlook
from bench.studies.pairing import Pairing
from bench.studies.saving import Saving
from bench.studies.weighed import Compared
from pricing.demand import MONTHS_A_YEAR


def quantile_points(times: Times) -> dict[str, float | None]:
    """p50 and p95 with their bounds, and the longest, in seconds."""
    return {
        "p50_s": times.p50_s,
        "p50_low_s": times.p50_interval.low,
        "p50_high_s": times.p50_interval.high,
        "p95_s": times.p95_s,
        "p95_low_s": times.p95_interval.low,
        "p95_high_s": times.p95_interval.high,
        "max_s": times.max_s,
    }


def ratio_points(pairing: Pairing, *, simulated: bool) -> list[dict[str, Any]]:
    """By prompt how many times as long the second side took as the first."""
    return [
        {
            "prompt_id": one.prompt_id,
            "ratio": one.ratio,
            "n": one.n_pairs,
            "simulated": simulated,
        }
        for one in pairing.ratios
    ]


def ratio_summary(pairing: Pairing) -> dict[str, Any]:
    """The ratio over all prompts, with its interval."""
    service = pairing.service
    return {
        "first": pairing.first,
        "second": pairing.second,
        "estimate": service.estimate,
        "low": service.interval.low,
        "high": service.interval.high,
        "n_prompts": service.n_prompts,
    }


def month_points(saving: Saving, *, simulated: bool) -> list[dict[str, Any]]:
    """A year of one variant; the band of the saving lies on the gateway's line."""
    projected, band = saving.projection, saving.saving_band_usd
    bounds = (None, None)
    if band is not None:
        bounds = (projected.direct_usd - band[1], projected.direct_usd - band[0])
    sides = (
        (saving.direct, "direct", projected.direct_usd, (None, None)),
        (saving.gateway, "gateway", projected.alternative_usd, bounds),
    )
    return [
        {
            "name": name,
            "route": route,
            "simulated": simulated,
            "month": month,
            "usd": usd * month,
            "usd_low": None if low is None else low * month,
            "usd_high": None if high is None else high * month,
        }
        for month in range(1, MONTHS_A_YEAR + 1)
        for name, route, usd, (low, high) in sides
    ]


def outlook_points(found: Outlook) -> list[dict[str, Any]]:
    """Cumulative dollars of every alternative of a projection, with their bands."""
    rows: list[dict[str, Any]] = []
    for line in found.lines:
        course = line.course
        unit, alternative = course.alternative.unit, course.alternative
        has_band = unit.usd_low is not None
        images = 0
        for k, usd in enumerate(course.cumulative_usd):
            images += course.images[k]
            fees = alternative.fees_usd(k + 1, with_setup=True)
            rows.append(
                {
                    "name": alternative.name,
                    "route": _route(line),
                    "simulated": line.priced.simulated,
                    "month": k + 1,
                    "usd": usd,
                    "usd_low": unit.low * images + fees if has_band else None,
                    "usd_high": unit.high * images + fees if has_band else None,
                }
            )
    return rows


def _route(line: Line) -> str | None:
    return next((b.measured.route for b in line.priced.source.bases), None)


def swing_points(compared: Compared, most: int) -> list[dict[str, Any]]:
    """What moves a saving most, around the saving as assumed."""
    return [
        {
            "what": one.what,
            "reach": one.reach,
            "base_usd": compared.saving.whole.usd,
            "low_usd": one.low_usd,
            "high_usd": one.high_usd,
            "simulated": compared.simulated,
        }
        for one in compared.swings[:most]
    ]

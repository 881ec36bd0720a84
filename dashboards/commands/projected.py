"""Projected: an outlook as the object that --json prints."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from bench.scenario.form import Part
from bench.studies.assumptions import assumptions
from bench.studies.outlook import Line, Outlook
from bench.studies.resampling import BAND_LEVEL, N_RESAMPLES
from bench.studies.run_price import Basis
from bench.studies.weighed import Compared, Crossings
from pricing.assumption import Assumption
from pricing.breakeven import BreakEven
from pricing.money import ratio, round_usd, total, usd_text
from pricing.projection import Band, Banded, UnitCost
from pricing.sensitivity import Swing

SCHEMA = "pixelmeter.project/1"


def answer(found: Outlook, notes: Sequence[str], files: Sequence[Path] = ()) -> str:
    """All figures; money and shares as exact decimal strings."""
    scenario = found.scenario
    content = {
        "schema": SCHEMA,
        "name": scenario.name,
        "description": scenario.description,
        "simulated": found.simulated,
        "images": list(found.images),
        "months": [f"{day:%Y-%m}" for day in found.calendar] or None,
        "growth_share": _text(scenario.growth),
        "band_level": BAND_LEVEL,
        "resamples": N_RESAMPLES,
        "alternatives": [_alternative(line) for line in found.lines],
        "savings": [_saving(compared) for compared in found.compared],
        "assumed": [_assumed(one) for one in found.assumptions],
        "assumptions": list(assumptions(found)),
        "warnings": list(found.warnings),
        "notes": list(notes),
        "files": [str(path) for path in files],
    }
    return orjson.dumps(content).decode()


def _assumed(one: Assumption) -> dict[str, Any]:
    return {
        "key": one.key,
        "what": one.what,
        "value": usd_text(one.value),
        "unit": one.unit,
        "source": one.source,
        "as_of": one.as_of and one.as_of.isoformat(),
        "low": _text(one.low),
        "high": _text(one.high),
        "range": one.reach,
        "medium_confidence_usd": usd_text(one.medium_usd),
    }


def _alternative(line: Line) -> dict[str, Any]:
    course, priced = line.course, line.priced
    return {
        "name": line.choice.name,
        "against": line.against,
        "how": priced.source.how,
        "simulated": priced.simulated,
        "mix": [_part(part, priced.mix) for part in priced.mix],
        "usd_per_image_made": _text(priced.made_usd),
        **_unit(priced.unit),
        "all_in_usd_per_image": _text(course.all_in_usd),
        "why_no_band": priced.why_no_band,
        "monthly_fee_usd": usd_text(line.choice.monthly_fee_usd),
        "setup_usd": usd_text(line.choice.setup_usd),
        "costs_usd": _texts(course.costs_usd),
        "cumulative_usd": _texts(course.cumulative_usd),
        **_horizons(course.month, course.first_year, course.whole),
        "sensitivity": [_swing(one) for one in line.swings],
        "measured": [_basis(basis) for basis in priced.source.bases],
        "books": [ref.to_json() for ref in priced.source.books],
    }


def _saving(compared: Compared) -> dict[str, Any]:
    saving = compared.saving
    return {
        "alternative": saving.alternative,
        "against": saving.against,
        "simulated": compared.simulated,
        "verdict": saving.whole.direction,
        "share": _text(saving.share),
        "savings_usd": _texts(saving.savings_usd),
        "cumulative_usd": _texts(saving.cumulative_usd),
        **_horizons(saving.month, saving.first_year, saving.whole),
        "why_no_band": compared.why_no_band,
        "break_even": _crossings(compared.running),
        "break_even_with_setup": compared.with_setup
        and _crossings(compared.with_setup),
        "payback_month": compared.payback_month,
        "sensitivity": [_swing(one) for one in compared.swings],
        "medium_confidence": compared.medium and _swing(compared.medium),
    }


def _crossings(found: Crossings) -> dict[str, Any]:
    band = None
    if found.cheapest and found.dearest:
        band = [_crossing(found.cheapest), _crossing(found.dearest)]
    return {**_crossing(found.centre), "band": band}


def _crossing(found: BreakEven) -> dict[str, Any]:
    return {
        "cheaper": found.crossing,
        "images_per_month": found.images,
        "exact_images": None if found.exact is None else _text(round_usd(found.exact)),
        "spend_usd": None
        if found.spend_usd is None
        else _text(round_usd(found.spend_usd)),
    }


def _swing(one: Swing) -> dict[str, str]:
    return {
        "assumption": one.what,
        "range": one.reach,
        "low_usd": usd_text(one.low_usd),
        "high_usd": usd_text(one.high_usd),
    }


def _horizons(
    month: Banded, first_year: Banded | None, whole: Banded
) -> dict[str, Any]:
    return {
        "month_usd": usd_text(month.usd),
        "month_band_usd": _band(month.band),
        "month_median_usd": _text(month.band.median_usd) if month.band else None,
        "first_year_usd": None if first_year is None else usd_text(first_year.usd),
        "first_year_band_usd": None if first_year is None else _band(first_year.band),
        "total_usd": usd_text(whole.usd),
        "total_band_usd": _band(whole.band),
        "total_median_usd": _text(whole.band.median_usd) if whole.band else None,
    }


def _unit(unit: UnitCost) -> dict[str, Any]:
    band = None
    if unit.usd_low is not None:
        band = [usd_text(unit.low), usd_text(unit.high)]
    return {
        "usd_per_image": usd_text(unit.usd),
        "median_usd_per_image": _text(unit.median_usd),
        "band_usd_per_image": band,
        "n_images": unit.n,
    }


def _basis(basis: Basis) -> dict[str, Any]:
    one = basis.measured
    model, quality, size, asked = one.variant
    return {
        "run_id": basis.run_id,
        "endpoint": one.endpoint,
        "route": one.route,
        "simulated": one.simulated,
        "share": usd_text(basis.share),
        "model": model,
        "quality": quality,
        "size": size,
        "asked": asked,
        **_unit(basis.unit),
        "why_no_band": one.why_no_band,
        "n_prompts": one.n_prompts,
        "n_trials": one.n_trials,
        "charge_usd": usd_text(one.charge_usd),
        "n_charge_unknown": one.n_charge_unknown,
        "possibly_billed_usd": usd_text(one.possibly_billed_usd),
    }


def _part(part: Part, mix: Sequence[Part]) -> dict[str, str | None]:
    whole = total(one.share for one in mix)
    return {
        "share": usd_text(round_usd(ratio(part.share, whole))),
        "model": part.model,
        "quality": part.quality,
        "size": part.size,
        "asked": part.asked,
    }


def _band(band: Band | None) -> list[str] | None:
    return None if band is None else [usd_text(band.low_usd), usd_text(band.high_usd)]


def _texts(amounts: Iterable[Decimal]) -> list[str]:
    return [usd_text(amount) for amount in amounts]


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else usd_text(amount)

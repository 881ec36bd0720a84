"""Projected: an outlook as the object that --json prints."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import orjson

from bench.scenario import Part
from bench.studies.assumptions import assumptions
from bench.studies.outlook import Compared, Line, Outlook
from bench.studies.resampling import BAND_LEVEL, N_RESAMPLES
from bench.studies.run_price import Basis
from pricing.money import usd_text
from pricing.projection import Band, Banded, UnitCost

SCHEMA = "pixelmeter.project/1"


def answer(found: Outlook, notes: Sequence[str]) -> str:
    """All figures; money and shares as exact decimal strings."""
    scenario = found.scenario
    content = {
        "schema": SCHEMA,
        "name": scenario.name,
        "description": scenario.description,
        "simulated": found.simulated,
        "images": list(found.images),
        "growth_share": _text(scenario.growth),
        "band_level": BAND_LEVEL,
        "resamples": N_RESAMPLES,
        "alternatives": [_alternative(line) for line in found.lines],
        "savings": [_saving(compared) for compared in found.compared],
        "assumptions": list(assumptions(found)),
        "notes": list(notes),
    }
    return orjson.dumps(content).decode()


def _alternative(line: Line) -> dict[str, Any]:
    course, priced = line.course, line.priced
    return {
        "name": line.choice.name,
        "against": line.against,
        "how": priced.how,
        "simulated": priced.simulated,
        "mix": [_part(part) for part in line.mix or ()],
        **_unit(priced.unit),
        "why_no_band": priced.why_no_band,
        "monthly_fee_usd": usd_text(line.choice.monthly_fee_usd),
        "setup_usd": usd_text(line.choice.setup_usd),
        "costs_usd": _texts(course.costs_usd),
        "cumulative_usd": _texts(course.cumulative_usd),
        **_horizons(course.month, course.first_year, course.whole),
        "measured": [_basis(basis) for basis in priced.bases],
        "books": [ref.to_json() for ref in priced.books],
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
    }


def _horizons(
    month: Banded, first_year: Banded | None, whole: Banded
) -> dict[str, Any]:
    return {
        "month_usd": usd_text(month.usd),
        "month_band_usd": _band(month.band),
        "first_year_usd": None if first_year is None else usd_text(first_year.usd),
        "first_year_band_usd": None if first_year is None else _band(first_year.band),
        "total_usd": usd_text(whole.usd),
        "total_band_usd": _band(whole.band),
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
    model, quality, size = one.variant
    return {
        "run_id": basis.run_id,
        "endpoint": one.endpoint,
        "route": one.route,
        "simulated": one.simulated,
        "share": usd_text(basis.share),
        "model": model,
        "quality": quality,
        "size": size,
        **_unit(basis.unit),
        "why_no_band": one.why_no_band,
        "n_prompts": one.n_prompts,
        "n_trials": one.n_trials,
        "charge_usd": usd_text(one.charge_usd),
        "n_charge_unknown": one.n_charge_unknown,
        "possibly_billed_usd": usd_text(one.possibly_billed_usd),
    }


def _part(part: Part) -> dict[str, str | None]:
    return {
        "share": usd_text(part.share),
        "model": part.model,
        "quality": part.quality,
        "size": part.size,
    }


def _band(band: Band | None) -> list[str] | None:
    return None if band is None else [usd_text(band.low_usd), usd_text(band.high_usd)]


def _texts(amounts: Iterable[Decimal]) -> list[str]:
    return [usd_text(amount) for amount in amounts]


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else usd_text(amount)

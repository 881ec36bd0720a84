"""Answers: rows and comparisons as the objects that --json prints."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from bench.commands.scheduled import schedule_answer
from bench.commands.shown_modes import modes_answer
from bench.stats import Difference, Interval, wilson_interval
from bench.store.queries import Row
from bench.store.shown import Shown
from bench.store.status import status_fields
from bench.studies.comparison import Comparison
from bench.studies.levels import Level, Times, times_of
from bench.studies.pairing import Cost, Pairing
from bench.studies.saving import Saving
from pricing.money import round_usd, usd_text

_ASKED = ("api", "operation", "model", "mainline_model", "quality", "size")
_SENT = ("output_format", "background", "n", "stream", "partial_images")
_COUNTS = (
    *("n_trials", "n_done", "n_failed", "n_possibly_billed", "n_not_sent"),
    *("n_in_flight", "n_settled", "n_ok", "n_refused", "attempts", "images"),
    *("n_charge_unknown", "n_warmup"),
)
_MONEY = ("charge_usd", "list_usd", "possibly_billed_usd", "usd_per_image")


def run_answer(row: Row) -> dict[str, Any]:
    """One run, from its row of `v_run`."""
    return {
        **status_fields(row),
        "created_at": _instant(row["created_at"]),
        "suite": row["suite"],
        "endpoints": row["endpoints"],
        "simulated": row["simulated"],
        "seed": row["seed"],
        "tags": orjson.loads(row["tags"]),
        "note": row["note"],
    }


def show_answer(shown: Shown) -> dict[str, Any]:
    """One run with its cells and what went wrong."""
    return {
        **run_answer(shown.run),
        **schedule_answer(shown),
        "cells": [_cell(cell) for cell in shown.cells],
        **modes_answer(shown),
        "errors": shown.errors,
        "possibly_billed": [_possibly_billed(row) for row in shown.possibly_billed],
    }


def _cell(row: Row) -> dict[str, Any]:
    asked = {name: row[name] for name in (*_ASKED, *_SENT)}
    return {
        "endpoint": row["endpoint"],
        "route": row["route"],
        "simulated": row["simulated"],
        **asked,
        **{name: row[name] for name in _COUNTS},
        "ok_share": row["ok_share"],
        "ok_share_interval": _bounds(wilson_interval(row["n_ok"], row["n_settled"])),
        **_times(times_of(row["service_s"])),
        "total_p50_s": row["total_p50_s"],
        "total_p95_s": times_of(row["total_s"]).p95_s,
        **{name: _usd(row[name]) for name in _MONEY},
    }


def _possibly_billed(row: Row) -> dict[str, Any]:
    plain = ("attempt_id", "trial_id", "endpoint", "prompt_id", "outcome", "request_id")
    return {
        **{name: row[name] for name in plain},
        "possibly_billed_usd": _usd(row["possibly_billed_usd"]),
        "started_at": _instant(row["started_at"]),
    }


def comparison_answer(comparison: Comparison) -> dict[str, Any]:
    """All figures of a comparison; money as decimal strings, shares 0..1."""
    return {
        "by": comparison.by,
        "simulated": comparison.simulated,
        "levels": [level_answer(level) for level in comparison.levels],
        "differences": [pairing_answer(pairing) for pairing in comparison.pairings],
    }


def saving_answer(saving: Saving) -> dict[str, Any]:
    """The month of a variant; money as decimal strings."""
    model, quality, size, asked = saving.variant
    projected, band = saving.projection, saving.saving_band_usd
    return {
        "model": model,
        "quality": quality,
        "size": size,
        "asked": asked,
        "direct": saving.direct,
        "gateway": saving.gateway,
        "n_prompts": saving.n_prompts,
        "images_per_month": projected.images_per_month,
        "direct_usd": usd_text(projected.direct_usd),
        "gateway_usd": usd_text(projected.alternative_usd),
        "saving_usd": usd_text(projected.saving_usd),
        "saving_band_usd": None if band is None else [usd_text(usd) for usd in band],
        "saving_year_usd": usd_text(projected.saving_year_usd),
    }


def level_answer(level: Level) -> dict[str, Any]:
    """A group of trials; money as decimal strings."""
    return {
        "name": level.name,
        "simulated": level.simulated,
        "n_trials": level.n_trials,
        "n_prompts": level.n_prompts,
        "n_settled": level.n_settled,
        "n_ok": level.n_ok,
        "ok_share": level.ok_share,
        "ok_share_interval": _bounds(level.ok_interval),
        **_times(level.times),
        "images": level.images,
        "charge_usd": _usd(level.charge_usd),
        "list_usd": _usd(level.list_usd),
        "possibly_billed_usd": _usd(level.possibly_billed_usd),
        "n_charge_unknown": level.n_charge_unknown,
        "usd_per_image": _usd(level.usd_per_image),
    }


def pairing_answer(pairing: Pairing) -> dict[str, Any]:
    """One group against another, like with like."""
    return {
        "first": pairing.first,
        "second": pairing.second,
        "n_pairs": pairing.n_pairs,
        "cost": _cost(pairing.cost),
        "service_time": {
            "ratio": pairing.service.estimate,
            "ratio_interval": _bounds(pairing.service.interval),
            **_sureness(pairing.service),
        },
        "success": {
            "share_difference": pairing.ok.estimate,
            "share_difference_interval": _bounds(pairing.ok.interval),
            "only_first_ok": pairing.only_first_ok,
            "only_second_ok": pairing.only_second_ok,
            **_sureness(pairing.ok),
        },
    }


def _cost(cost: Cost) -> dict[str, Any]:
    interval = cost.difference.interval
    return {
        "first_usd": usd_text(cost.first_usd),
        "second_usd": usd_text(cost.second_usd),
        "first_images": cost.first_images,
        "second_images": cost.second_images,
        "first_usd_per_image": _usd(cost.first_per_image),
        "second_usd_per_image": _usd(cost.second_per_image),
        "difference_usd_per_image": _usd(cost.step_per_image),
        "difference_share": cost.share,
        "difference_usd_per_image_interval": [
            _usd(rounded(interval.low)),
            _usd(rounded(interval.high)),
        ],
        **_sureness(cost.difference),
    }


def _sureness(difference: Difference) -> dict[str, Any]:
    return {
        "n_prompts": difference.n_prompts,
        "n_pairs": difference.n_pairs,
        "p": difference.p,
        "verdict": difference.verdict,
    }


def _times(times: Times) -> dict[str, Any]:
    return {
        "n_timed": times.n,
        "p50_s": times.p50_s,
        "p50_interval_s": _bounds(times.p50_interval),
        "p95_s": times.p95_s,
        "p95_interval_s": _bounds(times.p95_interval),
        "max_s": times.max_s,
    }


def rounded(usd: float | None) -> Decimal | None:
    """A computed bound in dollars, to 12 decimals."""
    return None if usd is None else round_usd(Decimal(repr(usd)))


def _usd(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)


def _bounds(interval: Interval) -> list[float | None]:
    return [interval.low, interval.high]


def _instant(at: datetime) -> str:
    return f"{at.isoformat()}Z"

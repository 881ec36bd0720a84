"""Points: a run's facts as the rows that charts take."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import fmean
from typing import Any

from bench.store.queries import Row
from bench.studies.comparison import Comparison, level_name
from bench.studies.levels import is_timed, times_of
from bench.studies.saving import Saving
from dashboards.charts.points import quantile_points
from dashboards.report.facts import Facts
from dashboards.report.labels import short_labels

MOST_EXACT = 500
N_FOR_STRETCH_P95 = 20
_BIN = math.log(1.02)
_PER_STRETCH = 24
_MOST_STRETCHES = 30
# How long a stretch of a run may be, in seconds.
_STRETCHES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def level_bins(facts: Facts, by: str) -> list[dict[str, Any]]:
    """Service times by level: exact values, or bins of 2 % where they are many."""
    rows: list[dict[str, Any]] = []
    for level, own in _by(facts.trials, lambda row: level_name(row, by)).items():
        times_s = sorted(row["service_s"] for row in own if is_timed(row))
        about = {
            "level": level,
            "route": own[0]["route"] if by == "endpoint" else None,
            "simulated": any(row["simulated"] for row in own),
        }
        rows += [{**about, **found} for found in _bins(times_s)]
    return rows


def _bins(times_s: Sequence[float]) -> list[dict[str, Any]]:
    if len(times_s) <= MOST_EXACT:
        return [{"low_s": t, "high_s": t, "n": 1} for t in times_s]
    counted = Counter(math.floor(math.log(t) / _BIN) for t in times_s)
    return [
        {"low_s": math.exp(i * _BIN), "high_s": math.exp((i + 1) * _BIN), "n": n}
        for i, n in sorted(counted.items())
    ]


def level_quantiles(comparison: Comparison) -> list[dict[str, Any]]:
    """p50 and p95 of a comparison's levels."""
    return [
        {"level": level.name, "p50_s": level.times.p50_s, "p95_s": level.times.p95_s}
        for level in comparison.levels
    ]


def cell_points(facts: Facts) -> list[dict[str, Any]]:
    """Every cell with its times and prices, for three kinds of charts."""
    labels = short_labels(facts.shown.cells)
    return [_cell(cell, labels[cell["cell_index"]]) for cell in facts.shown.cells]


def _cell(cell: Row, label: str) -> dict[str, Any]:
    times = times_of(cell["service_s"])
    return {
        "label": label,
        **{key: cell[key] for key in ("endpoint", "route", "simulated")},
        "images": cell["priced_images"],
        "n": times.n,
        **quantile_points(times),
        "usd_per_image": cell["usd_per_image"],
        "list_usd_per_image": cell["list_usd_per_image"],
    }


def part_points(facts: Facts) -> list[dict[str, Any]]:
    """Mean seconds of each part by endpoint, over answers with all stamps."""
    stamps = ("queued_s", "connect_s", "first_byte_s", "service_s")
    whole = [
        row
        for row in facts.asked
        if is_timed(row) and all(row[key] is not None for key in stamps)
    ]
    return [
        {
            "label": "",
            "endpoint": endpoint,
            "simulated": own[0]["simulated"],
            "n": len(own),
            **{key: fmean(row[key] for row in own) for key in stamps[:3]},
            "rest_s": fmean(row["service_s"] - row["first_byte_s"] for row in own),
        }
        for (_, endpoint), own in sorted(_by(whole, _route_and_name).items())
    ]


def stretch_points(facts: Facts) -> list[dict[str, Any]]:
    """Times and errors over the run, in stretches of one length."""
    sent = [row for row in facts.asked if row["started_at"] is not None]
    if not sent:
        return []
    begin = min(row["started_at"] for row in sent)
    length_s = _stretch_s(sent, begin)
    stretches = _by(sent, lambda row: (row["started_at"] - begin) // length_s)
    return [
        _stretch(begin + place * length_s, own)
        for place, own in sorted(stretches.items())
    ]


def _stretch_s(sent: Sequence[Row], begin: datetime) -> timedelta:
    span_s = (max(row["started_at"] for row in sent) - begin).total_seconds()
    n = min(_MOST_STRETCHES, max(1, len(sent) // _PER_STRETCH))
    fitting = (s for s in _STRETCHES_S if span_s / s < n + 1)
    hours = math.ceil(span_s / n / 3600)
    return timedelta(seconds=next(fitting, hours * 3600))


def _stretch(at: datetime, own: Sequence[Row]) -> dict[str, Any]:
    times_s = [row["service_s"] for row in own if is_timed(row)]
    ordered = sorted(times_s)
    is_enough = len(ordered) >= N_FOR_STRETCH_P95
    return {
        "at": at,
        "n": len(own),
        "n_errors": sum(row["outcome"] not in {"ok", None} for row in own),
        "p50_s": times_of(times_s).p50_s,
        "p95_s": ordered[math.ceil(0.95 * len(ordered)) - 1] if is_enough else None,
        "simulated": any(row["simulated"] for row in own),
    }


def _route_and_name(row: Row) -> tuple[str, str]:
    """Direct endpoints first."""
    return str(row["route"]), str(row["endpoint"])


def _by(rows: Sequence[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def median_saving(found: Sequence[Saving]) -> Saving:
    """One that stands for the others.

    The variant whose direct cost is in the middle, at the gateway that saves most.
    """
    ordered = sorted(found, key=_direct_usd)
    variant = ordered[len(ordered) // 2].variant
    own = [saving for saving in found if saving.variant == variant]
    return max(own, key=lambda saving: saving.projection.saving_usd)


def _direct_usd(saving: Saving) -> Decimal:
    return saving.projection.direct_usd

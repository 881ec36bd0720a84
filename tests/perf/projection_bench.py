"""Projection: five alternatives, 24 months, 2,000 resamples, in one process."""

import statistics
import tempfile
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.exports.projection_book import write_projection
from bench.scenario.form import Scenario
from bench.studies.outlook import Outlook, outlook
from bench.studies.priced import Pricer
from bench.studies.run_price import RunRecord

N_PROMPTS = 100
N_REPEATS = 5
N_TIMES = 5
QUALITIES = ("low", "medium", "high")
ENDPOINTS = ("direct", "g1", "g2", "g3", "g4")
DAY = date(2026, 11, 21)


def _trial(prompt: int, endpoint: str, quality: str, repeat: int) -> dict[str, Any]:
    is_ok = (prompt + repeat) % 17 > 0
    return {
        "run_id": "r",
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "repeat": repeat,
        "endpoint": endpoint,
        "route": "direct" if endpoint == "direct" else "gateway",
        "model": "m",
        "quality": quality,
        "size": "1024x1024",
        "parameters": "{}",
        "simulated": False,
        "from_cache": False,
        "warmup": False,
        "bucket": "done" if is_ok else "failed",
        "outcome": "ok" if is_ok else "unusable",
        "images": 1 if is_ok else 0,
        "charge_usd": Decimal(100 + prompt).scaleb(-4),
        "possibly_billed_usd": Decimal(0),
        "charge_unknown": False,
    }


def _record() -> RunRecord:
    trials = [
        _trial(prompt, endpoint, quality, repeat)
        for prompt in range(N_PROMPTS)
        for endpoint in ENDPOINTS
        for quality in QUALITIES
        for repeat in range(N_REPEATS)
    ]
    return RunRecord(run_id="r", trials=trials, cards={})


def _scenario() -> Scenario:
    shares = zip(QUALITIES, ("0.5", "0.3", "0.2"), strict=True)
    return Scenario.model_validate(
        {
            "name": "bench",
            "images_per_month": 10_000,
            "months": 24,
            "growth": "3%/month",
            "start": "2027-01",
            "seasonality": {"december": 2},
            "mix": [{"quality": q, "share": share} for q, share in shares],
            "cache_hit_share": "0.1",
            "baseline": "direct",
            "alternatives": [
                {
                    "name": name,
                    "from_run": {"run": "r", "endpoint": name},
                    "monthly_fee_usd": 5,
                    "setup_usd": 50,
                }
                for name in ENDPOINTS
            ],
        }
    )


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure)."""
    record, scenario = _record(), _scenario()
    took: list[float] = []
    found: Outlook | None = None
    for _ in range(N_TIMES):
        before = time.perf_counter()
        found = outlook(scenario, Pricer(lambda _: record, DAY))
        took.append(time.perf_counter() - before)
    assert found
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        before = time.perf_counter()
        write_projection(found, Path(folder, "bench.xlsx"))
        wrote = time.perf_counter() - before
    what = f"projection, 5 ways x 24 months, {len(record.trials):,} trials measured"
    return [
        (f"{what}, median of {N_TIMES}", "1 s", f"{statistics.median(took):.2f} s"),
        ("the same as an Excel workbook", "-", f"{wrote:.2f} s"),
    ]

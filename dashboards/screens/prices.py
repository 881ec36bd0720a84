"""Prices: how old the rate cards are that charges were made with."""

from functools import lru_cache
from pathlib import Path

from bench.errors import BenchError
from bench.plan.frozen import read_plan
from dashboards.screens.frame import MOST_PLAN_BYTES, Visit


def price_dates(visit: Visit) -> tuple[str, ...]:
    """When the prices of the newest chosen run were checked, a vendor a sentence.

    A plan of many thousand trials is too large to read for every visit; its
    dates stand in the run's report.
    """
    for row in visit.runs[:1]:
        plan = visit.ask.folder.run(str(row["run_id"])).plan
        try:
            status = plan.stat()
            if status.st_size <= MOST_PLAN_BYTES:
                return _dates_in(plan, status.st_mtime_ns)
        except (BenchError, OSError):
            pass
    return ()


@lru_cache(maxsize=32)
def _dates_in(plan: Path, _modified_ns: int) -> tuple[str, ...]:
    cards = [priced.card for priced in read_plan(plan).prices.values()]
    checked_on = {
        vendor: min(card.checked_on for card in cards if card.vendor == vendor)
        for vendor in sorted({card.vendor for card in cards})
    }
    return tuple(f"Prices of {name} checked {day}" for name, day in checked_on.items())

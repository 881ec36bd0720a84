from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.store import figures, queries
from bench.store.chosen import Chosen
from bench.store.index import open_index
from bench.store.ingest import refresh
from bench.studies.levels import level_of
from bench.studies.unit_cost import measure

Make = Callable[..., Any]


def answers(folder: DataFolder) -> dict[str, queries.Row]:
    """What each place that tells dollars an image says of the run's only cell."""
    refresh(folder)
    with open_index(folder) as con:
        (cell,) = queries.rows_of(con, "SELECT * FROM v_cell")
        (row,) = figures.cells(con, Chosen())
        total = figures.totals(con, Chosen())
        trials = queries.trials(con, cell["run_id"])
    (one,) = measure(trials)
    each = one.unit.usd if one.unit else None
    level = {"usd_per_image": level_of("a", trials).usd_per_image}
    measured = {"usd_per_image": each}
    return {
        "view": cell,
        "cells": row,
        "totals": total,
        "level": level,
        "measured": measured,
    }


@pytest.mark.parametrize(
    ("charge_usd", "half_usd"),
    [("0.005737332761", "0.00286866638"), ("0.005737332763", "0.002868666382")],
)
def test_ties_are_rounded_half_even_wherever_dollars_an_image_stand(
    synthetic_run: Make, data_folder: DataFolder, charge_usd: str, half_usd: str
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1, endpoints=(("a", "direct"),))
    money = {"charge_usd": charge_usd, "list_usd": charge_usd, "images": 2}
    run.settle_all(lambda _: money)
    told = answers(data_folder)
    assert {name: row["usd_per_image"] for name, row in told.items()} == (
        dict.fromkeys(told, Decimal(half_usd))
    )


def test_the_list_price_of_an_image_is_of_the_same_trials_as_its_charge(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=3, repeats=1, endpoints=(("a", "direct"),))
    ends = (
        {"charge_usd": "0.03", "list_usd": "0.06"},
        {"charge_usd": "0.05", "list_usd": "0.10"},
        {"charge_usd": None, "list_usd": None, "possibly_billed_usd": "0.21"},
    )
    run.settle_all(lambda trial: ends[trial["prompt"]])
    told = answers(data_folder)
    for name in ("view", "cells", "totals"):
        row = told[name]
        assert (row["images"], row["priced_images"]) == (3, 2)
        assert row["usd_per_image"] == Decimal("0.04")
        assert row["list_usd_per_image"] == Decimal("0.08")

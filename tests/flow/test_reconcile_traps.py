"""Traps of bills: what must not pass for a rate, a day or a proof."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.bills import Office, cost_csv, cost_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.folder import DataFolder
    from tests.flow.conftest import SyntheticRun

    MakeRun = Callable[..., SyntheticRun]

# gpt-image-2, a million tokens: image out 30, batch 15.
OUT, ALL = "gpt-image-2, image output", "gpt-image-2, all"
CHARGED: dict[str, Any] = {
    "input_text_tokens": 10,
    "output_image_tokens": 196,
    "charge_usd": "0.00593",
    "list_usd": "0.00593",
    **dict.fromkeys(
        ("cached_text_tokens", "input_image_tokens", "cached_image_tokens"), 0
    ),
    "output_text_tokens": 0,
}
LOST: dict[str, Any] = {
    "outcome": "timed_out",
    "billing": "possibly_billed",
    "charge_usd": None,
    "list_usd": None,
    "possibly_billed_usd": "0.21",
    "usage_source": "absent",
    **dict.fromkeys(key for key in CHARGED if key.endswith("_tokens")),
}


@pytest.fixture
def office(
    tmp_path: Path, data_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """Some days after the runs."""
    import bench.imports.reading as module

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 12, 24, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Later)
    return Office(tmp_path, data_folder.root)


def bring(
    office: Office,
    text: str,
    *options: object,
    name: str = "cost.csv",
    kind: str = "openai-costs",
    written: str = "2026-12-23",
) -> str:
    path = office.file(name, text)
    at = datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    return office.answer("import", kind, path, *options)["import"]["id"]


def spend(make: MakeRun, *days: str) -> SyntheticRun:
    """On each day an attempt that was charged, and one whose fate is unknown."""
    fates = [
        {**CHARGED, **fate, "started_at": f"{day}T13:00:01.000000Z"}
        for day in days
        for fate in ({}, LOST)
    ]
    run = make(n_prompts=len(fates), repeats=1, endpoints=(("openai", "direct"),))
    run.settle_all(lambda trial: fates[trial["prompt"]])
    return run


def verdicts(bill: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(rate["verdict"], rate["why"]) for rate in bill["rates"]]


@pytest.mark.parametrize(
    ("amount", "quantity", "expected"),
    [
        ("-15", "", ("not_compared", "a credit says no rate")),
        ("-15", "500000", ("not_compared", "a credit says no rate")),
        ("-7.0000", "-500000", ("differs", None)),
        ("0", "500000", ("not_compared", "billed 0: free, or paid by a credit")),
        ("7", "", ("not_compared", "the line has no quantity")),
    ],
    ids=["credit", "credit for tokens", "refund", "free", "no quantity"],
)
def test_credits_free_units_and_bare_amounts_change_no_rate(
    office: Office, amount: str, quantity: str, expected: tuple[str, str | None]
) -> None:
    rows = (("30", "1000000"), (amount, quantity))
    bring(office, cost_csv(*(cost_row("2026-11-20", OUT, *row) for row in rows)))
    bill = office.bill()
    assert sorted(verdicts(bill), key=str) == sorted([expected, ("same", None)])
    assert bill["book_changes"] == []


def test_bills_of_two_vendors_for_one_day_both_count(office: Office) -> None:
    header = "ChargePeriodStart,BilledCost,BillingCurrency,PublisherName,SkuId\n"
    day = "2026-11-20T00:00:00Z"
    for vendor, usd in (("openai", "5"), ("azure", "7")):
        text = f"{header}{day},{usd},USD,{vendor},gpt-image-2\n"
        bring(office, text, name=f"{vendor}.csv", kind="focus")
    bill = office.bill()
    assert sum(int(total["billed_usd"]) for total in bill["totals"]) == 12
    assert bill["n_replaced"] == 0

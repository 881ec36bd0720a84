"""Traps of bills: what must not pass for a rate, a day or a proof."""

from __future__ import annotations

import json
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


def said_of_doubts(bill: dict[str, Any]) -> list[tuple[str, str]]:
    return [(doubt["verdict"], doubt["why"]) for doubt in bill["doubts"]]


def test_a_day_that_no_import_has_proves_nothing_and_is_left_out(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, "2026-11-10")
    for day in ("2026-11-01", "2026-11-20"):
        bring(office, cost_csv(cost_row(day, OUT, "30", 1_000_000)), name=day)
    bill = office.bill()
    assert (bill["doubts"], bill["attempts"], bill["n_outside"]) == ([], 0, 2)
    assert "2 attempts of ours left out" in office.tell("reconcile").stderr


PROVEN = cost_row("2026-11-20", ALL, "0.00593")


@pytest.mark.parametrize(
    ("rows", "options", "why"),
    [
        (
            [PROVEN, cost_row("2026-11-21", OUT, "a lot", 1)],
            ["--skip-bad"],
            "rows of the bill are missing in the import",
        ),
        (
            [
                cost_row("2026-11-20", ALL, "0.01186"),
                cost_row("2026-11-20", ALL, "-0.00593"),
            ],
            [],
            "the bill has a credit on that day, which may hide it",
        ),
        (
            [PROVEN, cost_row("2026-11-20", "Images", "0.00593")],
            [],
            "the bill has a charge of that day that names no model",
        ),
        (
            [cost_row("2026-11-20", ALL, "0.01")],
            [],
            "the bill is told too coarsely to see it",
        ),
    ],
    ids=["rows missing", "credit", "no model", "cents"],
)
def test_a_bill_that_could_hide_an_attempt_does_not_disprove_it(
    office: Office,
    synthetic_run: MakeRun,
    rows: list[str],
    options: list[str],
    why: str,
) -> None:
    spend(synthetic_run, "2026-11-20")
    bring(office, cost_csv(*rows), *options)
    assert said_of_doubts(office.bill()) == [("open", why)]


def test_a_sum_of_several_days_is_settled_by_its_end_and_of_no_one_day(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, "2026-11-20", "2026-11-22")
    header = (
        "ChargePeriodStart,ChargePeriodEnd,BilledCost,BillingCurrency,PublisherName,"
        "SkuId\n"
    )
    week = "2026-11-20T00:00:00Z,2026-11-27T00:00:00Z"
    text = f"{header}{week},0.01186,USD,openai,gpt-image-2\n"
    bring(office, text, name="w.csv", kind="focus", written="2026-11-24")
    bill = office.bill()
    assert (bill["first"], bill["last"]) == ("2026-11-20", "2026-11-26")
    totals = bill["totals"]
    assert {total["verdict"] for total in totals} == {"spanned"}
    assert {total["difference_usd"] for total in totals} == {None}
    assert not any(total["is_settled"] for total in totals)
    why = "the bill has a sum of several days there"
    assert said_of_doubts(bill) == [("open", why)] * 2
    told = office.tell("reconcile").stdout
    assert "in all: billed 0.01186 USD, recorded 0.01186 USD" in told


def test_days_told_by_call_and_as_sums_are_not_added_up(office: Office) -> None:
    call = '{"id":"gen-1","created_at":"2026-11-20T10:00:00Z","total_cost":0.04}\n'
    day = "date,model,usage\n2026-11-20,openai/gpt-image-2,0.04\n"
    bring(office, call, name="calls.jsonl", kind="openrouter")
    bring(office, day, name="days.csv", kind="openrouter")
    assert "it would count twice" in office.refusal("reconcile")


def test_a_charge_by_estimate_is_told_as_one(
    office: Office, synthetic_run: MakeRun
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1, endpoints=(("openai", "direct"),))
    run.settle_all(lambda _: {**CHARGED, "usage_source": "estimated"})
    bring(office, cost_csv(cost_row("2026-11-21", ALL, "0.00593")))
    assert office.bill()["n_estimated"] == 1
    assert "estimated: 1 charge of ours" in office.tell("reconcile").stdout


def test_a_gateway_whose_log_lacks_a_call_has_not_proved_it_unbilled(
    office: Office, synthetic_run: MakeRun
) -> None:
    run = synthetic_run(n_prompts=2, repeats=1, endpoints=(("lite", "gateway"),))
    fates = [{**CHARGED, "headers": {"x-litellm-call-id": "c1"}}, LOST]
    run.settle_all(lambda trial: fates[trial["prompt"]])
    log = (
        '{"litellm_call_id":"c1","startTime":1795219200.5,"model_group":"gpt-image-2",'
        '"response_cost":0.00593,"status":"success"}\n'
    )
    bring(office, log, name="spend.jsonl", kind="litellm")
    ((verdict, why),) = said_of_doubts(office.bill())
    assert verdict == "said_unbilled"
    assert "does not have it; what its provider billed" in why


def test_a_bill_of_simulated_charges_says_so_wherever_it_is_shown(
    office: Office,
) -> None:
    text = (
        "ChargePeriodStart,BilledCost,BillingCurrency,PublisherName,SkuId,x_Simulated\n"
        "2026-11-20T00:00:00Z,5,USD,openai,gpt-image-2,true\n"
        "2026-11-20T00:00:00Z,7,USD,openai,gpt-image-2,false\n"
    )
    path = office.file("focus.csv", text)
    told = office.tell("import", "focus", path)
    assert "SIMULATED: 1 row of 2" in told.stderr
    assert "SIMULATED" in told.stdout
    assert "SIMULATED" in office.tell("import", "--list").stdout
    assert "SIMULATED charges" in office.tell("reconcile").stdout
    assert office.bill()["simulated_rows"] == 1


def test_a_pipe_is_refused_with_the_cure_and_never_waited_for(office: Office) -> None:
    pipe = office.folder / "bill.csv"
    os.mkfifo(pipe)
    assert "save it as a file first" in office.refusal("import", "openai-costs", pipe)


def test_the_same_file_written_later_settles_its_days(office: Office) -> None:
    rows = cost_csv(cost_row("2026-11-20", OUT, "30", 1_000_000))
    first = bring(office, rows, written="2026-11-20")
    assert not office.bill()["totals"][0]["is_settled"]
    assert bring(office, rows, written="2026-11-25") == first
    assert office.bill()["totals"][0]["is_settled"]
    # An older copy takes nothing back.
    assert bring(office, rows, written="2026-11-20") == first
    assert office.bill()["totals"][0]["is_settled"]


def test_only_calls_with_tokens_are_held_against_the_bills_own_tokens(
    office: Office,
) -> None:
    details = {"completion_tokens_details": {"text_tokens": 0, "image_tokens": 196}}
    details["prompt_tokens_details"] = {"text_tokens": 10, "image_tokens": 0}
    counted = json.dumps({"usage_object": details})
    lines = [
        f'{{"litellm_call_id":"{name}","startTime":1795219200.5,'
        f'"model_group":"gpt-image-2","response_cost":{usd},"metadata":{metadata}}}'
        for name, usd, metadata in (("a", "0.00593", counted), ("b", "0.2", "{}"))
    ]
    bring(office, "\n".join(lines), name="spend.jsonl", kind="litellm")
    book = next(g for g in office.bill()["calls"] if g["verdict"] == "book")
    assert (book["n"], book["billed_usd"], book["charge_usd"]) == (
        1,
        "0.00593",
        "0.00593",
    )


def test_a_line_is_as_settled_and_as_fine_as_the_worst_of_its_files(
    office: Office,
) -> None:
    day = "2026-11-20"
    fine = cost_csv(cost_row(day, OUT, "0.000030", 1, project="proj_a"))
    # A cent for 300 tokens at 30 is 0.009, as far as cents can tell.
    coarse = cost_csv(cost_row(day, OUT, "0.01", 300, project="proj_b"))
    bring(office, fine, name="fine.csv", written="2026-11-24")
    bring(office, coarse, name="coarse.csv", written="2026-11-20")
    bill = office.bill()
    assert [total["is_settled"] for total in bill["totals"]] == [False]
    ((verdict, _),) = verdicts(bill)
    assert verdict == "too_coarse"


def test_a_fee_of_a_month_does_not_say_that_its_other_days_were_billed_at_0(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, "2026-11-25")
    text = (
        "ChargePeriodStart,ChargePeriodEnd,BilledCost,BillingCurrency,PublisherName,"
        "SkuId\n"
        "2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,20,USD,openai,\n"
        "2026-11-02T00:00:00Z,2026-11-03T00:00:00Z,1,USD,openai,gpt-image-2\n"
    )
    bring(office, text, name="fee.csv", kind="focus")
    bill = office.bill()
    assert (bill["first"], bill["last"]) == ("2026-11-01", "2026-11-02")
    assert (bill["attempts"], bill["doubts"]) == (0, [])

"""Reconcile: what a bill proves of our prices and of our record."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.bills import Office, cost_csv, cost_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.folder import DataFolder
    from tests.flow.conftest import SyntheticRun

    MakeRun = Callable[..., SyntheticRun]

# The day of the runs that the fixtures write, and of the rates in the books:
# gpt-image-2, a million tokens: text in 5, image in 8, image out 30; batch half.
DAY, NEXT = "2026-11-21", "2026-11-22"
OUT, TEXT = "gpt-image-2, image output", "gpt-image-2, text input"


@pytest.fixture
def office(tmp_path: Path, data_folder: DataFolder) -> Office:
    return Office(tmp_path, data_folder.root)


def bring(
    office: Office, *rows: str, name: str = "cost.csv", written: str = "2026-11-21"
) -> str:
    """Import a cost export that was written at the end of a day."""
    path = office.file(name, cost_csv(*rows))
    at = datetime.fromisoformat(f"{written}T23:59:59").replace(tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    return office.answer("import", "openai-costs", path)["import"]["id"]


def priced(n_text: int, n_out: int) -> str:
    return str((Decimal(n_text) * 5 + Decimal(n_out) * 30) / 1_000_000)


def spend(make: MakeRun, *fates: dict[str, Any], run_id: str = "") -> SyntheticRun:
    """A run of one cell whose attempts ended so, on `DAY`."""
    named = (run_id,) if run_id else ()
    run = make(
        *named, n_prompts=len(fates), repeats=1, endpoints=(("openai", "direct"),)
    )
    run.settle_all(lambda trial: {**ASKED, **fates[trial["prompt"]]})
    return run


ASKED = {
    "input_text_tokens": 10,
    "output_image_tokens": 196,
    "charge_usd": priced(10, 196),
    "list_usd": priced(10, 196),
    **dict.fromkeys(
        ("cached_text_tokens", "input_image_tokens", "cached_image_tokens"), 0
    ),
    "output_text_tokens": 0,
}
LOST = {
    "outcome": "timed_out",
    "billing": "possibly_billed",
    "charge_usd": None,
    "list_usd": None,
    "possibly_billed_usd": "0.21",
    "usage_source": "absent",
    **dict.fromkeys(key for key in ASKED if key.endswith("_tokens")),
}


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days have gone by since the runs."""
    import bench.imports.reading as module

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 11, 24, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Later)


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("quantity", "unit"), [("0.392", "1000_tokens"), ("0.000392", "1M Tokens")]
)
def test_a_bill_that_is_our_record_is_the_same_in_rates_tokens_and_totals(
    office: Office, synthetic_run: MakeRun, quantity: str, unit: str
) -> None:
    spend(synthetic_run, {}, {})
    bring(
        office,
        cost_row(DAY, TEXT, "0.0001", 20),
        cost_row(DAY, OUT, "0.01176", quantity, unit=unit),
        written="2026-11-23",
    )
    bill = office.bill()
    assert {rate["verdict"] for rate in bill["rates"]} == {"same"}
    (total,) = bill["totals"]
    assert (total["verdict"], total["difference_usd"]) == ("same", "0")
    assert total["billed_usd"] == total["charge_usd"] == "0.01186"
    billed = {q["token_class"]: (q["billed"], q["ours"]) for q in total["quantities"]}
    assert billed == {"input_text": ("20", 20), "output_image": ("392", 392)}
    assert total["is_settled"]
    assert bill["book_changes"] == []
    told = office.tell("reconcile").stdout
    assert "nothing: no settled rate differs" in told
    assert "not settled" not in told


@pytest.mark.usefixtures("past")
def test_a_rate_that_our_book_has_otherwise_is_told_with_from_and_to(
    office: Office,
) -> None:
    bring(
        office,
        cost_row(DAY, OUT, "31.5", 1_000_000),
        cost_row(DAY, TEXT, "0.000025", 5),
        cost_row(DAY, "gpt-image-2, output_text_tokens", "7", 1_000_000),
        written="2026-11-23",
    )
    bill = office.bill()
    verdicts = {r["token_class"]: r["verdict"] for r in bill["rates"]}
    assert verdicts["output_image"] == "differs"
    assert verdicts["input_text"] == "same"
    changes = {
        c["token_class"]: (c["from_usd"], c["to_usd"]) for c in bill["book_changes"]
    }
    assert changes["output_image"] == ("30", "31.5")
    assert changes["output_text"][1] == "7"
    assert "from $30 to $31.5 for 1M tokens" in office.tell("reconcile").stdout


def test_a_rate_of_a_day_that_is_not_settled_changes_no_book(office: Office) -> None:
    bring(office, cost_row("2026-11-20", OUT, "31.5", 1_000_000))
    bill = office.bill()
    assert [r["verdict"] for r in bill["rates"]] == ["differs"]
    assert not bill["rates"][0]["is_settled"]
    assert bill["book_changes"] == []
    assert "DIFFERS, not settled" in office.tell("reconcile").stdout


RATES = {
    # amount, quantity: verdict, tier
    ("15", 1_000_000): ("same", "batch"),
    ("22", 1_000_000): ("mixed", "standard"),
    ("30.00002", 1_000_000): ("same", "standard"),
    ("30.0001", 1_000_000): ("differs", "standard"),
    ("0.01", 196): ("too_coarse", "standard"),
    ("-30", -1_000_000): ("same", "standard"),
}


@pytest.mark.parametrize("line", RATES)
def test_a_rate_is_judged_as_finely_as_the_bill_is_written(
    office: Office, line: tuple[str, int]
) -> None:
    bring(office, cost_row("2026-11-20", OUT, *line))
    (rate,) = office.bill()["rates"]
    assert (rate["verdict"], rate["tier"]) == RATES[line]


LINES = {
    "gpt-image-2-2026-04-21, image output": ("gpt-image-2", "output_image"),
    "gpt-image-2, cached text input": ("gpt-image-2", "cached_text"),
    "gpt-image-2, input_tokens": ("gpt-image-2", None),
    "gpt-5.2, cached_input_tokens": ("gpt-5.2", "mainline_cached"),
    "gpt-image-9, image output": ("gpt-image-9", None),
    "web search": (None, None),
}


def test_a_line_item_is_understood_or_told_as_not_compared(office: Office) -> None:
    bring(office, *(cost_row("2026-11-20", text, "1", 1_000_000) for text in LINES))
    rates = office.bill()["rates"]
    said = {r["line_item"]: (r["model"], r["token_class"]) for r in rates}
    assert said == LINES
    told = office.tell("reconcile").stdout
    for rate in rates:
        is_left = f"not compared: {rate['line_item']}, $1.00" in told
        assert is_left == (rate["token_class"] is None), rate


@pytest.mark.usefixtures("past")
def test_an_own_book_is_what_the_bill_is_compared_with(office: Office) -> None:
    books = office.data / "books"
    books.mkdir(parents=True)
    (books / "mine.toml").write_text(
        'vendor = "openai"\nchecked_on = 2026-11-21\n[sources]\nbill = "our contract"\n'
        '[[model]]\nname = "gpt-image-2"\nkind = "image"\nreleased = 2026-04-21\n'
        'source = "bill"\nconfidence = "high"\n[[model.card]]\ntier = "standard"\n'
        '[model.card.rates]\noutput_image = "27.00"\ninput_text = "5.00"\n'
    )
    bring(office, cost_row(DAY, OUT, "27", 1_000_000), written="2026-11-23")
    (rate,) = office.bill()["rates"]
    assert (rate["verdict"], rate["book_usd"], rate["own"]) == ("same", "27", True)


# A day: what the bill has for it, where 0.00593 is sure and one attempt costs at
# most 0.21; the verdict, and what it says that the attempt cost.
DOUBTS = {
    "2026-11-18": ("0.00593", "not_billed", "0"),
    "2026-11-19": ("0.01186", "billed", "0.00593"),
    "2026-11-20": ("0.5", "open", None),
    "2026-11-21": ("0.001", "open", None),
}


@pytest.mark.usefixtures("past")
def test_a_settled_bill_proves_or_disproves_what_was_possibly_billed(
    office: Office, synthetic_run: MakeRun
) -> None:
    fates = [
        {**fate, "started_at": f"{day}T13:00:01.000000Z"}
        for day in DOUBTS
        for fate in ({}, LOST)
    ]
    spend(synthetic_run, *fates)
    bill = (cost_row(day, "gpt-image-2, all", said[0]) for day, said in DOUBTS.items())
    bring(office, *bill, written="2026-11-23")
    doubts = office.bill()["doubts"]
    said = {d["day"]: (d["verdict"], d["billed_usd"]) for d in doubts}
    assert said == {day: expected[1:] for day, expected in DOUBTS.items()}
    assert {doubt["possibly_billed_usd"] for doubt in doubts} == {"0.21"}
    told = office.tell("reconcile").stdout
    for doubt in doubts:
        assert doubt["attempt_id"] in told
        assert doubt["why"] in told


def test_a_bill_that_may_still_grow_proves_nothing(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, {}, LOST)
    bring(office, cost_row(DAY, "gpt-image-2, all", "0.00593"))
    (doubt,) = office.bill()["doubts"]
    assert (doubt["verdict"], doubt["billed_usd"]) == ("open", None)
    assert "not settled" in doubt["why"]


@pytest.mark.usefixtures("past")
def test_a_charge_of_ours_that_is_unknown_is_never_taken_for_0(
    office: Office, synthetic_run: MakeRun
) -> None:
    unknown = {"charge_usd": None, "list_usd": None}
    spend(synthetic_run, {}, unknown)
    bring(office, cost_row(DAY, "gpt-image-2, all", "0.00593"), written="2026-11-23")
    (total,) = office.bill()["totals"]
    assert (total["verdict"], total["difference_usd"]) == ("unknown", None)
    assert "1 unknown" in office.tell("reconcile").stdout


@pytest.mark.usefixtures("past")
def test_what_only_one_side_has_and_days_without_spend_are_shown(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, {})
    bring(
        office,
        cost_row("2026-11-19"),
        cost_row("2026-11-20", "gpt-image-1.5, image output", "1", 31_250),
        cost_row(DAY),
        written="2026-11-23",
    )
    verdicts = {(t["day"], t["model"]): t["verdict"] for t in office.bill()["totals"]}
    assert verdicts == {
        ("2026-11-19", None): "empty",
        ("2026-11-20", "gpt-image-1.5"): "only_billed",
        (DAY, "gpt-image-2"): "only_ours",
    }


def test_a_newer_export_stands_for_the_days_that_it_has(office: Office) -> None:
    old = [cost_row("2026-11-18", OUT, "1", 9), cost_row("2026-11-19", OUT, "2", 9)]
    new = [cost_row("2026-11-19", OUT, "5", 9), cost_row("2026-11-20", OUT, "7", 9)]
    # The order of import says nothing, that of writing does.
    bring(office, *new, name="new.csv", written="2026-11-20")
    bring(office, *old, name="old.csv", written="2026-11-19")
    bill = office.bill()
    billed = {t["day"][-2:]: t["billed_usd"] for t in bill["totals"]}
    assert billed == {"18": "1", "19": "5", "20": "7"}
    assert bill["n_replaced"] == 1
    assert "1 row of older imports" in office.tell("reconcile").stderr


def test_exports_of_two_projects_add_up_and_a_whole_beside_a_part_is_refused(
    office: Office,
) -> None:
    day = "2026-11-19"
    bring(office, cost_row(day, OUT, "1", 9, project="proj_a"), name="a.csv")
    bring(office, cost_row(day, OUT, "2", 9, project="proj_b"), name="b.csv")
    (total,) = office.bill()["totals"]
    assert total["billed_usd"] == "3"
    whole = bring(office, cost_row(day, OUT, "3", 9, project=""), name="whole.csv")
    assert "split by project" in office.refusal("reconcile")
    (bill,) = office.answer("reconcile", "--import", whole)["bills"]
    assert bill["totals"][0]["billed_usd"] == "3"


def test_simulated_runs_are_left_out_but_for_those_that_are_named(
    office: Office, synthetic_run: MakeRun
) -> None:
    real, emulated = "20261121-130000-000001", "20261121-140000-000002"
    spend(synthetic_run, {}, run_id=real)
    spend(synthetic_run, {"simulated": True}, {"simulated": True}, run_id=emulated)
    bring(office, cost_row(DAY, OUT, "1", 9))
    bill = office.bill()
    assert (bill["attempts"], bill["n_simulated"], bill["is_simulated"]) == (
        1,
        2,
        False,
    )
    (named,) = office.answer("reconcile", "--run", emulated)["bills"]
    assert (named["attempts"], named["is_simulated"]) == (2, True)
    assert "SIMULATED" in office.tell("reconcile", "--run", emulated).stdout


def test_only_the_days_that_are_asked_for_are_compared(office: Office) -> None:
    rows = [cost_row(f"2026-11-{day}", OUT, "1", 9) for day in (18, 19, 20)]
    bring(office, *rows)
    given = ("--from", "2026-11-19", "--to", "2026-11-19")
    (bill,) = office.answer("reconcile", *given)["bills"]
    assert [total["day"] for total in bill["totals"]] == ["2026-11-19"]
    for wrong in (("--from", "soon"), ("--from", "2026-11-20", "--to", "2026-11-19")):
        assert wrong[0] in office.refusal("reconcile", *wrong)
    assert "no import has a row" in office.refusal("reconcile", "--from", "2030-01-01")


def test_pictures_are_counted_where_a_bill_has_no_dollars(
    office: Office, synthetic_run: MakeRun
) -> None:
    spend(synthetic_run, {}, {})
    start = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
    result = {"images": 3, "num_model_requests": 3, "model": "gpt-image-2"}
    buckets = [{"start_time": start, "end_time": start + 86_400, "results": [result]}]
    office.tell("import", "openai-usage", office.file("u.json", json.dumps(buckets)))
    (total,) = office.bill()["totals"]
    assert (total["images"], total["our_images"], total["verdict"]) == (3, 2, "differs")
    assert total["billed_usd"] is None


def test_an_endpoint_that_is_named_takes_the_bill_and_an_unknown_one_is_refused(
    office: Office, synthetic_run: MakeRun
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1, endpoints=(("half", "gateway"),))
    run.settle_all(lambda _: ASKED)
    bring(office, cost_row(DAY, OUT, "1", 9))
    assert office.bill()["attempts"] == 0
    (bill,) = office.answer("reconcile", "--endpoint", "half")["bills"]
    assert bill["attempts"] == 1
    said = office.refusal("reconcile", "--endpoint", "halve")
    assert "no run has it; there are half" in said


def test_without_an_import_the_cure_is_said(office: Office) -> None:
    assert "`pixelmeter import KIND FILE`" in office.refusal("reconcile")


def test_a_focus_file_of_ours_reconciles_with_the_run_that_it_came_from(
    office: Office, synthetic_run: MakeRun, tell: Callable[..., Any]
) -> None:
    run = spend(synthetic_run, {}, {})
    path = office.folder / "focus.csv"
    tell("export", run.run.run_id, "--format", "focus", "--output", str(path))
    office.tell("import", "focus", path)
    (total,) = office.bill()["totals"]
    assert (total["verdict"], total["billed_usd"]) == ("same", "0.01186")

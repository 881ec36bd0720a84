"""FOCUS: the file is what the specification 1.2 asks for, and exact.

`RULES` is written from the text of the FinOps Open Cost and Usage Specification
1.2, dataset Cost and Usage, for rows of a charge category "Usage" that are no
correction, of a provider without accounts' names, commitments, regions and
currencies of its own.
"""

import calendar
import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from typer.testing import Result

from bench.errors import BadInput

Make = Callable[..., Any]
Tell = Callable[..., Result]
Row = Mapping[str, str]

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# Pascal case of letters and digits; a provider's own begins with x_.
COLUMN = re.compile(r"(x_)?[A-Z][a-z0-9]+([A-Z][a-z0-9]+)*")
MUST = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
MAY_BE_NULL = {"BillingAccountName", "ChargeClass"}
INSTANTS = (
    *("BillingPeriodStart", "BillingPeriodEnd"),
    *("ChargePeriodStart", "ChargePeriodEnd"),
)
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {
        *("Bots", "Generative AI", "Machine Learning", "Natural Language Processing"),
        "Other (AI and Machine Learning)",
    },
    "BillingCurrency": {"USD"},
}
SCALARS = (str, int, float, bool, type(None))


def breaches(header: list[str], rows: list[Row]) -> list[str]:
    """What of a file is not as the specification says."""
    found = [f"{name} is missing" for name in sorted(MUST - set(header))]
    found += [f"{name} is no name" for name in header if not COLUMN.fullmatch(name)]
    found += ["a name stands twice"] if len(header) != len(set(header)) else []
    for row in rows:
        found += [*_nulls(row), *_forms(row), *_periods(row), *_relations(row)]
    return found


def _nulls(row: Row) -> list[str]:
    return [f"{name} is null" for name in sorted(MUST - MAY_BE_NULL) if not row[name]]


def _forms(row: Row) -> list[str]:
    found = [
        f"{name} is no decimal: {row[name]}"
        for name in (*COSTS, "PricingQuantity", "ConsumedQuantity")
        if row[name] and not DECIMAL.fullmatch(row[name])
    ]
    found += [
        f"{name} is no instant: {row[name]}"
        for name in INSTANTS
        if not INSTANT.fullmatch(row[name])
    ]
    found += [
        f"{name} is not allowed: {row[name]}"
        for name, allowed in ALLOWED.items()
        if row[name] not in allowed
    ]
    tags = orjson.loads(row["Tags"])
    if not all(isinstance(value, SCALARS) for value in tags.values()):
        found.append("Tags hold more than scalars")
    units = (row["PricingUnit"], row["ConsumedUnit"])
    return found + [
        f"{unit} is no unit" for unit in units if unit not in {"Tokens", "Requests"}
    ]


def _periods(row: Row) -> list[str]:
    begin, end, month, next_month = (
        datetime.fromisoformat(row[name])
        for name in (
            *("ChargePeriodStart", "ChargePeriodEnd"),
            *("BillingPeriodStart", "BillingPeriodEnd"),
        )
    )
    found = [] if begin < end else ["the charge period is empty"]
    if not month <= begin < next_month or end > next_month:
        found.append("the charge period is outside its billing period")
    days = calendar.monthrange(month.year, month.month)[1]
    if month.day != 1 or next_month - month != timedelta(days=days):
        found.append("the billing period is no calendar month")
    return found


def _relations(row: Row) -> list[str]:
    found: list[str] = []
    if row["ChargeCategory"] == "Usage" and not Decimal(row["PricingQuantity"]) > 0:
        found.append("a usage without quantity")
    if bool(row["ConsumedQuantity"]) != bool(row["ConsumedUnit"]):
        found.append("a quantity without its unit")
    if row["SkuPriceId"] and not row["SkuId"]:
        found.append("a price without its SKU")
    return found


def read(told: Result) -> tuple[list[str], list[Row]]:
    reader = csv.DictReader(io.StringIO(told.stdout_bytes.decode(), newline=""))
    rows: list[Row] = list(reader)
    return list(reader.fieldnames or ()), rows


def fill(synthetic_run: Make, **members: Any) -> Any:
    """Retries, refusals without a bill, tiny amounts; all money known."""
    run = synthetic_run(n_prompts=4, qualities=("low", "high"))
    records = [run.session()]
    for trial in run.trials[:-1]:
        odd = {"charge_usd": f"0.{trial['position'] + 1:012}", "list_usd": "0.3"}
        if trial["position"] % 5 == 4:
            free = {"outcome": "rate_limited", "billing": "unbilled"}
            nothing = {"charge_usd": "0", "list_usd": "0"}
            records += [run.intent(trial), run.outcome(trial, **free, **nothing)]
            records += [run.intent(trial, 2)]
            records += [run.outcome(trial, 2, **odd, **members)]
        else:
            records += [run.intent(trial), run.outcome(trial, **odd, **members)]
    run.journal([*records, run.end()])
    return run


@pytest.mark.parametrize("simulated", [True, False])
def test_a_file_keeps_every_rule_of_the_specification(
    synthetic_run: Make, tell: Tell, *, simulated: bool
) -> None:
    run = fill(synthetic_run, simulated=simulated)
    header, rows = read(tell("export", "--format", "focus"))
    assert breaches(header, rows) == []
    assert len(rows) == len(run.trials) - 1


def test_the_checker_finds_a_file_that_breaks_the_rules(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run)
    header, rows = read(tell("export", "--format", "focus"))
    good = dict(rows[0])
    assert breaches(header, [good]) == []
    wrong = {
        "BilledCost": "",
        "ListCost": "$1",
        "ServiceCategory": "AI",
        "ChargePeriodStart": "2026-11-21T13:00:00.5Z",
        "BillingPeriodEnd": "2026-12-02T00:00:00Z",
        "PricingUnit": "tokens",
        "PricingQuantity": "0",
        "ChargeClass": "Usage",
        "Tags": '{"a": [1]}',
        "SkuId": "",
    }
    for name, value in wrong.items():
        assert breaches(header, [{**good, name: value}]), name
    assert breaches([name for name in header if name != "ListCost"], [])
    assert breaches([*header, "x_my_column"], [])


def test_the_costs_are_those_of_show_to_the_last_digit(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run)
    _, rows = read(tell("export", "--format", "focus"))
    shown = orjson.loads(tell("show", "latest", "--json").stdout)
    sums = {
        name: sum(Decimal(row[name] or 0) for row in rows)
        for name in (*COSTS, "x_PossiblyBilledCost")
    }
    assert sums["BilledCost"] == Decimal(shown["charge_usd"])
    assert sums["BilledCost"] == sums["EffectiveCost"] == sums["ContractedCost"]
    assert sums["ListCost"] == Decimal(shown["list_usd"])
    assert sums["x_PossiblyBilledCost"] == Decimal(shown["possibly_billed_usd"])


def test_a_charge_is_told_whole(synthetic_run: Make, tell: Tell) -> None:
    synthetic_run(n_prompts=1, repeats=1).settle_all(
        lambda _: {"charge_usd": "0.02", "list_usd": "0.04", "simulated": True}
    )
    _, rows = read(tell("export", "--format", "focus"))
    (row,) = [row for row in rows if row["ProviderName"] == "halfprice"]
    told = {name: value for name, value in row.items() if value}
    tags = orjson.loads(told.pop("Tags"))
    assert tags == {
        "who": "test",
        "pixelmeter/run_id": "20261121-130000-000001",
        "pixelmeter/suite": "starter",
        "pixelmeter/simulated": True,
    }
    said = "simulated, no money was spent: gpt-image-2 generate low 1024x1024"
    assert told.pop("ChargeDescription") == f"{said} at halfprice"
    trial_id = told.pop("x_TrialId")
    assert told.pop("x_AttemptId") == f"{trial_id}.1"
    assert told.pop("x_RequestId") == f"req_{trial_id}"
    assert told == {
        "BilledCost": "0.02",
        "BillingAccountId": "halfprice",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "BillingPeriodStart": "2026-11-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": "2026-11-21T14:00:00Z",
        "ChargePeriodStart": "2026-11-21T13:00:00Z",
        "ConsumedQuantity": "40.0",
        "ConsumedUnit": "Tokens",
        "ContractedCost": "0.02",
        "EffectiveCost": "0.02",
        "InvoiceIssuerName": "halfprice",
        "ListCost": "0.04",
        "PricingCategory": "Standard",
        "PricingQuantity": "40.0",
        "PricingUnit": "Tokens",
        "ProviderName": "halfprice",
        "PublisherName": "openai",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Image generation",
        "ServiceSubcategory": "Generative AI",
        "SkuId": "gpt-image-2",
        "SkuPriceId": "gpt-image-2",
        "x_Api": "images",
        "x_Billing": "billed",
        "x_Images": "1",
        "x_Model": "gpt-image-2",
        "x_Operation": "generate",
        "x_Outcome": "ok",
        "x_PossiblyBilledCost": "0",
        "x_PromptId": "p0",
        "x_Quality": "low",
        "x_Route": "gateway",
        "x_RunId": "20261121-130000-000001",
        "x_Simulated": "true",
        "x_Size": "1024x1024",
        "x_StartedAt": "2026-11-21T13:00:01.000000Z",
        "x_UsageSource": "reported",
    }


def test_a_charge_that_nobody_knows_is_empty_and_told_of(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    run.journal([run.session(), *map(run.intent, run.trials), run.end()])
    told = tell("export", "--format", "focus")
    header, rows = read(told)
    assert set(breaches(header, rows)) == {f"{name} is null" for name in COSTS}
    assert [row["x_PossiblyBilledCost"] for row in rows] == ["0.21", "0.21"]
    assert {(row["PricingQuantity"], row["PricingUnit"]) for row in rows} == {
        ("1.0", "Requests")
    }
    assert "2 of 2 charges are unknown" in told.stderr


@pytest.mark.parametrize("month", range(1, 13))
def test_the_periods_of_every_month_are_whole(
    synthetic_run: Make, tell: Tell, month: int
) -> None:
    last = calendar.monthrange(2028, month)[1]
    at = datetime(2028, month, last, 23, 59, 59, 999_999, tzinfo=UTC)
    text = at.isoformat().replace("+00:00", "Z")
    run = synthetic_run(n_prompts=1, repeats=1)
    run.settle_all(lambda _: {"started_at": text, "ended_at": text})
    header, rows = read(tell("export", "--format", "focus"))
    assert breaches(header, rows) == []
    assert rows[0]["ChargePeriodEnd"] == rows[0]["BillingPeriodEnd"]


def test_the_vendor_of_the_book_is_the_publisher(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    changed = {"of": "azure", "scheme": {"kind": "multiplier", "factor": "0.5"}}
    run.plan["endpoints"][1]["prices"] = changed
    run.freeze()
    run.settle_all()
    _, rows = read(tell("export", "--format", "focus"))
    told = {row["ProviderName"]: row["PublisherName"] for row in rows}
    assert told == {"openai": "openai", "halfprice": "azure"}


@pytest.mark.parametrize("table", ["trials", "attempts", "cells"])
def test_focus_has_rows_of_its_own(synthetic_run: Make, tell: Tell, table: str) -> None:
    fill(synthetic_run)
    with pytest.raises(BadInput, match="has the rows 'charges'; leave --table out"):
        tell("export", "--format", "focus", "--table", table)

"""Focus: charges as rows of the FinOps cost and usage format 1.2.

The columns are those of the FinOps Open Cost and Usage Specification 1.2,
dataset Cost and Usage: https://focus.finops.org/focus-specification/v1-2/
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from bench.exports.lines import csv_line
from bench.store.exported import Table

Charge = Mapping[str, Any]

# Mandatory: in the order of the alphabet, as the specification lists them.
MANDATORY = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
)
_OTHER = (
    *("ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "InvoiceId"),
    *("PricingCategory", "ServiceSubcategory", "SkuId", "SkuPriceId", "Tags"),
)
# Ours, where the specification has no column.
_OWN = {
    "x_Api": "api",
    "x_AttemptId": "attempt_id",
    "x_Billing": "billing",
    "x_Images": "images",
    "x_Model": "model",
    "x_Operation": "operation",
    "x_Outcome": "outcome",
    "x_PossiblyBilledCost": "possibly_billed_usd",
    "x_PromptId": "prompt_id",
    "x_Quality": "quality",
    "x_RequestId": "request_id",
    "x_Route": "route",
    "x_RunId": "run_id",
    "x_Simulated": "simulated",
    "x_Size": "size",
    "x_StartedAt": "started_at",
    "x_TrialId": "trial_id",
    "x_UsageSource": "usage_source",
}
COLUMNS = (*MANDATORY, *_OTHER, *_OWN)


def focus_lines(table: Table) -> Iterator[bytes]:
    """A header, then one line of CSV a charge, each with its newline."""
    yield csv_line(COLUMNS)
    for row in table.rows():
        charge = dict(zip(table.columns, row, strict=True))
        told = _told(charge)
        yield csv_line(told[name] for name in COLUMNS)


def _told(charge: Charge) -> dict[str, Any]:
    """One charge by column; unknown is None, whatever a column allows."""
    quantity, unit = _quantity(charge)
    return {
        **_costs(charge),
        **_periods(charge["started_at"]),
        **_parties(charge),
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": _description(charge),
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Image generation",
        "ServiceSubcategory": "Generative AI",
        "SkuId": charge["model"],
        "SkuPriceId": charge["model"],
        "Tags": _tags(charge),
        **{name: charge[ours] for name, ours in _OWN.items()},
    }


def _costs(charge: Charge) -> dict[str, Any]:
    """Nothing is amortised or committed: three of the four costs are one."""
    billed = charge["charge_usd"]
    return {
        "BilledCost": billed,
        "EffectiveCost": billed,
        "ContractedCost": billed,
        "ListCost": charge["list_usd"],
        "BillingCurrency": "USD",
    }


def _periods(started_at: datetime) -> dict[str, str]:
    """The hour and the calendar month, UTC, in which a request began."""
    hour = started_at.replace(minute=0, second=0, microsecond=0)
    month = hour.replace(day=1, hour=0)
    # Every month has ended 31 days after its first, and the next one has not.
    next_month = (month + timedelta(days=31)).replace(day=1)
    return {
        "ChargePeriodStart": _instant(hour),
        "ChargePeriodEnd": _instant(hour + timedelta(hours=1)),
        "BillingPeriodStart": _instant(month),
        "BillingPeriodEnd": _instant(next_month),
    }


def _instant(at: datetime) -> str:
    return f"{at.isoformat(timespec='seconds')}Z"


def _parties(charge: Charge) -> dict[str, str | None]:
    """Who asks for money, and who made what it is asked for.

    We know no account at a provider and no invoice; the endpoint's name stands
    for the account.
    """
    endpoint = charge["endpoint"]
    return {
        "BillingAccountId": endpoint,
        "BillingAccountName": None,
        "InvoiceId": None,
        "InvoiceIssuerName": endpoint,
        "ProviderName": endpoint,
        "PublisherName": charge["book"] or endpoint,
    }


def _quantity(charge: Charge) -> tuple[float, str]:
    """Tokens where usage is known; else the one request that was made.

    Whole, but with a point: readers take the type of a column from its text, and
    the specification's is decimal.
    """
    tokens = charge["tokens"]
    return (float(tokens), "Tokens") if tokens else (1.0, "Requests")


def _description(charge: Charge) -> str:
    asked = (charge[name] for name in ("model", "operation", "quality", "size"))
    words = " ".join(word for word in asked if word)
    mark = "simulated, no money was spent: " if charge["simulated"] else ""
    return f"{mark}{words or 'image request'} at {charge['endpoint']}"


def _tags(charge: Charge) -> str:
    """The run's own tags, and ours under a prefix that keeps them apart."""
    own = orjson.loads(charge["tags"] or "{}")
    ours = {
        "pixelmeter/run_id": charge["run_id"],
        "pixelmeter/suite": charge["suite"],
        "pixelmeter/simulated": charge["simulated"],
    }
    return orjson.dumps({**own, **ours}).decode()

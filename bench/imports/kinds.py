"""Kinds: which files can be imported, and which column says what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bench.errors import BadInput

# What a row of ours can say, and what it is read as.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "row_id": "words",
        "start_at": "instant",
        "end_at": "instant",
        "vendor": "words",
        "line_item": "words",
        "model": "words",
        "token_class": "words",
        "size": "words",
        "project_id": "words",
        "api_key_id": "words",
        "status": "words",
        "quantity": "amount",
        "unit": "words",
        "amount": "amount",
        "currency": "currency",
        "requests": "whole",
        "images": "whole",
        "input_text_tokens": "whole",
        "input_image_tokens": "whole",
        "cached_text_tokens": "whole",
        "output_image_tokens": "whole",
        "output_text_tokens": "whole",
        "simulated": "words",
    }
)
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file.

    Attributes:
        says: In a few words, where such a file comes from.
        columns: For each of `FIELDS` its columns or keys; the first that is there.
        given: Fields that are the same in every row.
        formats: `csv`, `json` (one document), `jsonl` (one object a line).
        records: Keys under which a JSON document holds its records.
        untried: Mapped from documentation; no such file was seen.
        empty_days: A row that has only times is a day without spend.
        is_by_call: A row is one request, named as its answer named it.
        counts_only: It says pictures and requests, and no dollars.
    """

    name: str
    says: str
    columns: Mapping[str, tuple[str, ...]]
    given: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    formats: tuple[str, ...]
    records: tuple[str, ...] = ()
    untried: bool = False
    empty_days: bool = False
    is_by_call: bool = False
    counts_only: bool = False


def _usage(side: str, name: str) -> tuple[str, ...]:
    """Where LiteLLM says a count: it renames what OpenAI calls input and output."""
    sides = {"input": "prompt", "output": "completion"}
    return tuple(
        f"metadata.usage_object.{word}_tokens_details.{name}"
        for word in (sides[side], side)
    )


_OF_OPENAI = {
    "start_at": ("start_time", "start_time_iso"),
    "end_at": ("end_time", "end_time_iso"),
    "project_id": ("project_id",),
    "api_key_id": ("api_key_id",),
}
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                name="openai-costs",
                says="OpenAI's Cost tab as CSV, or its admin API (costs) as JSON",
                columns={
                    **_OF_OPENAI,
                    "line_item": ("line_item",),
                    "quantity": ("quantity",),
                    "unit": ("quantity_unit",),
                    "amount": ("amount_value", "amount.value"),
                    "currency": ("amount_currency", "amount.currency"),
                },
                given={"vendor": "openai"},
                formats=("csv", "json", "jsonl"),
                records=("data", "results"),
                empty_days=True,
            ),
            Kind(
                name="openai-usage",
                says="OpenAI's admin API (usage of images) as JSON; it has no dollars",
                columns={
                    **_OF_OPENAI,
                    "line_item": ("source",),
                    "model": ("model",),
                    "size": ("size",),
                    "images": ("images",),
                    "requests": ("num_model_requests",),
                },
                given={"vendor": "openai"},
                formats=("json", "jsonl", "csv"),
                records=("data", "results"),
                empty_days=True,
                counts_only=True,
            ),
            Kind(
                name="litellm",
                says="LiteLLM's logging callback, a payload a line",
                columns={
                    "row_id": ("litellm_call_id", "id"),
                    "start_at": ("startTime",),
                    "end_at": ("endTime",),
                    "model": ("model_group", "model"),
                    "amount": ("response_cost",),
                    "status": ("status",),
                    "input_text_tokens": _usage("input", "text_tokens"),
                    "input_image_tokens": _usage("input", "image_tokens"),
                    "cached_text_tokens": _usage("input", "cached_tokens"),
                    "output_image_tokens": _usage("output", "image_tokens"),
                    "output_text_tokens": _usage("output", "text_tokens"),
                },
                given={"vendor": "litellm", "currency": "USD", "requests": "1"},
                formats=("jsonl", "json"),
                is_by_call=True,
            ),
            Kind(
                name="litellm-db",
                says="rows of LiteLLM's table LiteLLM_SpendLogs as CSV or JSON",
                columns={
                    "row_id": ("litellm_call_id", "request_id"),
                    "start_at": ("startTime",),
                    "end_at": ("endTime",),
                    "model": ("model_group", "model"),
                    "amount": ("spend",),
                    "status": ("status",),
                },
                given={"vendor": "litellm", "currency": "USD", "requests": "1"},
                formats=("csv", "json", "jsonl"),
                untried=True,
                is_by_call=True,
            ),
            Kind(
                name="focus",
                says="a FinOps cost file, FOCUS 1.0 or later, as CSV",
                columns={
                    "start_at": ("ChargePeriodStart",),
                    "end_at": ("ChargePeriodEnd",),
                    "vendor": ("PublisherName", "ProviderName", "ServiceProviderName"),
                    "line_item": ("SkuMeter", "SkuPriceId", "ServiceName"),
                    "model": ("x_Model", "SkuId"),
                    "quantity": ("ConsumedQuantity", "PricingQuantity"),
                    "unit": ("ConsumedUnit", "PricingUnit"),
                    "amount": ("BilledCost",),
                    "currency": ("BillingCurrency",),
                    # Of our own exports: nobody was charged.
                    "simulated": ("x_Simulated",),
                },
                formats=("csv",),
            ),
            Kind(
                name="openrouter",
                says="OpenRouter's activity (days) or generations as CSV or JSON",
                columns={
                    "row_id": ("id", "generation_id"),
                    "start_at": ("created_at", "date"),
                    "model": ("model", "model_permaslug"),
                    "amount": ("total_cost", "usage", "cost_total"),
                    "requests": ("requests",),
                },
                given={"vendor": "openrouter", "currency": "USD"},
                formats=("csv", "json", "jsonl"),
                records=("data",),
                untried=True,
                is_by_call=True,
            ),
            Kind(
                name="csv",
                says="any CSV, with --map COLUMN=FIELD or --mapping FILE",
                columns={},
                formats=("csv",),
            ),
        )
    }
)


def kind_of(name: str) -> Kind:
    """The kind of that name.

    Raises:
        BadInput: There is none; names those there are.
    """
    if name not in KINDS:
        raise BadInput(f"import: no kind {name[:40]!a}; take {', '.join(KINDS)}")
    return KINDS[name]

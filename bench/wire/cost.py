"""Cost: dollars that an answer itself says it cost; pure."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from bench.attempt import ReportedCost

UNREADABLE = "reported_cost_unreadable"
# The answer tells another cost than we charged.
OTHERWISE = "cost_not_as_charged"
LITELLM_HEADER = "x-litellm-response-cost"
# OpenRouter: what the account is charged, in credits of one US dollar.
_COST = "cost"
# xAI, docs.x.ai/developers/cost-tracking: 10^10 ticks a US dollar.
_TICKS = "cost_in_usd_ticks"
_TICK_DECIMALS = 10
# As JSON writes numbers, which small amounts make with an exponent.
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_MOST_USD = Decimal(10) ** 9
_MOST_DECIMALS = 40

Json = dict[str, Any]
Found = tuple[ReportedCost | None, tuple[str, ...]]
_NOTHING: Found = (None, ())


def cost_of_headers(headers: Mapping[str, str]) -> Found:
    """The cost that a header tells, and a flag where it can't be read.

    Args:
        headers: Of the answer, named in small letters.
    """
    value = headers.get(LITELLM_HEADER)
    return _NOTHING if value is None else _found(value.strip(), LITELLM_HEADER)


def cost_of_body(body: bytes, usage: object, within: Sequence[str] = ()) -> Found:
    """The cost that a body's usage tells, and a flag where it can't be read.

    Args:
        body: JSON, from which the amount is read once more: as it is written.
        usage: The member `usage` of it, as it was parsed.
        within: The names of the objects that it stands in.
    """
    if not isinstance(usage, dict):
        return _NOTHING
    told = cast("Json", usage)
    name = next((n for n in (_TICKS, _COST) if told.get(n) is not None), None)
    if name is None:
        return _NOTHING
    written = told[name]
    if isinstance(written, float):
        # A float is no longer the amount that was written.
        written = _as_written(body, (*within, "usage", name))
    if isinstance(written, bool) or not isinstance(written, int | str):
        return None, (UNREADABLE,)
    return _found(str(written), f"usage.{name}")


def _as_written(body: bytes, names: Sequence[str]) -> str | None:
    """The digits of a number of the usage, as the body has them."""
    try:
        content: Any = json.loads(body, parse_float=str)
        for name in names:
            content = content[name]
        return str(content)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _found(text: str, source: str) -> Found:
    usd = _dollars(text, _TICK_DECIMALS if source.endswith(_TICKS) else 0)
    if usd is None:
        return None, (UNREADABLE,)
    return ReportedCost(usd=usd, source=source), ()


def _dollars(text: str, shift: int) -> Decimal | None:
    """An amount from 0 on that a record can hold; None for anything else."""
    if not _AMOUNT.fullmatch(text):
        return None
    sign, digits, exponent = Decimal(text).as_tuple()
    usd = Decimal((sign, digits, int(exponent) - shift))
    is_short = int(exponent) - shift >= -_MOST_DECIMALS
    return usd if is_short and usd <= _MOST_USD else None

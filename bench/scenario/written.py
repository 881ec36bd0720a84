"""Written: numbers, names and months as people write them."""

import re
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from bench.document import unshown
from pricing.demand import MONTHS_A_YEAR, MOST_MONTHS
from pricing.errors import BadAmount
from pricing.money import usd

MOST_IMAGES = 10**9
_GROWTH = re.compile(r"([+-]?[0-9]{1,4}(?:\.[0-9]{1,4})?) ?%(?:/month)?", re.ASCII)
_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
# A month may be this many times an ordinary one.
_LARGEST_FACTOR = 1000


def read_amount(value: object) -> Decimal:
    """A plain decimal of 0 or more, exactly as written; a number or a text."""
    number = value if type(value) in {int, Decimal, str} else "none"
    try:
        found = usd(format(number, "f") if type(number) is Decimal else str(number))
    except BadAmount:
        raise ValueError("should be a plain number such as 0.05") from None
    if found < 0:
        raise ValueError("should not be negative")
    return found


def read_share(value: object) -> Decimal:
    """A share from 0 to 1, exactly as written; ValueError if it is none."""
    found = read_amount(value)
    if found > 1:
        raise ValueError("should be a share from 0 to 1")
    return found


def read_growth(value: object) -> Decimal:
    """Growth a month as a share: `5%/month` is 0.05.

    Raises:
        ValueError: It does not read so, or is a loss of all.
    """
    found = _GROWTH.fullmatch(value) if isinstance(value, str) else None
    share = Decimal(found[1]) / 100 if found else Decimal(-1)
    if share <= -1:
        raise ValueError("should read like 5%/month, above -100%")
    return share


def read_month(value: object) -> str:
    """A calendar month as `2027-01`.

    Raises:
        ValueError: It does not read so.
    """
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise ValueError("should be a month such as 2027-01")
    return value


def _scheme(value: object) -> object:
    """A scheme with its numbers as text, as a price question takes them."""
    if isinstance(value, dict):
        table = cast("dict[object, object]", value)
        return {key: _scheme(one) for key, one in table.items()}
    if isinstance(value, list):
        return [_scheme(one) for one in cast("list[object]", value)]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format(Decimal(value), "f")
    return value


def _seasons(value: object) -> tuple[Decimal, ...]:
    """Twelve factors from January on, or some by month name, the others 1."""
    if isinstance(value, list):
        factors = cast("list[object]", value)
        if len(factors) != MONTHS_A_YEAR:
            raise unshown(
                f"should have 12 factors, January to December, it has {len(factors)}"
            )
        return tuple(map(_factor, factors))
    if not isinstance(value, dict):
        raise ValueError("should be a list of 12 factors, or factors by month name")  # noqa: TRY004  pydantic reads ValueError
    named = cast("dict[object, object]", value)
    for name in named:
        if name not in MONTH_NAMES:
            raise unshown(
                f"'{str(name)[:40]}' is no month; write january, february and so on"
            )
    return tuple(_factor(named.get(name, 1)) for name in MONTH_NAMES)


def _factor(value: object) -> Decimal:
    found = read_amount(value)
    if found > _LARGEST_FACTOR:
        raise ValueError(f"a factor should not be above {_LARGEST_FACTOR}")
    return found


def _volume(value: object, inner: ValidatorFunctionWrapHandler) -> object:
    try:
        return inner(value)
    except ValidationError:
        raise ValueError(
            f"should be a whole number to {MOST_IMAGES:,}, or a list of one a month"
        ) from None


_NUMBER: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,40})?$"},
    ]
}
_TO_1 = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, _NUMBER["anyOf"][1]]}
Amount = Annotated[Decimal, BeforeValidator(read_amount), WithJsonSchema(_NUMBER)]
Share = Annotated[Decimal, BeforeValidator(read_share), WithJsonSchema(_TO_1)]
Growth = Annotated[
    Decimal,
    BeforeValidator(read_growth),
    WithJsonSchema({"type": "string", "pattern": f"^{_GROWTH.pattern}$"}),
]
Month = Annotated[
    str,
    BeforeValidator(read_month),
    WithJsonSchema({"type": "string", "pattern": f"^{_MONTH.pattern}$"}),
]
_STEP: dict[str, Any] = {"type": "object", "required": ["kind"]}
Scheme = Annotated[
    dict[str, Any] | list[dict[str, Any]],
    BeforeValidator(_scheme),
    WithJsonSchema({"anyOf": [_STEP, {"type": "array", "items": _STEP}]}),
]
_TWELVE = {"type": "array", "items": _NUMBER, "minItems": 12, "maxItems": 12}
_NAMED = {
    "type": "object",
    "properties": dict.fromkeys(MONTH_NAMES, _NUMBER),
    "additionalProperties": False,
    "minProperties": 1,
}
Seasons = Annotated[
    tuple[Decimal, ...],
    BeforeValidator(_seasons),
    WithJsonSchema({"anyOf": [_TWELVE, _NAMED]}),
]
Images = Annotated[StrictInt, Field(ge=0, le=MOST_IMAGES)]
Volume = Annotated[
    Images | Annotated[tuple[Images, ...], Field(min_length=1, max_length=MOST_MONTHS)],
    WrapValidator(_volume),
]
_PLAIN = Field(pattern=r"^[^\x00-\x1f\x7f]*$")
Name = Annotated[str, _PLAIN, Field(min_length=1, max_length=100)]
Word = Annotated[str, _PLAIN, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$", max_length=2_000)]

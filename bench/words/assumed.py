"""Assumed: the numbers behind a projection as texts."""

from decimal import Decimal

from bench.words.figures import MINUS
from pricing.assumption import Assumption, Unit
from pricing.money import times, usd_text

_MOST_DIGITS = 8


def value_words(one: Assumption) -> str:
    """The number with its unit, every digit that was given."""
    return _words(one.value, one.unit)


def range_words(one: Assumption) -> str:
    """Its own range with what it is; empty where it has none."""
    if one.low is None or one.high is None or one.reach is None:
        return ""
    return f"{_words(one.low, one.unit)} to {_words(one.high, one.unit)}, {one.reach}"


def _words(value: Decimal, unit: Unit) -> str:
    match unit:
        case Unit.IMAGES:
            return f"{int(value):,}"
        case Unit.USD:
            return f"${Decimal(_short(value)):,f}"
        case Unit.FACTOR:
            return _short(value)
        case Unit.SHARE | Unit.GROWTH:
            return f"{_short(times(value, 100))}%".replace("-", MINUS)


def _short(value: Decimal) -> str:
    """Exact text; what a division made is cut to eight significant digits."""
    text = usd_text(value)
    if len(text.replace(".", "").lstrip("0-")) <= _MOST_DIGITS:
        return text
    places = max(0, _MOST_DIGITS - 1 - value.adjusted())
    return usd_text(round(value, places))

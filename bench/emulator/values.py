"""Values: what one parameter by itself may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from bench.emulator.catalogue import Model
from bench.emulator.refusals import RefusedError, invalid

FRAMES_MAX = 16
WHOLE_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one parameter may be: its type, and its values or its range."""

    kind: type
    values: Callable[[Model], tuple[str, ...]] | None = None
    low: int = 0
    high: Callable[[Model], int] | None = None


def _any_of(*values: str) -> Callable[[Model], tuple[str, ...]]:
    return lambda _model: values


def _at_most(high: int) -> Callable[[Model], int]:
    return lambda _model: high


RULES: Mapping[str, Rule] = {
    "n": Rule(kind=int, low=1, high=lambda model: model.n_max),
    "size": Rule(kind=str),
    "quality": Rule(kind=str, values=lambda model: model.qualities),
    "background": Rule(kind=str, values=_any_of("transparent", "opaque", "auto")),
    "output_format": Rule(kind=str, values=lambda model: model.formats),
    "output_compression": Rule(kind=int, low=0, high=_at_most(100)),
    "moderation": Rule(kind=str, values=_any_of("auto", "low")),
    "stream": Rule(kind=bool),
    "partial_images": Rule(kind=int, low=0, high=_at_most(3)),
    "complexity": Rule(kind=str, values=_any_of("low", "medium", "high")),
    "frame_count": Rule(kind=int, low=2, high=_at_most(FRAMES_MAX)),
    "frame_duration_ms": Rule(kind=int, low=1, high=_at_most(WHOLE_MAX)),
    "svg": Rule(kind=dict),
    "input_fidelity": Rule(kind=str, values=_any_of("high", "low")),
    "response_format": Rule(kind=str, values=_any_of("url", "b64_json")),
    "style": Rule(kind=str, values=_any_of("vivid", "natural")),
    "safety_identifier": Rule(kind=str),
    "user": Rule(kind=str),
}
KIND_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    dict: "an object",
    list: "an array",
    bytes: "a file",
}
JSON_NAMES: Mapping[type, str] = {
    **KIND_NAMES,
    float: "a decimal number",
    type(None): "null",
}


def missing(param: str) -> RefusedError:
    """Build the refusal of a request that lacks a required parameter."""
    return invalid(
        f"Missing required parameter: '{param}'.",
        code="missing_required_parameter",
        param=param,
    )


def unknown(param: str) -> RefusedError:
    """Build the refusal of a parameter that nobody knows here."""
    return invalid(
        f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param
    )


def wrong_type(param: str, value: object, kind: type) -> RefusedError:
    """Build the refusal of a value that is not of the type `kind`."""
    got = JSON_NAMES[type(value)]
    return invalid(
        f"Invalid type for '{param}': expected {KIND_NAMES[kind]}, but got {got}.",
        code="invalid_type",
        param=param,
    )


def invalid_value(message: str, param: str) -> RefusedError:
    """Build the refusal of a value, or a combination, that is not allowed."""
    return invalid(message, code="invalid_value", param=param)


def none_of(value: object, supported: tuple[str, ...], param: str) -> RefusedError:
    """Build the refusal of a value that is not in its list."""
    listed = ", ".join(f"'{known}'" for known in supported)
    return invalid_value(
        f"Invalid value: '{value}'. Supported values are: {listed}.", param
    )


def check_value(key: str, value: object, rule: Rule, model: Model) -> None:
    """Check one parameter by itself.

    Raises:
        RefusedError: its type, its value or its range.
    """
    check_type(key, value, rule.kind)
    if rule.values is not None and value not in rule.values(model):
        raise none_of(value, rule.values(model), key)
    if rule.high is not None:
        check_range(key, cast("int", value), rule.low, rule.high(model))


def check_type(param: str, value: object, kind: type) -> None:
    """Check the type alone.

    Raises:
        RefusedError: it is another one.
    """
    # True is an int to Python, but no integer to the API.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise wrong_type(param, value, kind)


def check_range(key: str, value: int, low: int, high: int) -> None:
    """Check that a number lies in its range.

    Raises:
        RefusedError: above or below.
    """
    if value > high:
        raise invalid(
            f"Invalid '{key}': {value} is above the maximum of {high}.",
            code="integer_above_max_value",
            param=key,
        )
    if value < low:
        raise invalid(
            f"Invalid '{key}': {value} is below the minimum of {low}.",
            code="integer_below_min_value",
            param=key,
        )


def check_length(param: str, text: str, high: int, *, low: int = 0) -> None:
    """Check how many characters a text has.

    Raises:
        RefusedError: too many, or (with `low` 1) none.
    """
    if len(text) < low:
        raise invalid(
            f"Invalid '{param}': empty string. Expected at least 1 character.",
            code="string_below_min_length",
            param=param,
        )
    if len(text) > high:
        raise invalid(
            f"Invalid '{param}': string too long. Expected at most "
            f"{high} characters, but got {len(text)}.",
            code="string_above_max_length",
            param=param,
        )

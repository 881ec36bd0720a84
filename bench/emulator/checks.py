"""Checks: what POST /v1/images/generations accepts, key by key."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from bench.emulator.catalogue import Model
from bench.emulator.refusals import RefusedError, invalid, unknown_model

SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)
EDGE_STEP_PX = 16
EDGE_MAX_PX = 3840
RATIO_MAX = 3
PIXELS_MIN = 655_360
PIXELS_MAX = 8_294_400
FORMATS = ("png", "jpeg", "webp")
OF_OTHER_FORMATS = ("frame_count", "frame_duration_ms", "svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """A picture that came with a request, opened and found good."""

    content: bytes
    format: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """A request that passed every check; quality and size may still be auto.

    `inputs` are the pictures to start from, in their order; the first alone is
    under the `mask`. `fidelity` is low or high.
    """

    model: Model
    prompt: str
    n: int = 1
    size: str = "auto"
    quality: str = "auto"
    background: str = "auto"
    output_format: str = "png"
    output_compression: int = 100
    response_format: str = "b64_json"
    safety_identifier: str | None = None
    stream: bool = False
    partial_images: int = 0
    inputs: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None
    fidelity: str = "low"


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
    "output_format": Rule(kind=str, values=_any_of(*FORMATS)),
    "output_compression": Rule(kind=int, low=0, high=_at_most(100)),
    "moderation": Rule(kind=str, values=_any_of("auto", "low")),
    "stream": Rule(kind=bool),
    "partial_images": Rule(kind=int, low=0, high=_at_most(3)),
    "complexity": Rule(kind=str, values=_any_of("low", "medium", "high")),
    "response_format": Rule(kind=str, values=_any_of("url", "b64_json")),
    "style": Rule(kind=str, values=_any_of("vivid", "natural")),
    "safety_identifier": Rule(kind=str),
    "user": Rule(kind=str),
}
KIND_NAMES = {str: "a string", int: "an integer", bool: "a boolean"}
JSON_NAMES: Mapping[type, str] = {
    **KIND_NAMES,
    float: "a decimal number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def checked(body: Mapping[str, object], models: Mapping[str, Model]) -> ImageRequest:
    """Check a request body and return it with its defaults.

    Order: model, unknown keys, prompt, each parameter by itself, combinations.

    Raises:
        RefusedError: the first check that fails.
    """
    model = _model(body, models)
    for key in body:
        if key != "prompt" and key not in model.parameters:
            raise _unknown_key(key, model)
    prompt = _prompt(body, model)
    given = {k: v for k, v in body.items() if k in RULES and v is not None}
    for key, value in given.items():
        _check_value(key, value, RULES[key], model)
    if "size" in given:
        _check_size(cast("str", given["size"]), model)
    _check_combinations(given)
    return _request(model, prompt, given)


def _model(body: Mapping[str, object], models: Mapping[str, Model]) -> Model:
    name = body.get("model")
    if name is None:
        raise missing("model")
    if not isinstance(name, str):
        raise _wrong_type("model", name, str)
    if name not in models:
        raise RefusedError(unknown_model(name))
    return models[name]


def _unknown_key(key: str, model: Model) -> RefusedError:
    if key in OF_OTHER_FORMATS and not model.is_dall_e:
        return invalid(
            f"'{key}' belongs to the gif and svg formats, which are not offered here.",
            code="unsupported_parameter",
            param=key,
        )
    return invalid(f"Unknown parameter: '{key}'.", code="unknown_parameter", param=key)


def _prompt(body: Mapping[str, object], model: Model) -> str:
    if "prompt" not in body:
        raise missing("prompt")
    prompt = body["prompt"]
    if not isinstance(prompt, str):
        raise _wrong_type("prompt", prompt, str)
    if not prompt:
        raise invalid(
            "Invalid 'prompt': empty string. Expected at least 1 character.",
            code="string_below_min_length",
            param="prompt",
        )
    if len(prompt) > model.prompt_chars_max:
        raise invalid(
            f"Invalid 'prompt': string too long. Expected at most "
            f"{model.prompt_chars_max} characters, but got {len(prompt)}.",
            code="string_above_max_length",
            param="prompt",
        )
    return prompt


def missing(param: str) -> RefusedError:
    """Build the refusal of a request that lacks a required parameter."""
    return invalid(
        f"Missing required parameter: '{param}'.",
        code="missing_required_parameter",
        param=param,
    )


def _wrong_type(param: str, value: object, kind: type) -> RefusedError:
    got = JSON_NAMES[type(value)]
    return invalid(
        f"Invalid type for '{param}': expected {KIND_NAMES[kind]}, but got {got}.",
        code="invalid_type",
        param=param,
    )


def _invalid_value(message: str, param: str) -> RefusedError:
    return invalid(message, code="invalid_value", param=param)


def _check_value(key: str, value: object, rule: Rule, model: Model) -> None:
    # True is an int to Python, but no integer to the API.
    if not isinstance(value, rule.kind) or (
        isinstance(value, bool) and rule.kind is not bool
    ):
        raise _wrong_type(key, value, rule.kind)
    if rule.values is not None and value not in rule.values(model):
        supported = ", ".join(f"'{v}'" for v in rule.values(model))
        raise _invalid_value(
            f"Invalid value: '{value}'. Supported values are: {supported}.", key
        )
    if rule.high is not None:
        _check_range(key, cast("int", value), rule.low, rule.high(model))


def _check_range(key: str, value: int, low: int, high: int) -> None:
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


def edges_px(size: str) -> tuple[int, int]:
    """Return width and height of a checked `WIDTHxHEIGHT`."""
    width, _, height = size.partition("x")
    return int(width), int(height)


def _check_size(size: str, model: Model) -> None:
    if model.sizes is not None:
        known = model.sizes if model.is_dall_e else (*model.sizes, "auto")
        if size not in known:
            supported = ", ".join(f"'{s}'" for s in known)
            raise _invalid_value(
                f"Invalid value: '{size}'. Supported values are: {supported}.", "size"
            )
    elif size != "auto":
        fault = _flexible_size_fault(size)
        if fault:
            raise _invalid_value(f"Invalid size '{size}'. {fault}", "size")


def _flexible_size_fault(size: str) -> str | None:
    if SIZE.fullmatch(size) is None:
        return "Expected 'WIDTHxHEIGHT' in pixels or 'auto'."
    width_px, height_px = edges_px(size)
    if width_px % EDGE_STEP_PX or height_px % EDGE_STEP_PX:
        return f"Width and height must both be divisible by {EDGE_STEP_PX}."
    if max(width_px, height_px) > EDGE_MAX_PX:
        return f"The longest edge must not exceed {EDGE_MAX_PX} pixels."
    if max(width_px, height_px) > RATIO_MAX * min(width_px, height_px):
        return f"The long edge must not exceed {RATIO_MAX} times the short edge."
    if not PIXELS_MIN <= width_px * height_px <= PIXELS_MAX:
        return f"Total pixels must be between {PIXELS_MIN} and {PIXELS_MAX}."
    return None


def _check_combinations(given: Mapping[str, object]) -> None:
    output_format = given.get("output_format", "png")
    if given.get("background") == "transparent" and output_format == "jpeg":
        raise _invalid_value(
            "A transparent background needs output_format 'png' or 'webp'.",
            "background",
        )
    if given.get("output_compression", 100) != 100 and output_format == "png":  # noqa: PLR2004 - percent
        raise _invalid_value(
            "output_compression below 100 needs output_format 'jpeg' or 'webp'.",
            "output_compression",
        )
    if given.get("stream") and cast("int", given.get("n", 1)) > 1:
        raise _invalid_value("A stream carries one picture: n must be 1.", "n")


def _request(model: Model, prompt: str, given: Mapping[str, object]) -> ImageRequest:
    kept = (
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "response_format",
        "safety_identifier",
        "stream",
        "partial_images",
    )
    chosen = {key: given[key] for key in kept if key in given}
    if model.is_dall_e:
        chosen.setdefault("response_format", "url")
    return ImageRequest(model=model, prompt=prompt, **chosen)  # type: ignore[arg-type]

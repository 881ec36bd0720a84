"""Checks: what the Images API accepts, key by key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from bench.emulator.catalogue import Model
from bench.emulator.combinations import check_combinations
from bench.emulator.refusals import RefusedError, unknown_model
from bench.emulator.values import (
    RULES,
    check_length,
    check_type,
    check_value,
    invalid_value,
    missing,
    none_of,
    unknown,
    wrong_type,
)

SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)
EDGE_STEP_PX = 16
EDGE_MAX_PX = 3840
RATIO_MAX = 3
PIXELS_MIN = 655_360
PIXELS_MAX = 8_294_400
FRAME_COUNT = 9
FRAME_DURATION_MS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """A picture that came with a request, opened and found good.

    `width_px` and `height_px` are those after its orientation.
    """

    content: bytes = field(repr=False)
    format: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """A request that passed every check; quality and size may still be auto.

    `inputs` are the pictures to start from, in their order; the first alone is
    under the `mask` or the `markup`. `fidelity` is low or high. `svg_model` and
    `svg_effort` are who writes an SVG, and how hard it thinks.
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
    frame_count: int = FRAME_COUNT
    frame_duration_ms: int = FRAME_DURATION_MS
    svg_model: str | None = None
    svg_effort: str | None = None
    inputs: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None
    markup: InputPicture | None = None
    fidelity: str = "low"


def checked(body: Mapping[str, object], models: Mapping[str, Model]) -> ImageRequest:
    """Check the body of a generation and return it with its defaults.

    Order: model, unknown keys, prompt, each parameter by itself, combinations.

    Raises:
        RefusedError: the first check that fails.
    """
    model = model_of(body, models)
    return options(body, model, model.parameters)


def options(
    body: Mapping[str, object], model: Model, known: frozenset[str]
) -> ImageRequest:
    """Check all but the model and the pictures that came along.

    `known` are the keys that the address knows for this model; without `prompt`
    among them none is needed.

    Raises:
        RefusedError: the first check that fails.
    """
    for key in body:
        if key not in known:
            raise unknown(key)
    prompt = _prompt(body, model) if "prompt" in known else ""
    given = {k: v for k, v in body.items() if v is not None}
    for key, value in given.items():
        if key in RULES:
            check_value(key, value, RULES[key], model)
    if "size" in given:
        _check_size(cast("str", given["size"]), model)
    check_combinations(given, model)
    return _request(model, prompt, given)


def model_of(body: Mapping[str, object], models: Mapping[str, Model]) -> Model:
    """Return the model that a request names.

    Raises:
        RefusedError: none, no text, or one that is not served.
    """
    name = body.get("model")
    if name is None:
        raise missing("model")
    check_type("model", name, str)
    if name not in models:
        raise RefusedError(unknown_model(cast("str", name)))
    return models[cast("str", name)]


def _prompt(body: Mapping[str, object], model: Model) -> str:
    if "prompt" not in body:
        raise missing("prompt")
    prompt = body["prompt"]
    if not isinstance(prompt, str):
        raise wrong_type("prompt", prompt, str)
    check_length("prompt", prompt, model.prompt_chars_max, low=1)
    return prompt


def edges_px(size: str) -> tuple[int, int]:
    """Return width and height of a checked `WIDTHxHEIGHT`."""
    width, _, height = size.partition("x")
    return int(width), int(height)


def _check_size(size: str, model: Model) -> None:
    if model.sizes is not None:
        known = model.sizes if model.is_dall_e else (*model.sizes, "auto")
        if size not in known:
            raise none_of(size, known, "size")
    elif size != "auto":
        fault = _flexible_size_fault(size)
        if fault:
            raise invalid_value(f"Invalid size '{size}'. {fault}", "size")


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


def _request(model: Model, prompt: str, given: Mapping[str, object]) -> ImageRequest:
    kept = (
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "response_format",
        "stream",
        "partial_images",
        "frame_count",
        "frame_duration_ms",
    )
    chosen = {key: given[key] for key in kept if key in given}
    if model.is_dall_e:
        chosen.setdefault("response_format", "url")
    # An empty identifier counts as none; the older name stands in for it.
    chosen["safety_identifier"] = given.get("safety_identifier") or given.get("user")
    fidelity = given.get("input_fidelity", "low") if model.fidelities else "high"
    svg = cast("dict[str, object]", given.get("svg", {}))
    thinking = cast("dict[str, object]", svg.get("reasoning") or {})
    chosen |= {
        "fidelity": fidelity,
        "svg_model": svg.get("model"),
        "svg_effort": thinking.get("effort"),
    }
    return ImageRequest(model=model, prompt=prompt, **chosen)  # type: ignore[arg-type]

"""Rules: what each image model accepts, checked before money is spent.

Sources: the official Python library 3.52.0 (parameter texts) and answers of
the API quoted in public issues; both as collected on 2026-11-21.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BadInput
from bench.suite import Value

_THREE_SIZES = ("1024x1024", "1024x1536", "1536x1024")
_THREE_QUALITIES = ("low", "medium", "high", "auto")
_FIVE_QUALITIES = ("low", "medium", "high", "xhigh", "max", "auto")
_FORMATS = ("png", "jpeg", "webp")
_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_BACKGROUNDS = ("transparent", "opaque", "auto")
_MODERATIONS = ("auto", "low")
# Parameters that a family takes only where its rules name them.
_RARE = ("response_format", "style", "complexity")
MOST_PARTIAL_IMAGES = 3

EDGE_STEP_PX = 16
LONGEST_EDGE_PX = 3840
GREATEST_RATIO = 3
FEWEST_PX = 655_360
MOST_PX = 8_294_400


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """What one family of models accepts.

    Attributes:
        sizes: The sizes there are; None when any size within the limits goes.
        rare: What it takes of the parameters that most models refuse.
    """

    sizes: tuple[str, ...] | None
    qualities: tuple[str, ...]
    formats: tuple[str, ...] = _FORMATS
    greatest_n: int = 10
    longest_prompt: int = 32_000
    rare: tuple[str, ...] = ()


_FIXED = ModelRules(sizes=(*_THREE_SIZES, "auto"), qualities=_THREE_QUALITIES)
_FAMILIES: tuple[tuple[str, ModelRules], ...] = (
    (
        "gpt-image-2.6",
        ModelRules(sizes=None, qualities=_FIVE_QUALITIES, rare=("complexity",)),
    ),
    ("gpt-image-2.5", ModelRules(sizes=None, qualities=_FIVE_QUALITIES)),
    ("gpt-image-2", ModelRules(sizes=None, qualities=_THREE_QUALITIES)),
    ("gpt-image-1", _FIXED),
    ("chatgpt-image-latest", _FIXED),
    (
        "dall-e-3",
        ModelRules(
            sizes=("1024x1024", "1792x1024", "1024x1792"),
            qualities=("standard", "hd", "auto"),
            formats=(),
            greatest_n=1,
            longest_prompt=4_000,
            rare=("response_format", "style"),
        ),
    ),
    (
        "dall-e-2",
        ModelRules(
            sizes=("256x256", "512x512", "1024x1024"),
            qualities=("standard", "auto"),
            formats=(),
            longest_prompt=1_000,
            rare=("response_format",),
        ),
    ),
)


def rules_of(model: str) -> ModelRules | None:
    """The rules of a model's family, None for a model that we don't know."""
    for prefix, rules in _FAMILIES:
        if model == prefix or model.startswith((f"{prefix}-", f"{prefix}.")):
            return rules
    return None


def check_request(
    parameters: Mapping[str, Value], prompt_ids: Mapping[str, int]
) -> None:
    """Refuse what the model would refuse.

    Args:
        parameters: What the request carries, `model` among it.
        prompt_ids: Prompt id to the number of characters of its text.

    Raises:
        BadInput: Names the parameter, its value, and what would do.
    """
    model = str(parameters.get("model"))
    _whole(parameters, "n", 1, None)
    _whole(parameters, "partial_images", 0, MOST_PARTIAL_IMAGES)
    _whole(parameters, "output_compression", 0, 100)
    rules = rules_of(model)
    if rules is None:
        return
    _check_size(model, rules, str(parameters.get("size", "auto")))
    _check_words(model, rules, parameters)
    n = parameters.get("n", 1)
    if isinstance(n, int) and n > rules.greatest_n:
        raise BadInput(
            f"n: {n}: {model} makes 1 to {rules.greatest_n} images a request"
        )
    _check_together(parameters)
    for prompt_id, n_characters in prompt_ids.items():
        if n_characters > rules.longest_prompt:
            raise BadInput(
                f"prompt '{prompt_id}': {n_characters:,} characters; {model} takes at "
                f"most {rules.longest_prompt:,}"
            )


def _whole(
    parameters: Mapping[str, Value], name: str, least: int, most: int | None
) -> None:
    value = parameters.get(name, least)
    # True is an int to Python, but no number to an endpoint.
    number = value if type(value) is int else least - 1
    if number >= least and (most is None or number <= most):
        return
    span = f"{least} or more" if most is None else f"{least} to {most}"
    raise BadInput(f"{name}: {value}: should be a whole number, {span}")


def _check_words(
    model: str, rules: ModelRules, parameters: Mapping[str, Value]
) -> None:
    for name, allowed in (
        ("quality", rules.qualities),
        ("output_format", rules.formats),
        ("background", _BACKGROUNDS),
        ("moderation", _MODERATIONS),
    ):
        _one_of(model, name, parameters.get(name), allowed)
    for name in _RARE:
        if name in parameters and name not in rules.rare:
            raise BadInput(f"{name}: {model} refuses it; leave it out")


def _one_of(
    model: str, name: str, value: Value | None, allowed: tuple[str, ...]
) -> None:
    if value is not None and value not in allowed:
        hint = ", ".join(allowed) or "no such parameter"
        raise BadInput(f"{name}: '{value}' is not for {model}; it takes {hint}")


def _check_together(parameters: Mapping[str, Value]) -> None:
    picture_format = parameters.get("output_format", "png")
    if parameters.get("background") == "transparent" and picture_format == "jpeg":
        raise BadInput("background: jpeg can't be transparent; use png or webp")
    if "output_compression" in parameters and picture_format == "png":
        raise BadInput("output_compression: png takes none; use jpeg or webp")


def _check_size(model: str, rules: ModelRules, size: str) -> None:
    if size == "auto" or (rules.sizes is not None and size in rules.sizes):
        return
    if rules.sizes is not None:
        raise BadInput(
            f"size: '{size}' is not for {model}; it takes {', '.join(rules.sizes)}"
        )
    match = _SIZE.fullmatch(size)
    if not match:
        raise BadInput(f"size: '{size}': should read WIDTHxHEIGHT or auto")
    reason = _refusal(int(match[1]), int(match[2]))
    if reason:
        raise BadInput(f"size: '{size}' is not for {model}: {reason}")


def _refusal(width_px: int, height_px: int) -> str | None:
    long, short = max(width_px, height_px), min(width_px, height_px)
    if width_px % EDGE_STEP_PX or height_px % EDGE_STEP_PX:
        return f"both edges must be multiples of {EDGE_STEP_PX}"
    if long > LONGEST_EDGE_PX:
        return f"an edge is longer than {LONGEST_EDGE_PX}"
    if long > GREATEST_RATIO * short:
        return f"the sides differ more than {GREATEST_RATIO} to 1"
    if not FEWEST_PX <= width_px * height_px <= MOST_PX:
        return f"it must have {FEWEST_PX:,} to {MOST_PX:,} pixels"
    return None

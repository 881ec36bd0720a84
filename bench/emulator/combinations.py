"""Combinations: which parameters exclude each other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from bench.emulator.catalogue import Model
from bench.emulator.mainline import text_models_served
from bench.emulator.options import Profile
from bench.emulator.refusals import Refusal, RefusedError, invalid, unknown_model
from bench.emulator.values import (
    check_type,
    invalid_value,
    missing,
    none_of,
    unknown,
)

COMPRESSED = ("jpeg", "webp")
WITH_ALPHA = ("png", "webp")
NO_COMPRESSION = 100
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
OF_GIF = ("frame_count", "frame_duration_ms")


def check_combinations(given: Mapping[str, object], model: Model) -> None:
    """Check parameters of which each by itself is good.

    `given` holds what was sent and is not null.

    Raises:
        RefusedError: the first combination that is not allowed.
    """
    _check_background(given, model)
    _check_fidelity(given, model)
    output_format = given.get("output_format", "png")
    if (
        output_format not in COMPRESSED
        and given.get("output_compression", NO_COMPRESSION) != NO_COMPRESSION
    ):
        raise invalid_value(
            "output_compression below 100 needs output_format 'jpeg' or 'webp'.",
            "output_compression",
        )
    _check_gif(given, output_format == "gif")
    _check_svg(given, output_format == "svg")
    if given.get("stream") and cast("int", given.get("n", 1)) > 1:
        raise invalid_value("A stream carries one picture: n must be 1.", "n")


def _check_background(given: Mapping[str, object], model: Model) -> None:
    if given.get("background") != "transparent":
        return
    if not model.transparent:
        raise RefusedError(
            Refusal(
                status=400,
                type="image_generation_user_error",
                code="invalid_value",
                param="background",
                message=f"The model '{model.name}' draws no transparent background.",
            )
        )
    if given.get("output_format", "png") not in WITH_ALPHA:
        raise invalid_value(
            "A transparent background needs output_format 'png' or 'webp'.",
            "background",
        )


def _check_fidelity(given: Mapping[str, object], model: Model) -> None:
    fidelity = given.get("input_fidelity")
    if fidelity is None or fidelity in model.fidelities:
        return
    if not model.fidelities:
        raise invalid(
            f"The model '{model.name}' takes no 'input_fidelity': leave it out.",
            code="invalid_input_fidelity_model",
            param="input_fidelity",
        )
    raise none_of(fidelity, model.fidelities, "input_fidelity")


def _check_gif(given: Mapping[str, object], asked: bool) -> None:  # noqa: FBT001 - one fact
    if not asked:
        for key in OF_GIF:
            if key in given:
                raise _only_with(key, "gif")
        return
    for key in ("stream", "partial_images", "mask"):
        if given.get(key):
            raise never_with(key, "gif")


def _check_svg(given: Mapping[str, object], asked: bool) -> None:  # noqa: FBT001 - one fact
    if not asked:
        if "svg" in given:
            raise _only_with("svg", "svg")
        return
    for key in ("stream", "partial_images"):
        if given.get(key):
            raise never_with(key, "svg")
    if "output_compression" in given:
        raise never_with("output_compression", "svg")
    if cast("int", given.get("n", 1)) > 1:
        raise invalid_value("An SVG comes alone: n must be 1.", "n")
    if "svg" in given:
        check_author(cast("Mapping[str, object]", given["svg"]))


def check_author(svg: Mapping[str, object]) -> None:
    """Check the object `svg`, which names the text model that writes the picture.

    Raises:
        RefusedError: a key, a type or a value.
    """
    for key in svg:
        if key not in ("model", "reasoning"):
            raise unknown(f"svg.{key}")
    if svg.get("model") is None:
        raise missing("svg.model")
    check_type("svg.model", svg["model"], str)
    author = cast("str", svg["model"])
    if author not in text_models_served(Profile.CURRENT):
        raise RefusedError(replace(unknown_model(author), param="svg.model"))
    reasoning = svg.get("reasoning")
    if reasoning is not None:
        _check_reasoning(reasoning)


def _check_reasoning(reasoning: object) -> None:
    check_type("svg.reasoning", reasoning, dict)
    thinking = cast("dict[str, object]", reasoning)
    for key in thinking:
        if key != "effort":
            raise unknown(f"svg.reasoning.{key}")
    effort = thinking.get("effort")
    if effort is not None:
        check_type("svg.reasoning.effort", effort, str)
        if effort not in EFFORTS:
            raise none_of(effort, EFFORTS, "svg.reasoning.effort")


def _only_with(key: str, output_format: str) -> RefusedError:
    return invalid(
        f"'{key}' is only supported with output_format '{output_format}'.",
        code="unsupported_parameter",
        param=key,
    )


def never_with(key: str, output_format: str, within: str = "") -> RefusedError:
    """Build the refusal of a key that a format excludes; `within` is its object."""
    return invalid_value(
        f"output_format '{output_format}' can't be combined with '{key}'.",
        f"{within}.{key}" if within else key,
    )

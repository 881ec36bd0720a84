"""Rules: what a model would refuse is refused before a request leaves."""

from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from bench.errors import BadInput
from bench.rules.book import read_rules
from bench.rules.check import check_request, rules_of

_26 = {"model": "gpt-image-2.6-flare"}
_SVG = {"output_format": "svg", "svg_model": "gpt-5"}
FLEXIBLE = ("gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.6-sunburst")


@pytest.mark.parametrize("model", FLEXIBLE)
@pytest.mark.parametrize(
    "size",
    [
        "auto",
        "1024x1024",
        "1024x640",
        "2880x2880",
        "3840x2160",
        "2160x3840",
        "3840x1280",
        "1280x3840",
        "1536x864",
    ],
)
def test_a_size_within_the_limits_is_taken(model: str, size: str) -> None:
    check_request({"model": model, "size": size}, {})


@pytest.mark.parametrize("model", FLEXIBLE)
@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("1008x640", "655,360 to 8,294,400 pixels"),
        ("2896x2880", "655,360 to 8,294,400 pixels"),
        ("3840x2176", "655,360 to 8,294,400 pixels"),
        ("3840x1264", "differ more than 3 to 1"),
        ("1264x3840", "differ more than 3 to 1"),
        ("3856x1296", "longer than 3840"),
        ("1792x936", "multiples of 16"),
        ("1025x1024", "multiples of 16"),
        ("1024X1024", "WIDTHxHEIGHT or auto"),
        ("1024×1024", "WIDTHxHEIGHT or auto"),
        ("1024x", "WIDTHxHEIGHT or auto"),
        ("x1024", "WIDTHxHEIGHT or auto"),
        ("1024x1024 ", "WIDTHxHEIGHT or auto"),
        ("1024x1024\n", "WIDTHxHEIGHT or auto"),
        ("01024x1024", "WIDTHxHEIGHT or auto"),
        ("-1024x1024", "WIDTHxHEIGHT or auto"),
        ("1٠24x1024", "WIDTHxHEIGHT or auto"),
        ("1024x102400000000", "WIDTHxHEIGHT or auto"),
        ("", "WIDTHxHEIGHT or auto"),
        (1024, "WIDTHxHEIGHT or auto"),
    ],
)
def test_a_size_outside_the_limits_is_refused_with_the_reason(
    model: str, size: str | int, reason: str
) -> None:
    with pytest.raises(BadInput, match=reason) as refusal:
        check_request({"model": model, "size": size}, {})
    assert str(refusal.value).startswith(f"size: '{size}'")


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        (
            {"model": "gpt-image-1", "size": "1792x1024"},
            ["'1792x1024'", "gpt-image-1", "1024x1024, 1024x1536, 1536x1024, auto"],
        ),
        (
            {"model": "gpt-image-1.5", "size": "1536x864"},
            ["gpt-image-1.5", "1024x1536"],
        ),
        (
            {"model": "dall-e-3", "quality": "low"},
            ["quality", "standard, hd"],
        ),
        ({"model": "dall-e-3", "size": "auto"}, ["size: 'auto'", "1792x1024"]),
        ({"model": "dall-e-2", "quality": "auto"}, ["quality: 'auto'", "standard"]),
        ({"model": "dall-e-3", "size": "512x512"}, ["1792x1024"]),
        ({"model": "dall-e-2", "size": "1792x1024"}, ["256x256"]),
        (
            {"model": "gpt-image-2", "quality": "xhigh"},
            ["quality: 'xhigh'", "gpt-image-2;", "low, medium, high, auto"],
        ),
        ({"model": "gpt-image-1-mini", "quality": "max"}, ["low, medium, high, auto"]),
        ({"model": "gpt-image-2", "quality": "hd"}, ["low, medium, high, auto"]),
        ({"model": "gpt-image-2", "quality": "LOW"}, ["low, medium, high, auto"]),
        ({"model": "gpt-image-2", "quality": 1}, ["low, medium, high, auto"]),
        (
            {"background": "transparent", "output_format": "jpeg"},
            ["background", "png or webp"],
        ),
        ({"background": "sky"}, ["background: 'sky'", "transparent, opaque, auto"]),
        ({"moderation": "off"}, ["moderation: 'off'", "auto, low"]),
        ({"output_compression": 50}, ["png takes none", "jpeg or webp"]),
        (
            {"output_compression": 50, "output_format": "png"},
            ["png takes none", "jpeg or webp"],
        ),
        ({"output_compression": 101, "output_format": "webp"}, ["101", "0 to 100"]),
        ({"output_compression": -1, "output_format": "jpeg"}, ["-1", "0 to 100"]),
        ({"output_compression": "9", "output_format": "jpeg"}, ["9", "0 to 100"]),
        ({"output_compression": True, "output_format": "jpeg"}, ["0 to 100"]),
        ({"output_format": "tiff"}, ["'tiff'", "png, jpeg, webp"]),
        ({"model": "dall-e-3", "output_format": "png"}, ["output_format", "dall-e-3"]),
        ({"n": 0}, ["n: 0", "1 or more"]),
        ({"n": -1}, ["n: -1", "1 or more"]),
        ({"n": 11}, ["n: 11", "1 to 10"]),
        ({"n": "2"}, ["n: 2", "whole number"]),
        ({"n": True}, ["n: True", "whole number"]),
        ({"model": "dall-e-3", "n": 2}, ["dall-e-3", "1 to 1 "]),
        ({"model": "a-model-nobody-knows", "n": "two"}, ["n: two"]),
        ({"model": "a-model-nobody-knows", "n": 0}, ["n: 0"]),
        ({"partial_images": "two"}, ["partial_images: two", "0 to 3"]),
        ({"partial_images": 4}, ["partial_images: 4", "0 to 3"]),
        ({"model": "a-model-nobody-knows", "partial_images": "x"}, ["partial_images"]),
        ({"partial_images": 2}, ["partial_images: ", "set stream: true"]),
        ({"partial_images": 2, "stream": False}, ["set stream: true"]),
        ({"stream": True, "n": 2}, ["stream: ", "set n to 1"]),
        ({"stream": 1}, ["stream: '1'", "true, false"]),
        ({"input_fidelity": "high"}, ["input_fidelity: gpt-image-2 refuses it"]),
        (
            {"model": "gpt-image-1-mini", "input_fidelity": "high"},
            ["input_fidelity: 'high'", "it takes low"],
        ),
        ({"output_format": "gif"}, ["output_format: 'gif'", "png, jpeg, webp"]),
        ({"frame_count": 4}, ["frame_count: gpt-image-2 refuses it"]),
        ({**_26, "frame_count": 4}, ["frame_count: ", "output_format: gif"]),
        ({**_26, "output_format": "gif", "frame_count": 17}, ["2 to 16"]),
        ({**_26, "output_format": "gif", "stream": True}, ["a GIF can't be streamed"]),
        ({**_26, "output_format": "svg"}, ["name it in svg_model"]),
        ({**_26, **_SVG, "n": 2}, ["an SVG comes alone"]),
        ({**_26, **_SVG, "stream": True}, ["an SVG can't be streamed"]),
        ({**_26, **_SVG, "output_compression": 50}, ["svg takes none"]),
        ({**_26, **_SVG, "background": "transparent"}, ["svg can't be transparent"]),
        ({**_26, "svg_effort": "low", "output_format": "svg"}, ["svg_model"]),
        ({**_26, "svg_model": "gpt-5"}, ["svg_model: ", "output_format: svg"]),
        ({**_26, "complexity": "huge"}, ["complexity: 'huge'", "low, medium, high"]),
        ({"model": "dall-e-3", "stream": True}, ["stream: dall-e-3 refuses it"]),
        ({"max_output_tokens": 100}, ["only the Responses API has it"]),
        ({"store": True}, ["only the Responses API has it"]),
        ({"response_format": "url"}, ["response_format", "leave it out"]),
        ({"style": "vivid"}, ["style", "leave it out"]),
        ({"complexity": "high"}, ["complexity", "leave it out"]),
    ],
)
def test_what_the_model_would_refuse_is_refused_with_the_cure(
    parameters: dict[str, Any], names: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        check_request({"model": "gpt-image-2", **parameters}, {})
    for name in names:
        assert name in str(refusal.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n": 1},
        {"n": 10},
        {"quality": "auto"},
        {"background": "transparent"},
        {"background": "transparent", "output_format": "webp"},
        {"output_compression": 0, "output_format": "webp"},
        {"output_compression": 100, "output_format": "jpeg"},
        {"model": "gpt-image-2.5-sunburst", "quality": "xhigh"},
        {"model": "gpt-image-2.6-flare", "quality": "max", "complexity": "low"},
        {"model": "gpt-image-2-2026-04-21", "size": "1024x640"},
        {"model": "dall-e-3", "quality": "hd", "style": "vivid"},
        {"model": "dall-e-2", "response_format": "b64_json"},
        {"partial_images": 3, "stream": True},
        {"partial_images": 0},
        {"moderation": "low"},
        {"model": "a-model-nobody-knows", "quality": "best", "size": "7x7"},
    ],
)
def test_what_the_model_takes_passes(parameters: dict[str, Any]) -> None:
    check_request({"model": "gpt-image-2", **parameters}, {})


@pytest.mark.parametrize(
    ("model", "longest"),
    [("gpt-image-2", 32_000), ("dall-e-3", 4_000), ("dall-e-2", 1_000)],
)
def test_a_prompt_longer_than_its_model_takes_is_refused_by_name(
    model: str, longest: int
) -> None:
    check_request({"model": model, "size": "1024x1024"}, {"poster": longest})
    with pytest.raises(BadInput, match=f"prompt 'poster': .* at most {longest:,}"):
        check_request({"model": model, "size": "1024x1024"}, {"poster": longest + 1})


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-image-2", True),
        ("gpt-image-2.5-flare", True),
        ("gpt-image-1-mini", True),
        ("gpt-image-1.5", True),
        ("gpt-image-20", False),
        ("gpt-image", False),
        ("my/gpt-image-2", False),
        ("", False),
    ],
)
def test_a_name_that_only_begins_alike_is_another_model(
    model: str, *, known: bool
) -> None:
    assert (rules_of(model) is not None) is known


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"n": 1}, ["the image tool makes one picture", "set repeats"]),
        ({"style": "vivid"}, ["the image tool has no such parameter"]),
        ({"response_format": "url"}, ["base64 alone"]),
        ({"max_output_tokens": 15}, ["max_output_tokens: 15", "16 to 128,000"]),
    ],
)
def test_the_image_tool_refuses_what_it_has_no_word_for(
    parameters: dict[str, Any], names: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        check_request({"model": "gpt-image-2", **parameters}, {}, api="responses")
    for name in names:
        assert name in str(refusal.value)


def test_rules_change_by_the_day() -> None:
    wanted = {"model": "gpt-image-2", "background": "transparent"}
    with pytest.raises(BadInput, match="background: 'transparent' is not for"):
        check_request(wanted, {}, day=date(2026, 8, 19))
    check_request(wanted, {}, day=date(2026, 8, 20))


def test_every_rule_names_a_source_of_the_file() -> None:
    text = (files("bench.rules") / "models.toml").read_text()
    assert len(read_rules(text).families) == 9
    with pytest.raises(KeyError, match="hearsay"):
        read_rules(text.replace('source = "spec"', 'source = "hearsay"'))
    with pytest.raises(ValueError, match="n_most: no such rule"):
        read_rules(text.replace("n_max = 1\n", "n_most = 1\n"))


def test_one_generation_does_not_take_the_rules_of_the_one_before() -> None:
    with pytest.raises(BadInput):
        check_request({"model": "gpt-image-2", "quality": "max"}, {})
    check_request({"model": "gpt-image-2.5-flare", "quality": "max"}, {})

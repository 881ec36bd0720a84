"""Every refusal of the emulator: status, type, code and param."""

from typing import Any

import openai
import pytest

INVALID = "invalid_request_error"


def refused(code: str | None, param: str | None, status: int = 400) -> tuple[Any, ...]:
    return (status, INVALID, code, param)


TABLE: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({"model": None}, refused("missing_required_parameter", "model")),
    ({"model": 5}, refused("invalid_type", "model")),
    ({"model": "gpt-image-2.5"}, refused("model_not_found", "model", 404)),
    ({"model": "gpt-5"}, refused("model_not_found", "model", 404)),
    ({"prompt": None}, refused("invalid_type", "prompt")),
    ({"prompt": ["a"]}, refused("invalid_type", "prompt")),
    ({"prompt": ""}, refused("string_below_min_length", "prompt")),
    ({"prompt": "x" * 32001}, refused("string_above_max_length", "prompt")),
    ({"n": 0}, refused("integer_below_min_value", "n")),
    ({"n": 11}, refused("integer_above_max_value", "n")),
    ({"n": "2"}, refused("invalid_type", "n")),
    ({"n": 1.0}, refused("invalid_type", "n")),
    ({"n": True}, refused("invalid_type", "n")),
    ({"quality": "ultra"}, refused("invalid_value", "quality")),
    ({"quality": "hd"}, refused("invalid_value", "quality")),
    ({"quality": "xhigh"}, refused("invalid_value", "quality")),
    ({"quality": 1}, refused("invalid_type", "quality")),
    ({"size": "1024"}, refused("invalid_value", "size")),
    ({"size": "1024X1024"}, refused("invalid_value", "size")),
    ({"size": "1792x936"}, refused("invalid_value", "size")),
    ({"size": "1008x640"}, refused("invalid_value", "size")),
    ({"size": "3840x1264"}, refused("invalid_value", "size")),
    ({"size": "3856x1296"}, refused("invalid_value", "size")),
    ({"size": "3840x2176"}, refused("invalid_value", "size")),
    ({"size": 1024}, refused("invalid_type", "size")),
    ({"background": "blue"}, refused("invalid_value", "background")),
    ({"output_format": "gif"}, refused("invalid_value", "output_format")),
    (
        {"output_compression": 101},
        refused("integer_above_max_value", "output_compression"),
    ),
    (
        {"output_compression": -1},
        refused("integer_below_min_value", "output_compression"),
    ),
    ({"output_compression": 80}, refused("invalid_value", "output_compression")),
    (
        {"background": "transparent", "output_format": "jpeg"},
        refused("invalid_value", "background"),
    ),
    ({"moderation": "high"}, refused("invalid_value", "moderation")),
    ({"partial_images": 4}, refused("integer_above_max_value", "partial_images")),
    ({"stream": "yes"}, refused("invalid_type", "stream")),
    ({"stream": True, "n": 2}, refused("invalid_value", "n")),
    ({"user": 5}, refused("invalid_type", "user")),
    ({"response_format": "b64_json"}, refused("unknown_parameter", "response_format")),
    ({"style": "vivid"}, refused("unknown_parameter", "style")),
    ({"complexity": "low"}, refused("unknown_parameter", "complexity")),
    ({"foo": 1}, refused("unknown_parameter", "foo")),
    ({"frame_count": 4}, refused("unknown_parameter", "frame_count")),
    ({"input_fidelity": "low"}, refused("unknown_parameter", "input_fidelity")),
    ({"model": "gpt-image-1", "size": "1792x1024"}, refused("invalid_value", "size")),
    ({"model": "gpt-image-1.5", "size": "2048x2048"}, refused("invalid_value", "size")),
    ({"model": "dall-e-3"}, refused("invalid_value", "quality")),
    (
        {"model": "dall-e-3", "quality": "hd", "n": 2},
        refused("integer_above_max_value", "n"),
    ),
    (
        {"model": "dall-e-2", "quality": "standard", "size": "1024x1536"},
        refused("invalid_value", "size"),
    ),
    (
        {"model": "dall-e-2", "quality": "standard", "background": "opaque"},
        refused("unknown_parameter", "background"),
    ),
    (
        {"model": "dall-e-2", "quality": "standard", "prompt": "x" * 1001},
        refused("string_above_max_length", "prompt"),
    ),
    (
        {"model": "dall-e-3", "quality": "standard", "prompt": "x" * 4001},
        refused("string_above_max_length", "prompt"),
    ),
    (
        {"model": "dall-e-3", "quality": "standard", "style": "calm"},
        refused("invalid_value", "style"),
    ),
]


def said(answer: Any) -> tuple[Any, ...]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return (answer.status_code, error["type"], error["code"], error["param"])


@pytest.mark.parametrize(("change", "expected"), TABLE, ids=lambda v: str(v)[:50])
def test_a_bad_parameter_is_refused_by_name(
    emulator: Any, change: Any, expected: Any
) -> None:
    assert said(emulator.generate(**change)) == expected
    entry = emulator.ledger()[-1]
    assert (entry["status"], entry["error_code"]) == (expected[0], expected[2])
    assert (entry["billed"], entry["price_usd"]) == (False, "0")


@pytest.mark.parametrize("left_out", ["model", "prompt"])
def test_a_missing_parameter_is_refused_by_name(emulator: Any, left_out: Any) -> None:
    body = {"model": "gpt-image-2", "prompt": "A kite"}
    del body[left_out]
    expected = refused("missing_required_parameter", left_out)
    assert said(emulator.post(body)) == expected


@pytest.mark.parametrize(
    "size", ["1024x640", "2880x2880", "3840x2160", "3840x1280", "1792x944"]
)
def test_sizes_on_the_boundary_are_served(emulator: Any, size: Any) -> None:
    answer = emulator.generate(size=size, output_format="jpeg", output_compression=10)
    assert answer.json()["size"] == size


def test_partial_pictures_without_a_stream_are_checked_and_ignored(
    emulator: Any,
) -> None:
    answer = emulator.generate(partial_images=3)
    assert len(answer.json()["data"]) == 1
    assert answer.json()["usage"]["output_tokens"] == 196
    assert emulator.ledger()[-1]["partials_ns"] == []


def test_newer_models_take_more_qualities_and_complexity(emulator: Any) -> None:
    asked = {"model": "gpt-image-2.6-flare", "quality": "max", "complexity": "low"}
    assert emulator.generate(**asked).json()["quality"] == "max"
    assert emulator.generate(model="gpt-image-2.5-flare", quality="xhigh").is_success


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, refused(None, None, 401)),
        ("Bearer", refused(None, None, 401)),
        ("Basic abc", refused(None, None, 401)),
        ("Bearer sk-invalid", refused("invalid_api_key", None, 401)),
    ],
)
def test_a_request_without_a_good_key_is_refused(
    emulator: Any, header: Any, expected: Any
) -> None:
    headers = {} if header is None else {"authorization": header}
    body = {"model": "gpt-image-2", "prompt": "A kite"}
    url = f"{emulator.url}/images/generations"
    assert said(emulator.http.post(url, json=body, headers=headers)) == expected


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("application/json", b"{", refused(None, None)),
        ("application/json", b"", refused(None, None)),
        ("application/json", b"[]", refused(None, None)),
        ("application/json", b'{"n": NaN}', refused(None, None)),
        ("application/json", b"\xff\xfe\xfd", refused(None, None)),
        ("application/json", b'{"n": ' + b"9" * 5000 + b"}", refused(None, None)),
        ("application/json", b"[" * 100_000, refused(None, None)),
        ("text/plain", b"{}", refused("unsupported_content_type", None, 415)),
        ("multipart/form-data", b"", refused("unsupported_content_type", None, 415)),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    emulator: Any, kind: Any, content: Any, expected: Any
) -> None:
    answer = emulator.http.post(
        f"{emulator.url}/images/generations",
        content=content,
        headers={"authorization": "Bearer x", "content-type": kind},
    )
    assert said(answer) == expected


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/images/generate", 404),
        ("POST", "/images/generations/", 404),
        ("GET", "/images/generations", 405),
        ("POST", "/../images/generations", 404),
    ],
)
def test_what_is_not_there_answers_in_the_same_form(
    emulator: Any, method: Any, path: Any, status: Any
) -> None:
    answer = emulator.http.request(method, f"{emulator.url}{path}", json={})
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == INVALID


def test_the_address_without_v1_is_not_there(emulator: Any) -> None:
    url = emulator.url.removesuffix("/v1")
    client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
    with client, pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(model="gpt-image-2", prompt="A kite")
    assert "Invalid URL" in caught.value.message
    assert emulator.ledger()[-1]["path"] == "/images/generations"


def test_the_sdk_raises_the_right_errors(emulator: Any) -> None:
    client = openai.OpenAI(base_url=emulator.url, api_key="sk-invalid", max_retries=0)
    with client, pytest.raises(openai.AuthenticationError) as caught:
        client.images.generate(model="gpt-image-2", prompt="A kite")
    assert caught.value.code == "invalid_api_key"
    assert caught.value.request_id == emulator.ledger()[-1]["id"]


def test_a_prompt_of_broken_unicode_is_served(emulator: Any) -> None:
    content = (
        b'{"model": "gpt-image-2", "prompt": "\\ud800 \\"\\ud83d\\"", "quality": "low"}'
    )
    headers = {"authorization": "Bearer x", "content-type": "application/json"}
    url = f"{emulator.url}/images/generations"
    assert emulator.http.post(url, content=content, headers=headers).is_success
    assert emulator.ledger()[-1]["prompt"].startswith("\ud800")


def test_a_huge_body_is_refused_without_being_kept(emulator: Any) -> None:
    answer = emulator.http.post(
        f"{emulator.url}/images/generations",
        content=b"x" * (17 * 1024 * 1024),
        headers={"authorization": "Bearer x", "content-type": "application/json"},
    )
    assert said(answer) == refused("request_too_large", None, 413)

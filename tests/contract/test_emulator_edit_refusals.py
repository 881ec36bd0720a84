"""Every refusal of edits, variations and the options of newer models."""

import io
from typing import Any

import pytest
from PIL import Image

from bench.emulator.inputs import DATA_URL_MAX_CHARS, FILE_MAX_BYTES
from tests.contract.conftest import KEY
from tests.painted import as_data_url, holed, painted

USER = "image_generation_user_error"
INVALID = "invalid_request_error"
SMALL = ("a.png", painted(64, 64), "image/png")
JPEG = ("a.jpg", painted(64, 64, kind="JPEG"), "image/jpeg")
FIELDS = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low"}


def refused(
    code: str | None, param: str | None, kind: str = INVALID, status: int = 400
) -> tuple[Any, ...]:
    return (status, kind, code, param)


def said(answer: Any) -> tuple[Any, ...]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return (answer.status_code, error["type"], error["code"], error["param"])


def sent(emulator: Any, files: Any, path: str = "edits", **fields: Any) -> Any:
    data = {k: v for k, v in {**FIELDS, **fields}.items() if v is not None}
    url = f"{emulator.url}/images/{path}"
    return emulator.http.post(url, data=data, files=files, headers=KEY)


def named(kind: Any, content: Any = SMALL[1], name: Any = "a.png") -> Any:
    return [("image", (name, content, kind))]


def saved(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def noisy_mask() -> bytes:
    """A mask of the right size that is too heavy."""
    noise = Image.effect_noise((1600, 1600), 90)
    return saved(Image.merge("RGBA", (noise, noise.rotate(90), noise, noise)))


OPAQUE = saved(Image.new("RGB", (64, 64)))
FORMS: dict[str, tuple[Any, dict[str, Any], tuple[Any, ...]]] = {
    "none": ([], {}, refused("missing_required_parameter", "image")),
    "prompt as a file": (
        [("image", SMALL), ("prompt", ("p.txt", b"A kite", "text/plain"))],
        {"prompt": None},
        refused("invalid_value", "prompt"),
    ),
    "seventeen": (
        [("image[]", SMALL)] * 17,
        {},
        refused("array_above_max_length", "image"),
    ),
    "a string": ([], {"image": "a.png"}, refused("invalid_type", "image")),
    "octet stream": (
        named("application/octet-stream"),
        {},
        refused("unsupported_file_mimetype", "image"),
    ),
    "pdf": (
        named("application/pdf", b"%PDF-1.7"),
        {},
        refused("unsupported_file_mimetype", "image"),
    ),
    "pdf said to be png": (
        named("image/png", b"%PDF-1.7"),
        {},
        refused("invalid_image_file", None, USER),
    ),
    "truncated": (
        named("image/jpeg", painted(300, 300, kind="JPEG")[:900]),
        {},
        refused("invalid_image_file", None, USER),
    ),
    "bmp": (
        named("image/png", saved(Image.new("RGB", (9, 9)), "BMP")),
        {},
        refused("invalid_image_file", None, USER),
    ),
    "empty": (named("image/png", b""), {}, refused("empty_image_file", "image")),
    "too heavy": (
        named("image/png", bytes(FILE_MAX_BYTES)),
        {},
        refused("image_file_too_large", "image"),
    ),
    "too many pixels": (
        named("image/png", saved(Image.new("1", (10_000, 5_001)))),
        {},
        refused("invalid_image_file", None, USER),
    ),
    "mask of another size": (
        [("image", SMALL), ("mask", ("m.png", holed(64, 65, (0, 0, 9, 9))))],
        {},
        refused("invalid_mask_image_format", "mask", USER),
    ),
    "mask for a jpeg": (
        [("image", JPEG), ("mask", ("m.png", holed(64, 64, (0, 0, 9, 9))))],
        {},
        refused("invalid_mask_image_format", "mask", USER),
    ),
    "jpeg mask": (
        [("image", SMALL), ("mask", JPEG)],
        {},
        refused("invalid_mask_image_format", "mask", USER),
    ),
    "mask without alpha": (
        [("image", SMALL), ("mask", ("m.png", OPAQUE))],
        {},
        refused("invalid_mask_image_format", "mask", USER),
    ),
    "mask too heavy": (
        [
            ("image", ("a.png", painted(1600, 1600))),
            ("mask", ("m.png", noisy_mask())),
        ],
        {},
        refused("image_file_too_large", "mask"),
    ),
    "two masks": (
        [("image", SMALL), ("mask", SMALL), ("mask", SMALL)],
        {},
        refused("invalid_value", "mask"),
    ),
    "mask and markup": (
        [("image", SMALL), ("mask", SMALL), ("markup", SMALL)],
        {"model": "gpt-image-2.5-flare"},
        refused("invalid_value", "markup"),
    ),
    "markup before 2.5": (
        [("image", SMALL), ("markup", SMALL)],
        {},
        refused("unknown_parameter", "markup"),
    ),
    "markup without a hole": (
        [("image", SMALL), ("markup", ("m.png", OPAQUE))],
        {"model": "gpt-image-2.5-flare"},
        refused("invalid_image_file", "markup", USER),
    ),
    "moderation": (
        [("image", SMALL)],
        {"moderation": "low"},
        refused("unknown_parameter", "moderation"),
    ),
    "fidelity where all is high": (
        [("image", SMALL)],
        {"input_fidelity": "low"},
        refused("invalid_input_fidelity_model", "input_fidelity"),
    ),
    "fidelity of mini": (
        [("image", SMALL)],
        {"model": "gpt-image-1-mini", "input_fidelity": "high"},
        refused("invalid_value", "input_fidelity"),
    ),
    "n in words": ([("image", SMALL)], {"n": "two"}, refused("invalid_type", "n")),
    "n with a point": ([("image", SMALL)], {"n": "2.0"}, refused("invalid_type", "n")),
    "n too high": (
        [("image", SMALL)],
        {"n": "11"},
        refused("integer_above_max_value", "n"),
    ),
    "stream in words": (
        [("image", SMALL)],
        {"stream": "yes"},
        refused("invalid_type", "stream"),
    ),
    "n with a stream": (
        [("image", SMALL)],
        {"stream": "true", "n": "2"},
        refused("invalid_value", "n"),
    ),
    "a key that nobody knows": (
        [("image", SMALL)],
        {"foo": "1"},
        refused("unknown_parameter", "foo"),
    ),
    "a file that nobody knows": (
        [("image", SMALL), ("foo", SMALL)],
        {},
        refused("unknown_parameter", "foo"),
    ),
    "json's name in a form": (
        [("image", SMALL)],
        {"images": "x"},
        refused("unknown_parameter", "images"),
    ),
    "no prompt": (
        [("image", SMALL)],
        {"prompt": None},
        refused("missing_required_parameter", "prompt"),
    ),
    "dall-e-3": (
        [("image", SMALL)],
        {"model": "dall-e-3", "quality": "standard"},
        refused("invalid_value", "model"),
    ),
    "gif with a mask": (
        [("image", SMALL), ("mask", SMALL)],
        {"model": "gpt-image-2.6-flare", "output_format": "gif"},
        refused("invalid_value", "mask"),
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_form_that_breaks_a_rule_is_refused_by_name(emulator: Any, case: str) -> None:
    files, fields, expected = FORMS[case]
    # Without a file the client would send no form.
    files = files or [("quality", (None, "low"))]
    if files[0][0] == "quality":
        fields = {**fields, "quality": None}
    assert said(sent(emulator, files, **fields)) == expected
    assert not emulator.ledger()[-1]["billed"]


def test_a_part_without_content_type_is_refused(emulator: Any) -> None:
    head = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n'
    parts = [
        *(head.format(name, "") + value for name, value in FIELDS.items()),
        head.format("image", '; filename="a.png"') + "x",
    ]
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    kind = {**KEY, "content-type": "multipart/form-data; boundary=b"}
    url = f"{emulator.url}/images/edits"
    answer = emulator.http.post(url, content=body.encode(), headers=kind)
    assert said(answer) == refused("missing_file_mimetype", "image")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data"),
        (b"--b\r\nno header", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"),
        (b'--b\r\ncontent-disposition: form-data; name="n"', "multipart/form-data; b"),
    ],
)
def test_a_broken_form_is_refused(emulator: Any, content: Any, kind: Any) -> None:
    url = f"{emulator.url}/images/edits"
    headers = {**KEY, "content-type": kind}
    answer = emulator.http.post(url, content=content, headers=headers)
    assert said(answer) == refused(None, None)


GOOD = {"image_url": as_data_url(SMALL[1])}
JSON: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "none": ({"images": None}, refused("missing_required_parameter", "images")),
    "no array": ({"images": "x"}, refused("invalid_type", "images")),
    "empty": ({"images": []}, refused("array_below_min_length", "images")),
    "seventeen": ({"images": [GOOD] * 17}, refused("array_above_max_length", "images")),
    "no object": ({"images": ["x"]}, refused("invalid_type", "images[0]")),
    "neither": ({"images": [GOOD, {}]}, refused("invalid_value", "images[1]")),
    "both": (
        {"images": [{**GOOD, "file_id": "file-1"}]},
        refused("invalid_value", "images[0]"),
    ),
    "another key": (
        {"images": [{**GOOD, "detail": "high"}]},
        refused("unknown_parameter", "images[0].detail"),
    ),
    "no string": (
        {"images": [{"image_url": 5}]},
        refused("invalid_type", "images[0].image_url"),
    ),
    "no address": (
        {"images": [{"image_url": "kite.png"}]},
        refused("invalid_image_file", "images[0].image_url", USER),
    ),
    "no base64": (
        {"images": [{"image_url": "data:image/png;base64,&&&"}]},
        refused("invalid_image_file", "images[0].image_url", USER),
    ),
    "no picture": (
        {"images": [{"image_url": "data:image/png;base64,aGVsbG8="}]},
        refused("invalid_image_file", "images[0].image_url", USER),
    ),
    "a data url of text": (
        {"images": [{"image_url": "data:text/plain;base64,aGVsbG8="}]},
        refused("invalid_image_file", "images[0].image_url", USER),
    ),
    "too long": (
        {"images": [{"image_url": "data:" + "a" * DATA_URL_MAX_CHARS}]},
        refused("string_above_max_length", "images[0].image_url"),
    ),
    "far away": (
        {"images": [{"image_url": "https://example.com/kite.png"}]},
        refused("invalid_value", "url"),
    ),
    "no such file": (
        {"images": [{"file_id": "file-none"}]},
        refused("invalid_value", "images[0].file_id"),
    ),
    "bad mask": (
        {"mask": {"image_url": as_data_url(OPAQUE)}},
        refused("invalid_mask_image_format", "mask", USER),
    ),
    "mask as text": ({"mask": "x"}, refused("invalid_type", "mask")),
    "the form's name": ({"image": "x"}, refused("unknown_parameter", "image")),
    "moderation": ({"moderation": "off"}, refused("invalid_value", "moderation")),
    "dall-e-2": (
        {"model": "dall-e-2", "quality": "standard"},
        refused("unsupported_content_type", None),
    ),
}


@pytest.mark.parametrize("case", JSON)
def test_an_edit_in_json_that_breaks_a_rule_is_refused(
    emulator: Any, case: str
) -> None:
    change, expected = JSON[case]
    answer = emulator.post_to("/images/edits", {**FIELDS, "images": [GOOD], **change})
    assert said(answer) == expected


def test_an_edit_may_be_a_form_or_json_and_nothing_else(emulator: Any) -> None:
    url = f"{emulator.url}/images/edits"
    headers = {**KEY, "content-type": "application/x-www-form-urlencoded"}
    answer = emulator.http.post(url, content=b"model=x", headers=headers)
    assert said(answer) == refused("unsupported_content_type", None, status=415)


def test_a_file_for_another_purpose_is_no_picture(emulator: Any) -> None:
    upload = {"file": ("a.png", SMALL[1])}
    kept = emulator.http.post(
        f"{emulator.url}/files", data={"purpose": "batch"}, files=upload, headers=KEY
    ).json()
    body = {**FIELDS, "images": [{"file_id": kept["id"]}]}
    answer = emulator.post_to("/images/edits", body)
    assert said(answer) == refused("invalid_value", "images[0].file_id")


NEWEST = "gpt-image-2.6-sunburst"
GIF = {"model": NEWEST, "output_format": "gif"}
SVG = {"model": NEWEST, "output_format": "svg"}
OPTIONS: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "gif before 2.6": (
        {"output_format": "gif"},
        refused("invalid_value", "output_format"),
    ),
    "svg before 2.6": (
        {"model": "gpt-image-2.5-flare", "output_format": "svg"},
        refused("invalid_value", "output_format"),
    ),
    "frames of a png": (
        {"model": NEWEST, "frame_count": 4},
        refused("unsupported_parameter", "frame_count"),
    ),
    "duration of a png": (
        {"model": NEWEST, "frame_duration_ms": 100},
        refused("unsupported_parameter", "frame_duration_ms"),
    ),
    "one frame": (
        {**GIF, "frame_count": 1},
        refused("integer_below_min_value", "frame_count"),
    ),
    "too many frames": (
        {**GIF, "frame_count": 17},
        refused("integer_above_max_value", "frame_count"),
    ),
    "no duration": (
        {**GIF, "frame_duration_ms": 0},
        refused("integer_below_min_value", "frame_duration_ms"),
    ),
    "gif stream": ({**GIF, "stream": True}, refused("invalid_value", "stream")),
    "gif partials": (
        {**GIF, "partial_images": 1},
        refused("invalid_value", "partial_images"),
    ),
    "gif compression": (
        {**GIF, "output_compression": 80},
        refused("invalid_value", "output_compression"),
    ),
    "gif transparent": (
        {**GIF, "background": "transparent"},
        refused("invalid_value", "background"),
    ),
    "svg of a png": (
        {"model": NEWEST, "svg": {"model": "gpt-5.2"}},
        refused("unsupported_parameter", "svg"),
    ),
    "two svg": ({**SVG, "n": 2}, refused("invalid_value", "n")),
    "svg stream": ({**SVG, "stream": True}, refused("invalid_value", "stream")),
    "svg partials": (
        {**SVG, "partial_images": 1},
        refused("invalid_value", "partial_images"),
    ),
    "svg compression": (
        {**SVG, "output_compression": 100},
        refused("invalid_value", "output_compression"),
    ),
    "svg without author": (
        {**SVG, "svg": {}},
        refused("missing_required_parameter", "svg.model"),
    ),
    "svg as text": ({**SVG, "svg": "gpt-5.2"}, refused("invalid_type", "svg")),
    "svg with more": (
        {**SVG, "svg": {"model": "gpt-5.2", "n": 1}},
        refused("unknown_parameter", "svg.n"),
    ),
    "svg effort": (
        {**SVG, "svg": {"model": "gpt-5.2", "reasoning": {"effort": "huge"}}},
        refused("invalid_value", "svg.reasoning.effort"),
    ),
    "svg by a painter": (
        {**SVG, "svg": {"model": "gpt-image-2"}},
        refused("model_not_found", "svg.model", status=404),
    ),
    "complexity": (
        {"model": NEWEST, "complexity": "none"},
        refused("invalid_value", "complexity"),
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_of_newer_models_that_breaks_a_rule_is_refused(
    emulator: Any, case: str
) -> None:
    change, expected = OPTIONS[case]
    assert said(emulator.generate(**change)) == expected


def test_variations_start_from_one_square_png(emulator: Any) -> None:
    url = f"{emulator.url}/images/variations"
    good = [("image", SMALL)]
    answer = emulator.http.post(url, data={"n": "2"}, files=good, headers=KEY)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == 2
    entry = emulator.ledger()[-1]
    assert (entry["operation"], entry["n_inputs"]) == ("variation", 1)
    assert entry["price_usd"] == "0.04"
    bad: dict[str, tuple[Any, Any, Any]] = {
        "jpeg": ([("image", JPEG)], {}, refused("invalid_image_file", "image", USER)),
        "prompt": (good, {"prompt": "x"}, refused("unknown_parameter", "prompt")),
        "model": (good, {"model": "gpt-image-2"}, refused("invalid_value", "model")),
        "two": (good * 2, {}, refused("invalid_value", "image")),
    }
    for name, (files, fields, expected) in bad.items():
        answer = emulator.http.post(url, data=fields, files=files, headers=KEY)
        assert said(answer) == expected, name


def test_today_there_are_no_variations(start_emulator: Any) -> None:
    running = start_emulator("--time-scale", "0")
    answer = sent(running, [("image", SMALL)], "variations", prompt=None)
    assert said(answer) == refused(None, None, status=404)

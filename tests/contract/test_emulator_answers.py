"""The emulator's answers, seen by the official SDK and by a plain client."""

import asyncio
import base64
import io
import re
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from openai import AsyncOpenAI
from PIL import Image

MARK = "simulated=pixelmeter-emulator"


def opened(row: dict[str, Any]) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(row["b64_json"])))
    picture.load()
    return picture


def mark_of(picture: Image.Image) -> str:
    found = (
        picture.info.get("Comment")
        or picture.info.get("comment", b"").decode()
        or picture.getexif().get(0x010E)
    )
    return str(found)


def test_the_official_sdk_gets_a_picture_with_usage(emulator: Any) -> None:
    async def ask() -> Any:
        async with AsyncOpenAI(
            base_url=emulator.url, api_key="sk-any", max_retries=0
        ) as client:
            return await client.images.generate(
                model="gpt-image-2", prompt="A red kite", quality="low", n=2
            )

    answer = asyncio.run(ask())
    assert answer.usage is not None
    assert answer.usage.input_tokens == 2 * 3  # ten bytes are three tokens, twice
    assert answer.usage.output_tokens == 2 * 196
    assert answer.usage.total_tokens == 6 + 392
    assert answer.usage.output_tokens_details is not None
    assert answer.usage.output_tokens_details.image_tokens == 392
    assert (answer.quality, answer.size) == ("low", "1024x1024")
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")
    assert answer.data is not None
    assert [row.url for row in answer.data] == [None, None]
    assert answer.data[0].b64_json != answer.data[1].b64_json


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "1024x640"])
def test_a_picture_has_the_asked_size_and_format_and_says_simulated(
    emulator: Any, output_format: Any, size: Any
) -> None:
    answer = emulator.generate(output_format=output_format, size=size).json()
    picture = opened(answer["data"][0])
    assert picture.format == output_format.upper()
    assert "x".join(map(str, picture.size)) == size == answer["size"]
    assert mark_of(picture).startswith(MARK)
    assert answer["output_format"] == output_format


def test_a_square_png_weighs_about_as_much_as_a_real_one(emulator: Any) -> None:
    row = emulator.generate(quality="medium").json()["data"][0]
    assert 0.9e6 < len(base64.b64decode(row["b64_json"])) < 1.6e6


@pytest.mark.parametrize("output_format", ["png", "webp"])
def test_a_transparent_background_has_alpha_zero(
    emulator: Any, output_format: Any
) -> None:
    answer = emulator.generate(background="transparent", output_format=output_format)
    picture = opened(answer.json()["data"][0])
    assert answer.json()["background"] == "transparent"
    assert picture.mode == "RGBA"
    assert picture.getchannel("A").getextrema() == (0, 255)


def test_quoted_text_is_really_drawn(start_emulator: Any) -> None:
    # Two emulators with the same seed draw the same picture but for the text.
    pictures = []
    for prompt in ("海报「每天营业」", "海报"):
        one = start_emulator("--time-scale", "0", "--seed", "3")
        row = one.generate(prompt=prompt).json()["data"][0]
        pictures.append(np.asarray(opened(row).convert("L")).astype(int))
        one.stop()
    changed = np.abs(pictures[0] - pictures[1]) > 8
    assert 20 < np.count_nonzero(changed.any(axis=1)) < 400
    assert np.count_nonzero((pictures[0] < 60) & changed) > 1500


def test_two_requests_never_get_the_same_picture(emulator: Any) -> None:
    rows = [emulator.generate().json()["data"][0] for _ in range(3)]
    pixels = [opened(row).tobytes() for row in rows]
    assert len(set(pixels)) == 3


def test_auto_is_resolved_in_the_answer(emulator: Any) -> None:
    told = [emulator.generate(quality="auto", size="auto").json() for _ in range(12)]
    assert {answer["quality"] for answer in told} == {"medium", "high"}
    assert {answer["size"] for answer in told} == {"1024x1024"}
    tokens = {a["quality"]: a["usage"]["output_tokens"] for a in told}
    assert tokens == {"medium": 1756, "high": 7024}


def test_explicit_nulls_count_as_left_out(emulator: Any) -> None:
    nothing = dict.fromkeys(
        ("n", "background", "output_format", "output_compression", "moderation")
    )
    answer = emulator.generate(**nothing, stream=None, partial_images=None, user=None)
    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 1


def test_the_body_has_the_shape_of_the_real_one(emulator: Any) -> None:
    answer = emulator.generate(safety_identifier="user-1")
    assert re.match(r'\{\n  "created": \d+,\n  "background": "opaque",\n', answer.text)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert set(answer.json()) == {
        "background",
        "created",
        "data",
        "output_format",
        "quality",
        "safety_identifier",
        "size",
        "usage",
    }
    assert answer.json()["safety_identifier"] == "user-1"


def test_every_answer_carries_the_emulator_headers(emulator: Any) -> None:
    answers = [
        emulator.generate(),
        emulator.generate(quality="ultra"),
        emulator.get("/nowhere"),
        emulator.http.get(f"{emulator.url}/models"),
        emulator.http.get(emulator._control("profile")),
    ]
    assert [a.status_code for a in answers] == [200, 400, 404, 401, 200]
    for answer in answers:
        assert answer.headers["x-emulator"] == "1"
        assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.headers["x-emulator-received-ns"].isdigit()
        assert answer.headers["openai-processing-ms"].isdigit()
        assert answer.headers["openai-version"] == "2020-10-01"


def test_gpt_image_1_5_adds_text_output_tokens(emulator: Any) -> None:
    details = emulator.generate(model="gpt-image-1.5").json()["usage"]
    assert details["output_tokens_details"]["image_tokens"] == 272
    assert 335 <= details["output_tokens_details"]["text_tokens"] < 440


def test_models_are_listed_and_read_one_by_one(emulator: Any) -> None:
    listed = emulator.get("/models").json()
    names = [row["id"] for row in listed["data"]]
    assert listed["object"] == "list"
    assert {"gpt-image-2", "gpt-image-1", "dall-e-3"} <= set(names)
    one = emulator.get("/models/gpt-image-2").json()
    assert (one["id"], one["object"]) == ("gpt-image-2", "model")
    missing = emulator.get("/models/gpt-image-9")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_dall_e_answers_by_url_or_base64_without_usage(emulator: Any) -> None:
    asked = {"model": "dall-e-3", "prompt": "A red kite", "size": "1792x1024"}
    by_url = emulator.post(asked).json()
    assert set(by_url) == {"created", "data"}
    assert by_url["data"][0]["revised_prompt"]
    fetched = emulator.http.get(by_url["data"][0]["url"])
    assert fetched.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(fetched.content)).size == (1792, 1024)
    inline = emulator.post({**asked, "response_format": "b64_json"}).json()
    assert opened(inline["data"][0]).size == (1792, 1024)


def test_the_current_profile_serves_no_retired_model(start_emulator: Any) -> None:
    running = start_emulator("--time-scale", "0")
    names = [row["id"] for row in running.get("/models").json()["data"]]
    assert "gpt-image-2.6-sunburst" in names
    assert not {"gpt-image-1", "dall-e-2", "dall-e-3"} & set(names)
    assert running.generate(model="gpt-image-1").status_code == 404


def test_a_gif_moves_as_long_as_it_was_asked_to(emulator: Any) -> None:
    answer = emulator.generate(
        model="gpt-image-2.6-flare",
        output_format="gif",
        frame_count=4,
        frame_duration_ms=204,
    ).json()
    picture = opened(answer["data"][0])
    assert (picture.format, picture.size) == ("GIF", (1024, 1024))
    assert picture.n_frames == 4  # type: ignore[attr-defined]
    assert picture.info["duration"] == 200
    assert mark_of(picture).startswith(MARK)
    assert answer["output_format"] == "gif"
    left_out = emulator.generate(model="gpt-image-2.6-flare", output_format="gif")
    assert opened(left_out.json()["data"][0]).n_frames == 9  # type: ignore[attr-defined]


def test_an_svg_is_text_and_its_author_is_billed(emulator: Any) -> None:
    answer = emulator.generate(
        model="gpt-image-2.6-sunburst",
        prompt='A sign "1 < 2 & \x07 ja"',
        output_format="svg",
        svg={"model": "gpt-5.4", "reasoning": {"effort": "high"}},
        complexity="low",
    ).json()
    text = base64.b64decode(answer["data"][0]["b64_json"]).decode()
    root = ET.fromstring(text)  # noqa: S314 - our own emulator wrote it
    assert root.get("viewBox") == "0 0 1024 1024"
    assert [one.text for one in root if one.tag.endswith("text")] == ["1 < 2 &  ja"]
    assert MARK in text
    author = answer["svg_usage"]
    assert (author["model"], author["reasoning_tokens"]) == ("gpt-5.4", 1024)
    assert author["total_tokens"] == author["input_tokens"] + author["output_tokens"]
    usage, entry = answer["usage"], emulator.ledger()[-1]
    assert entry["svg_usage"] == author
    millionths = (
        usage["input_tokens_details"]["text_tokens"] * Decimal(5)
        + usage["output_tokens"] * Decimal(30)
        + author["input_tokens"] * Decimal("2.5")
        + author["output_tokens"] * Decimal(15)
    )
    assert Decimal(entry["price_usd"]) == millionths / 1_000_000


def test_the_older_name_of_the_safety_identifier_stands_in_for_it(
    emulator: Any,
) -> None:
    told = emulator.generate(safety_identifier="", user="ann").json()
    assert told["safety_identifier"] == "ann"
    both = emulator.generate(safety_identifier="bob", user="ann").json()
    assert both["safety_identifier"] == "bob"

"""Edits by the official SDK (forms) and in JSON: pictures, usage, ledger."""

import base64
import io
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from PIL import Image

from tests.contract.conftest import KEY
from tests.painted import as_data_url, holed, painted

ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
}


def pixels(row: Any) -> np.ndarray:
    encoded = row["b64_json"] if isinstance(row, dict) else row.b64_json
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_the_sdk_edits_one_picture(emulator: Any, client: Any) -> None:
    answer = client.images.edit(image=("a.png", painted(1024, 1024)), **ASKED)
    assert pixels(answer.data[0]).shape == (1024, 1024, 3)
    assert answer.usage.input_tokens_details.image_tokens == 1536
    assert answer.usage.input_tokens_details.text_tokens == 3
    entry = emulator.ledger()[-1]
    assert (entry["operation"], entry["n_inputs"], entry["n"]) == ("edit", 1, 1)
    # 3 text at 5, 1536 pictures in at 8 and 196 out at 30 dollars a million.
    assert entry["price_usd"] == "0.018183"


def test_an_edit_shows_what_it_started_from(client: Any) -> None:
    dark, light = (
        client.images.edit(image=("a.png", painted(1024, 1024, ink)), **ASKED)
        for ink in ((0, 0, 0), (255, 255, 255))
    )
    assert pixels(light.data[0]).mean() - pixels(dark.data[0]).mean() > 120


def test_outside_the_mask_every_pixel_stays(client: Any) -> None:
    before = painted(1024, 1024, (10, 200, 30))
    answer = client.images.edit(
        image=("a.png", before),
        mask=("m.png", holed(1024, 1024, (256, 256, 512, 512))),
        **{**ASKED, "prompt": 'A sign "SALE"', "n": 2},
    )
    for row in answer.data:
        changed = (pixels(row) != (10, 200, 30)).any(axis=2)
        assert changed[256:512, 256:512].mean() > 0.9
        changed[256:512, 256:512] = False
        assert not changed.any()


def test_sixteen_references_go_and_each_is_counted(emulator: Any, client: Any) -> None:
    files = [(f"{at}.png", painted(128, 128)) for at in range(16)]
    answer = client.images.edit(image=files, **ASKED)
    assert answer.usage.input_tokens_details.image_tokens == 16 * 64
    assert emulator.ledger()[-1]["n_inputs"] == 16


def test_references_change_the_picture(client: Any) -> None:
    base = ("a.png", painted(1024, 1024))
    mask = ("m.png", holed(1024, 1024, (0, 0, 1024, 1024)))
    answer = client.images.edit(
        image=[base, ("b.jpg", painted(64, 64, (255, 0, 255), "JPEG"))],
        mask=mask,
        **ASKED,
    )
    magenta = np.abs(pixels(answer.data[0]) - (254, 0, 254)).max(axis=2) < 6
    assert magenta.mean() > 0.005


@pytest.mark.parametrize(
    ("model", "fidelity", "size", "expected"),
    [
        ("gpt-image-1", "low", (1024, 1024), 194),
        ("gpt-image-1", "high", (1024, 1024), 4354),
        ("gpt-image-1", "low", (1024, 1536), 323),
        ("gpt-image-1", "high", (1024, 1536), 6563),
        ("gpt-image-1-mini", "low", (128, 128), 194),
        ("gpt-image-1.5", None, (128, 128), 194),
        ("gpt-image-2", None, (128, 128), 64),
    ],
)
def test_input_pictures_are_counted_times_n(
    client: Any, model: Any, fidelity: Any, size: Any, expected: Any
) -> None:
    more = {} if fidelity is None else {"input_fidelity": fidelity}
    asked = {**ASKED, **more, "model": model, "n": 2}
    answer = client.images.edit(image=("a.png", painted(*size)), **asked)
    assert answer.usage.input_tokens_details.image_tokens == 2 * expected


def test_an_edit_in_json_takes_data_urls_files_and_our_own_addresses(
    emulator: Any, client: Any
) -> None:
    file = client.files.create(file=("a.png", painted(128, 128)), purpose="vision")
    own = emulator.put_picture("kite.png", painted(128, 128))
    sources = [
        {"image_url": as_data_url(painted(1024, 1024))},
        {"image_url": own},
        {"image_url": f"{emulator.url}/files/{file.id}/content"},
        {"file_id": file.id},
    ]
    mask = {"image_url": as_data_url(holed(1024, 1024, (0, 0, 9, 9)))}
    body = {**ASKED, "images": sources, "mask": mask, "moderation": "low"}
    answer = emulator.post_to("/images/edits", body)
    assert answer.status_code == 200, answer.text
    usage = answer.json()["usage"]
    assert usage["input_tokens_details"]["image_tokens"] == 1536 + 3 * 64
    assert emulator.ledger()[-1]["n_inputs"] == 4


def test_dall_e_2_edits_one_square_png(client: Any) -> None:
    answer = client.images.edit(
        model="dall-e-2",
        prompt="A kite",
        image=("a.png", painted(256, 256)),
        size="256x256",
    )
    assert answer.data[0].url
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(
            model="dall-e-2", prompt="A kite", image=("a.png", painted(256, 128))
        )
    assert caught.value.code == "invalid_image_file"


def test_an_edit_is_befallen_and_limited_as_a_generation_is(
    emulator: Any, client: Any
) -> None:
    asked = {**ASKED, "image": ("a.png", painted(64, 64))}
    emulator.fault("moderation_blocked", when={"path": "/v1/images/edits"})
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**asked)
    assert caught.value.code == "moderation_blocked"
    emulator.fault("no_image_200")
    assert client.images.edit(**asked).data == []
    emulator.delete("faults")
    assert emulator.put("profile", {"limits": {"images_per_minute": 1}}).is_success
    client.images.edit(**asked)
    with pytest.raises(openai.RateLimitError):
        client.images.edit(**asked)
    with (
        openai.OpenAI(base_url=emulator.url, api_key="sk-invalid") as wrong,
        pytest.raises(openai.AuthenticationError),
    ):
        wrong.images.edit(**asked)


# What befalls a generation befalls an edit and an upload: status and bill.
BEFALLEN = {
    "unauthorized": (401, 401),
    "org_unverified": (403, 403),
    "not_found": (404, 404),
    "rate_limited": (429, 429),
    "quota_exhausted": (429, 429),
    "spend_limit": (429, 429),
    "server_error": (500, 500),
    "overloaded": (503, 503),
    "gateway_timeout": (504, 504),
    "missing_usage": (200, 200),
    "wrong_size": (200, 200),
}


@pytest.mark.parametrize("scenario", BEFALLEN)
def test_every_fault_befalls_edits_and_files(emulator: Any, scenario: str) -> None:
    emulator.fault(scenario)
    picture = {"image": ("a.png", painted(64, 64), "image/png")}
    edited = emulator.http.post(
        f"{emulator.url}/images/edits", data=ASKED, files=picture, headers=KEY
    )
    kept = emulator.http.post(
        f"{emulator.url}/files",
        data={"purpose": "vision"},
        files={"file": ("a.png", b"x")},
        headers=KEY,
    )
    assert (edited.status_code, kept.status_code) == BEFALLEN[scenario]
    entries = emulator.ledger()
    assert [entry["fault"] for entry in entries] == [scenario] * 2
    assert [entry["billed"] for entry in entries] == [edited.is_success, False]
    if scenario == "missing_usage":
        assert "usage" not in edited.json()
    if scenario == "wrong_size":
        assert pixels(edited.json()["data"][0]).shape == (1536, 1024, 3)


@pytest.mark.parametrize("scenario", ["reset_in_body", "truncated_body"])
def test_an_edit_can_be_cut_off(emulator: Any, scenario: str) -> None:
    emulator.fault(scenario, times=1)
    picture = {"image": ("a.png", painted(64, 64), "image/png")}
    url = f"{emulator.url}/images/edits"
    with pytest.raises(httpx2.TransportError):
        emulator.http.post(url, data=ASKED, files=picture, headers=KEY)
    assert emulator.ledger()[-1]["cut_by_fault"]
    assert emulator.ledger()[-1]["billed"]


def test_answers_say_what_is_left_of_the_minute(emulator: Any) -> None:
    assert not [name for name in emulator.generate().headers if "ratelimit" in name]
    limits = {"requests_per_minute": 5, "images_per_minute": 9}
    assert emulator.put("profile", {"limits": limits}).is_success
    emulator.generate(n=2)
    told = emulator.generate(n=3).headers
    assert [
        told[f"x-ratelimit-{what}-{metric}"]
        for metric in ("requests", "images")
        for what in ("limit", "remaining")
    ] == ["5", "3", "9", "4"]
    assert 0 < int(told["x-ratelimit-reset-images"].removesuffix("s")) <= 60
    refused = emulator.generate(n=5)
    assert refused.status_code == 429
    assert refused.headers["x-ratelimit-remaining-images"] == "4"

"""Image streams of the emulator, as the official client and a raw one see them."""

import base64
import io
import json
from typing import Any

import openai
import pytest
from PIL import Image, ImageChops, ImageStat

PLAIN: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
}
LOW_TOKENS = 196
PARTIAL_TOKENS = 100


def opened(encoded: str) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    picture.load()
    return picture


def distance(one: Image.Image, other: Image.Image) -> float:
    both = [each.convert("RGB").resize((64, 64)) for each in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*both)).mean)


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_partials_come_in_order_and_each_is_nearer_to_the_picture(
    emulator: Any, client: Any, asked: int
) -> None:
    stream = client.images.generate(**PLAIN, stream=True, partial_images=asked)
    *partials, final = list(stream)
    assert [event.type for event in partials] == [
        "image_generation.partial_image"
    ] * asked
    assert [event.partial_image_index for event in partials] == list(range(asked))
    assert final.type == "image_generation.completed"
    picture = opened(final.b64_json)
    assert picture.size == (1024, 1024)
    away = [distance(opened(event.b64_json), picture) for event in partials]
    assert away == sorted(away, reverse=True)
    assert all(each > 1 for each in away)
    assert final.usage.output_tokens == LOW_TOKENS + PARTIAL_TOKENS * asked
    details = final.usage.model_extra["output_tokens_details"]
    assert details["image_tokens"] == final.usage.output_tokens
    entry = emulator.ledger()[-1]
    assert entry["usage"] == final.usage.to_dict()
    assert (entry["partial_images"], len(entry["partials_ns"])) == (asked, asked)
    assert entry["stage"] == "sent"
    assert entry["price_usd"] == f"{(15 + 30 * (196 + 100 * asked)) / 1e6:.6f}"


def blocks(answer: Any) -> list[list[str]]:
    return [
        block.split("\n") for block in answer.text.removesuffix("\n\n").split("\n\n")
    ]


def test_events_have_their_members_and_no_end_mark_unless_it_is_asked_for(
    emulator: Any,
) -> None:
    answer = emulator.generate(stream=True, partial_images=1, quality="auto")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers
    (kind, data), (last_kind, last_data) = blocks(answer)
    partial, final = (
        json.loads(text.removeprefix("data: ")) for text in (data, last_data)
    )
    shared = {"type", "b64_json", "created_at", "size", "quality", "background"}
    assert set(partial) == {*shared, "output_format", "partial_image_index"}
    assert set(final) == {*shared, "output_format", "usage"}
    assert kind == f"event: {partial['type']}"
    assert last_kind == f"event: {final['type']}"
    # A partial tells what was asked, the picture what was made.
    assert partial["quality"] == "auto"
    assert final["quality"] in ("medium", "high")
    emulator.put("profile", {"stream_done": True})
    assert emulator.generate(stream=True).text.endswith("\n\ndata: [DONE]\n\n")


def test_partials_are_stamped_and_spread_over_the_service_time(emulator: Any) -> None:
    constant = {"distribution": "constant", "median_s": 0.6, "sigma": 0}
    emulator.put("profile", {"time_scale": 1, "service_time": constant})
    emulator.post(
        {**PLAIN, "stream": True, "partial_images": 2}, x_client_request_id="trial.1"
    )
    entry = emulator.ledger()[-1]
    first_ns, second_ns = emulator.read("stamps")["partials"]["trial.1"]
    assert entry["partials_ns"] == [first_ns, second_ns]
    began_ns = entry["received_ns"]
    # The pictures come each in its third of the time.
    assert entry["first_byte_ns"] < first_ns
    assert first_ns - began_ns >= 0.2e9
    assert second_ns - began_ns >= 0.4e9
    assert entry["rendered_ns"] - began_ns >= 0.6e9
    assert second_ns < entry["rendered_ns"] < entry["sent_ns"]


def test_fewer_partials_come_where_the_profile_says_so(emulator: Any) -> None:
    emulator.put("profile", {"partials_share": 0.5})
    counts = set()
    for _ in range(8):
        *partials, final = blocks(emulator.generate(stream=True, partial_images=3))
        usage = json.loads(final[1].removeprefix("data: "))["usage"]
        assert usage["output_tokens"] == LOW_TOKENS + PARTIAL_TOKENS * len(partials)
        counts.add(len(partials))
    assert len(counts) > 1
    assert counts <= {0, 1, 2, 3}


def test_a_stream_carries_one_picture(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(**PLAIN, stream=True, n=2)
    assert refused.value.param == "n"


def test_an_error_in_a_stream_has_no_status(emulator: Any, client: Any) -> None:
    for code in (None, "moderation_blocked"):
        emulator.fault("stream_error", code=code)
        stream = client.images.generate(**PLAIN, stream=True, partial_images=2)
        assert next(stream).type == "image_generation.partial_image"
        with pytest.raises(openai.APIError) as broken:
            next(stream)
        assert type(broken.value) is openai.APIError
        assert broken.value.code == (code or "server_error")
        entry = emulator.ledger()[-1]
        assert (entry["billed"], entry["error_code"]) == (False, broken.value.code)


def test_a_stalled_stream_says_nothing_after_its_first_partial(emulator: Any) -> None:
    emulator.fault("stream_stall")
    body = {**PLAIN, "stream": True, "partial_images": 2}
    came = emulator.stalled("images/generations", body)
    assert came.count(b"event: ") == 1
    entry = emulator.ledger()[-1]
    assert (entry["client_gone"], len(entry["partials_ns"])) == (True, 1)
    assert (entry["billed"], entry["sent_ns"]) == (True, None)


def test_the_headers_of_a_stream_do_not_wait_for_its_picture(emulator: Any) -> None:
    emulator.fault("stream_stall")
    url = f"{emulator.url}/images/generations"
    body = {**PLAIN, "stream": True}
    headers = {"authorization": "Bearer k"}
    # No picture ever comes.
    with emulator.http.stream("POST", url, json=body, headers=headers) as answer:
        assert answer.status_code == 200

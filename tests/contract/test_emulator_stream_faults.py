"""Each fault scenario in a stream, of the Images API and of the Responses API."""

import base64
import io
import json
from typing import Any

import httpx2
import pytest
from PIL import Image

IMAGE: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
    "stream": True,
    "partial_images": 1,
    "output_format": "jpeg",
}
TOOL: dict[str, Any] = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "quality": "low",
    "partial_images": 1,
    "output_format": "jpeg",
}
RESPONSE: dict[str, Any] = {
    "model": "gpt-5.2",
    "input": "A red kite",
    "tools": [TOOL],
    "tool_choice": {"type": "image_generation"},
    "stream": True,
}
BODIES = {"images/generations": IMAGE, "responses": RESPONSE}
TWO = {"partial_images": 2}
OF_TWO = {
    "images/generations": {**IMAGE, **TWO},
    "responses": {**RESPONSE, "tools": [{**TOOL, **TWO}]},
}
BOTH = pytest.mark.parametrize("address", BODIES)
HEADERS = {"authorization": "Bearer k"}


def asked(emulator: Any, address: str, scenario: str) -> httpx2.Response:
    emulator.fault(scenario)
    url = f"{emulator.url}/{address}"
    return emulator.http.post(url, json=BODIES[address], headers=HEADERS)


def datas(answer: httpx2.Response) -> list[dict[str, Any]]:
    rows = [row for row in answer.text.split("\n") if row.startswith("data: ")]
    return [json.loads(row.removeprefix("data: ")) for row in rows]


def picture_of(event: dict[str, Any]) -> str:
    if "response" in event:
        return event["response"]["output"][0]["result"]
    return event["b64_json"]


@BOTH
def test_a_page_comes_instead_of_the_stream(emulator: Any, address: str) -> None:
    answer = asked(emulator, address, "html_200")
    assert answer.headers["content-type"].startswith("text/html")
    assert emulator.ledger()[-1]["billed"] is True


@BOTH
def test_the_events_with_the_picture_are_broken_json(
    emulator: Any, address: str
) -> None:
    answer = asked(emulator, address, "bad_json_200")
    rows = [row for row in answer.text.split("\n") if row.startswith("data: ")]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(rows[-1].removeprefix("data: "))
    assert json.loads(rows[0].removeprefix("data: "))


@BOTH
def test_the_picture_is_half(emulator: Any, address: str) -> None:
    last = datas(asked(emulator, address, "corrupt_image_200"))[-1]
    with (
        Image.open(io.BytesIO(base64.b64decode(picture_of(last)))) as opened,
        pytest.raises(OSError, match=r"truncated|broken"),
    ):
        opened.load()


@BOTH
def test_the_usage_is_missing_or_zero(emulator: Any, address: str) -> None:
    for scenario in ("missing_usage", "zero_usage"):
        last = datas(asked(emulator, address, scenario))[-1]
        whole = last.get("response", last)
        if scenario == "missing_usage":
            assert whole.get("usage") is None
            assert "tool_usage" not in whole
        else:
            assert whole["usage"]["total_tokens"] == 0
            tool = whole.get("tool_usage", {"image_gen": whole["usage"]})["image_gen"]
            assert tool["total_tokens"] == 0
        assert emulator.ledger()[-1]["usage"]["output_tokens"] == 196 + 100


@BOTH
def test_the_picture_is_not_there(emulator: Any, address: str) -> None:
    events = datas(asked(emulator, address, "no_image_200"))
    if address == "responses":
        (item,) = events[-1]["response"]["output"]
        assert item["type"] == "message"
        assert emulator.ledger()[-1]["usage"] is None
    else:
        assert events[-1]["b64_json"] == ""
        assert events[-1]["usage"]["total_tokens"] > 0
    assert emulator.ledger()[-1]["billed"] is True


@BOTH
@pytest.mark.parametrize(
    "scenario", ["reset_before_headers", "reset_in_body", "truncated_body"]
)
def test_the_connection_ends_early(emulator: Any, address: str, scenario: str) -> None:
    with pytest.raises(httpx2.TransportError):
        asked(emulator, address, scenario)
    entry = emulator.ledger()[-1]
    assert (entry["billed"], entry["cut_by_fault"]) == (True, True)
    assert len(entry["partials_ns"]) == (scenario != "reset_before_headers")


@BOTH
def test_the_picture_comes_slowly(emulator: Any, address: str) -> None:
    assert picture_of(datas(asked(emulator, address, "slow_body"))[-1])
    entry = emulator.ledger()[-1]
    assert entry["sent_ns"] - entry["partials_ns"][0] > 2e9


@BOTH
def test_silence_follows_the_first_partial(emulator: Any, address: str) -> None:
    emulator.fault("stream_stall")
    events = emulator.stalled(address, OF_TWO[address]).split(b"\n\n")
    assert b"partial_image" in events[-2].split(b"\n")[0]
    entry = emulator.ledger()[-1]
    assert (entry["client_gone"], entry["billed"]) == (True, True)
    assert (len(entry["partials_ns"]), entry["sent_ns"]) == (1, None)


@BOTH
def test_a_refusal_comes_before_the_stream(emulator: Any, address: str) -> None:
    answer = asked(emulator, address, "moderation_blocked")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "moderation_blocked"
    assert emulator.ledger()[-1]["billed"] is False


def test_stream_faults_pass_whole_answers_by(emulator: Any) -> None:
    emulator.fault("stream_error")
    assert emulator.generate().status_code == 200
    assert emulator.ledger()[-1]["fault"] is None

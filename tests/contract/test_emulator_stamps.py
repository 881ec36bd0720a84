"""What the emulator tells of its own times, and answers of one size."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PLAIN = {"model": "gpt-image-2", "prompt": "A grey sheet", "quality": "low"}


def test_stamps_stand_in_the_order_of_time_by_the_clock_of_this_machine(
    emulator: Any,
) -> None:
    before_ns = time.monotonic_ns()
    named = {"x_client_request_id": "trial.1"}
    answer = emulator.post({**PLAIN, "size": "1024x1024"}, **named)
    after_ns = time.monotonic_ns()
    assert answer.status_code == 200
    emulator.generate()
    told = emulator.read("stamps")
    assert told["origin"] == emulator.url.removesuffix("/v1")
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert told["boot_id"] == boot_id
    # A request without a name of its client's is nobody's to compare with.
    ((name, received_ns, first_byte_ns, sent_ns),) = told["stamps"]
    assert name == "trial.1"
    assert before_ns <= received_ns < first_byte_ns <= sent_ns <= after_ns
    assert str(received_ns) == answer.headers["x-emulator-received-ns"]


@pytest.mark.parametrize("answer_bytes", [2_000, 150_000, 1_500_000])
def test_an_answer_of_a_size_is_made_once_and_its_picture_is_whole(
    emulator: Any, answer_bytes: int
) -> None:
    emulator.put("profile", {"answer_bytes": answer_bytes})
    first, second = (emulator.generate() for _ in range(2))
    assert first.content == second.content
    assert abs(len(first.content) - answer_bytes) < 100
    picture = base64.b64decode(first.json()["data"][0]["b64_json"])
    with Image.open(io.BytesIO(picture)) as opened:
        opened.load()
        assert opened.size == (1024, 1024)
        assert "simulated=pixelmeter-emulator" in opened.info["Comment"]
    other = emulator.generate(prompt="Another sheet of paper, much longer than that")
    assert other.json()["usage"] != first.json()["usage"]
    emulator.put("profile", {"answer_bytes": None})
    assert len(emulator.generate().content) > 100_000


def test_a_fault_goes_before_an_answer_of_a_size(emulator: Any) -> None:
    emulator.put("profile", {"answer_bytes": 2_000})
    emulator.put("faults", {"faults": [{"scenario": "no_image_200", "times": 1}]})
    assert emulator.generate().json()["data"] == []
    assert len(emulator.generate().json()["data"]) == 1

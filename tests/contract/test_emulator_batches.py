"""The emulator's Batch API, as the official client sees it."""

import json
import time
from decimal import Decimal
from typing import Any

import openai
import pytest

from tests.painted import as_data_url, painted

PATIENCE_S = 60
GENERATE = "/v1/images/generations"
PLAIN: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
    "output_format": "jpeg",
}
HALF_KITE_USD = "0.0029475"


def lines(url: str, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"custom_id": f"line-{at}", "method": "POST", "url": url, "body": body}
        for at, body in enumerate(bodies)
    ]


def submitted(client: Any, url: Any, rows: Any, **more: Any) -> Any:
    content = rows if isinstance(rows, bytes) else "\n".join(map(json.dumps, rows))
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=url, completion_window="24h", **more
    )


def ended(client: Any, batch: Any) -> Any:
    give_up_at = time.monotonic() + PATIENCE_S
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        assert time.monotonic() < give_up_at, batch
        time.sleep(0.02)
        batch = client.batches.retrieve(batch.id)
    return batch


def rows_of(client: Any, file_id: str | None) -> dict[str, Any]:
    text = client.files.content(str(file_id)).text
    rows = [json.loads(row) for row in text.splitlines()]
    return {row["custom_id"]: row for row in rows}


def test_a_batch_answers_each_line_at_half_the_price(
    emulator: Any, client: Any
) -> None:
    rows = lines(GENERATE, *[{**PLAIN, "output_format": "jpeg"}] * 10)
    bad = {**PLAIN, "quality": "ultra"}
    rows.append({**rows[0], "custom_id": "bad", "body": bad})
    batch = submitted(client, GENERATE, rows, metadata={"run": "7"})
    assert (batch.status, batch.object) == ("validating", "batch")
    batch = ended(client, batch)
    assert (batch.status, batch.model) == ("completed", "gpt-image-2")
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (11, 10, 1)
    assert batch.metadata == {"run": "7"}
    stamps = (
        batch.created_at,
        batch.in_progress_at,
        batch.finalizing_at,
        batch.completed_at,
    )
    assert list(stamps) == sorted(stamps)
    assert batch.expires_at == batch.created_at + 86400
    good = rows_of(client, batch.output_file_id)
    assert set(good) == {f"line-{at}" for at in range(10)}
    answer = good["line-3"]["response"]
    assert (answer["status_code"], good["line-3"]["error"]) == (200, None)
    assert answer["body"]["data"][0]["b64_json"]
    (failed,) = rows_of(client, batch.error_file_id).values()
    assert failed["response"]["status_code"] == 400
    assert failed["response"]["body"]["error"]["param"] == "quality"
    entries = {
        entry["client_request_id"]: entry
        for entry in emulator.ledger()
        if entry["operation"] == "batch"
    }
    assert len(entries) == 11
    one = entries["line-3"]
    assert (one["id"], one["path"]) == (answer["request_id"], GENERATE)
    assert (one["billed"], one["price_usd"]) == (True, HALF_KITE_USD)
    assert (entries["bad"]["billed"], entries["bad"]["price_usd"]) == (False, "0")


def test_edits_and_responses_go_in_batches_too(emulator: Any, client: Any) -> None:
    images = [{"image_url": as_data_url(painted(640, 1024))}]
    edit = {**PLAIN, "images": images}
    tool = {"type": "image_generation", "model": "gpt-image-2", "quality": "low"}
    response = {"model": "gpt-5.2", "input": "A kite", "tools": [tool]}
    for url, body in (("/v1/images/edits", edit), ("/v1/responses", response)):
        batch = ended(client, submitted(client, url, lines(url, body)))
        (row,) = rows_of(client, batch.output_file_id).values()
        assert row["response"]["status_code"] == 200
    told = row["response"]["body"]["output"][0]
    assert (told["type"], bool(told["result"])) == ("image_generation_call", True)
    half = [e for e in emulator.ledger() if e["operation"] == "batch"]
    assert half[0]["n_inputs"] == 1
    assert half[1]["mainline_model"] == "gpt-5.2"
    # 2 text tokens and the text model's output, 6 and 196 of the tool: all at half.
    n_output = half[1]["mainline_usage"]["output_tokens"]
    whole = 2 * Decimal("1.75") + n_output * 14 + 5 * 5 + 196 * 30
    assert Decimal(half[1]["price_usd"]) == whole / 2 / 1_000_000


def test_faults_befall_single_lines(emulator: Any, client: Any) -> None:
    plan = [
        {"scenario": "moderation_blocked", "when": {"prompt_contains": "first"}},
        {"scenario": "reset_in_body", "when": {"prompt_contains": "second"}},
        {"scenario": "no_image_200", "when": {"prompt_contains": "third"}},
    ]
    for fault in plan:
        fault["when"] = {**fault["when"], "path": GENERATE}
    assert emulator.put("faults", {"faults": plan}).status_code == 200
    prompts = ("the first", "the second", "the third", "the last")
    bodies = [{**PLAIN, "prompt": prompt} for prompt in prompts]
    batch = ended(client, submitted(client, GENERATE, lines(GENERATE, *bodies)))
    bad = rows_of(client, batch.error_file_id)
    blocked = bad["line-0"]["response"]["body"]["error"]
    assert blocked["code"] == "moderation_blocked"
    assert bad["line-1"]["response"] is None
    assert bad["line-1"]["error"]["code"] == "request_failed"
    good = rows_of(client, batch.output_file_id)
    assert good["line-2"]["response"]["body"]["data"] == []
    assert good["line-3"]["response"]["body"]["data"]


def test_a_file_with_bad_lines_fails_as_a_whole(client: Any) -> None:
    good = lines(GENERATE, PLAIN)[0]
    for rows, code in (
        (b"\n", "empty_file"),
        (b"{", "invalid_json_line"),
        ([good, good], "duplicate_custom_id"),
        ([{**good, "method": "GET"}], "invalid_method"),
        ([{**good, "url": "/v1/images/edits"}], "invalid_url"),
        ([{**good, "body": None}], "missing_required_parameter"),
        (
            lines(GENERATE, PLAIN, {**PLAIN, "model": "gpt-image-1.5"}),
            "mismatched_model",
        ),
    ):
        batch = ended(client, submitted(client, GENERATE, rows))
        assert (batch.status, batch.errors.data[0].code) == ("failed", code)
        assert batch.failed_at
        assert batch.output_file_id is None


def test_a_batch_can_be_cancelled_and_listed(emulator: Any, client: Any) -> None:
    constant = {"distribution": "constant", "median_s": 3, "sigma": 0}
    emulator.put("profile", {"time_scale": 0.1, "service_time": constant})
    bodies = [{**PLAIN, "output_format": "jpeg"}] * 30
    batch = submitted(client, GENERATE, lines(GENERATE, *bodies))
    give_up_at = time.monotonic() + PATIENCE_S
    while not client.batches.retrieve(batch.id).request_counts.completed:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = ended(client, batch)
    assert batch.status == "cancelled"
    assert 0 < batch.request_counts.completed < 30
    assert len(rows_of(client, batch.output_file_id)) == batch.request_counts.completed
    with pytest.raises(openai.BadRequestError):
        client.batches.cancel(batch.id)
    listed = client.batches.list(limit=1)
    assert [each.id for each in listed.data] == [batch.id]


def test_what_the_window_leaves_out_has_expired(emulator: Any, client: Any) -> None:
    # The window of 24 hours lasts 0.43 s, a picture twice as long.
    slow = {"distribution": "constant", "median_s": 172_800, "sigma": 0}
    emulator.put("profile", {"time_scale": 0.000005, "service_time": slow})
    batch = ended(client, submitted(client, GENERATE, lines(GENERATE, *[PLAIN] * 10)))
    assert batch.status == "expired"
    assert batch.expired_at
    expired = rows_of(client, batch.error_file_id)
    codes = {row["error"]["code"] for row in expired.values()}
    assert (len(expired), codes) == (10, {"batch_expired"})


def test_a_stream_or_a_foreign_file_can_be_no_batch(client: Any) -> None:
    rows = lines(GENERATE, {**PLAIN, "stream": True})
    batch = ended(client, submitted(client, GENERATE, rows))
    (row,) = rows_of(client, batch.error_file_id).values()
    assert row["response"]["body"]["error"]["param"] == "stream"
    file = client.files.create(file=("p.png", painted(64, 64)), purpose="vision")
    for change in (
        {"input_file_id": file.id},
        {"input_file_id": "file-none"},
        {"endpoint": "/v1/embeddings"},
        {"completion_window": "1h"},
    ):
        asked = {
            "input_file_id": batch.input_file_id,
            "endpoint": GENERATE,
            "completion_window": "24h",
            **change,
        }
        with pytest.raises(openai.BadRequestError) as refused:
            client.batches.create(**asked)
        assert refused.value.param in change
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")

"""Each fault scenario as a raw client sees it, and what the ledger bills."""

import base64
import io
import json
import socket
from typing import Any

import httpx2
import pytest
from PIL import Image

REFUSALS = [
    ("unauthorized", 401, "invalid_request_error", "invalid_api_key"),
    ("org_unverified", 403, "invalid_request_error", None),
    ("not_found", 404, "invalid_request_error", "model_not_found"),
    ("rate_limited", 429, "requests", "rate_limit_exceeded"),
    ("quota_exhausted", 429, "insufficient_quota", "insufficient_quota"),
    ("spend_limit", 429, "insufficient_quota", "project_spend_limit_exceeded"),
    ("moderation_blocked", 400, "image_generation_user_error", "moderation_blocked"),
    ("server_error", 500, "server_error", None),
    ("overloaded", 503, "server_error", None),
    ("gateway_timeout", 504, "server_error", None),
]
BILLED = ("billed", "stage", "fault", "price_usd")
LOW_KITE_USD = "0.005895"


def account(emulator: Any) -> tuple[Any, ...]:
    entry = emulator.ledger()[-1]
    return tuple(entry[name] for name in BILLED)


@pytest.mark.parametrize(("scenario", "status", "kind", "code"), REFUSALS)
def test_an_error_scenario_answers_and_bills_nothing(
    emulator: Any, scenario: Any, status: Any, kind: Any, code: Any
) -> None:
    emulator.fault(scenario, times=1)
    answer = emulator.generate()
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (status, kind, code)
    assert account(emulator) == (False, "sent", scenario, "0")
    assert emulator.generate().status_code == 200


def test_a_moderation_refusal_names_stage_and_categories(emulator: Any) -> None:
    emulator.fault("moderation_blocked")
    error = emulator.generate().json()["error"]
    assert error["message"].endswith("safety_violations=[violence]")
    assert error["moderation_details"]["moderation_stage"] == "input"


@pytest.mark.parametrize(("wait_s", "header"), [(2, "2"), (0.5, "0.5"), (None, None)])
def test_retry_after_is_sent_where_the_plan_gives_it(
    emulator: Any, wait_s: Any, header: Any
) -> None:
    emulator.fault("rate_limited", retry_after_s=wait_s)
    assert emulator.generate().headers.get("retry-after") == header


def raw_answer(emulator: Any) -> tuple[bytes, str]:
    """Return the bytes that came, and how the connection ended."""
    host, port = emulator.url.removeprefix("http://").removesuffix("/v1").split(":")
    body = json.dumps(
        {"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"}
    )
    head = (
        "POST /v1/images/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    came = b""
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall((head + body).encode())
        try:
            while piece := wire.recv(1 << 16):
                came += piece
        except ConnectionResetError:
            return came, "reset"
    return came, "closed"


def test_reset_before_headers_is_a_tcp_reset_with_nothing_before_it(
    emulator: Any,
) -> None:
    emulator.fault("reset_before_headers")
    assert raw_answer(emulator) == (b"", "reset")
    assert account(emulator) == (True, "rendered", "reset_before_headers", LOW_KITE_USD)


def test_reset_in_body_is_a_tcp_reset_after_the_headers(emulator: Any) -> None:
    emulator.fault("reset_in_body")
    came, end = raw_answer(emulator)
    assert end == "reset"
    assert came == b"" or came.startswith(b"HTTP/1.1 200")
    assert account(emulator) == (True, "sending", "reset_in_body", LOW_KITE_USD)


def test_truncated_body_closes_in_order_half_way(emulator: Any) -> None:
    emulator.fault("truncated_body")
    came, end = raw_answer(emulator)
    assert end == "closed"
    assert came.startswith(b"HTTP/1.1 200")
    assert len(came) > 400_000
    assert not came.endswith(b"0\r\n\r\n")
    assert account(emulator) == (True, "sending", "truncated_body", LOW_KITE_USD)


@pytest.mark.parametrize("scenario", ["reset_before_headers", "truncated_body"])
def test_a_cut_connection_is_a_transport_error_to_a_client(
    emulator: Any, scenario: Any
) -> None:
    emulator.fault(scenario)
    with pytest.raises(httpx2.TransportError):
        emulator.generate()


@pytest.mark.parametrize("scenario", ["slow_headers", "slow_body"])
def test_a_slow_answer_outlasts_an_impatient_client(
    emulator: Any, scenario: Any
) -> None:
    emulator.fault(scenario)
    with pytest.raises(httpx2.ReadTimeout):
        emulator.http.post(
            f"{emulator.url}/images/generations",
            json={"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"},
            headers={"authorization": "Bearer k"},
            timeout=httpx2.Timeout(300, read=0.1),
        )
    entry = emulator.ledger()[-1]
    assert (entry["billed"], entry["client_gone"]) == (True, True)


def test_a_slow_body_arrives_whole_in_the_end(emulator: Any) -> None:
    emulator.fault("slow_body")
    answer = emulator.generate(output_format="jpeg", output_compression=10)
    assert answer.json()["data"]
    entry = emulator.ledger()[-1]
    assert entry["sent_ns"] - entry["first_byte_ns"] > 1e9


def test_html_200_is_a_page(emulator: Any) -> None:
    emulator.fault("html_200")
    answer = emulator.generate()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert account(emulator)[0] is True


def test_bad_json_200_is_whole_http_but_broken_json(emulator: Any) -> None:
    emulator.fault("bad_json_200")
    answer = emulator.generate()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert account(emulator) == (True, "sent", "bad_json_200", LOW_KITE_USD)


def test_no_image_200_has_usage_but_no_picture(emulator: Any) -> None:
    emulator.fault("no_image_200")
    body = emulator.generate().json()
    assert body["data"] == []
    assert body["usage"]["total_tokens"] == 199


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_a_corrupt_picture_is_good_base64_that_cannot_be_opened(
    emulator: Any, output_format: Any
) -> None:
    emulator.fault("corrupt_image_200")
    row = emulator.generate(output_format=output_format).json()["data"][0]
    data = base64.b64decode(row["b64_json"], validate=True)
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(data)).load()


def test_wrong_size_draws_another_size_than_it_reports(emulator: Any) -> None:
    emulator.fault("wrong_size")
    body = emulator.generate().json()
    picture = Image.open(io.BytesIO(base64.b64decode(body["data"][0]["b64_json"])))
    assert body["size"] == "1024x1024"
    assert picture.size == (1024, 1536)


def test_wrong_quality_serves_reports_and_bills_another_quality(emulator: Any) -> None:
    emulator.fault("wrong_quality")
    body = emulator.generate(quality="high").json()
    assert (body["quality"], body["usage"]["output_tokens"]) == ("low", 196)
    assert account(emulator)[3] == LOW_KITE_USD


@pytest.mark.parametrize(
    ("scenario", "total"), [("missing_usage", None), ("zero_usage", 0)]
)
def test_usage_may_be_missing_or_zero_while_the_ledger_knows(
    emulator: Any, scenario: Any, total: Any
) -> None:
    emulator.fault(scenario)
    usage = emulator.generate().json().get("usage")
    assert (usage and usage["total_tokens"]) == total
    entry = emulator.ledger()[-1]
    assert entry["usage"]["total_tokens"] == 199
    assert entry["price_usd"] == LOW_KITE_USD


@pytest.mark.parametrize("scenario", ["stream_error", "stream_stall"])
def test_stream_faults_leave_plain_requests_alone(emulator: Any, scenario: Any) -> None:
    plan = [{"scenario": scenario, "times": 1}, {"scenario": "overloaded", "times": 1}]
    emulator.put("faults", {"faults": plan})
    assert [emulator.generate().status_code for _ in range(2)] == [503, 200]
    assert [row["fired"] for row in emulator.read("faults")["faults"]] == [0, 1]


def test_times_are_counted_and_the_next_fault_follows(emulator: Any) -> None:
    plan = [{"scenario": "server_error", "times": 2}, {"scenario": "overloaded"}]
    emulator.put("faults", {"faults": plan})
    seen = [emulator.generate().status_code for _ in range(4)]
    assert seen == [500, 500, 503, 503]
    assert [row["fired"] for row in emulator.read("faults")["faults"]] == [2, 2]


def test_a_share_is_drawn_by_seed(emulator: Any) -> None:
    def seen(seed: int) -> list[int]:
        fault = {"scenario": "server_error", "share": 0.5}
        emulator.put("faults", {"seed": seed, "faults": [fault]})
        return [emulator.generate(n=99).status_code for _ in range(24)]

    first = seen(1)
    assert {400, 500} == set(first)
    assert seen(1) == first
    assert seen(2) != first


@pytest.mark.parametrize(
    ("when", "hit"),
    [
        ({"model": "gpt-image-2"}, True),
        ({"model": "gpt-image-1"}, False),
        ({"prompt_contains": "red"}, True),
        ({"prompt_contains": "blue"}, False),
        ({"path": "/v1/images/generations"}, True),
        ({"path": "/v1/images/edits"}, False),
        ({"path": "/v1/images/generations", "prompt_contains": "blue"}, False),
    ],
)
def test_a_fault_meets_only_the_requests_it_is_for(
    emulator: Any, when: Any, hit: Any
) -> None:
    emulator.fault("server_error", when=when)
    assert (emulator.generate().status_code == 500) is hit


def test_reads_are_spared_unless_their_path_is_named(emulator: Any) -> None:
    emulator.fault("unauthorized")
    assert emulator.get("/models").status_code == 200
    emulator.fault("unauthorized", when={"path": "/v1/models"})
    assert emulator.get("/models").status_code == 401


def test_delete_clears_the_faults(emulator: Any) -> None:
    emulator.fault("server_error")
    emulator.delete("faults")
    assert emulator.generate().status_code == 200


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        ({"faults": [{"scenario": "explode"}]}, "explode"),
        ({"faults": [{}]}, "scenario"),
        ({"faults": [{"scenario": "overloaded", "often": 1}]}, "often"),
        ({"faults": [{"scenario": "overloaded", "times": 0}]}, "times"),
        ({"faults": [{"scenario": "overloaded", "times": 1.5}]}, "times"),
        ({"faults": [{"scenario": "overloaded", "share": 2}]}, "share"),
        (
            {"faults": [{"scenario": "overloaded", "retry_after_s": -1}]},
            "retry_after_s",
        ),
        ({"faults": [{"scenario": "overloaded", "when": {"size": "x"}}]}, "size"),
        ({"faults": [{"scenario": "overloaded", "when": {"path": 1}}]}, "path"),
        ({"faults": {}}, "faults"),
        ({"seed": "one"}, "seed"),
        ({"mistakes": []}, "mistakes"),
        ([], "fault plan"),
    ],
)
def test_a_bad_plan_is_refused_and_changes_nothing(
    emulator: Any, plan: Any, named: Any
) -> None:
    emulator.fault("overloaded")
    answer = emulator.put("faults", plan)
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]
    assert emulator.generate().status_code == 503

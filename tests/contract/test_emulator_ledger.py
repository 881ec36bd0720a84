"""The emulator's ledger: totals, stamps, and clients that vanish."""

import socket
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest

KITE_USD = {"low": "0.005895", "medium": "0.052695", "high": "0.210735"}


@pytest.mark.parametrize("quality", KITE_USD)
def test_a_request_costs_its_tokens_at_list_price(emulator: Any, quality: Any) -> None:
    emulator.generate(quality=quality)
    entry = emulator.ledger()[-1]
    assert entry["price_usd"] == entry["list_usd"] == KITE_USD[quality]


def test_the_total_is_the_sum_of_all_requests(emulator: Any) -> None:
    for quality in KITE_USD:
        emulator.generate(quality=quality, n=2)
    emulator.generate(quality="ultra")
    emulator.post({"model": "dall-e-3", "prompt": "kite", "quality": "hd"})
    shown = emulator.read("ledger")
    expected = 2 * sum(Decimal(usd) for usd in KITE_USD.values()) + Decimal("0.08")
    assert Decimal(shown["total_usd"]) == expected
    assert sum(Decimal(e["price_usd"]) for e in shown["requests"]) == expected
    assert shown["n_unpriced"] == 0


def test_an_entry_names_the_clients_attempt_and_all_it_asked(emulator: Any) -> None:
    body = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low", "n": 2}
    answer = emulator.post({**body, "size": "1536x1024"}, x_client_request_id="att-1")
    entry = emulator.ledger()[-1]
    assert entry["id"] == answer.headers["x-request-id"]
    assert entry["client_request_id"] == "att-1"
    asked = {k: entry[k] for k in ("model", "prompt", "quality", "size", "n")}
    assert asked == {**body, "size": "1536x1024"}
    assert (entry["path"], entry["stage"]) == ("/v1/images/generations", "sent")
    assert (entry["status"], entry["billed"]) == (200, True)
    assert (entry["manner"], entry["upstream_id"]) == ("openai", None)
    assert entry["usage"] == answer.json()["usage"]


def test_stamps_stand_in_order_on_the_clients_own_clock(emulator: Any) -> None:
    before = time.monotonic_ns()
    answer = emulator.generate()
    entry = emulator.ledger()[-1]
    stamps = [
        before,
        entry["received_ns"],
        entry["rendered_ns"],
        entry["first_byte_ns"],
        entry["sent_ns"],
    ]
    assert stamps == sorted(stamps)
    assert int(answer.headers["x-emulator-received-ns"]) == entry["received_ns"]


def test_a_simulated_time_is_kept_from_received_to_first_byte(emulator: Any) -> None:
    constant = {"distribution": "constant", "median_s": 4}
    emulator.put("profile", {"time_scale": 0.1, "service_time": constant})
    emulator.generate()
    entry = emulator.ledger()[-1]
    assert entry["first_byte_ns"] - entry["received_ns"] >= 0.4e9


def test_an_answer_that_closes_the_connection_is_sent_too(emulator: Any) -> None:
    body = {"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"}
    assert emulator.post(body, connection="close").json()["data"]
    entry = emulator.ledger()[-1]
    assert (entry["stage"], entry["client_gone"]) == ("sent", False)
    assert entry["sent_ns"] >= entry["first_byte_ns"]


def test_a_client_that_leaves_half_way_through_the_answer_is_noted(
    emulator: Any,
) -> None:
    url = f"{emulator.url}/images/generations"
    body = {"model": "gpt-image-2", "prompt": "A kite", "quality": "low", "n": 10}
    headers = {"authorization": "Bearer k"}
    with emulator.http.stream("POST", url, json=body, headers=headers) as answer:
        next(answer.iter_raw(1000))
    entry = emulator.ledger()[-1]
    assert (entry["stage"], entry["client_gone"]) == ("sending", True)
    assert (entry["billed"], entry["sent_ns"]) == (True, None)


def ask_and_leave(emulator: Any, *, half: bool = False) -> None:
    """Send a request (or half of it) and close the connection without reading."""
    host, port = emulator.url.removeprefix("http://").removesuffix("/v1").split(":")
    body = b'{"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"}'
    head = (
        b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\n"
        b"authorization: Bearer k\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(head + (body[:10] if half else body))
        wait_for_entries(emulator, 1)


def wait_for_entries(emulator: Any, n_entries: int) -> None:
    give_up_at = time.monotonic() + 300
    while len(emulator.read("ledger")["requests"]) < n_entries:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_work_goes_on_and_is_billed_when_the_client_has_gone(emulator: Any) -> None:
    constant = {"distribution": "constant", "median_s": 1.5}
    emulator.put("profile", {"time_scale": 1, "service_time": constant})
    ask_and_leave(emulator)
    entry = emulator.ledger()[-1]
    assert (entry["stage"], entry["client_gone"]) == ("rendered", True)
    assert (entry["billed"], entry["price_usd"]) == (True, KITE_USD["low"])
    assert (entry["status"], entry["first_byte_ns"]) == (None, None)


@pytest.mark.parametrize(
    "scenario", ["reset_before_headers", "reset_in_body", "truncated_body"]
)
def test_a_cut_finds_nobody_when_the_client_has_gone(
    emulator: Any, scenario: str
) -> None:
    # The emulator's stderr, checked at its end, must stay empty here, too.
    constant = {"distribution": "constant", "median_s": 1.5}
    emulator.put("profile", {"time_scale": 1, "service_time": constant})
    emulator.fault(scenario)
    ask_and_leave(emulator)
    entry = emulator.ledger()[-1]
    assert (entry["stage"], entry["billed"]) == ("rendered", True)
    assert (entry["status"], entry["sent_ns"]) == (None, None)
    assert (entry["client_gone"], entry["cut_by_fault"]) == (True, False)


def test_half_a_request_is_recorded_and_not_billed(emulator: Any) -> None:
    ask_and_leave(emulator, half=True)
    entry = emulator.ledger()[-1]
    assert (entry["stage"], entry["client_gone"]) == ("receiving", True)
    assert (entry["billed"], entry["received_ns"]) == (False, None)


KILLED = """
import httpx2, sys, threading
def ask(at):
    httpx2.post(sys.argv[1] + "/images/generations", timeout=300, trust_env=False,
        headers={"authorization": "Bearer k", "x-client-request-id": f"att-{at}"},
        json={"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"})
for at in range(4):
    threading.Thread(target=ask, args=(at,)).start()
"""


def test_a_killed_clients_requests_are_all_accounted_for(emulator: Any) -> None:
    constant = {"distribution": "constant", "median_s": 3}
    emulator.put("profile", {"time_scale": 1, "service_time": constant})
    client = subprocess.Popen([sys.executable, "-c", KILLED, emulator.url])
    wait_for_entries(emulator, 4)
    client.kill()
    client.wait()
    entries = emulator.ledger()
    names = {entry["client_request_id"] for entry in entries}
    assert names == {f"att-{at}" for at in range(4)}
    billed = {(e["stage"], e["client_gone"], e["billed"]) for e in entries}
    assert billed == {("rendered", True, True)}


def test_delete_empties_the_ledger(emulator: Any) -> None:
    emulator.generate()
    assert emulator.delete("ledger").json()["requests"] == []
    assert emulator.read("ledger")["total_usd"] == "0"


def test_control_requests_do_not_enter_the_ledger(emulator: Any) -> None:
    emulator.read("profile")
    emulator.read("nowhere")
    assert emulator.ledger() == []

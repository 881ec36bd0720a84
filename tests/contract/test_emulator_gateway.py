"""The emulator as a gateway: manners, cheats, and a real hop."""

import base64
import io
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from PIL import Image

from bench.emulator.manners import passed_back
from bench.emulator.options import Manner

LOW_KITE_USD = "0.005895"


@pytest.fixture(scope="module")
def upstream(start_emulator: Any) -> Any:
    return start_emulator("--time-scale", "0", "--seed", "11")


@pytest.fixture(scope="module")
def gateways(start_emulator: Any, upstream: Any) -> Any:
    """Gateways by manner and by whether they ask the upstream, started when asked."""
    running: dict[tuple[str, bool], Any] = {}

    def gateway(manner: str, *, hop: bool) -> Any:
        upstream.reset()
        if (manner, hop) not in running:
            options = ("--upstream", upstream.url) if hop else ()
            running[manner, hop] = start_emulator(
                "--time-scale", "0", "--manner", manner, *options
            )
        running[manner, hop].reset()
        return running[manner, hop]

    return gateway


def test_a_hop_keeps_its_own_account_of_the_same_request(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    gateway.put("profile", {"price_factor": "0.5"})
    body = {"model": "gpt-image-2", "prompt": "A red kite", "quality": "low"}
    answer = gateway.post(body, x_client_request_id="att-7")
    own, theirs = gateway.ledger()[-1], upstream.ledger()[-1]
    assert answer.headers["x-request-id"] == own["id"] != theirs["id"]
    assert (own["upstream_id"], own["upstream_calls"]) == (theirs["id"], 1)
    assert own["client_request_id"] == theirs["client_request_id"] == "att-7"
    assert (own["price_usd"], own["list_usd"]) == ("0.0029475", LOW_KITE_USD)
    assert theirs["price_usd"] == LOW_KITE_USD
    assert own["received_ns"] < theirs["received_ns"] <= theirs["sent_ns"]
    assert theirs["first_byte_ns"] < own["first_byte_ns"]
    picture = Image.open(
        io.BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"]))
    )
    assert theirs["id"] in str(picture.info["Comment"])


def test_a_hop_passes_refusals_and_models_on(gateways: Any, upstream: Any) -> None:
    gateway = gateways("openai", hop=True)
    upstream.fault("rate_limited", retry_after_s=3)
    limited = gateway.generate()
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
    upstream.delete("faults")
    assert gateway.generate(quality="ultra").json()["error"]["param"] == "quality"
    assert gateway.get("/models/gpt-image-2").json()["id"] == "gpt-image-2"
    assert gateway.get("/models/nothing").status_code == 404
    assert gateway.ledger()[-1]["upstream_calls"] == 1
    assert not any(entry["billed"] for entry in gateway.ledger())


def test_a_hop_forwards_the_key(gateways: Any) -> None:
    gateway = gateways("openai", hop=True)
    answer = httpx2.post(
        f"{gateway.url}/images/generations",
        json={"model": "gpt-image-2", "prompt": "A kite"},
        headers={"authorization": "Bearer sk-invalid"},
        trust_env=False,
    )
    assert answer.status_code == 401


def test_a_hop_prices_an_answer_without_usage_by_the_tables(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    upstream.fault("missing_usage")
    assert "usage" not in gateway.generate().json()
    assert gateway.ledger()[-1]["price_usd"] == LOW_KITE_USD


def test_a_hop_whose_upstream_talks_nonsense_still_answers(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    for scenario in ("html_200", "bad_json_200"):
        upstream.fault(scenario)
        assert gateway.generate().status_code == 200
        entry = gateway.ledger()[-1]
        assert (entry["billed"], entry["price_usd"]) == (True, None)
    upstream.fault("reset_before_headers")
    answer = gateway.generate()
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unreachable"
    assert gateway.read("ledger")["n_unpriced"] == 2


def test_a_fault_of_the_gateway_itself_meets_the_passed_on_answer(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    gateway.fault("no_image_200")
    assert gateway.generate().json()["data"] == []
    gateway.fault("server_error")
    assert gateway.generate().status_code == 500
    assert len(upstream.ledger()) == 1


@pytest.mark.parametrize("hop", [False, True])
def test_litellm_words_errors_its_own_way(gateways: Any, hop: Any) -> None:
    gateway = gateways("litellm", hop=hop)
    error = gateway.generate(quality="ultra").json()["error"]
    assert (error["code"], error["param"]) == ("400", "quality")
    assert error["message"].startswith("litellm.BadRequestError")
    refused = gateway.generate(response_format="b64_json").json()["error"]
    assert refused["type"] == "UnsupportedParamsError"


@pytest.mark.parametrize("hop", [False, True])
def test_litellm_loses_headers_and_members_and_zeroes_missing_usage(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("litellm", hop=hop)
    (upstream if hop else gateway).fault("missing_usage")
    answer = gateway.generate(safety_identifier="user-1")
    assert "safety_identifier" not in answer.json()
    assert answer.json()["usage"]["total_tokens"] == 0
    assert answer.json()["data"][0]["url"] is None
    assert answer.headers["x-litellm-call-id"]
    assert "openai-version" not in answer.headers
    assert answer.headers["x-emulator"] == "1"


def test_litellm_drops_what_it_does_not_know_of_each_picture() -> None:
    told = {"data": [{"b64_json": "aGk=", "media_type": "image/png"}]}
    (row,) = passed_back(told, Manner.LITELLM)["data"]
    empty = {"url": None, "revised_prompt": None, "provider_specific_fields": None}
    assert row == {"b64_json": "aGk=", **empty}


def test_litellm_knows_no_variations_and_says_so_without_an_error_object(
    gateways: Any,
) -> None:
    gateway = gateways("litellm", hop=False)
    answer = gateway.post_to("/images/variations", {})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_litellm_hides_two_further_calls(gateways: Any, upstream: Any) -> None:
    gateway = gateways("litellm", hop=True)
    upstream.fault("overloaded")
    assert gateway.generate().json()["error"]["type"] == "internal_server_error"
    assert gateway.ledger()[-1]["upstream_calls"] == 3
    assert len(upstream.ledger()) == 3
    upstream.fault("rate_limited", times=1, retry_after_s=5)
    assert gateway.generate().status_code == 200
    assert gateway.ledger()[-1]["upstream_calls"] == 2


def test_litellm_makes_all_429_alike(gateways: Any, upstream: Any) -> None:
    gateway = gateways("litellm", hop=True)
    for scenario in ("rate_limited", "quota_exhausted"):
        upstream.fault(scenario, retry_after_s=3)
        answer = gateway.generate()
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == ("throttling_error", "429")
        assert "retry-after" not in answer.headers


@pytest.mark.parametrize("hop", [False, True])
def test_newapi_drops_unknown_keys_and_never_says_null(gateways: Any, hop: Any) -> None:
    gateway = gateways("newapi", hop=hop)
    assert gateway.generate(foo="bar").status_code == 200
    answer = gateway.generate(model="nothing")
    error = answer.json()["error"]
    assert error["type"] == "upstream_error"
    assert answer.headers["x-request-id"] in error["message"]
    keyless = gateway.http.post(f"{gateway.url}/images/generations", json={})
    assert keyless.json()["error"]["type"] == "new_api_error"
    assert keyless.json()["error"]["param"] == ""


@pytest.mark.parametrize("hop", [False, True])
def test_substitutes_serves_less_and_charges_what_was_asked(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("substitutes", hop=hop)
    answer = gateway.generate(quality="high").json()
    entry = gateway.ledger()[-1]
    assert (answer["quality"], answer["usage"]["output_tokens"]) == ("high", 7024)
    assert (entry["quality"], entry["served_quality"]) == ("high", "low")
    assert Decimal(entry["price_usd"]) == Decimal("0.210735")
    if hop:
        assert upstream.ledger()[-1]["price_usd"] == LOW_KITE_USD


@pytest.mark.parametrize("hop", [False, True])
def test_repeats_serves_every_picture_twice(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("repeats", hop=hop)
    rows = [gateway.generate().json()["data"][0]["b64_json"] for _ in range(4)]
    assert rows[0] == rows[1]
    assert rows[2] == rows[3]
    assert rows[0] != rows[2]
    assert [entry["billed"] for entry in gateway.ledger()] == [True] * 4
    if hop:
        assert len(upstream.ledger()) == 2

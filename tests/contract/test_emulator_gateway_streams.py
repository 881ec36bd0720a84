"""Gateways before edits, streams, responses and batches: with a hop and without."""

import base64
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from tests.painted import as_data_url, holed, painted

PLAIN: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
    "output_format": "jpeg",
}
TOOL: dict[str, Any] = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "quality": "low",
    "output_format": "jpeg",
}
PICTURE = painted(640, 1024)
CLIENTS: list[Any] = []


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


@pytest.fixture(autouse=True)
def _closed_clients() -> Iterator[None]:
    yield
    while CLIENTS:
        CLIENTS.pop().close()


def client_of(gateway: Any) -> Any:
    client = openai.OpenAI(api_key="k", base_url=gateway.url, max_retries=0, timeout=60)
    CLIENTS.append(client)
    return client


def edited(gateway: Any, n: int = 1, **more: Any) -> Any:
    files = [("p.png", PICTURE, "image/png")] * n
    image: Any = files if n > 1 else files[0]
    return client_of(gateway).images.edit(image=image, **{**PLAIN, **more})


def drawn(gateway: Any, text: Any = "A red kite", **more: Any) -> Any:
    body = {"model": "gpt-5.2", "tools": [TOOL], **more}
    return client_of(gateway).responses.create(input=text, **body)


def told(answer: httpx2.Response) -> list[tuple[str | None, Any]]:
    """Return the events as (what the `event:` line says, the data)."""
    found: list[tuple[str | None, Any]] = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        rows = dict(row.split(": ", 1) for row in block.split("\n"))
        data = rows["data"]
        found.append(
            (rows.get("event"), data if data == "[DONE]" else json.loads(data))
        )
    return found


def test_a_hop_passes_a_stream_on_while_it_comes(gateways: Any, upstream: Any) -> None:
    gateway = gateways("openai", hop=True)
    constant = {"distribution": "constant", "median_s": 2.4, "sigma": 0}
    upstream.put("profile", {"time_scale": 1, "service_time": constant})
    gateway.put("profile", {"price_factor": "0.5"})
    body = {**PLAIN, "stream": True, "partial_images": 2}
    answer = gateway.post(body, x_client_request_id="att-1")
    own, theirs = gateway.ledger()[-1], upstream.ledger()[-1]
    kinds = [kind for kind, _ in told(answer)]
    assert kinds == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert len(own["partials_ns"]) == 2
    # Each partial has been passed on before the next picture is made.
    (first_ns, second_ns), next_ns = own["partials_ns"], theirs["partials_ns"][1]
    assert theirs["partials_ns"][0] < first_ns < next_ns
    assert next_ns < second_ns < theirs["rendered_ns"]
    assert own["usage"] == theirs["usage"] == told(answer)[-1][1]["usage"]
    assert Decimal(own["price_usd"]) * 2 == Decimal(theirs["price_usd"])


def test_a_hop_passes_edits_on_with_every_picture(gateways: Any, upstream: Any) -> None:
    gateway = gateways("openai", hop=True)
    mask = ("m.png", holed(640, 1024, (0, 0, 320, 320)), "image/png")
    answer = edited(gateway, 4, mask=mask)
    own, theirs = gateway.ledger()[-1], upstream.ledger()[-1]
    assert (own["operation"], own["n_inputs"], theirs["n_inputs"]) == ("edit", 4, 4)
    assert own["usage"] == theirs["usage"] == answer.usage.to_dict()
    assert own["price_usd"] == theirs["price_usd"]
    assert answer.usage.input_tokens_details.image_tokens > 0
    *_, final = edited(gateway, stream=True, partial_images=1)
    assert final.type == "image_edit.completed"
    with pytest.raises(openai.BadRequestError) as refused:
        edited(gateway, quality="ultra")
    assert refused.value.param == "quality"


def test_a_hop_passes_responses_conversations_and_files_on(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    client = client_of(gateway)
    file = client.files.create(file=("p.png", PICTURE), purpose="vision")
    parts = [
        {"type": "input_text", "text": "Put it on a table"},
        {"type": "input_image", "file_id": file.id},
    ]
    first: Any = drawn(gateway, [{"role": "user", "content": parts}])
    own, theirs = gateway.ledger()[-1], upstream.ledger()[-1]
    assert own["usage"] == theirs["usage"]
    assert own["mainline_usage"] == theirs["mainline_usage"]
    assert own["price_usd"] == theirs["price_usd"] != "0"
    tools = [{**TOOL, "partial_images": 1}]
    events = list(
        drawn(
            gateway,
            "Add a cat",
            previous_response_id=first.id,
            tools=tools,
            stream=True,
        )
    )
    assert events[-1].type == "response.completed"
    assert [e.sequence_number for e in events] == list(range(len(events)))
    own, theirs = gateway.ledger()[-1], upstream.ledger()[-1]
    assert own["price_usd"] == theirs["price_usd"]
    assert len(own["partials_ns"]) == 1
    kept = client.responses.retrieve(events[-1].response.id)
    assert kept.previous_response_id == first.id
    client.responses.delete(kept.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)


def test_a_hop_passes_batches_on(gateways: Any, upstream: Any) -> None:
    client = client_of(gateways("openai", hop=True))
    url = "/v1/images/generations"
    line = {"custom_id": "a", "method": "POST", "url": url, "body": PLAIN}
    file = client.files.create(
        file=("in.jsonl", json.dumps(line).encode()), purpose="batch"
    )
    batch = client.batches.create(
        input_file_id=file.id, endpoint=url, completion_window="24h"
    )
    for _ in range(500):
        if (batch := client.batches.retrieve(batch.id)).status == "completed":
            break
        time.sleep(0.02)
    row = json.loads(client.files.content(str(batch.output_file_id)).text)
    assert row["response"]["status_code"] == 200
    assert client.batches.list().data[0].id == batch.id
    done = [e for e in upstream.ledger() if e["operation"] == "batch"]
    assert [e["client_request_id"] for e in done] == ["a"]


def test_a_cut_stream_of_the_upstream_is_cut_and_has_no_price(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    upstream.fault("truncated_body")
    with pytest.raises(httpx2.RemoteProtocolError):
        gateway.generate(stream=True, partial_images=1)
    entry = gateway.ledger()[-1]
    assert (entry["billed"], entry["price_usd"]) == (True, None)
    assert (entry["cut_by_fault"], len(entry["partials_ns"])) == (True, 1)
    with pytest.raises(openai.APIConnectionError):
        list(drawn(gateway, stream=True))
    assert gateway.ledger()[-1]["price_usd"] is None


def test_a_fault_of_the_gateway_befalls_the_passed_on_stream(
    gateways: Any, upstream: Any
) -> None:
    gateway = gateways("openai", hop=True)
    gateway.fault("stream_error")
    events = told(gateway.generate(stream=True, partial_images=2))
    assert [data["type"] for _, data in events][1:] == ["error"]
    *_, last = drawn(gateway, stream=True)
    assert (last.type, last.code) == ("error", "server_error")
    gateway.fault("missing_usage")
    (_, data), *_ = told(gateway.generate(stream=True))
    assert "usage" not in data
    assert gateway.ledger()[-1]["usage"] == upstream.ledger()[-1]["usage"]
    answer = drawn(gateway)
    assert (answer.usage, answer.tool_usage) == (None, None)


@pytest.mark.parametrize("hop", [False, True])
def test_litellm_breaks_image_streams_when_all_work_is_billed(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("litellm", hop=hop)
    answer = gateway.generate(stream=True)
    assert answer.status_code == 500
    assert "model_dump" in answer.json()["error"]["message"]
    with pytest.raises(openai.InternalServerError) as broken:
        edited(gateway, stream=True)
    assert "event: image_edit.completed" in str(broken.value)
    entries = (upstream if hop else gateway).ledger()
    assert [entry["billed"] for entry in entries] == [True, True]


@pytest.mark.parametrize("hop", [False, True])
def test_litellm_writes_edits_its_own_way(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("litellm", hop=hop)
    assert edited(gateway).usage.total_tokens > 0
    body = {**PLAIN, "images": [{"image_url": as_data_url(PICTURE)}]}
    headers = {"authorization": "Bearer k"}
    url = f"{gateway.url}/images/edits"
    refused = gateway.http.post(url, json=body, headers=headers)
    assert refused.status_code == 415
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("415", None)
    assert "unsupported_content_type" in error["message"]
    if hop:
        assert upstream.ledger()[-1]["n_inputs"] == 0
        answer = gateway.http.post(
            url,
            data=PLAIN,
            files={"image": ("p.png", PICTURE, "image/png")},
            headers=headers,
        )
        theirs = upstream.ledger()[-1]
        assert answer.headers["llm_provider-x-request-id"] == theirs["id"]


@pytest.mark.parametrize("hop", [False, True])
def test_litellm_hands_responses_on_under_ids_of_its_own(
    gateways: Any, hop: Any
) -> None:
    gateway = gateways("litellm", hop=hop)
    first = drawn(gateway)
    assert len(first.id) > 60
    assert first.tool_usage.image_gen.total_tokens > 0
    assert "prompt" in first.to_dict()
    url = f"{gateway.url}/responses"
    body = {"model": "gpt-5.2", "tools": [TOOL], "input": "Add a cat", "stream": True}
    headers = {"authorization": "Bearer k"}
    answer = gateway.http.post(
        url, json={**body, "previous_response_id": first.id}, headers=headers
    )
    events = told(answer)
    assert events[-1] == (None, "[DONE]")
    assert {kind for kind, _ in events} == {None}
    assert "result" not in events[2][1]["item"]
    whole = events[-2][1]
    assert {data["model"] for _, data in events[:-1]} == {"gpt-5.2"}
    assert whole["response"]["output"][0]["action"] == "edit"
    assert client_of(gateway).responses.retrieve(whole["response"]["id"])
    with pytest.raises(openai.BadRequestError) as refused:
        drawn(gateway, previous_response_id="resp_none")
    assert "previous_response_not_found" in str(refused.value)
    assert refused.value.code == "400"


@pytest.mark.parametrize("hop", [False, True])
def test_newapi_says_empty_for_absent_and_done_at_the_end(
    gateways: Any, hop: Any
) -> None:
    gateway = gateways("newapi", hop=hop)
    (row,) = gateway.generate().json()["data"]
    assert (row["url"], row["revised_prompt"]) == ("", "")
    events = told(gateway.generate(stream=True, partial_images=1, foo="bar"))
    assert [kind for kind, _ in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
        None,
    ]
    assert events[-1][1] == "[DONE]"
    last = drawn(gateway, stream=True, extra_body={"foo": "bar"})
    assert [event.type for event in last][-1] == "response.completed"


@pytest.mark.parametrize("hop", [False, True])
def test_newapi_can_answer_by_url_and_ignore_options(gateways: Any, hop: Any) -> None:
    gateway = gateways("newapi", hop=hop)
    gateway.put("profile", {"answers_url": True, "ignores_options": True})
    answer = gateway.generate(size="1536x1024").json()
    (row,) = answer["data"]
    assert row["b64_json"] == ""
    assert "usage" not in answer
    assert answer["size"] == "1024x1024"
    assert gateway.http.get(row["url"]).headers["content-type"] == "image/png"
    events = told(gateway.generate(stream=True, partial_images=2))
    ((kind, data), done) = events
    assert kind == "image_generation.completed"
    assert not {"size", "quality", "background", "output_format"} & set(data)
    assert done[1] == "[DONE]"
    assert data["url"].startswith("http")
    assert gateway.ledger()[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("hop", [False, True])
def test_substitutes_cheats_in_edits_streams_and_responses(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("substitutes", hop=hop)
    assert edited(gateway, quality="high").quality == "high"
    partial, final = edited(gateway, quality="high", stream=True, partial_images=1)
    assert (partial.quality, final.quality) == ("high", "high")
    assert final.usage.output_tokens == 7024 + 100
    tools = [{**TOOL, "quality": "high", "size": "1024x1024"}]
    response = drawn(gateway, tools=tools)
    assert response.output[0].to_dict()["quality"] == "high"
    assert response.tool_usage.image_gen.output_tokens == 7024
    *_, last = drawn(gateway, tools=tools, stream=True)
    assert last.response.tool_usage.image_gen.output_tokens == 7024
    for entry in gateway.ledger():
        assert Decimal(entry["price_usd"]) > Decimal("0.21")
    if hop:
        assert {entry["quality"] for entry in upstream.ledger()} == {"low"}
    else:
        assert {entry["served_quality"] for entry in gateway.ledger()} == {"low"}


@pytest.mark.parametrize("hop", [False, True])
def test_repeats_serves_a_streamed_picture_twice(
    gateways: Any, upstream: Any, hop: Any
) -> None:
    gateway = gateways("repeats", hop=hop)
    finals = [told(gateway.generate(stream=True))[-1][1]["b64_json"] for _ in range(4)]
    assert finals[0] == finals[1]
    assert finals[2] == finals[3]
    assert finals[0] != finals[2]
    assert base64.b64decode(finals[0])
    edits = [edited(gateway).data[0].b64_json for _ in range(2)]
    assert edits[0] == edits[1] != finals[0]
    assert all(entry["billed"] for entry in gateway.ledger())
    if hop:
        assert len(upstream.ledger()) == 3

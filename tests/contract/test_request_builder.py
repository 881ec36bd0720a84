"""What our transport sends is what the official library would have sent."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from bench.attempt import Cell, Trial
from bench.client.builder import RequestBuilder
from bench.client.images import ImageClient
from bench.client.wording import Call
from bench.endpoint import Endpoint, Route
from bench.transport.sealed import seal
from bench.transport.stamps import RequestStamps

KEY = "sk-builder"
PARAMETERS = (("quality", "low"), ("size", "1024x1024"), ("complexity", "high"))
TRIAL = Trial(
    trial_id="t",
    cell=Cell(
        endpoint="e",
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=PARAMETERS,
    ),
    prompt_id="p",
    prompt_text='A red kite, 风筝 "OPEN DAILY"',
    repeat=1,
    block=0,
    position=0,
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def _endpoint(url: str, **changes: Any) -> Endpoint:
    given = {"name": "e", "base_url": url, "api_key_env": "K", "route": Route.DIRECT}
    return Endpoint(**{**given, "prices": "openai", **changes})


def _received(ask: Callable[[str], Awaitable[Any]]) -> list[tuple[list[str], Any]]:
    """Head lines and body of each request that a server was sent."""
    received: list[tuple[list[str], Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                length = next(h for h in head if h.lower().startswith("content-length"))
                body = await reader.readexactly(int(length.partition(":")[2]))
                received.append((head, json.loads(body)))
                writer.write(ANSWER)
        writer.close()

    async def session() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await ask(f"http://127.0.0.1:{port}/v1")
        server.close()

    asyncio.run(asyncio.wait_for(session(), 60))
    return received


def _plain(head: list[str]) -> dict[str, str]:
    pairs = (line.partition(": ") for line in head[1:] if line)
    return {name.lower(): value for name, _, value in pairs}


async def _by_library(url: str) -> None:
    client = openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0, timeout=300.0)
    named: dict[str, Any] = {k: v for k, v in PARAMETERS if k != "complexity"}
    await client.images.with_raw_response.generate(
        prompt=TRIAL.prompt_text,
        model=TRIAL.cell.model,
        **named,
        extra_body={"complexity": "high"},
        extra_headers={"X-Client-Request-Id": "t.1"},
    )
    await client.close()


async def _by_us(url: str) -> None:
    client = ImageClient(_endpoint(url), KEY)
    for attempt_id in ("t.1", "t.2"):
        await client.ask(TRIAL, attempt_id, RequestStamps(started_ns=0))
    await client.close()


def test_head_and_body_are_the_librarys_but_that_nothing_is_to_be_packed() -> None:
    ((official, said),) = _received(_by_library)
    (ours, again), (second, _) = _received(_by_us)
    assert ours[0] == official[0]
    assert again == said
    expected, sent = _plain(official), _plain(ours)
    assert sent.pop("accept-encoding") == "identity"
    expected.pop("accept-encoding")
    # Each server had a port of its own.
    assert expected.pop("host") != sent.pop("host")
    assert sent == expected
    assert _plain(second)["x-client-request-id"] == "t.2"


def _written(*trials: Trial) -> list[Any]:
    async def work() -> list[Any]:
        builder = RequestBuilder(_endpoint("http://127.0.0.1:9/v1"), KEY)
        return await asyncio.gather(*(builder.build(trial) for trial in trials))

    return asyncio.run(work())


def test_requests_written_at_once_are_not_mixed_up() -> None:
    trials = [replace(TRIAL, prompt_text=f"kite {number}") for number in range(20)]
    built = _written(*trials)
    assert [json.loads(one.body)["prompt"] for one in built] == [
        trial.prompt_text for trial in trials
    ]


def test_a_request_is_written_once_for_all_its_repeats() -> None:
    first, second = _written(TRIAL, replace(TRIAL, trial_id="u", repeat=2))
    assert first is second


def test_what_is_kept_of_requests_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.client.builder._MOST_KEPT_BYTES", 3_000)

    async def work() -> tuple[int, int]:
        builder = RequestBuilder(_endpoint("http://127.0.0.1:9/v1"), KEY)
        for number in range(30):
            await builder.build(replace(TRIAL, prompt_text=f"kite {number}"))
        return len(builder._kept), builder._n_kept_bytes

    n_kept, n_bytes = asyncio.run(work())
    assert 1 <= n_kept < 6
    assert n_bytes <= 3_000


def test_a_request_larger_than_what_is_kept_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.client.builder._MOST_KEPT_BYTES", 10)
    (built,) = _written(TRIAL)
    assert json.loads(built.body)["prompt"] == TRIAL.prompt_text


def test_a_request_is_begun_when_no_other_stands_before_it_in_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = RequestBuilder._write
    written_ns: list[int] = []

    async def slowly(builder: RequestBuilder, call: Call) -> Any:
        await asyncio.sleep(0.01)
        written = await write(builder, call)
        written_ns.append(time.monotonic_ns())
        return written

    monkeypatch.setattr(RequestBuilder, "_write", slowly)
    stamped = [RequestStamps(started_ns=time.monotonic_ns()) for _ in range(3)]

    async def ask(url: str) -> None:
        client = ImageClient(_endpoint(url), KEY)
        trials = [replace(TRIAL, prompt_text=f"kite {number}") for number in range(3)]
        asking = (client.ask(t, "t.1", s) for t, s in zip(trials, stamped, strict=True))
        await asyncio.gather(*asking)
        await client.close()

    assert len(_received(ask)) == len(written_ns) == 3
    for stamps, at_ns in zip(stamped[1:], written_ns, strict=False):
        assert at_ns <= stamps.started_ns <= (stamps.write_started_ns or 0)


def test_an_id_that_would_end_its_header_is_not_sent() -> None:
    async def ask(url: str) -> None:
        client = ImageClient(_endpoint(url), KEY)
        stamps = RequestStamps(started_ns=0)
        answer = await client.ask(TRIAL, "t\r\nEvil: 1", stamps)
        assert answer.failure == "connect_failed"
        await client.close()

    assert not _received(ask)


def test_a_request_without_a_place_for_its_id_is_not_sent() -> None:
    request = httpx2.Request("POST", "http://127.0.0.1:9/v1/images", content=b"{}")
    with pytest.raises(httpx2.LocalProtocolError, match="no place for an id"):
        seal(request, "somewhere")


def test_the_ids_of_an_organisation_stay_at_home_from_gateways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")

    async def ask(url: str, route: Route) -> None:
        client = ImageClient(_endpoint(url, route=route), KEY)
        await client.ask(TRIAL, "t.1", RequestStamps(started_ns=0))
        await client.close()

    ((direct, _),) = _received(lambda url: ask(url, Route.DIRECT))
    ((gateway, _),) = _received(lambda url: ask(url, Route.GATEWAY))
    assert _plain(direct)["openai-organization"] == "org-secret"
    assert "openai-organization" not in _plain(gateway)

"""Wrapped clients: the answer in the program's hands is the one it knows."""

import asyncio
import gzip
import time
from datetime import timedelta
from typing import Any

import openai
import pytest

from pixelmeter import Endpoint, Meter, SyncMeter
from tests.canned import answering

ASKED: dict[str, Any] = {"model": "gpt-image-2", "quality": "low", "prompt": "A kite"}
BODY = b'{"created": 1, "data": [{"b64_json": "AAAA"}]}'
PACKED = {"content_encoding": "gzip"}


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("PX_KEY", desk.key)


def _endpoint(url: str) -> Endpoint:
    written = {"name": "direct", "base_url": url, "api_key_env": "PX_KEY"}
    return Endpoint.model_validate({**written, "route": "direct", "prices": "openai"})


@pytest.mark.parametrize("headers", [{}, PACKED], ids=["plain", "packed"])
def test_an_answer_says_what_an_unwrapped_one_says(
    desk: Any, headers: dict[str, str]
) -> None:
    content = gzip.compress(BODY) if headers else BODY
    with (
        answering(200, content, **headers) as server,
        SyncMeter(_endpoint(server.url)) as meter,
    ):
        own = openai.OpenAI(api_key=desk.key, base_url=server.url)
        for client in (own, meter.wrap(own)):
            began_s = time.monotonic()
            raw = client.images.with_raw_response.generate(**ASKED)
            took_s = time.monotonic() - began_s
            assert timedelta() < raw.elapsed <= timedelta(seconds=took_s)
            assert raw.http_version == "HTTP/1.0"
            assert raw.content == BODY
            assert (raw.parse().data or [])[0].b64_json == "AAAA"
            with client.images.with_streaming_response.generate(**ASKED) as response:
                assert b"".join(response.iter_bytes()) == BODY
            assert response.elapsed > timedelta()


def test_an_asynchronous_answer_says_how_long_it_took(desk: Any) -> None:
    async def program(url: str) -> timedelta:
        async with Meter(_endpoint(url)) as meter:
            client = meter.wrap(openai.AsyncOpenAI(api_key=desk.key, base_url=url))
            raw = await client.images.with_raw_response.generate(**ASKED)
            return raw.elapsed

    with answering(200, BODY) as server:
        assert asyncio.run(program(server.url)) > timedelta()


def test_a_word_for_what_goes_to_no_proxy_is_no_proxy(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "internal.example")
    with (
        answering(200, BODY) as server,
        SyncMeter(_endpoint(server.url)) as meter,
    ):
        own = openai.OpenAI(api_key=desk.key, base_url=server.url)
        meter.wrap(own).images.generate(**ASKED)
    [outcome] = desk.records("outcome")
    assert "stamps_at_edge" not in outcome["flags"]

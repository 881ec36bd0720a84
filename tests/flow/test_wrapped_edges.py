"""Wrapped clients at the edges: odd requests, redirects, other loops, forks."""

import asyncio
import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from bench.meter import wrapping
from pixelmeter import Answer, BadInput, Endpoint, Meter, SyncMeter, UnmeteredCall

ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "quality": "low",
    "size": "1024x1024",
    "prompt": "A red kite",
}


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("PX_KEY", desk.key)


def endpoint(url: str, **changes: Any) -> Endpoint:
    written = {
        "name": "direct",
        "base_url": url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        **changes,
    }
    return Endpoint.model_validate(written)


def metered(
    desk: Any,
    url: str,
    work: Callable[[openai.AsyncOpenAI, Meter], Any],
    options: dict[str, Any] | None = None,
    **wishes: Any,
) -> Any:
    """What a program does with a wrapped client."""

    async def program() -> Any:
        async with Meter(endpoint(url), **wishes) as meter:
            client = openai.AsyncOpenAI(
                api_key=desk.key, base_url=url, **(options or {})
            )
            return await work(meter.wrap(client), meter)

    return asyncio.run(program())


@pytest.fixture
def start_server() -> Iterator[Callable[[bytes], str]]:
    """Start servers that give every request one answer, byte for byte."""
    with ExitStack() as stack:

        def start(answer: bytes) -> str:
            class Canned(socketserver.StreamRequestHandler):
                def handle(self) -> None:
                    n_bytes = 0
                    while (line := self.rfile.readline().strip()) != b"":
                        if line.lower().startswith(b"content-length:"):
                            n_bytes = int(line.partition(b":")[2])
                    self.rfile.read(n_bytes)
                    self.wfile.write(answer)

            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Canned)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/v1"

        yield start


@pytest.fixture
def door(direct: Any, start_server: Any) -> str:
    """A server that sends every request on to the emulator by a 307."""
    place = f"{direct.url}/images/generations".encode()
    return start_server(
        b"HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\n"
        b"connection: close\r\nlocation: " + place + b"\r\n\r\n"
    )


def test_a_redirect_is_another_attempt_of_the_trial_with_a_name_of_its_own(
    desk: Any, direct: Any, door: str
) -> None:
    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        # To another host the library does not take the key along.
        with pytest.raises(openai.AuthenticationError):
            await client.images.generate(**ASKED)

    metered(desk, door, ask, options={"max_retries": 0})
    assert len(desk.records("trial")) == 1
    names = [record["attempt_id"] for record in desk.records("intent")]
    assert [name.partition(".")[2] for name in names] == ["1", "2"]
    assert [post["client_request_id"] for post in direct.posts] == names[1:]


@pytest.mark.parametrize("name", ["quality", "size", "n", "stream", "partial_images"])
def test_null_is_asked_as_the_api_takes_it_as_not_given(
    desk: Any, direct: Any, name: str
) -> None:
    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        await client.images.generate(**{**ASKED, "extra_body": {name: None}})

    metered(desk, direct.url, ask)
    [outcome] = desk.records("outcome")
    assert Decimal(outcome["charge_usd"]) == direct.total_usd > 0
    assert name not in desk.records("cell")[0]["parameters"]


def test_a_count_that_is_no_number_is_refused_as_an_api_error(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        with pytest.raises(openai.PermissionDeniedError, match="n: 'many'"):
            await client.images.generate(**ASKED, extra_body={"n": "many"})

    metered(desk, direct.url, ask)
    assert direct.posts == []


def test_pictures_asked_in_a_way_that_can_not_be_read_do_not_pass_a_cap(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI, meter: Meter) -> None:
        with pytest.raises(openai.APIStatusError):
            await client.images.generate(**ASKED, extra_body={"prompt": ["a", "b"]})
        assert meter.run_id

    metered(desk, direct.url, ask, max_cost_usd="1")
    assert direct.posts == []
    with pytest.warns(UnmeteredCall):
        metered(desk, direct.url, ask)
    assert len(direct.posts) == 1


def test_a_long_value_is_cut_in_the_record_and_stays_another_cell(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        for end in "ab":
            blob = "x" * 100_000 + end
            with pytest.raises(openai.BadRequestError):
                await client.images.generate(**ASKED, extra_body={"blob": blob})

    metered(desk, direct.url, ask)
    blobs = [record["parameters"]["blob"] for record in desk.records("cell")]
    assert len(set(blobs)) == 2
    assert max(map(len, blobs)) < 300


def test_headers_of_the_programs_own_http_client_are_sent(
    desk: Any, direct: Any
) -> None:
    seen: list[httpx2.Request] = []

    async def note(request: httpx2.Request) -> None:
        seen.append(request)

    class Mine(openai.DefaultAsyncHttpxClient):
        """Made by the program, though of the library's kind."""

    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        await client.images.generate(**ASKED)
        await own.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await client.images.generate(**ASKED)

    own = Mine(
        headers={"X-Gateway": "here"},
        params={"v": "1"},
        event_hooks={"request": [note]},
    )
    metered(desk, direct.url, ask, options={"http_client": own, "max_retries": 0})
    assert [request.headers["x-gateway"] for request in seen] == ["here"]
    assert seen[0].url.params["v"] == "1"
    assert len(desk.records("outcome")) == 2


def test_a_hook_of_the_program_that_reads_each_answer_costs_no_answer(
    desk: Any, direct: Any
) -> None:
    async def read(response: httpx2.Response) -> None:
        await response.aread()

    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        assert (await client.images.generate(**ASKED)).data
        await own.aclose()

    own = httpx2.AsyncClient(event_hooks={"response": [read]}, timeout=60)
    metered(desk, direct.url, ask, options={"http_client": own})
    assert Decimal(desk.records("outcome")[0]["charge_usd"]) == direct.total_usd


def test_a_client_is_not_wrapped_twice_by_one_meter_but_by_two(
    desk: Any, direct: Any
) -> None:
    direct.fault("server_error", times=1)

    async def ask(client: openai.AsyncOpenAI, meter: Meter) -> None:
        with pytest.raises(BadInput, match="already"):
            meter.wrap(client.with_options(max_retries=1))
        there = endpoint(direct.url)
        async with Meter(there, data="other", on_answer=told.append) as inner:
            await inner.wrap(client).images.generate(**ASKED)

    told: list[Answer] = []
    metered(desk, direct.url, ask, options={"max_retries": 1})
    assert len(desk.records("trial")) == 1
    assert len(desk.records("outcome")) == len(direct.posts) == 2
    assert [a.attempt_no for a in told[-1].attempts] == [1, 2]
    assert told[-1].attempts[-1].money.charge_usd == direct.total_usd


def test_limits_of_an_endpoint_hold_over_all_clients_of_a_meter(
    desk: Any, direct: Any
) -> None:
    direct.serves_in(0.3)
    most: list[int] = []

    async def program() -> None:
        there = endpoint(direct.url, limits={"concurrency": 1})
        async with Meter(there) as meter:
            made = [
                openai.AsyncOpenAI(api_key=desk.key, base_url=direct.url)
                for _ in range(2)
            ]
            asked = [meter.wrap(client).images.generate(**ASKED) for client in made]
            work = asyncio.gather(*asked, meter.generate(**ASKED))
            while not work.done():
                most.append(await asyncio.to_thread(lambda: direct.in_flight))
            await work

    asyncio.run(program())
    assert max(most) == 1
    assert len(direct.posts) == 3


def test_who_waits_for_a_turn_does_not_wait_for_a_record_that_may_wait(
    desk: Any, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapping, "LATER_S", 20)

    one_at_once = endpoint(direct.url, limits={"concurrency": 1})

    async def program() -> None:
        async with Meter(one_at_once) as meter:
            client = openai.AsyncOpenAI(api_key=desk.key, base_url=direct.url)
            for _ in range(2):
                asked = meter.wrap(client).images.generate(**ASKED)
                await asyncio.wait_for(asked, 15)

    asyncio.run(program())
    assert len(desk.records("outcome")) == 2


def test_another_event_loop_is_told_and_sends_nothing(desk: Any, direct: Any) -> None:
    async def ask(client: openai.AsyncOpenAI, meter: Meter) -> None:
        async def elsewhere() -> None:
            with pytest.raises(openai.PermissionDeniedError, match="another event"):
                await client.images.generate(**ASKED)
            with pytest.raises(BadInput, match="another event loop"):
                await meter.generate(**ASKED)

        await asyncio.to_thread(asyncio.run, elsewhere())

    metered(desk, direct.url, ask)
    assert direct.posts == []


def test_a_synchronous_client_is_told_that_its_meter_ended(
    desk: Any, direct: Any
) -> None:
    with SyncMeter(endpoint(direct.url)) as meter:
        client = meter.wrap(openai.OpenAI(api_key=desk.key, base_url=direct.url))
    with pytest.raises(openai.PermissionDeniedError, match="the meter ended"):
        client.images.generate(**ASKED)
    with pytest.raises(BadInput, match="closed"):
        meter.generate(**ASKED)
    assert direct.posts == []


def test_a_forked_child_sends_nothing_and_does_not_hang(desk: Any, direct: Any) -> None:
    with SyncMeter(endpoint(direct.url)) as meter:
        client = meter.wrap(openai.OpenAI(api_key=desk.key, base_url=direct.url))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                client.images.generate(**ASKED)
            except openai.PermissionDeniedError:
                try:
                    meter.generate(**ASKED)
                except BadInput:
                    code = 0
            finally:
                os._exit(code)
        status = desk.until(lambda: os.waitpid(pid, os.WNOHANG)[0] and "ended", "child")
    assert status == "ended"
    assert direct.posts == []


def test_a_key_in_the_name_of_an_answers_header_is_in_no_record(
    desk: Any, start_server: Any
) -> None:
    hostile = f"x-litellm-{desk.key}".encode()
    url = start_server(
        b"HTTP/1.1 400 No\r\ncontent-length: 2\r\n%s: 1\r\n\r\n{}" % hostile
    )

    async def ask(client: openai.AsyncOpenAI, _: Meter) -> None:
        with pytest.raises(openai.BadRequestError):
            await client.images.generate(**ASKED)

    metered(desk, url, ask)
    # That the key itself is in no file is looked at when the desk closes.
    assert "x-litellm-[key]" in desk.records("outcome")[0]["headers"]

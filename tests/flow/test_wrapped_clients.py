"""Programs with the official client, metered without a change in them."""

import asyncio
import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

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


def endpoint(double: Any, **changes: Any) -> Endpoint:
    written = {
        "name": "direct",
        "base_url": double.url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        **changes,
    }
    return Endpoint.model_validate(written)


def in_client(
    desk: Any,
    double: Any,
    work: Callable[[openai.AsyncOpenAI], Any],
    *,
    options: dict[str, Any] | None = None,
    **wishes: Any,
) -> Any:
    """What an asynchronous program does with a wrapped client."""

    async def program() -> Any:
        async with Meter(endpoint(double), **wishes) as meter:
            client = openai.AsyncOpenAI(
                api_key=desk.key, base_url=double.url, **(options or {})
            )
            return await work(meter.wrap(client))

    return asyncio.run(program())


def status(desk: Any) -> dict[str, Any]:
    return desk.pixelmeter("show", "latest", "--json").answer


def test_the_program_sees_its_answer_and_the_run_has_its_cost(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI) -> Any:
        return await client.images.generate(**ASKED)

    answer = in_client(desk, direct, ask)
    assert answer.usage.output_tokens == 196
    assert len(answer.data[0].b64_json) > 1000
    shown = status(desk)
    assert shown["trials"]["done"] == 1
    assert Decimal(shown["charge_usd"]) == direct.total_usd > 0
    [outcome] = desk.records("outcome")
    assert "stamps_at_edge" not in outcome["flags"]
    assert outcome["usage_source"] == "reported"
    assert 0 < outcome["first_byte_s"] <= outcome["service_s"]
    assert len(desk.pictures()) == 1


def test_each_retry_of_the_library_is_an_attempt_of_one_trial(
    desk: Any, direct: Any
) -> None:
    direct.fault("server_error", times=2)

    async def ask(client: openai.AsyncOpenAI) -> Any:
        return await client.images.generate(**ASKED)

    answer = in_client(desk, direct, ask, options={"max_retries": 2})
    assert answer.data
    shown = status(desk)
    assert (shown["trials"]["planned"], shown["attempts"]) == (1, 3)
    assert len(direct.posts) == 3
    outcomes = [r["outcome"] for r in desk.records("outcome")]
    assert outcomes == ["server_error", "server_error", "ok"]
    assert Decimal(shown["possibly_billed_usd"]) > 0
    ids = [post["client_request_id"] for post in direct.posts]
    assert ids == [r["attempt_id"] for r in desk.records("outcome")]


def test_errors_of_the_endpoint_reach_the_program_unchanged(
    desk: Any, direct: Any
) -> None:
    direct.fault("moderation_blocked")

    async def ask(client: openai.AsyncOpenAI) -> str:
        with pytest.raises(openai.BadRequestError) as found:
            await client.images.generate(**ASKED)
        return str(found.value.code)

    assert in_client(desk, direct, ask) == "moderation_blocked"
    assert [r["outcome"] for r in desk.records("outcome")] == ["refused"]


def test_a_broken_connection_reaches_the_program_as_the_librarys_own_error(
    desk: Any, direct: Any
) -> None:
    direct.fault("reset_before_headers")

    async def ask(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.APIConnectionError):
            await client.images.generate(**ASKED)

    in_client(desk, direct, ask, options={"max_retries": 0})
    assert [r["billing"] for r in desk.records("outcome")] == ["possibly_billed"]


def test_the_programs_own_deadline_holds(desk: Any, direct: Any) -> None:
    direct.serves_in(5)

    async def ask(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.APITimeoutError):
            await client.images.generate(**ASKED, timeout=0.5)

    in_client(desk, direct, ask, options={"max_retries": 0})
    assert [r["outcome"] for r in desk.records("outcome")] == ["timed_out"]


def test_who_is_cancelled_is_recorded_so(desk: Any, direct: Any) -> None:
    direct.serves_in(5)

    async def ask(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.7):
                await client.images.generate(**ASKED)

    in_client(desk, direct, ask)
    assert [r["outcome"] for r in desk.records("outcome")] == ["cancelled"]


def test_a_cap_is_told_as_an_api_error_that_is_not_retried(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list[Any]:
        asked = [client.images.generate(**ASKED) for _ in range(12)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = in_client(desk, direct, ask, max_cost_usd="0.02")
    refused = [e for e in found if isinstance(e, openai.PermissionDeniedError)]
    assert refused
    assert refused[0].code == "not_sent"
    assert "--max-cost" in refused[0].message
    assert len(direct.posts) == 12 - len(refused)
    assert direct.total_usd <= Decimal("0.02")


def test_a_model_without_a_price_is_not_sent(desk: Any, direct: Any) -> None:
    async def ask(client: openai.AsyncOpenAI) -> str:
        with pytest.raises(openai.PermissionDeniedError) as found:
            await client.images.generate(**{**ASKED, "model": "gpt-nope"})
        return found.value.message

    assert "knows no model 'gpt-nope'" in in_client(desk, direct, ask)
    assert direct.posts == []


def test_what_asks_for_no_picture_passes_with_a_warning(desk: Any, direct: Any) -> None:
    async def ask(client: openai.AsyncOpenAI) -> str:
        said = await client.responses.create(model="gpt-5.2", input="A red kite")
        return said.output_text

    with pytest.warns(UnmeteredCall, match="without the image tool is not metered"):
        assert in_client(desk, direct, ask)
    assert status(desk)["attempts"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "gpt-5.2", "input": "A red kite"},
        # Without max_output_tokens nobody knows what the text model may write.
        {
            "model": "gpt-5.2",
            "input": "A kite",
            "tools": [{"type": "image_generation"}],
        },
    ],
)
def test_what_no_cap_could_hold_does_not_pass_one(
    desk: Any, direct: Any, asked: dict[str, Any]
) -> None:
    async def ask(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.PermissionDeniedError, match="cap could not hold"):
            await client.responses.create(**asked)

    in_client(desk, direct, ask, max_cost_usd="1")
    assert direct.posts == []


def test_free_requests_pass_unrecorded(desk: Any, direct: Any) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list[str]:
        return [model.id async for model in await client.models.list()]

    assert "gpt-image-2" in in_client(desk, direct, ask)
    assert status(desk)["attempts"] == 0


def test_a_client_with_an_http_client_of_its_own_keeps_it_and_is_marked(
    desk: Any, direct: Any
) -> None:
    seen: list[str] = []

    async def note(request: httpx2.Request) -> None:
        seen.append(request.url.path)

    async def ask(client: openai.AsyncOpenAI) -> None:
        await client.images.generate(**ASKED)
        await own.aclose()

    own = httpx2.AsyncClient(event_hooks={"request": [note]}, timeout=60)
    in_client(desk, direct, ask, options={"http_client": own})
    assert seen == ["/v1/images/generations"]
    [outcome] = desk.records("outcome")
    assert "stamps_at_edge" in outcome["flags"]
    assert outcome["charge_usd"] is not None


def test_behind_a_proxy_of_the_environment_the_librarys_own_client_sends(
    desk: Any, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def listen() -> None:
            connection, _ = proxy.accept()
            asked.append(connection.recv(200))
            connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")

        async def ask(client: openai.AsyncOpenAI) -> None:
            with pytest.raises(openai.APIConnectionError):
                await client.images.generate(**ASKED)

        in_client(desk, direct, ask, options={"max_retries": 0})
        thread.join()
    assert asked[0].startswith(b"POST http://127.0.0.1")
    assert desk.records("outcome")[0]["flags"] == ["stamps_at_edge"]


def test_the_synchronous_client_is_metered_from_several_threads(
    desk: Any, direct: Any
) -> None:
    direct.fault("server_error", times=1)
    told: list[Answer] = []
    with SyncMeter(endpoint(direct), on_answer=told.append) as meter:
        client = meter.wrap(openai.OpenAI(api_key=desk.key, base_url=direct.url))
        found: list[Any] = []

        def ask() -> None:
            found.append(client.images.generate(**ASKED))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4
    shown = status(desk)
    assert (shown["trials"]["done"], shown["attempts"]) == (4, 5)
    assert Decimal(shown["charge_usd"]) == direct.total_usd
    assert sum(answer.ok for answer in told) == 4


def test_the_clients_of_the_other_twin_and_of_other_hosts_are_refused(
    desk: Any, direct: Any
) -> None:
    here = {"api_key": desk.key, "base_url": direct.url}

    async def wrap() -> None:
        async with Meter(endpoint(direct)) as meter:
            with pytest.raises(BadInput, match="SyncMeter"):
                meter.wrap(openai.OpenAI(**here))
            with pytest.raises(BadInput, match="base_url of none"):
                meter.wrap(openai.AsyncOpenAI(api_key="sk-x"))
            meter.wrap(openai.AsyncOpenAI(api_key="sk-x"), endpoint="direct")

    asyncio.run(wrap())
    with SyncMeter(endpoint(direct)) as meter:
        with pytest.raises(BadInput, match="AsyncOpenAI is for Meter"):
            meter.wrap(openai.AsyncOpenAI(**here))
        with pytest.raises(BadInput, match="no client of openai"):
            meter.wrap(object())


def test_a_wrapped_client_sends_nothing_after_its_meter_ended(
    desk: Any, direct: Any
) -> None:
    kept: list[openai.AsyncOpenAI] = []

    async def keep(client: openai.AsyncOpenAI) -> None:
        kept.append(client)

    async def later() -> None:
        with pytest.raises(openai.PermissionDeniedError, match="the meter ended"):
            await kept[0].images.generate(**ASKED)

    in_client(desk, direct, keep)
    asyncio.run(later())
    assert direct.posts == []

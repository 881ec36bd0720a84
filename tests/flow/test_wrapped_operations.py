"""Edits, Responses calls and streams of programs, metered without a change in them."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import openai
import pytest
from PIL import Image

from pixelmeter import Endpoint, Meter, SyncMeter

ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A red kite",
    "quality": "low",
    "size": "1024x1024",
}
TOOL: dict[str, Any] = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "quality": "low",
    "size": "1024x1024",
}
TALKED: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "tools": [TOOL],
    "tool_choice": {"type": "image_generation"},
    "max_output_tokens": 1000,
}


def png(*, alpha: bool = False) -> bytes:
    mode, filled = ("RGBA", (0, 0, 0, 0)) if alpha else ("RGB", "red")
    target = BytesIO()
    Image.new(mode, (64, 64), filled).save(target, "PNG")
    return target.getvalue()


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    monkeypatch.chdir(desk.folder)


def endpoint(double: Any) -> Endpoint:
    written = {
        "name": "direct",
        "base_url": double.url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        "api": ["images", "responses"],
    }
    return Endpoint.model_validate(written)


def in_client(
    desk: Any, double: Any, work: Callable[[openai.AsyncOpenAI], Any], **wishes: Any
) -> Any:
    async def program() -> Any:
        async with Meter(endpoint(double), **wishes) as meter:
            client = openai.AsyncOpenAI(
                api_key=desk.key, base_url=double.url, max_retries=0
            )
            return await work(meter.wrap(client))

    return asyncio.run(program())


@pytest.fixture
def sync_client(desk: Any, direct: Any) -> Iterator[openai.OpenAI]:
    with SyncMeter(endpoint(direct)) as meter:
        client = openai.OpenAI(api_key=desk.key, base_url=direct.url, max_retries=0)
        yield meter.wrap(client)


def test_edits_as_forms_and_in_json_are_metered(desk: Any, direct: Any) -> None:
    data_url = f"data:image/png;base64,{base64.b64encode(png()).decode()}"

    async def ask(client: openai.AsyncOpenAI) -> None:
        pictures = [("a.png", png()), ("b.png", png())]
        await client.images.edit(image=pictures[0], **ASKED)
        await client.images.edit(image=pictures, **ASKED)
        mask = ("m.png", png(alpha=True))
        await client.images.edit(image=pictures[0], mask=mask, **ASKED)
        body = {**ASKED, "images": [{"image_url": data_url}]}
        await client.post("/images/edits", body=body, cast_to=object)

    in_client(desk, direct, ask, max_cost_usd="1")
    outcomes = desk.records("outcome")
    assert [one["outcome"] for one in outcomes] == ["ok"] * 4
    assert sum(Decimal(one["charge_usd"]) for one in outcomes) == direct.total_usd
    assert all("above_bound" not in one["flags"] for one in outcomes)
    cells = desk.records("cell")
    said = [(one["operation"], one["parameters"]["n_inputs"]) for one in cells]
    # The edit in JSON asks at the cell of the first one.
    assert said == [("edit", 1), ("compose", 2), ("inpaint", 1)]
    first = desk.records("prompt")[0]["inputs"][0]
    assert (first["format"], first["width_px"], first["height_px"]) == ("png", 64, 64)


def test_a_response_with_the_image_tool_is_metered_with_its_text_model(
    desk: Any, direct: Any
) -> None:
    async def ask(client: openai.AsyncOpenAI) -> None:
        first = await client.responses.create(input="A kite", **TALKED)
        await client.responses.create(
            input="At night", previous_response_id=first.id, **TALKED
        )

    in_client(desk, direct, ask, max_cost_usd="1")
    first, second = desk.records("outcome")
    assert first["mainline_input_tokens"] > 0
    charged = Decimal(first["charge_usd"]) + Decimal(second["charge_usd"])
    assert charged == direct.total_usd
    cells = desk.records("cell")
    assert [one["operation"] for one in cells] == ["generate", "converse"]
    assert {one["mainline_model"] for one in cells} == {"gpt-4.1-mini"}
    assert desk.records("trial")[1]["after"] == first["trial_id"]


def test_what_only_the_endpoint_knows_is_not_sent_under_a_cap(
    desk: Any, direct: Any
) -> None:
    message = {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}
    unknown: dict[str, dict[str, Any]] = {
        "conversation": {"conversation": "conv_1"},
        "prompt": {"prompt": {"id": "pmpt_1"}},
        "web_search": {"tools": [TOOL, {"type": "web_search"}]},
        "item_reference": {"input": [{"type": "item_reference", "id": "msg_1"}]},
        "input_file": {"input": [message]},
        "priority": {"service_tier": "priority"},
    }

    async def ask(client: openai.AsyncOpenAI) -> None:
        for named, brought in unknown.items():
            asked: dict[str, Any] = {"input": "A kite", **TALKED, **brought}
            with pytest.raises(openai.PermissionDeniedError, match=f"'{named}'"):
                await client.responses.create(**asked)
        text = {"type": "input_text", "text": "A kite"}
        known: Any = [{"role": "user", "content": [text]}]
        await client.responses.create(input=known, instructions="Be bold", **TALKED)

    in_client(desk, direct, ask, max_cost_usd="1")
    assert len(desk.records("intent")) == 1


@pytest.mark.parametrize("api", ["images", "responses"])
def test_events_reach_the_program_as_they_come(
    desk: Any, direct: Any, api: str
) -> None:
    direct.serves_in(1.2)

    async def ask(client: openai.AsyncOpenAI) -> list[tuple[str, float]]:
        began = time.monotonic()
        if api == "images":
            stream: Any = await client.images.generate(
                stream=True, partial_images=2, **ASKED
            )
        else:
            tool = {**TOOL, "partial_images": 2}
            asked = {**TALKED, "tools": [tool]}
            stream = await client.responses.create(input="A kite", stream=True, **asked)
        return [(e.type, time.monotonic() - began) async for e in stream]

    events = in_client(desk, direct, ask)
    partial_s = [at_s for kind, at_s in events if kind.endswith("partial_image")]
    assert len(partial_s) == 2
    # The last event came well after the first partial: nothing was held back.
    assert events[-1][1] - partial_s[0] > 0.1
    [outcome] = desk.records("outcome")
    assert outcome["outcome"] == "ok"
    assert len(outcome["partials_s"]) == 2
    assert 0 < outcome["first_partial_s"] < outcome["service_s"]
    assert Decimal(outcome["charge_usd"]) == direct.total_usd
    assert "stamps_at_edge" not in outcome["flags"]


def test_a_stream_that_its_program_leaves_is_recorded_as_broken_off(
    desk: Any, direct: Any
) -> None:
    direct.serves_in(1.5)

    async def ask(client: openai.AsyncOpenAI) -> None:
        stream = await client.images.generate(stream=True, partial_images=2, **ASKED)
        async for event in stream:
            assert event.type == "image_generation.partial_image"
            break
        await stream.close()

    in_client(desk, direct, ask)
    [outcome] = desk.records("outcome")
    assert (outcome["outcome"], outcome["billing"]) == ("cancelled", "possibly_billed")
    assert outcome["error_code"] == "left_stream"
    assert len(outcome["partials_s"]) == 1
    assert Decimal(outcome["possibly_billed_usd"]) > 0


def test_a_stream_that_stalls_ends_at_the_programs_own_deadline(
    desk: Any, direct: Any
) -> None:
    direct.fault("stream_stall")

    async def ask(client: openai.AsyncOpenAI) -> None:
        stream = await client.images.generate(
            stream=True, partial_images=2, timeout=0.7, **ASKED
        )
        with pytest.raises(openai.APITimeoutError):
            async for _ in stream:
                pass

    in_client(desk, direct, ask)
    [outcome] = desk.records("outcome")
    assert outcome["outcome"] != "ok"
    assert outcome["billing"] != "unbilled"


def test_the_synchronous_client_streams_too(
    desk: Any, direct: Any, sync_client: openai.OpenAI
) -> None:
    direct.serves_in(1.0)
    began = time.monotonic()
    stream = sync_client.images.generate(stream=True, partial_images=1, **ASKED)
    came_s = [time.monotonic() - began for _ in stream]
    assert len(came_s) == 2
    assert came_s[1] - came_s[0] > 0.1
    left = sync_client.images.generate(stream=True, partial_images=1, **ASKED)
    next(iter(left))
    left.close()
    desk.until(lambda: len(desk.records("outcome")) > 1, "the second is recorded")
    first, second = desk.records("outcome")
    assert (first["outcome"], second["outcome"]) == ("ok", "cancelled")
    assert len(first["partials_s"]) == 1

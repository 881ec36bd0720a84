"""The emulator's Responses API, as the official client sees it."""

import base64
import io
from decimal import Decimal
from typing import Any

import openai
import pytest
from PIL import Image

from tests.painted import as_data_url, holed, painted

TOOL: dict[str, Any] = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "quality": "low",
    "size": "1024x1024",
    "output_format": "jpeg",
}
FORCED = {"type": "image_generation"}
ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    *["response.image_generation_call.partial_image"] * 2,
    "response.image_generation_call.completed",
    "response.output_item.done",
    "response.completed",
]


def drawn(client: Any, text: Any = "A red kite", **more: Any) -> Any:
    body = {"model": "gpt-5.2", "tools": [TOOL], "tool_choice": FORCED, **more}
    return client.responses.create(input=text, **body)


def opened(item: Any) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(item.result)))
    picture.load()
    return picture


def test_a_response_holds_a_picture_and_both_kinds_of_usage(
    emulator: Any, client: Any
) -> None:
    answer = drawn(client, max_output_tokens=2048, metadata={"trial": "7"})
    (item,) = answer.output
    assert (item.type, item.status, item.id[:3]) == (
        "image_generation_call",
        "completed",
        "ig_",
    )
    told = item.model_extra or item.to_dict()
    assert item.to_dict()["revised_prompt"] == "A picture of: A red kite"
    assert told is not None
    assert opened(item).size == (1024, 1024)
    assert (answer.model, answer.status) == ("gpt-5.2", "completed")
    assert answer.tools[0].to_dict()["n"] == 1
    assert answer.metadata == {"trial": "7"}
    entry = emulator.ledger()[-1]
    assert entry["operation"] == "response"
    assert (entry["model"], entry["mainline_model"]) == ("gpt-image-2", "gpt-5.2")
    assert entry["mainline_usage"] == answer.usage.to_dict()
    assert entry["usage"] == answer.tool_usage.image_gen.to_dict()
    # 3 text tokens at 1.75 and the output at 14; the tool: 6 at 5 and 196 at 30.
    mainline = 3 * Decimal("1.75") + answer.usage.output_tokens * 14
    tool = 6 * 5 + 196 * 30
    assert Decimal(entry["price_usd"]) == (mainline + tool) / 1_000_000


def test_a_conversation_goes_on_from_its_last_picture(
    emulator: Any, client: Any
) -> None:
    answers = [drawn(client)]
    for text in ("Make it blue", "Add a cat", "Add snow"):
        answers.append(drawn(client, text, previous_response_id=answers[-1].id))
    actions = [answer.output[0].to_dict()["action"] for answer in answers]
    assert actions == ["generate", "edit", "edit", "edit"]
    inputs = [answer.usage.input_tokens for answer in answers]
    assert inputs == sorted(inputs)
    before = 0
    for answer in answers:
        cached = answer.usage.input_tokens_details.cached_tokens
        # A prefix is cached from 1024 tokens on, in steps of 128.
        assert cached == (before // 128 * 128 if before >= 1024 else 0)
        picture = 85 + 170 * 4
        before = answer.usage.total_tokens + picture
    assert answers[-1].usage.input_tokens_details.cached_tokens > 0
    assert answers[-1].previous_response_id == answers[-2].id
    assert [entry["n_inputs"] for entry in emulator.ledger()] == [0, 1, 1, 1]
    picture = client.responses.retrieve(answers[1].id).output[0]
    assert picture.result == answers[1].output[0].result


def test_a_question_in_between_does_not_lose_the_last_picture(
    emulator: Any, client: Any
) -> None:
    first = drawn(client)
    more = {"previous_response_id": first.id, "tool_choice": "auto"}
    words = drawn(client, "Is it red?", **more)
    assert words.output[0].type == "message"
    third = drawn(client, "Make it blue", previous_response_id=words.id)
    assert third.output[0].to_dict()["action"] == "edit"
    assert emulator.ledger()[-1]["n_inputs"] == 1


@pytest.mark.parametrize("member", ["max_output_tokens", "max_tool_calls"])
def test_a_number_that_no_reader_holds_is_refused_before_it_is_repeated(
    client: Any, member: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        drawn(client, extra_body={member: 10**400})
    assert (refusal.value.code, refusal.value.param) == (
        "integer_above_max_value",
        member,
    )


def test_the_next_picture_is_drawn_from_the_last(client: Any) -> None:
    first = drawn(client)
    second = drawn(client, "Add a cat", previous_response_id=first.id)
    by_item = [
        {"role": "user", "content": [{"type": "input_text", "text": "Add a cat"}]},
        {"type": "image_generation_call", "id": first.output[0].id},
    ]
    third = drawn(client, by_item)
    other = drawn(client, "Add a cat")
    small = [
        opened(answer.output[0]).convert("RGB").resize((8, 8)).tobytes()
        for answer in (first, second, third, other)
    ]
    away = [
        sum(abs(a - b) for a, b in zip(small[0], each, strict=True)) for each in small
    ]
    assert max(away[1], away[2]) < away[3]


def test_instructions_do_not_carry_over(client: Any) -> None:
    plain, told = drawn(client), drawn(client, instructions="Be brief, be kind")
    assert told.usage.input_tokens == plain.usage.input_tokens + 5
    both = [
        drawn(client, "More", previous_response_id=each.id).usage.input_tokens
        for each in (plain, told)
    ]
    assert both[0] == both[1]


def test_a_response_that_is_not_stored_or_deleted_is_gone(
    client: Any,
) -> None:
    unstored, deleted = drawn(client, store=False), drawn(client)
    client.responses.delete(deleted.id)
    for gone in (unstored, deleted):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(gone.id)
        with pytest.raises(openai.BadRequestError) as refused:
            drawn(client, previous_response_id=gone.id)
        assert refused.value.code == "previous_response_not_found"
        item = {"type": "image_generation_call", "id": gone.output[0].id}
        with pytest.raises(openai.NotFoundError):
            drawn(client, [{"role": "user", "content": "More"}, item])


def test_pictures_come_by_data_url_by_file_and_with_a_mask(
    emulator: Any, client: Any
) -> None:
    picture, hole = painted(640, 1024), holed(640, 1024, (0, 0, 320, 320))
    file = client.files.create(file=("p.png", picture), purpose="vision")
    parts = [
        {"type": "input_text", "text": "Put it on a table"},
        {"type": "input_image", "file_id": file.id, "detail": "auto"},
        {"type": "input_image", "image_url": as_data_url(picture)},
    ]
    tool = {**TOOL, "input_image_mask": {"image_url": as_data_url(hole)}}
    messages = [{"role": "user", "content": parts}]
    answer = drawn(client, messages, tools=[tool])
    assert answer.output[0].to_dict()["action"] == "edit"
    entry = emulator.ledger()[-1]
    assert entry["n_inputs"] == 2
    assert entry["usage"]["input_tokens_details"]["image_tokens"] > 0
    # 640 x 1024 lies in two tiles by two.
    assert entry["mainline_usage"]["input_tokens"] == 5 + 2 * (85 + 4 * 170)
    plain = drawn(client, messages, tools=[{**TOOL, "action": "generate"}])
    assert plain.output[0].to_dict()["action"] == "generate"


def test_the_text_model_decides_unless_it_is_told_to_draw(
    emulator: Any, client: Any
) -> None:
    answer = drawn(client, "What can you draw?", tool_choice="auto")
    assert answer.output[0].type == "message"
    assert answer.output_text
    assert answer.tool_usage.image_gen.total_tokens == 0
    entry = emulator.ledger()[-1]
    assert (entry["billed"], entry["usage"]) == (True, None)
    assert drawn(client, "A kite", tool_choice="auto").output[0].type != "message"
    assert drawn(client, "What can you draw?").output[0].type != "message"
    assert drawn(client, "A kite", tool_choice="none").output[0].type == "message"
    emulator.fault("no_image_200")
    assert drawn(client).output[0].type == "message"


def test_a_bound_on_the_output_cuts_the_answer_short(client: Any) -> None:
    answer = drawn(client, max_output_tokens=16)
    assert (answer.status, answer.output) == ("incomplete", [])
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage.output_tokens == 16


def test_tool_usage_is_reported_zero_or_absent(emulator: Any, client: Any) -> None:
    emulator.put("profile", {"tool_usage": "zero"})
    assert drawn(client).tool_usage.image_gen.total_tokens == 0
    emulator.put("profile", {"tool_usage": "absent"})
    answer = drawn(client)
    assert answer.tool_usage is None
    assert answer.usage.total_tokens > 0
    assert all(entry["usage"]["total_tokens"] == 202 for entry in emulator.ledger())


def test_cache_writes_are_told_and_charged_from_5_6_on(
    emulator: Any, client: Any
) -> None:
    text = "x" * 4096
    for model, written in (("gpt-5.5", 0), ("gpt-5.6-terra", 1024)):
        used = drawn(client, text, model=model, tool_choice="none").usage
        assert used.input_tokens == 1024
        assert used.input_tokens_details.cache_write_tokens == written
    terra = Decimal(emulator.ledger()[-1]["price_usd"])
    expected = 1024 * Decimal("2.50") + used.output_tokens * 12
    assert terra == expected / 1_000_000


def test_a_stream_has_every_event_in_order_and_numbered(
    emulator: Any, client: Any
) -> None:
    tool = {**TOOL, "partial_images": 2}
    events = list(drawn(client, tools=[tool], stream=True))
    assert [event.type for event in events] == ORDER
    assert [event.sequence_number for event in events] == list(range(len(ORDER)))
    created, partial, done, last = (events[at] for at in (0, 5, 8, 9))
    assert (created.response.status, created.response.output) == ("in_progress", [])
    assert events[2].item.result is None
    assert (partial.partial_image_index, partial.output_index) == (0, 0)
    assert partial.item_id == done.item.id == last.response.output[0].id
    picture = Image.open(io.BytesIO(base64.b64decode(partial.partial_image_b64)))
    assert picture.size == opened(done.item).size
    assert last.response.output[0].result == done.item.result
    entry = emulator.ledger()[-1]
    assert len(entry["partials_ns"]) == 2
    assert entry["usage"]["output_tokens"] == 196 + 2 * 100
    assert drawn(client, previous_response_id=last.response.id).output


def test_a_text_and_a_cut_answer_stream_too(client: Any) -> None:
    text = list(drawn(client, "Why?", tool_choice="auto", stream=True))
    assert [event.type for event in text][2:-2] == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
    ]
    assert text[-1].response.output_text == text[4].delta
    cut = list(drawn(client, max_output_tokens=16, stream=True))
    assert [event.type for event in cut][2:] == ["response.incomplete"]


def test_an_error_event_is_yielded_and_ends_the_stream(
    emulator: Any, client: Any
) -> None:
    emulator.fault("stream_error", code="moderation_blocked")
    tool = {**TOOL, "partial_images": 3}
    *_, partial, error = drawn(client, tools=[tool], stream=True)
    assert partial.type == "response.image_generation_call.partial_image"
    assert (error.type, error.code) == ("error", "moderation_blocked")
    assert error.sequence_number == partial.sequence_number + 1
    assert emulator.ledger()[-1]["billed"] is False


@pytest.mark.parametrize("scenario", ["reset_in_body", "truncated_body"])
def test_a_stream_can_be_cut_before_its_picture(
    emulator: Any, client: Any, scenario: str
) -> None:
    emulator.fault(scenario)
    seen: list[Any] = []
    stream = drawn(client, stream=True)
    with pytest.raises(openai.APIConnectionError):
        seen.extend(stream)
    assert [event.type for event in seen] == [
        kind for kind in ORDER if "partial" not in kind
    ][:-2]
    entry = emulator.ledger()[-1]
    assert (entry["billed"], entry["cut_by_fault"]) == (True, True)


REFUSED = [
    ({"tools": [{**TOOL, "n": 1}]}, "unknown_parameter", "tools[0].n"),
    ({"tools": [{**TOOL, "quality": "ultra"}]}, "invalid_value", "tools[0].quality"),
    ({"tools": [{**TOOL, "size": "17x17"}]}, "invalid_value", "tools[0].size"),
    ({"tools": [{**TOOL, "complexity": "low"}]}, "unknown_parameter", "complexity"),
    ({"tools": [{**TOOL, "partial_images": 4}]}, "integer_above_max_value", "partial"),
    ({"tools": [{**TOOL, "action": "edit"}]}, "invalid_value", "tools[0].action"),
    ({"tools": [{**TOOL, "action": "draw"}]}, "invalid_value", "tools[0].action"),
    ({"tools": [{"type": "web_search"}]}, "invalid_value", "tools[0].type"),
    ({"tools": [{**TOOL, "model": "dall-e-3"}]}, "invalid_value", "tools[0].model"),
    ({"tools": [{**TOOL, "model": "none"}]}, "model_not_found", "tools[0].model"),
    ({"tools": [TOOL, TOOL]}, "invalid_value", "tools[1]"),
    ({"tools": []}, "invalid_value", "tool_choice"),
    ({"model": "gpt-image-2"}, "invalid_value", "model"),
    ({"model": "gpt-9"}, "model_not_found", "model"),
    ({"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens"),
    ({"metadata": {"a": 1}}, "invalid_type", "metadata.a"),
    ({"stream": "yes"}, "invalid_type", "stream"),
    ({"instructions": 7}, "invalid_type", "instructions"),
    ({"extra_body": {"size": "auto"}}, "unknown_parameter", "size"),
    ({"background": True}, "unsupported_parameter", "background"),
    ({"top_logprobs": 2}, "unsupported_parameter", "top_logprobs"),
]


@pytest.mark.parametrize(("change", "code", "param"), REFUSED)
def test_a_bad_request_is_refused_by_name(
    client: Any, change: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        drawn(client, **change)
    assert refused.value.status_code in (400, 404)
    assert refused.value.code == code
    assert param in str(refused.value.param)


BAD_INPUT = [
    (None, "missing_required_parameter", "input"),
    ([], "invalid_value", "input"),
    (7, "invalid_type", "input"),
    ([{"role": "robot", "content": "x"}], "invalid_value", "input[0].role"),
    ([{"role": "user"}], "missing_required_parameter", "input[0].content"),
    ([{"type": "music"}], "invalid_value", "input[0].type"),
    (
        [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}],
        "invalid_value",
        "input[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "input_image", "file_id": "file-x"}]}],
        "invalid_value",
        "input[0].content[0].file_id",
    ),
    (
        [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}],
        "invalid_image_file",
        "input[0].content[0].image_url",
    ),
]


@pytest.mark.parametrize(("given", "code", "param"), BAD_INPUT)
def test_bad_input_is_refused_by_its_place(
    client: Any, given: Any, code: str, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        drawn(client, given)
    assert (refused.value.code, refused.value.param) == (code, param)

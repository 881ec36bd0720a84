"""Every operation, asked by our client of a strict emulator."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bench.attempt import Billing, Cell, Outcome, Trial
from bench.client.builder import RequestBuilder
from bench.client.exchange import Exchange
from bench.client.files import Files
from bench.client.images import ImageClient
from bench.client.understood import read
from bench.endpoint import Endpoint
from bench.errors import StorageFailed
from bench.reference import Reference
from bench.transport.stamps import RequestStamps, instants_of
from tests.canned import answering
from tests.painted import as_data_url, holed, painted

if TYPE_CHECKING:
    from bench.wire.reading import Reading

FIRST, SECOND = painted(256, 256), painted(320, 256, (200, 20, 20), "JPEG")
MASK = holed(256, 256, (64, 64, 192, 192))
BYTES = {hashlib.sha256(one).hexdigest(): one for one in (FIRST, SECOND, MASK)}
TEXT_MODEL = "gpt-5.2"


def ours(content: bytes, send: Any = None) -> Reference:
    with Image.open(io.BytesIO(content)) as picture:
        kind, (width_px, height_px) = picture.format, picture.size
    return Reference(
        file="x.png",
        send=send,
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        format=str(kind).lower(),
        width_px=width_px,
        height_px=height_px,
    )


def contents(reference: Reference) -> bytes:
    return BYTES[str(reference.sha256)]


def trial(operation: str = "generate", api: str = "images", **more: Any) -> Trial:
    parameters = {"quality": "low", "size": "1024x1024", **more.pop("sent", {})}
    cell = Cell(
        endpoint="e",
        api=api,
        operation=operation,
        model=more.pop("model", "gpt-image-2"),
        mainline_model=TEXT_MODEL if api == "responses" else None,
        parameters=tuple(sorted(parameters.items())),
    )
    return Trial(
        trial_id="t",
        cell=cell,
        prompt_id="p",
        prompt_text="A red kite",
        repeat=1,
        block=0,
        position=0,
        **more,
    )


def endpoint(url: str, timeout_s: float = 60) -> Endpoint:
    named = {"name": "e", "base_url": url, "api_key_env": "K", "route": "direct"}
    return Endpoint.model_validate(
        {**named, "prices": "openai", "timeout_s": timeout_s}
    )


def ask(
    url: str, *trials: Trial, at_once: bool = False, timeout_s: float = 60
) -> list[Exchange]:
    async def go() -> list[Exchange]:
        client = ImageClient(endpoint(url, timeout_s), "sk-test", contents)
        asked = [
            client.ask(one, f"t.{n}", RequestStamps(started_ns=0))
            for n, one in enumerate(trials, 1)
        ]
        try:
            if at_once:
                return list(await asyncio.gather(*asked))
            return [await one for one in asked]
        finally:
            await client.close()

    return asyncio.run(go())


def read_one(emulator: Any, one: Trial) -> Reading:
    (answer,) = ask(emulator.url, one)
    return read(answer)


def body_of(one: Trial, **file_ids: str) -> Any:
    """What our client would send, as JSON."""
    builder = RequestBuilder(endpoint("http://x.example/v1"), "sk-test", contents)
    return json.loads(asyncio.run(builder.build(one, None, file_ids)).body)


UPLOADED = (ours(FIRST), ours(SECOND, "upload"))
EDITS = {
    "one upload": trial("edit", references=UPLOADED[:1]),
    "uploads": trial("compose", references=UPLOADED),
    "a mask": trial("inpaint", references=UPLOADED, mask=ours(MASK)),
    "as JSON": trial("compose", references=(ours(FIRST, "data_url"), *UPLOADED[1:])),
    "laid there": trial(
        "inpaint",
        references=(ours(FIRST, "file_id"), *UPLOADED),
        mask=ours(MASK, "file_id"),
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reaches_the_images_api_with_all_its_pictures(
    emulator: Any, name: str
) -> None:
    reading = read_one(emulator, EDITS[name])
    assert reading.outcome is Outcome.OK, reading.error_message
    assert len(reading.pictures) == 1
    assert reading.usage is not None
    assert reading.usage["input_image_tokens"]
    entry = emulator.ledger()[-1]
    assert entry["operation"] == "edit"
    assert entry["n_inputs"] == len(EDITS[name].references)
    # Written once, it is the same bytes each time.
    reading, again = map(read, ask(emulator.url, EDITS[name], EDITS[name]))
    assert (reading.outcome, again.outcome) == (Outcome.OK, Outcome.OK)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reaches_the_responses_api_with_all_its_pictures(
    emulator: Any, name: str
) -> None:
    cell = replace(EDITS[name].cell, api="responses", mainline_model=TEXT_MODEL)
    reading = read_one(emulator, replace(EDITS[name], cell=cell))
    assert reading.outcome is Outcome.OK, reading.error_message
    assert len(reading.pictures) == 1
    assert reading.mainline is not None
    assert emulator.ledger()[-1]["operation"] == "response"


def test_pictures_by_address_and_by_the_endpoints_own_name_go_as_json(
    emulator: Any,
) -> None:
    there = emulator.put_picture("a.png", FIRST)
    url = Reference(url=there)
    reading = read_one(emulator, trial("compose", references=(url, *UPLOADED)))
    assert reading.outcome is Outcome.OK, reading.error_message
    named = trial("edit", references=(Reference(file_id="file-abcdef"),))
    body = body_of(replace(named, mask=ours(MASK)))
    assert body["images"] == [{"file_id": "file-abcdef"}]
    assert body["mask"] == {"image_url": as_data_url(MASK)}
    assert read_one(emulator, named).outcome is Outcome.CLIENT_ERROR


def test_a_variation_sends_its_picture_and_no_prompt(emulator: Any) -> None:
    sent = {"size": "256x256", "response_format": "b64_json"}
    one = trial("variation", model="dall-e-2", sent=sent, references=UPLOADED[:1])
    parameters = tuple(p for p in one.cell.parameters if p[0] != "quality")
    one = replace(one, cell=replace(one.cell, parameters=parameters))
    reading = read_one(emulator, one)
    assert reading.outcome is Outcome.OK, reading.error_message
    assert emulator.ledger()[-1]["operation"] == "variation"


def test_a_request_is_written_once_for_all_that_it_says() -> None:
    one = trial("converse", "responses", references=UPLOADED[:1])
    others = (
        replace(one, prompt_text="A blue kite"),
        replace(one, references=UPLOADED[1:]),
        replace(one, mask=ours(MASK)),
        replace(one, previous_response_id="resp_1"),
        trial("inpaint", references=UPLOADED, mask=ours(MASK)),
    )

    async def go() -> None:
        builder = RequestBuilder(endpoint("http://x.example/v1"), "sk-test", contents)
        written = [await builder.build(each) for each in (one, *others)]
        assert len({sealed.body for sealed in written}) == len(written)
        again = [await builder.build(replace(each, trial_id="u")) for each in others]
        assert all(a is b for a, b in zip(written[1:], again, strict=True))
        laid = replace(one, references=(ours(FIRST, "file_id"),))
        digest = str(ours(FIRST).sha256)
        names = [{digest: "file-1"}, {digest: "file-2"}]
        bodies = [(await builder.build(laid, None, ids)).body for ids in names]
        assert b"file-1" in bodies[0]
        assert b"file-2" in bodies[1]

    asyncio.run(go())


def test_what_the_tool_does_not_take_is_said_to_the_text_model() -> None:
    sent = {"stream": True, "partial_images": 2, "safety_identifier": "u1"}
    body = body_of(trial(api="responses", sent={**sent, "output_format": "webp"}))
    assert body == {
        "model": TEXT_MODEL,
        "input": "A red kite",
        "tools": [
            {
                "type": "image_generation",
                "model": "gpt-image-2",
                "quality": "low",
                "size": "1024x1024",
                "output_format": "webp",
                "partial_images": 2,
            }
        ],
        "tool_choice": {"type": "image_generation"},
        "max_output_tokens": 2048,
        "store": False,
        "stream": True,
        "safety_identifier": "u1",
    }
    author = {"svg_model": "gpt-5.2", "svg_effort": "low", "output_format": "svg"}
    drawn = body_of(trial(sent=author))
    assert drawn["svg"] == {"model": "gpt-5.2", "reasoning": {"effort": "low"}}


def test_a_conversation_goes_on_from_the_answer_before(emulator: Any) -> None:
    first = trial("converse", "responses", references=UPLOADED[:1])
    reading = read_one(emulator, first)
    assert reading.response_id is not None
    said = {"references": (), "after": "t", "prompt_text": "Now at night"}
    second = replace(first, previous_response_id=reading.response_id, **said)
    body = body_of(second)
    assert body["previous_response_id"] == reading.response_id
    assert body["store"] is True
    following = read_one(emulator, second)
    assert following.outcome is Outcome.OK, following.error_message
    assert following.response_id not in {None, reading.response_id}
    lost = replace(second, previous_response_id="resp_unknown")
    assert read_one(emulator, lost).error_code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("operation", "api"), [("generate", "images"), ("edit", "responses")]
)
def test_a_stream_brings_partials_and_the_instant_of_each(
    emulator: Any, api: str, operation: str
) -> None:
    emulator.put(
        "profile",
        {
            "time_scale": 1,
            "service_time": {"distribution": "constant", "median_s": 1.5, "sigma": 0},
        },
    )
    along = UPLOADED if operation == "edit" else ()
    sent = {"stream": True, "partial_images": 2}
    (answer,) = ask(emulator.url, trial(operation, api, sent=sent, references=along))
    reading = read(answer)
    assert reading.outcome is Outcome.OK, reading.error_message
    assert len(reading.partial_ends) == 2
    first_ns, second_ns = instants_of(answer.arrived, reading.partial_ends)
    stamps = answer.stamps
    assert stamps.sent_ns is not None
    assert stamps.kernel_last_byte_ns is not None
    assert stamps.sent_ns < first_ns < second_ns < stamps.kernel_last_byte_ns
    told_ns = emulator.ledger()[-1]["partials_ns"]
    # Each is its own: the emulator had not sent the next by then.
    assert first_ns < told_ns[1]
    assert told_ns[0] < second_ns
    assert answer.body is not None
    assert answer.arrived[-1][0] == len(answer.body)


def test_a_stream_that_stalls_ends_at_its_deadline_with_what_came(
    emulator: Any,
) -> None:
    emulator.fault("stream_stall")
    # A JPEG is soon drawn, so that the first partial is there long before.
    sent = {"stream": True, "partial_images": 2, "output_format": "jpeg"}
    (answer,) = ask(emulator.url, trial(sent=sent), timeout_s=4)
    reading = read(answer)
    assert answer.failure == "timeout"
    assert (reading.outcome, reading.error_code) == (Outcome.UNUSABLE, "cut_body")
    assert reading.billing is Billing.BILLED_UNUSABLE
    assert answer.body
    assert answer.arrived


def test_a_picture_is_laid_there_once_for_all_who_need_it(emulator: Any) -> None:
    one = trial("edit", references=(ours(FIRST, "file_id"),))
    answers = ask(emulator.url, one, one, one, at_once=True)
    assert {read(answer).outcome for answer in answers} == {Outcome.OK}
    operations = [entry["operation"] for entry in emulator.ledger()]
    assert operations.count("file") == 1
    assert operations.count("edit") == 3
    for answer in answers:
        stamps = answer.stamps
        assert stamps.uploads_ns > 0
        assert stamps.write_started_ns is not None
        assert stamps.started_ns <= stamps.write_started_ns


def test_a_picture_laid_there_leaves_after_a_week(emulator: Any) -> None:
    one = trial("edit", references=(ours(FIRST, "file_id"),))
    (answer,) = ask(emulator.url, one)
    assert read(answer).outcome is Outcome.OK
    (laid,) = emulator.get("/files?limit=1").json()["data"]
    assert laid["expires_at"] - laid["created_at"] == 7 * 24 * 3600


def test_a_picture_that_is_needed_for_days_is_laid_there_anew() -> None:
    laid: list[Reference] = []
    clock = [0.0]

    async def upload(reference: Reference) -> Exchange:
        laid.append(reference)
        body = b'{"id": "file-%d"}' % len(laid)
        return Exchange(stamps=RequestStamps(started_ns=0), status=200, body=body)

    async def asked() -> list[str]:
        files, found = Files(upload, now_s=lambda: clock[0]), list[str]()
        for hours in (0, 23, 25, 48, 50):
            clock[0] = hours * 3600.0
            ids = await files.ids_of((ours(FIRST, "file_id"),))
            found += ids.values()
        return found

    found = asyncio.run(asked())
    assert found == ["file-1", "file-1", "file-2", "file-2", "file-3"]


def test_without_its_picture_there_nothing_is_asked(emulator: Any) -> None:
    one = trial("edit", references=(ours(FIRST, "file_id"),))
    for scenario, outcome, stops in (
        ("rate_limited", Outcome.RATE_LIMITED, None),
        ("unauthorized", Outcome.CLIENT_ERROR, "credentials"),
        ("server_error", Outcome.SERVER_ERROR, None),
    ):
        emulator.fault(scenario, when={"path": "/v1/files"})
        (answer,) = ask(emulator.url, one)
        reading = read(answer)
        assert (reading.outcome, reading.stops) == (outcome, stops)
        assert reading.billing is Billing.NOT_SENT
        assert (reading.error_type, answer.stamps.sent_ns) == ("upload_failed", None)
        assert reading.error_message is not None
        assert reading.error_message.startswith("the upload of x.png failed")
    assert "edit" not in [entry["operation"] for entry in emulator.ledger()]
    with answering(200, {"object": "file"}) as server:
        reading = read(*ask(server.url, one))
    assert (reading.outcome, reading.billing) == (
        Outcome.SERVER_ERROR,
        Billing.NOT_SENT,
    )


def test_a_picture_that_is_gone_keeps_its_request_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_: Reference) -> bytes:
        raise StorageFailed("inputs/ab/abcd.png: can't be read; put it back")

    monkeypatch.setitem(globals(), "contents", gone)
    for send in (None, "file_id"):
        one = trial("edit", references=(ours(FIRST, send),))
        reading = read(*ask("http://127.0.0.1:9/v1", one))
        assert (reading.outcome, reading.billing) == (
            Outcome.CLIENT_ERROR,
            Billing.NOT_SENT,
        )
        assert reading.error_message is not None
        assert reading.error_message.startswith("inputs/ab/abcd.png")

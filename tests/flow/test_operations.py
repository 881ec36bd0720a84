"""Every operation as a program asks for it, against a real emulator."""

import asyncio
import base64
import inspect
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.inputs.reading import opened_content
from pixelmeter import Answer, BadInput, Endpoint, Meter, NotSent, SyncMeter

ASKED: dict[str, Any] = {"quality": "low", "size": "1024x1024"}
TALKED: dict[str, Any] = {**ASKED, "mainline_model": "gpt-4.1-mini"}


def png(colour: str = "red", *, alpha: bool = False, side_px: int = 64) -> bytes:
    mode, filled = ("RGBA", (0, 0, 0, 0)) if alpha else ("RGB", colour)
    target = BytesIO()
    Image.new(mode, (side_px, side_px), filled).save(target, "PNG")
    return target.getvalue()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, desk: Any) -> None:
    monkeypatch.setenv("PX_KEY", desk.key)
    monkeypatch.chdir(desk.folder)


@pytest.fixture
def picture(desk: Any) -> Path:
    path = desk.folder / "in.png"
    path.write_bytes(png())
    return path


def endpoint(double: Any, **changes: Any) -> Endpoint:
    written = {
        "name": "direct",
        "base_url": double.url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        "api": ["images", "responses"],
        **changes,
    }
    return Endpoint.model_validate(written)


def in_meter(work: Callable[[Meter], Any], double: Any, **wishes: Any) -> Any:
    async def program() -> Any:
        async with Meter(endpoint(double), **wishes) as meter:
            return await work(meter)

    return asyncio.run(program())


def test_a_picture_of_each_kind_is_sent_along_and_kept(
    desk: Any, direct: Any, picture: Path
) -> None:
    data_url = f"data:image/png;base64,{base64.b64encode(png('blue')).decode()}"

    async def ask(meter: Meter) -> list[Answer]:
        return [
            await meter.edit("Make it blue", picture, **ASKED),
            await meter.edit("Make it green", png("green"), **ASKED),
            await meter.compose("Together", [str(picture), data_url], **ASKED),
            await meter.edit("As a file", picture, send="file_id", **ASKED),
        ]

    answers = in_meter(ask, direct)
    assert [answer.why for answer in answers if not answer.ok] == []
    charges = [answer.charge_usd for answer in answers]
    assert sum(charges) == direct.total_usd
    assert all(answer.usage["input_image_tokens"] for answer in answers)
    operations = [cell["operation"] for cell in desk.records("cell")]
    assert sorted(operations) == ["compose", "edit"]
    kept = sorted((desk.data / "inputs").glob("*/*.png"))
    assert sorted(path.read_bytes() for path in kept) == sorted(
        [png(), png("green"), png("blue")]
    )


def test_a_mask_is_checked_before_anything_is_sent(direct: Any, picture: Path) -> None:
    async def ask(meter: Meter) -> Answer:
        with pytest.raises(BadInput, match="no alpha channel"):
            await meter.inpaint("A hat", picture, png("white"), **ASKED)
        mask = png(alpha=True, side_px=32)
        with pytest.raises(BadInput, match="both have to be of one size"):
            await meter.inpaint("A hat", picture, mask, **ASKED)
        for unseen in ("https://example.org/m.png", "file-abcdef123"):
            with pytest.raises(BadInput, match="should be a file of yours"):
                await meter.inpaint("A hat", picture, unseen, **ASKED)
        # One that a program opened before is looked at all the same.
        await meter.edit("A hat", png("white"), **ASKED)
        opaque, _ = opened_content("mask.png", png("white"))
        with pytest.raises(BadInput, match="no alpha channel"):
            await meter.inpaint("A hat", picture, opaque, **ASKED)
        return await meter.inpaint("A hat", picture, png(alpha=True), **ASKED)

    assert in_meter(ask, direct).ok
    assert len(direct.posts) == 2


def test_what_can_not_be_sent_along_is_told_and_nothing_is_sent(
    desk: Any, direct: Any, picture: Path
) -> None:
    (desk.folder / "a.pdf").write_bytes(b"%PDF-1.7 and more")
    (desk.folder / "cut.png").write_bytes(picture.read_bytes()[:80])
    (desk.folder / "link.png").symlink_to(picture)

    async def ask(meter: Meter) -> None:
        for name, why in (
            ("a.pdf", "is a PDF"),
            ("cut.png", "damaged, cut short"),
            ("link.png", "is a symbolic link"),
            ("none.png", "can't be read .*; name a picture file that is there"),
            ("ftp://a.org/b.png", "url should be a whole address"),
            ("https://a.org/b c.png", "no white space"),
            ("data:image/png;base64,@@", "^a picture to be sent along: a data URL"),
        ):
            with pytest.raises(BadInput, match=why):
                await meter.edit("A hat", name, **ASKED)
        with pytest.raises(BadInput, match="17"):
            await meter.compose("All", [picture] * 17, **ASKED)
        with pytest.raises(BadInput, match="variation"):
            await meter.variation(picture, model="gpt-image-2")

    in_meter(ask, direct)
    assert direct.posts == []


@pytest.mark.parametrize("api", ["images", "responses"])
def test_a_stream_tells_when_its_partial_pictures_came(direct: Any, api: str) -> None:
    direct.serves_in(0.6)
    asked = TALKED if api == "responses" else ASKED

    async def ask(meter: Meter) -> Answer:
        return await meter.generate(
            "A kite", api=api, stream=True, partial_images=2, **asked
        )

    answer = in_meter(ask, direct)
    assert answer.ok, answer.why
    first_s, second_s = answer.partials_s
    assert 0 < first_s < second_s < (answer.timings.service_s or 0)
    assert answer.timings.first_partial_s == first_s
    assert answer.charge_usd == direct.total_usd


def test_each_turn_has_its_time_and_charge_and_goes_on_from_the_one_before(
    desk: Any, direct: Any, picture: Path
) -> None:
    async def ask(meter: Meter) -> Any:
        talk = meter.conversation(**TALKED)
        await talk.say("A hat for it", [picture])
        await talk.say("In blue")
        direct.fault("server_error", times=1)
        failed = await talk.say("Larger")
        again = await talk.say("Larger")
        return talk, failed, again

    talk, failed, again = in_meter(ask, direct)
    assert [answer.ok for answer in talk.answers] == [True, True, False, True]
    assert talk.charge_usd is None
    assert talk.possibly_billed_usd == failed.possibly_billed_usd > 0
    known = [a.charge_usd for a in talk.answers if a.ok]
    assert sum(known) == direct.total_usd
    assert all(a.usage["mainline_input_tokens"] for a in talk.answers if a.ok)
    trials = {one["trial_id"]: one for one in desk.records("trial")}
    second = talk.answers[1].trial_id
    assert trials[again.trial_id]["after"] == trials[failed.trial_id]["after"] == second
    assert [p.get("turn") for p in desk.records("prompt")] == [1, 2, 3, 4]


def test_the_legacy_profile_makes_variations(
    start_double: Callable[..., Any], picture: Path
) -> None:
    legacy = start_double("--profile", "legacy", "--time-scale", "0")
    gateway = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}

    async def program() -> Answer:
        place = endpoint(legacy, route="gateway", prices=gateway)
        async with Meter(place) as meter:
            return await meter.variation(picture, size="256x256")

    answer = asyncio.run(program())
    assert answer.ok, answer.why
    assert (answer.model, answer.image.width_px) == ("dall-e-2", 256)


def test_the_twin_has_every_operation(direct: Any, picture: Path) -> None:
    ours = {name for name in vars(SyncMeter) if not name.startswith("_")}
    theirs = {name for name, _ in inspect.getmembers(Meter) if name[0] != "_"}
    assert theirs - ours == {"ask", "wrap_any"}
    told: list[Answer] = []
    with SyncMeter(endpoint(direct), on_answer=told.append) as meter:
        edited = meter.edit("Make it blue", picture, **ASKED)
        talk = meter.conversation(**TALKED)
        talk.say("A kite")
        talk.say("At night")
        charged = meter.charge_usd
    assert edited.ok
    assert talk.charge_usd is not None
    assert edited.charge_usd is not None
    assert charged == edited.charge_usd + talk.charge_usd == direct.total_usd
    assert told == [edited, *talk.answers]
    assert talk.answers[1].response_id


def test_the_cap_holds_for_conversations(direct: Any) -> None:
    async def ask(meter: Meter) -> None:
        with pytest.raises(NotSent, match="leaves no room"):
            await meter.conversation(**TALKED).say("A kite")

    in_meter(ask, direct, max_cost_usd=Decimal("0.001"))
    assert direct.posts == []

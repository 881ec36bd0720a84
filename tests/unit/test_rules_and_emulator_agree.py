"""The harness's rules against the emulator's checks: neither copies the other."""

import asyncio
import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

from bench.attempt import Cell, Trial
from bench.client.builder import RequestBuilder
from bench.client.wording import call_of
from bench.emulator.catalogue import served
from bench.emulator.checks import checked, model_of
from bench.emulator.edits import checked_form, checked_json
from bench.emulator.forms import Form, read_form
from bench.emulator.mainline import text_models_served
from bench.emulator.multipart import parts_of
from bench.emulator.options import Profile
from bench.emulator.refusals import RefusedError
from bench.emulator.response_checks import asked
from bench.emulator.state import Emulator
from bench.emulator.variations import checked_variation
from bench.endpoint import Endpoint, Route
from bench.errors import BadInput
from bench.prompt import Prompt
from bench.reference import Reference
from bench.rules.asked import check_asked
from bench.transport.sealed import Sealed
from tests.painted import holed, painted

EMULATOR = Emulator(
    models=served(Profile.LEGACY),
    text_models=text_models_served(Profile.LEGACY),
    origin="http://127.0.0.1:1",
)
GATEWAY = Endpoint(
    name="half",
    base_url="http://127.0.0.1:1/v1",
    api_key_env="KEY",
    route=Route.GATEWAY,
    prices="openai",
)
PICTURE, MASK = painted(64, 64), holed(64, 64, (9, 9, 20, 20))
KEPT = {hashlib.sha256(content).hexdigest(): content for content in (PICTURE, MASK)}
# One of each family.
MODELS = (
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-1",
    "gpt-image-1-mini",
    "dall-e-3",
    "dall-e-2",
)
VALUES: dict[str, tuple[Any, ...]] = {
    "background": ("auto", "opaque", "transparent"),
    "complexity": ("low", "high"),
    "frame_count": (2, 16, 17),
    "frame_duration_ms": (10, 655_350),
    "input_fidelity": ("low", "high"),
    "max_output_tokens": (15, 16, 2048),
    "moderation": ("auto", "low", "high"),
    "n": (0, 1, 2, 10, 11),
    "output_compression": (0, 50, 100, 101),
    "output_format": ("png", "jpeg", "webp", "gif", "svg"),
    "partial_images": (0, 3, 4),
    "quality": ("auto", "low", "high", "xhigh", "max", "standard", "hd"),
    "response_format": ("url", "b64_json"),
    "safety_identifier": ("s",),
    "size": (
        *("auto", "1024x1024", "256x256", "1792x1024", "1024x1792", "1024x1536"),
        *("1024x640", "1008x640", "2880x2880", "3840x1280", "3840x1264", "3856x1296"),
    ),
    "store": (True, False),
    "stream": (True, False),
    "style": ("vivid",),
    "svg_effort": ("low",),
    "svg_model": ("gpt-5.2",),
    "user": ("u",),
}
PLACES = (
    *product(("generate", "edit", "compose", "inpaint"), ("images", "responses")),
    ("converse", "responses"),
    ("variation", "images"),
)
# Where what holds at another place need not be asked again.
ALIKE = {("compose", "images"), ("compose", "responses"), ("edit", "responses")}
MARKED_SHARE = 0.3
N_INPUTS = {"generate": 0, "compose": 2}


def content_of(one: Reference) -> bytes:
    return KEPT[str(one.sha256)]


def reference(content: bytes, send: Any) -> Reference:
    return Reference(
        file="a.png",
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        format="png",
        width_px=64,
        height_px=64,
        send=send,
    )


def trial(
    model: str,
    place: tuple[str, str],
    parameters: dict[str, Any],
    send: str | None = None,
    text: str = "A kite",
    *,
    marks: bool = False,
) -> Trial:
    operation, api = place
    cell = Cell(
        endpoint="half",
        api=api,
        operation=operation,
        model=model,
        mainline_model="gpt-5.2" if api == "responses" else None,
        parameters=tuple(sorted(parameters.items())),
    )
    return Trial(
        trial_id="t",
        cell=cell,
        prompt_id="a",
        prompt_text=text,
        repeat=1,
        block=0,
        position=0,
        references=(reference(PICTURE, send),) * N_INPUTS.get(operation, 1),
        mask=reference(MASK, send) if operation in ("inpaint", "converse") else None,
        markup=reference(MASK, send) if marks else None,
    )


def day() -> date:
    return datetime.now(UTC).date()


def passes(one: Trial) -> bool:
    """Whether our rules let it through."""
    prompt = Prompt(
        id="a",
        text=one.prompt_text,
        inputs=one.references,
        mask=one.mask,
        markup=one.markup,
    )
    try:
        check_asked((one.cell,), (prompt,), (GATEWAY,), day())
    except BadInput:
        return False
    return True


def check_form(sent: Sealed, *, varies: bool) -> None:
    form = read_form(parts_of(sent.body, sent.template.headers["content-type"]))
    if varies:
        model = model_of(form.fields, EMULATOR.models)
        checked_variation(form.noted(), form, model)
    else:
        checked_form(EMULATOR, form)


async def check(builder: RequestBuilder, one: Trial) -> None:
    """Have the emulator check a trial; a form as the library writes it."""
    call = call_of(one, content_of, {})
    if call.method in ("images.edit", "images.create_variation"):
        varies = call.method == "images.create_variation"
        check_form(await builder.build(one), varies=varies)
    elif call.method == "responses.create":
        asked(EMULATOR, call.named)
    elif call.method == "/images/edits":
        checked_json(EMULATOR, Form(fields=call.named))
    else:
        checked(call.named, EMULATOR.models)


def told(trials: Sequence[Trial]) -> list[str]:
    """Why the emulator refuses trials."""

    async def all_checked() -> list[str]:
        builder = RequestBuilder(GATEWAY, "sk-x", content_of)
        found: list[str] = []
        for one in trials:
            try:
                await check(builder, one)
            except RefusedError as error:
                why = error.refusal
                found.append(f"{one.cell}: {why.param}: {why.message}")
        return found

    return asyncio.run(all_checked())


def refused(trials: Iterable[Trial]) -> list[str]:
    """What our rules let through and the emulator refuses, and why."""
    return told([one for one in trials if passes(one)])


def each_alone() -> Iterator[Trial]:
    for model, place in product(MODELS, (p for p in PLACES if p not in ALIKE)):
        for name, values in VALUES.items():
            yield from (trial(model, place, {name: value}) for value in values)
        yield trial(model, place, {"moderation": "low"}, send="data_url")
        yield trial(model, place, {}, marks=True)


def test_no_parameter_that_passes_our_rules_is_refused() -> None:
    assert refused(each_alone()) == []


def some_together() -> Iterator[Trial]:
    dice = random.Random(6)
    for _ in range(6000):
        names = dice.sample(sorted(VALUES), dice.randint(2, 4))
        parameters = {name: dice.choice(VALUES[name]) for name in names}
        send = dice.choice([None, "data_url"])
        marks = dice.random() < MARKED_SHARE
        place = dice.choice(PLACES)
        yield trial(dice.choice(MODELS), place, parameters, send, marks=marks)


def test_no_combination_that_passes_our_rules_is_refused() -> None:
    trials = list(some_together())
    assert sum(map(passes, trials)) > 100
    assert refused(trials) == []


def test_every_trial_that_asks_for_an_svg_or_marks_up_and_passes_is_taken() -> None:
    new = "gpt-image-2.6-sunburst"
    svg = {"output_format": "svg", "svg_model": "gpt-5.2", "svg_effort": "low"}
    places = [place for place in PLACES if place[0] != "variation"]
    drawn = [trial(new, place, svg) for place in places]
    marked = [
        trial(model, (operation, "images"), parameters, marks=True)
        for model in ("gpt-image-2.5-flare", new)
        for operation in ("edit", "compose")
        for parameters in ({}, svg if model == new else {})
    ]
    assert [str(one.cell) for one in (*drawn, *marked) if not passes(one)] == []
    assert refused((*drawn, *marked)) == []
    # The emulator would not miss a markup that was left out.
    sent = [call_of(one, content_of, {}).named["markup"] for one in marked]
    assert {content for _, content, _ in sent} == {MASK}


def test_a_markup_that_the_emulator_refuses_passes_our_rules_neither() -> None:
    old, new = "gpt-image-2", "gpt-image-2.5-flare"
    wrong = (
        trial(old, ("edit", "images"), {}, marks=True),
        trial(new, ("inpaint", "images"), {}, marks=True),
    )
    assert not any(map(passes, wrong))
    older, masked = told(wrong)
    assert "markup" in older
    assert "'markup' can't be combined with 'mask'" in masked
    # No other request has a word for it, and none may leave it out unsaid.
    others = (
        trial(new, ("edit", "responses"), {}, marks=True),
        trial(new, ("edit", "images"), {}, send="data_url", marks=True),
        trial(new, ("generate", "images"), {}, marks=True),
    )
    assert not any(map(passes, others))


def test_a_gif_inside_a_mask_passes_neither() -> None:
    gif = trial(
        "gpt-image-2.6-sunburst", ("converse", "responses"), {"output_format": "gif"}
    )
    assert not passes(gif)
    (why,) = told([gif])
    assert "tools[0].input_image_mask" in why


def test_the_longest_prompt_that_passes_is_taken_by_both_apis() -> None:
    longest = [
        trial("gpt-image-2", ("generate", api), {}, text="x" * 32_000)
        for api in ("images", "responses")
    ]
    assert all(map(passes, longest))
    assert refused(longest) == []


def test_a_picture_of_as_many_bytes_as_the_emulator_refuses_is_refused() -> None:
    one = trial("gpt-image-2", ("edit", "images"), {})
    (picture,) = one.references
    for n_bytes, fits in ((49_999_999, True), (50_000_000, False)):
        large = picture.model_copy(update={"n_bytes": n_bytes})
        prompt = Prompt(id="a", text="A kite", inputs=(large,))
        try:
            check_asked((one.cell,), (prompt,), (GATEWAY,), day())
        except BadInput:
            assert not fits
        else:
            assert fits

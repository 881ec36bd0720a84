"""What may be asked: operations, APIs, models and pictures that go together."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bench.attempt import Cell
from bench.endpoint import Endpoint, Route
from bench.errors import BadInput
from bench.prompt import Prompt
from bench.reference import Reference
from bench.rules.asked import check_asked
from bench.rules.life import note_on_life, notes_on_life

DAY = date(2026, 11, 22)
DIRECT = Endpoint(
    name="openai",
    base_url="https://api.openai.com/v1",
    api_key_env="OPENAI_API_KEY",
    route=Route.DIRECT,
    prices="openai",
)
GATEWAY = DIRECT.model_copy(update={"name": "half", "route": Route.GATEWAY})
PNG = Reference(
    file="a.png", sha256="0" * 64, n_bytes=1_000, format="png", width_px=8, height_px=8
)
WEB = Reference(url="https://example.org/a.png")


EDIT: dict[str, Any] = {
    "operation": "edit",
    "api": "images",
    "model": "gpt-image-1.5",
    "mainline": None,
    "inputs": (PNG,),
    "mask": None,
    "day": DAY,
    "endpoint": DIRECT,
}


def _check(**changes: Any) -> None:
    """Check an edit with changes; what is no word of it is a parameter."""
    asked = {**EDIT, **changes}
    cell = Cell(
        endpoint=asked["endpoint"].name,
        api=asked["api"],
        operation=asked["operation"],
        model=asked["model"],
        mainline_model=asked["mainline"],
        parameters=tuple(sorted((k, v) for k, v in asked.items() if k not in EDIT)),
    )
    prompt = Prompt(id="a", text="A kite", inputs=asked["inputs"], mask=asked["mask"])
    check_asked((cell,), (prompt,), (asked["endpoint"],), asked["day"])


MANY = (PNG,) * 16
TOOL: dict[str, Any] = {"api": "responses", "mainline": "gpt-4.1-mini"}
DALL_E: dict[str, Any] = {"model": "dall-e-2", "endpoint": GATEWAY}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"operation": "generate", "inputs": ()},
        {"operation": "compose", "inputs": MANY},
        {"operation": "compose", "inputs": (PNG, WEB, Reference(file_id="file-1"))},
        {"operation": "inpaint", "mask": PNG, "inputs": (PNG, PNG)},
        {**TOOL, "operation": "inpaint", "mask": PNG},
        {**TOOL, "operation": "converse", "inputs": ()},
        {**DALL_E, "operation": "variation", "size": "256x256", "n": 2},
        {"input_fidelity": "high"},
        {"inputs": (PNG.model_copy(update={"send": "data_url"}),), "moderation": "low"},
        {"endpoint": GATEWAY, "model": "gpt-image-1"},
        {"model": "gpt-image-1", "day": date(2026, 10, 22)},
        {"model": "a-model-nobody-knows", "endpoint": GATEWAY},
    ],
)
def test_what_goes_together_passes(asked: dict[str, Any]) -> None:
    _check(**asked)


LARGE = PNG.model_copy(update={"n_bytes": 16_000_000})


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"inputs": ()}, "prompt 'a': inputs: 0; an edit starts from one picture"),
        ({"inputs": (PNG, PNG)}, "inputs: 2; .*operation: compose"),
        ({"operation": "compose", "inputs": (*MANY, PNG)}, "inputs: 17; .* 1 to 16"),
        ({"operation": "generate"}, "inputs: 1; .*operation: edit"),
        ({"operation": "inpaint"}, "mask: there is none; .*pixelmeter mask IN OUT"),
        ({"mask": PNG}, "mask: operation edit has none; .*inpaint for a mask"),
        ({"operation": "variation"}, "no variation; it can .*only dall-e-2 ever"),
        ({"operation": "converse"}, "operation: .* set api: responses"),
        (
            {**TOOL, "operation": "variation", **DALL_E},
            "variation is not offered by api responses; set api: images",
        ),
        ({"api": "responses"}, "mainline_model: .*none is named; add it"),
        ({"mainline": "gpt-4.1-mini"}, "mainline_model: only the Responses API"),
        (
            {"api": "responses", "mainline": "gpt-image-2"},
            "'gpt-image-2' makes pictures and can't drive the image tool",
        ),
        (
            {**TOOL, **DALL_E, "operation": "generate", "inputs": ()},
            "api: dall-e-2 can't be used by the image tool",
        ),
        (
            {"model": "gpt-image-1"},
            "was shut down on 2026-10-23; ask gpt-image-2, or ask a gateway",
        ),
        (
            {"model": "gpt-image-2.6-flare", "day": date(2026, 11, 3)},
            "gpt-image-2.6-flare is served from 2026-11-04 on, and today is 2026-11-03",
        ),
        (
            {"api": "responses", "mainline": "gpt-4.1-nano"},
            "mainline_model: gpt-4.1-nano was shut down on 2026-10-23",
        ),
        (
            {**TOOL, "operation": "converse", "inputs": (), "store": False},
            "store: a conversation goes on from answers that are stored; leave store",
        ),
        ({"moderation": "low"}, "moderation: .*add send: data_url"),
        ({**TOOL, "inputs": (LARGE,)}, "characters as a data URL, .*send: file_id"),
        (
            {**DALL_E, "inputs": (PNG.model_copy(update={"width_px": 9}),)},
            "dall-e-2 takes a square PNG alone",
        ),
        ({**DALL_E, "inputs": (WEB,)}, "dall-e-2 takes a picture as an upload alone"),
        (
            {**DALL_E, "inputs": (PNG.model_copy(update={"n_bytes": 4_000_000}),)},
            "4,000,000 bytes; dall-e-2 takes at most 3,999,999",
        ),
        (
            {**DALL_E, "operation": "variation", "user": "x", "quality": "standard"},
            "quality: a variation refuses it",
        ),
    ],
)
def test_what_does_not_is_refused_with_the_cure(
    asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        _check(**asked)
    assert "\n" not in str(refusal.value)


def test_what_its_maker_shut_down_is_noted_once_for_each_endpoint() -> None:
    cells = tuple(
        Cell(
            endpoint=name,
            api="images",
            operation="generate",
            model=model,
            parameters=(("n", n),),
        )
        for name in ("openai", "half")
        for model in ("gpt-image-1", "gpt-image-2")
        for n in (1, 2)
    )
    direct, gateway = notes_on_life(cells, (DIRECT, GATEWAY), DAY)
    gone = "gpt-image-1 was shut down by its maker on 2026-10-23; endpoint "
    assert direct == f"{gone}openai refuses it"
    assert gateway.startswith(f"{gone}half is a gateway and may still sell it")


@pytest.mark.parametrize(
    ("endpoint", "day", "said"),
    [
        (DIRECT, date(2026, 10, 1), None),
        (DIRECT, date(2026, 10, 2), "in 60 days; ask gpt-image-2 from then on"),
        (DIRECT, date(2026, 11, 30), "in 1 day; ask gpt-image-2 from then on"),
        (GATEWAY, DAY, "in 9 days; endpoint half is a gateway and may sell it longer"),
    ],
)
def test_a_models_end_is_told_sixty_days_before(
    endpoint: Endpoint, day: date, said: str | None
) -> None:
    note = note_on_life(endpoint, "gpt-image-1.5", day)
    begins = "gpt-image-1.5 is shut down by its maker on 2026-12-01, "
    assert note == (None if said is None else begins + said)


def test_a_text_models_end_is_told_too() -> None:
    cell = Cell(
        endpoint="openai",
        api="responses",
        operation="generate",
        model="gpt-image-2",
        parameters=(),
        mainline_model="gpt-4.1-nano",
    )
    svg = (("output_format", "svg"), ("svg_model", "gpt-4.1-nano"))
    author = replace(cell, api="images", mainline_model=None, parameters=svg)
    for asked in ((cell,), (author,), (cell, author)):
        (note,) = notes_on_life(asked, (DIRECT,), date(2026, 10, 22))
        assert note == (
            "gpt-4.1-nano is shut down by its maker on 2026-10-23, in 1 day; "
            "ask another from then on"
        )

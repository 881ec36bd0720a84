"""Edits, streams and conversations from the command line."""

import signal
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

LOW = ("--quality", "low", "--size", "1024x1024")
DRIVEN = ("--mainline-model", "gpt-4.1-mini")


@pytest.fixture(autouse=True)
def pictures(desk: Any, direct: Any) -> Path:
    desk.endpoint(direct.url, api=["images", "responses"])
    for name, mode, filled in (
        ("in.png", "RGB", "red"),
        ("mask.png", "RGBA", (0, 0, 0, 0)),
    ):
        target = BytesIO()
        Image.new(mode, (64, 64), filled).save(target, "PNG")
        (desk.folder / name).write_bytes(target.getvalue())
    return desk.folder


def generate(desk: Any, *options: object) -> Any:
    return desk.pixelmeter("generate", "--endpoints", desk.endpoints, *LOW, *options)


def test_the_operation_follows_from_what_is_given(
    desk: Any, start_double: Callable[..., Any]
) -> None:
    # What takes input_fidelity is shut down on 2026-12-01; a gateway sells it longer.
    legacy = start_double("--profile", "legacy", "--time-scale", "0")
    desk.endpoint(legacy.url, route="gateway")
    image, mask = ("--image", "in.png"), ("--mask", "mask.png")
    for options, operation in (
        (("A hat", *image), "edit"),
        (("A hat", *image, *image), "compose"),
        (("A hat", *image, *mask, "--input-fidelity", "high"), "inpaint"),
    ):
        model = ("--model", "gpt-image-1.5")
        answer = generate(desk, *options, *model, "--json").answer
        assert (answer["operation"], answer["outcome"]) == (operation, "ok")
        [cell] = desk.records("cell")
        assert cell["operation"] == operation
    assert Decimal(answer["charge_usd"]) > 0


def test_a_stream_says_when_its_partial_pictures_came(desk: Any) -> None:
    streamed = ("A kite", "--stream", "--partial-images", "2")
    done = generate(desk, *streamed)
    assert done.code == 0, done.err
    assert "(partial pictures after " in done.out
    answer = generate(desk, *streamed, "--json").answer
    assert len(answer["partials_s"]) == 2
    assert answer["first_partial_s"] == answer["partials_s"][0]


def test_a_conversation_tells_each_turn_and_their_sum(desk: Any, direct: Any) -> None:
    asked = ("A kite", "--then", "At night", "--then", "With a moon", *DRIVEN, "--yes")
    done = generate(desk, *asked, "-o", "kite.png")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split()[2] for line in lines[:6:2]] == [
        *("kite.png", "kite-2.png", "kite-3.png"),
    ]
    assert lines[6].startswith("together: ")
    assert lines[6].endswith("(simulated)")
    assert len({p.read_bytes() for p in desk.folder.glob("kite*.png")}) == 3
    direct.reset()
    answer = generate(desk, *asked, "--json").answer
    turns = answer["turns"]
    assert len(turns) == len(answer["images"]) == 3
    assert sum(Decimal(t["charge_usd"]) for t in turns) == direct.total_usd
    assert Decimal(answer["charge_usd"]) == direct.total_usd
    assert len({turn["response_id"] for turn in turns}) == 3


def test_a_conversation_ends_with_the_turn_that_left_nothing(
    desk: Any, direct: Any
) -> None:
    night = {"path": "/v1/responses", "prompt_contains": "At night"}
    direct.fault("server_error", when=night)
    asked = ("A kite", "--then", "At night", "--then", "With a moon", *DRIVEN, "--yes")
    done = generate(desk, *asked)
    assert done.code == 4
    assert "1 of 3 turns was not sent" in done.err
    assert len(direct.posts) == 2


def test_who_breaks_a_conversation_off_has_what_came_and_is_told_what_is_open(
    desk: Any, direct: Any
) -> None:
    night = {"path": "/v1/responses", "prompt_contains": "At night"}
    direct.fault("slow_headers", when=night)
    said = ("A kite", "--then", "At night", "--then", "With a moon", *DRIVEN, *LOW)
    file = desk.folder / "kite.png"
    where = ("--endpoints", desk.endpoints, "--yes", "-o", file)
    process = desk.start("generate", *said, *where)
    desk.until(lambda: len(direct.posts_now) == 2, "the second turn does not come")
    process.send_signal(signal.SIGINT)
    ended = desk.end(process)
    assert ended.code == 130
    assert file.read_bytes().startswith(b"\x89PNG")
    assert f"{file.name}  1024x1024 png" in ended.out
    assert "what was under way may be billed, up to $0." in ended.err
    assert "not sent: one before" not in ended.err
    first, second = desk.records("outcome")
    assert (first["outcome"], second["billing"]) == ("ok", "possibly_billed")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "PROMPT is missing"),
        (("A hat", "--mask", "mask.png"), "--mask is for the first --image"),
        (("A hat", "--variation", "--image", "in.png"), "--variation takes one"),
        (("A hat", "--image", "none.png"), "none.png: can't be read"),
        (("A hat", "--api", "responses"), "driven by a text model"),
        (("A hat", "--partial-images", "2"), "stream"),
        (("--variation", "--image", "in.png"), "dall-e-2"),
    ],
)
def test_what_does_not_go_together_is_told_before_money_is_spent(
    desk: Any, direct: Any, options: tuple[str, ...], said: str
) -> None:
    refused = generate(desk, *options)
    assert refused.code == 2
    assert said in refused.err
    assert direct.posts == []


def test_an_organisation_that_is_not_verified_is_told_what_to_do(
    desk: Any, direct: Any
) -> None:
    direct.fault("org_unverified")
    cure = "verify it in the provider's settings under Organization, General"
    done = generate(desk, "A kite")
    assert done.code == 3
    assert cure in done.err
    desk.suite()
    ran = desk.run("--yes")
    assert ran.code == 3
    assert cure in ran.err

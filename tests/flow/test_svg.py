"""SVG and markup from asking to telling, against a real emulator."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image, ImageDraw

from pixelmeter import Answer, BadInput, Endpoint, Meter

OLD, NEW = "gpt-image-2.5-flare", "gpt-image-2.6-flare"
SVG: dict[str, Any] = {
    "model": NEW,
    "output_format": "svg",
    "svg_model": "gpt-5-nano",
    "quality": "low",
    "size": "1024x1024",
}
RESPONSES: dict[str, Any] = {"api": "responses", "mainline_model": "gpt-4.1-mini"}


def png(*, marks: bool = False, side_px: int = 64) -> bytes:
    picture = Image.new("RGBA", (side_px, side_px), (0, 0, 0, 0) if marks else "red")
    if marks:
        ImageDraw.Draw(picture).ellipse((8, 8, 40, 40), outline="blue", width=4)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, desk: Any, direct: Any) -> None:
    monkeypatch.setenv("PX_KEY", desk.key)
    monkeypatch.chdir(desk.folder)
    desk.endpoint(direct.url, api=["images", "responses"])
    (desk.folder / "in.png").write_bytes(png())
    (desk.folder / "marks.png").write_bytes(png(marks=True))


def in_meter(work: Callable[[Meter], Any], double: Any) -> Any:
    written = {
        "name": "direct",
        "base_url": double.url,
        "api_key_env": "PX_KEY",
        "route": "direct",
        "prices": "openai",
        "api": ["images", "responses"],
    }

    async def program() -> Any:
        async with Meter(Endpoint.model_validate(written)) as meter:
            return await work(meter)

    return asyncio.run(program())


def exported(desk: Any) -> list[dict[str, str]]:
    """The attempts of the latest run, as csv."""
    told = desk.pixelmeter("export", "latest", "--table", "attempts")
    assert told.code == 0, told.err
    return list(csv.DictReader(io.StringIO(told.out)))


def test_a_suite_of_svgs_is_charged_to_the_digit_by_every_way_to_ask_and_to_price(
    desk: Any, direct: Any
) -> None:
    fixed = {**SVG, "mainline_model": "gpt-4.1-mini", "svg_effort": "low"}
    del fixed["svg_model"]
    authors = ["gpt-5-nano", "gpt-5.4-nano"]
    suite = desk.suite(
        prompts=[{"id": "a", "text": "An anchor"}],
        axes={"api": ["images", "responses"], "svg_model": authors},
        fixed=fixed,
    )
    ended = desk.pixelmeter(
        "run", suite, "--endpoints", desk.endpoints, "--yes", "--json"
    )
    assert ended.code == 0, ended.err
    assert Decimal(ended.answer["charge_usd"]) == direct.total_usd
    outcomes = desk.records("outcome")
    assert {one["served_format"] for one in outcomes} == {"svg"}
    assert {one["served_svg_model"] for one in outcomes} == set(authors)
    kept = sorted((desk.data / "images").glob("*/*.svg"))
    assert len(kept) == len({one["pictures"][0]["sha256"] for one in outcomes})
    told = desk.pixelmeter("show", "latest", "--json").answer["svg_authors"]
    assert [one["svg_usage"]["reported"] for one in told] == [1] * 4
    used = sum(one["svg_output_tokens"] for one in outcomes)
    assert sum(one["output_tokens"] for one in told) == used > 0
    repriced = desk.pixelmeter("reprice", "latest", "--json").answer
    assert Decimal(repriced["repriced_usd"]) == direct.total_usd
    assert Decimal(repriced["charge_usd"]) == direct.total_usd
    rows = exported(desk)
    assert sum(Decimal(row["charge_usd"]) for row in rows) == direct.total_usd
    assert sum(int(row["svg_output_tokens"]) for row in rows) == used


def test_a_program_asks_for_drawings_of_words_and_of_pictures(direct: Any) -> None:
    async def ask(meter: Meter) -> list[Answer]:
        return [
            await meter.generate("An anchor", **SVG),
            await meter.generate("An anchor", **SVG, **RESPONSES),
            await meter.edit("As a drawing", Path("in.png"), **SVG),
            await meter.edit("As a drawing", Path("in.png"), **SVG, **RESPONSES),
        ]

    answers = in_meter(ask, direct)
    assert [answer.why for answer in answers if not answer.ok] == []
    assert {answer.image.format for answer in answers} == {"svg"}
    assert {answer.served.svg_model for answer in answers} == {"gpt-5-nano"}
    assert sum(answer.charge_usd for answer in answers) == direct.total_usd
    assert all(answer.usage["svg_output_tokens"] for answer in answers)


def test_a_program_marks_what_is_to_be_changed(desk: Any, direct: Any) -> None:
    asked: dict[str, Any] = {"model": OLD, "quality": "low", "size": "1024x1024"}
    marks = Path("marks.png")

    async def ask(meter: Meter) -> list[Answer]:
        other = {**asked, "model": "gpt-image-2"}
        with pytest.raises(BadInput, match="takes none; ask gpt-image"):
            await meter.edit("A vase", Path("in.png"), markup=marks, **other)
        large = png(marks=True, side_px=65)
        with pytest.raises(BadInput, match="both have to be of one size: draw it"):
            await meter.edit("A vase", Path("in.png"), markup=large, **asked)
        with pytest.raises(BadInput, match="no pixel is transparent"):
            await meter.edit("A vase", Path("in.png"), markup=png(), **asked)
        elsewhere: Any = {**asked, "send": "data_url"}
        with pytest.raises(BadInput, match="goes in a form alone"):
            await meter.edit("A", Path("in.png"), markup=marks, **elsewhere)
        with pytest.raises(BadInput, match="the image tool has no such parameter"):
            await meter.edit("A", Path("in.png"), markup=marks, **asked, **RESPONSES)
        return [
            await meter.edit("A vase", Path("in.png"), markup=marks, **asked),
            await meter.compose("Both", ["in.png", png()], markup=marks, **asked),
        ]

    answers = in_meter(ask, direct)
    assert [answer.why for answer in answers if not answer.ok] == []
    assert sum(answer.charge_usd for answer in answers) == direct.total_usd
    assert len(direct.posts) == 2
    assert [one["markup"]["file"] for one in desk.records("prompt")] == [
        "marks.png"
    ] * 2
    # Drawn over the picture, it changes what comes.
    plain = in_meter(lambda m: m.edit("A vase", Path("in.png"), **asked), direct)
    assert plain.image.content != answers[0].image.content


def test_the_shell_asks_for_every_output_option(desk: Any, direct: Any) -> None:
    asked = ("generate", "--endpoints", desk.endpoints, "--yes", "--json")
    low = ("--quality", "low", "--size", "1024x640", "--model", NEW)
    drawn = ("--format", "svg", "--svg-model", "gpt-5-nano", "--svg-effort", "low")
    moving = ("--format", "gif", "--frame-count", "3", "--frame-duration-ms", "50")
    marked = ("--image", "in.png", "--markup", "marks.png")
    for options, kind in (
        ((*drawn, "--output", "a.svg"), "svg"),
        ((*moving, "--complexity", "low", "--output", "a.gif"), "gif"),
        ((*marked, "--output", "a.png"), "png"),
    ):
        ended = desk.pixelmeter(*asked, "A kite", *low, *options)
        assert ended.code == 0, ended.err
        assert ended.answer["images"][0]["format"] == kind
        assert (desk.folder / f"a.{kind}").is_file()
    assert b"<svg" in (desk.folder / "a.svg").read_bytes()
    with Image.open(desk.folder / "a.gif") as film:
        assert getattr(film, "n_frames", 1) == 3
    n_before = len(direct.posts)
    for options, cure in (
        (drawn[:2], "name it in svg_model"),
        ((*drawn[:2], "--svg-model", "gpt-99"), "such as svg_model: gpt-5-mini"),
        (("--markup", "marks.png"), "--markup is for the first --image"),
        ((*marked, "--mask", "marks.png"), "take the others away"),
    ):
        refused = desk.pixelmeter(*asked, "A kite", *low, *options)
        assert refused.code == 2
        assert cure in refused.err
    assert len(direct.posts) == n_before


def test_a_programs_own_requests_for_svg_and_with_markup_are_metered(
    desk: Any, direct: Any
) -> None:
    low: dict[str, Any] = {"prompt": "A kite", "quality": "low", "size": "1024x1024"}
    author: Any = {"model": "gpt-5-nano", "reasoning": {"effort": "low"}}
    drawn: Any = {**low, "model": NEW, "output_format": "svg"}

    async def ask(meter: Meter) -> None:
        client = meter.wrap(
            openai.AsyncOpenAI(api_key=desk.key, base_url=direct.url, max_retries=0)
        )
        picture, marks = ("a.png", png()), ("m.png", png(marks=True))
        await client.images.generate(**drawn, svg=author)
        await client.images.edit(image=picture, **drawn, svg=author)
        tool = {"type": "image_generation", "model": NEW, "output_format": "svg"}
        told: Any = {"tools": [{**tool, "svg": author}], "max_output_tokens": 500}
        await client.responses.create(model="gpt-4.1-mini", input="A kite", **told)
        marked: Any = {**low, "model": OLD, "markup": marks}
        await client.images.edit(image=picture, **marked)
        with pytest.raises(openai.PermissionDeniedError, match="svg_model"):
            await client.images.edit(image=picture, **drawn)

    in_meter(ask, direct)
    outcomes = desk.records("outcome")
    assert [one["outcome"] for one in outcomes] == ["ok"] * 4
    assert sum(Decimal(one["charge_usd"]) for one in outcomes) == direct.total_usd
    cells = desk.records("cell")
    for cell in cells[:3]:
        assert cell["parameters"]["svg_model"] == "gpt-5-nano"
        assert cell["parameters"]["svg_effort"] == "low"
    assert [one["operation"] for one in cells] == [
        "generate",
        "edit",
        "generate",
        "edit",
    ]
    assert ["markup" in one for one in desk.records("prompt")].count(True) == 1


def test_a_marked_suite_is_checked_before_anything_is_planned(
    desk: Any, direct: Any
) -> None:
    written: dict[str, Any] = {
        "operation": "edit",
        "inputs": ["in.png"],
        "markup": "marks.png",
        "prompts": [{"id": "a", "text": "A vase"}],
        "axes": {"model": [OLD, NEW]},
        "fixed": {"quality": "low", "size": "1024x1024"},
    }
    suite = desk.suite(**written)
    run = ("run", suite, "--endpoints", desk.endpoints, "--yes", "--json")
    ended = desk.pixelmeter(*run)
    assert ended.code == 0, ended.err
    assert Decimal(ended.answer["charge_usd"]) == direct.total_usd
    report = desk.folder / "report.html"
    assert desk.pixelmeter("report", "--output", report).code == 0
    assert "markup marks.png" in report.read_text()
    kept = {path.read_bytes() for path in (desk.data / "inputs").glob("*/*.png")}
    assert kept == {png(), png(marks=True)}
    n_before = len(direct.posts)
    for changes, cure in (
        ({"mask": "marks.png", "operation": "inpaint"}, "can't go with a mask"),
        ({"markup": "in.png"}, "markup in.png: no pixel is transparent"),
        ({"markup": "https://e.example/m.png"}, "markup: should be a file of yours"),
        ({"operation": "generate", "inputs": []}, "there is no input that it is for"),
        ({"axes": {"model": ["gpt-image-2"]}}, "gpt-image-2 takes none"),
        ({"operation": "converse"}, "markup: operation converse has none"),
    ):
        said = {**written, **changes}
        if changes.get("operation") == "converse":
            said |= {"api": "responses", "fixed": {"mainline_model": "gpt-4.1-mini"}}
        (desk.folder / "suite.yaml").write_text(json.dumps({"name": "m", **said}))
        refused = desk.pixelmeter(*run)
        assert refused.code == 2, refused.out
        assert cure in refused.err
    desk.suite(**written)
    refused = desk.pixelmeter(*run, "--batch")
    assert refused.code == 2
    assert "a job takes no forms" in refused.err
    assert len(direct.posts) == n_before

"""Suites: what is asked, checked before anything is planned."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BadInput
from bench.suite import keep_only, read_suite, suite_schema

STARTER = {
    "name": "starter",
    "prompts": [{"id": "poster", "text": "A poster"}],
    "axes": {"model": ["gpt-image-2"], "quality": ["low", "medium"]},
}


def _suite(folder: Path, **changes: Any) -> Path:
    """Write the starter suite with changes; None takes a key away."""
    content = {k: v for k, v in {**STARTER, **changes}.items() if v is not None}
    path = folder / "suite.yaml"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_variants_are_the_product_of_the_axes_and_the_fixed_values(
    tmp_path: Path,
) -> None:
    axes = {"quality": ["low", "high"], "n": [1, 2]}
    suite = read_suite(_suite(tmp_path, axes=axes, fixed={"model": "gpt-image-2"}))
    base = {"api": "images", "operation": "generate", "model": "gpt-image-2"}
    assert suite.variants == tuple(
        {**base, "quality": quality, "n": n}
        for quality in ("low", "high")
        for n in (1, 2)
    )


def test_a_suite_without_axes_has_one_variant(tmp_path: Path) -> None:
    suite = read_suite(_suite(tmp_path, axes=None, fixed={"model": "gpt-image-2"}))
    assert len(suite.variants) == 1


def test_the_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    path = _suite(tmp_path)
    first = read_suite(path).digest
    path.write_text(json.dumps(STARTER, indent=4) + "\n# a comment\n")
    assert read_suite(path).digest == first
    assert read_suite(_suite(tmp_path, repeats=2)).digest != first
    other = [{"id": "poster", "text": "A poster!"}]
    assert read_suite(_suite(tmp_path, prompts=other)).digest != first


@pytest.mark.parametrize("name", ["prompts.csv", "prompts.jsonl"])
def test_prompts_may_lie_in_a_file_beside_the_suite(tmp_path: Path, name: str) -> None:
    (tmp_path / "prompts.csv").write_text("id,text\na,A kite\n")
    (tmp_path / "prompts.jsonl").write_text('{"id": "a", "text": "A kite"}\n')
    suite = read_suite(_suite(tmp_path, prompts=name))
    assert [(p.id, p.text) for p in suite.prompts] == [("a", "A kite")]


TWICE = [{"id": "a", "text": "x"}, {"id": "b", "text": "y"}, {"id": "a", "text": "z"}]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"axis": {}}, "key 'axis' is not known"),
        ({"name": None}, "key 'name' is missing"),
        ({"name": ""}, "name: "),
        ({"name": "a\nb"}, "name: "),
        ({"prompts": None}, "key 'prompts' is missing"),
        ({"prompts": []}, "prompts: there are none"),
        ({"prompts": "empty.csv"}, "prompts: there are none"),
        ({"prompts": "gone.csv"}, "gone.csv: can't be read"),
        ({"prompts": "suite.yaml"}, "are read from .csv or .jsonl"),
        ({"prompts": TWICE}, "id 'a' stands 2 times"),
        ({"prompts": [{"id": "a"}]}, "key 'prompts.0.text' is missing$"),
        ({"prompts": [{"id": "a", "text": "b", "c": 1}]}, "key 'prompts.0.c' is not"),
        ({"prompts": [5]}, "prompts.0: should hold keys and values"),
        ({"prompts": 5}, "prompts: should be a list, not 5$"),
        ({"repeats": 0}, "repeats: .*, not 0"),
        ({"repeats": -1}, "repeats: .*, not -1"),
        ({"repeats": True}, "repeats: .*, not true"),
        ({"repeats": 1.5}, "repeats: "),
        ({"repeats": "2"}, 'repeats: .*, not "2"'),
        ({"repeats": 10_001}, "repeats: .*, not 10001"),
        ({"axes": {"modle": ["x"]}}, "axes.modle: no such parameter; known are"),
        ({"fixed": {"prompt": "x"}}, "fixed.prompt: no such parameter"),
        ({"fixed": {"quality": "low"}}, "'quality' is both an axis and fixed"),
        ({"axes": {"quality": ["low", "low"]}}, "axes.quality: a value stands twice"),
        ({"axes": {"quality": []}}, "axes.quality: "),
        ({"axes": {"quality": "low"}}, "axes.quality: "),
        ({"axes": {"quality": ["low", None]}}, "axes.quality.1: .*, not null"),
        ({"axes": {"n": [1.5]}}, 'axes.n.0: should be .*, not "1.5"'),
        ({"fixed": {"size": {"width": 1}}}, "fixed.size: should be .*a mapping"),
        ({"operation": "draw"}, "operation: "),
        ({"fixed": {"operation": "draw"}}, "operation: 'draw' is none; there are"),
        ({"fixed": {"api": "chat"}}, "api: 'chat' is none; there are images, resp"),
        ({"axes": {"stream": [False, "yes"]}}, "stream: 'yes' is none; .* false, true"),
    ],
)
def test_a_suite_that_can_not_be_meant_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    (tmp_path / "empty.csv").write_text("id,text\n")
    path = _suite(tmp_path, **changes)
    with pytest.raises(BadInput, match=sentence) as refusal:
        read_suite(path)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(str(tmp_path))


def test_an_axis_that_stands_twice_in_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        "name: x\nprompts: [{id: a, text: b}]\n"
        "axes:\n  quality: [low]\n  size: [auto]\n  quality: [high]\n"
    )
    with pytest.raises(BadInput, match="line 6: key 'quality' stands twice"):
        read_suite(path)


def test_axes_whose_product_nobody_can_run_are_refused_before_it_is_made(
    tmp_path: Path,
) -> None:
    names = ("model", "quality", "size", "n", "background", "moderation", "style")
    axes = {name: [f"{name}{i}" for i in range(200)] for name in names}
    with pytest.raises(BadInput, match=r"axes: .* variants"):
        read_suite(_suite(tmp_path, axes=axes))


VARIANTS = tuple({"quality": q, "n": n} for q in ("low", "high") for n in (1, 2))


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ({}, VARIANTS),
        ({"quality": frozenset({"low"})}, VARIANTS[:2]),
        ({"n": frozenset({"2"})}, VARIANTS[1::2]),
        ({"n": frozenset({"2"}), "quality": frozenset({"high"})}, VARIANTS[3:]),
        ({"quality": frozenset({"low", "high"})}, VARIANTS),
    ],
)
def test_only_keeps_the_variants_that_are_named(
    only: dict[str, frozenset[str]], expected: tuple[dict[str, Any], ...]
) -> None:
    assert keep_only(VARIANTS, only) == expected


@pytest.mark.parametrize(
    ("only", "sentence"),
    [
        (
            {"quality": frozenset({"max"})},
            "--only quality=max: the suite has high, low",
        ),
        ({"size": frozenset({"auto"})}, "--only size=auto: .*no such parameter"),
    ],
)
def test_only_refuses_what_the_suite_does_not_have(
    only: dict[str, frozenset[str]], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        keep_only(VARIANTS, only)


def test_only_that_leaves_no_cell_is_refused() -> None:
    variants = ({"quality": "low", "n": 1}, {"quality": "high", "n": 2})
    only = {"quality": frozenset({"low"}), "n": frozenset({"2"})}
    with pytest.raises(BadInput, match="no cell is left"):
        keep_only(variants, only)


def test_the_schema_knows_the_parameters() -> None:
    names = suite_schema()["properties"]["axes"]["propertyNames"]["enum"]
    assert {"model", "quality", "size", "mainline_model"} <= set(names)

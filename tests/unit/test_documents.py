"""Documents: what people write is read exactly, or refused in one sentence."""

import datetime as dt
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from bench.document import MAX_BYTES, MAX_DEPTH, check, parse, read
from bench.errors import BadInput

HERE = Path("suite.yaml")
LAUGHS = (
    "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
    "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
)


class Small(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    n: int = 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LAUGHS, ["line 2", "aliases"]),
        ("[" * 50_000, ["line 1", "nested deeper"]),
        ("{a: " * 50_000, ["line 1", "nested deeper"]),
        ("a: 1\nb: 2\na: 3\n", ["line 3", "key 'a' stands twice"]),
        ('{"a": {"b": 1, "b": 2}}', ["line 1", "key 'b' stands twice"]),
        (
            "a: !!python/object/apply:os.system ['true']",
            ["line 1", "a tag (!name) is not read"],
        ),
        ("a: !!python/name:os.system", ["line 1", "a tag (!name)"]),
        ("a: !mine 1", ["line 1", "a tag (!name)"]),
        ("a: 1\n<<: {b: 1}", ["line 2", "a merge (<<)", "write its keys out"]),
        ("a: [1, 2\nb: 3", ["line 2"]),
        ("a: 'open", ["line 1"]),
        ("a: b: c", ["line 1"]),
        ("a: \x07", ["no YAML"]),
        ("a: 1\n---\nb: 2\n", ["line 2", "a second document", "take it away"]),
        ("? [a, b]\n: 1\n", ["line 1", "plain word"]),
        ("? {a: b}\n: 1\n", ["line 1", "plain word"]),
    ],
)
def test_yaml_that_should_not_be_trusted_is_refused_with_its_line(
    text: str, names: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(HERE, text)
    sentence = str(refusal.value)
    assert sentence.startswith("suite.yaml: ")
    assert "\n" not in sentence
    for name in names:
        assert name in sentence


def test_nesting_is_read_up_to_the_limit_and_no_deeper() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(HERE, deepest)
    with pytest.raises(BadInput, match=f"deeper than {MAX_DEPTH}"):
        parse(HERE, f"[{deepest}]")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Decimal("0.1")),
        ("0.10", Decimal("0.10")),
        ("1234567890.123456789012345678", Decimal("1234567890.123456789012345678")),
        ("-0.000000000001", Decimal("-0.000000000001")),
        ("1.5e-3", Decimal("0.0015")),
        ("1_000.5", Decimal("1000.5")),
        (".inf", ".inf"),
        ("12:30.5", "12:30.5"),
        ("-7", -7),
        ("0", 0),
        ("007", "007"),
        ("010", "010"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("'0.1'", "0.1"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("~", None),
        ("yes", True),
    ],
)
def test_a_value_is_read_as_it_is_written(text: str, value: object) -> None:
    got = parse(HERE, f"a: {text}")["a"]
    assert (got, type(got), str(got)) == (value, type(value), str(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_no_decimal_loses_a_digit(number: Decimal) -> None:
    written = format(number, "f")
    assert format(parse(HERE, f"[{written}]")[0], "f") == written


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_but_never_breaks(text: str) -> None:
    with suppress(BadInput):
        parse(HERE, text)


def test_a_file_of_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"# " + b"x" * 10_000_000)
    with pytest.raises(BadInput, match=f"{MAX_BYTES:,} that are read"):
        read(path)


def test_a_device_without_an_end_is_refused_at_the_limit() -> None:
    with pytest.raises(BadInput, match=f"{MAX_BYTES:,} that are read"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"name: caf\xe9", "byte 9 is not UTF-8"),
        ("name: x".encode("utf-16"), "byte 0 is not UTF-8"),
    ],
)
def test_a_file_that_is_not_utf8_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        read(path)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x")
    assert read(path) == {"name": "x"}


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "should hold keys and values, not nothing"),
        ([1], "should hold keys and values, not a list"),
        ({}, "key 'name' is missing"),
        ({"name": "x", "nmae": 1}, "key 'nmae' is not known"),
        ({"name": 5}, "name: .*, not 5"),
        ({"nam": 1, "nome": 2}, r"\(and 2 more\)"),
        ({"name": Decimal("1.5")}, 'name: .*, not "1.5"'),
        ({"name": {Decimal("1.5"): 1}}, "name: "),
        ({"name": {("a", "b"): 1}}, "name: "),
        ({"name": {b"a": dt.date(2026, 11, 21)}}, "name: "),
        ({"name": "x", 1.5: "y"}, "1.5"),
    ],
)
def test_the_first_problem_is_named_in_one_sentence(
    content: Any, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence) as refusal:
        check(HERE, content, Small)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


def test_a_long_value_is_shown_shortened() -> None:
    with pytest.raises(BadInput) as refusal:
        check(HERE, {"name": "x", "n": "y" * 500}, Small)
    assert len(str(refusal.value)) < 200

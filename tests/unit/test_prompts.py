"""Prompts: csv and jsonl files of them."""

from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.prompt import MAX_PROMPT_CHARACTERS, read_prompts


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,text\na,A kite\n", [("a", "A kite", None)]),
        (b"\xef\xbb\xbfid,text\r\na,A kite\r\n", [("a", "A kite", None)]),
        ("text,category,id\nA kite,toys,a\n", [("a", "A kite", "toys")]),
        ('id,text\na,"A sign, ""OPEN"""\n', [("a", 'A sign, "OPEN"', None)]),
        (
            'id,text\na,"two\nlines"\nb,one\n',
            [("a", "two\nlines", None), ("b", "one", None)],
        ),
        ("id,text,category\n风筝,红色的风筝,玩具\n", [("风筝", "红色的风筝", "玩具")]),
        ("id,text,category\na,A kite,\n", [("a", "A kite", None)]),
        ("id,text\n\na,A kite\n\n", [("a", "A kite", None)]),
        ("id,text\n007,A kite\n", [("007", "A kite", None)]),
        ("id,text\n", []),
    ],
)
def test_a_csv_file_is_read_word_for_word(
    tmp_path: Path, content: str | bytes, expected: list[tuple[str, str, str | None]]
) -> None:
    found = read_prompts(_file(tmp_path, "prompts.csv", content))
    assert [(p.id, p.text, p.category) for p in found] == expected


def test_texts_to_expect_are_split_at_the_bar(tmp_path: Path) -> None:
    path = _file(tmp_path, "p.csv", "id,text,expect_texts\na,A sign,OPEN|DAILY\n")
    assert read_prompts(path)[0].expect.texts == ("OPEN", "DAILY")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the header has no column 'id'"),
        ("id,prompt\na,b\n", "the header has no column 'text'"),
        ("a,A kite\n", "the header has no column 'id'"),
        ("id,text,txet\na,b,c\n", "line 2: key 'txet' is not known"),
        ("id,text\na,b\nc,d,e\n", "line 3: .*past the header"),
        ("id,text,text\na,b,c\n", "column 'text' stands twice"),
        ("id,text\na\n", "line 2: key 'text' is missing"),
        ("id,text\n,b\n", "line 2: key 'id' is missing"),
        ('id,text\na,"open\n', "line 2: "),
        ('id,text\na,"b"c\n', "line 2: "),
        (b"id,text\na,caf\xe9\n", "is not UTF-8"),
    ],
)
def test_a_broken_csv_file_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_prompts(_file(tmp_path, "prompts.csv", content))


def test_a_jsonl_file_is_read_word_for_word(tmp_path: Path) -> None:
    lines = (
        '{"id": "a", "text": "A kite", "expect": {"texts": ["UP"]}}\n'
        "\n"
        '{"id": 7, "text": "one\u2028line", "category": "toys"}\r\n'
        '{"id": "c", "text": "a\\nb\u0085c"}'
    )
    found = read_prompts(_file(tmp_path, "p.jsonl", lines))
    assert [(p.id, p.text) for p in found] == [
        ("a", "A kite"),
        ("7", "one\u2028line"),
        ("c", "a\nb\u0085c"),
    ]
    assert found[0].expect.texts == ("UP",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"id": "a", "text": "b"}\n{"id": "b", "te', "line 2: no JSON"),
        ('{"id": "a", "text": "b"}\n[1]\n', "line 2: should hold keys and values"),
        ('\n\n{"id": "a"}', "line 3: key 'text' is missing"),
        ('{"id": "a", "text": ""}', "line 1: text: "),
        ('{"id": "a", "text": null}', "line 1: text: "),
        ('{"id": "", "text": "b"}', "line 1: id: "),
        ('{"id": "a\\u001b[2J", "text": "b"}', "line 1: id: "),
        ('{"id": "a", "text": "\\ud800"}', "line 1: "),
        ('{"id": "a", "text": "b", "expect": {"text": 1}}', "line 1: .*expect.text"),
        ("[" * 100_000, "line 1: no JSON"),
    ],
)
def test_a_broken_jsonl_file_is_refused_with_its_line(
    tmp_path: Path, content: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_prompts(_file(tmp_path, "prompts.jsonl", content))


def test_a_prompt_is_as_long_as_any_model_takes_and_no_longer(tmp_path: Path) -> None:
    fits, longer = "x" * MAX_PROMPT_CHARACTERS, "x" * (MAX_PROMPT_CHARACTERS + 1)
    good = _file(tmp_path, "good.csv", f"id,text\na,{fits}\n")
    assert read_prompts(good)[0].text == fits
    with pytest.raises(BadInput, match="line 2: text: "):
        read_prompts(_file(tmp_path, "bad.csv", f"id,text\na,{longer}\n"))


@pytest.mark.parametrize("name", ["prompts.txt", "prompts", "prompts.yaml"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"are read from \.csv or \.jsonl"):
        read_prompts(_file(tmp_path, name, "id,text\n"))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.csv: can't be read"):
        read_prompts(tmp_path / "gone.csv")

"""Lifted: pictures taken out before parsing are those that a parser finds."""

import base64
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bench.wire.answer as answer_module
from bench.wire.answer import read_answer
from bench.wire.lifted import lift

ONE, TWO = (base64.b64encode(content).decode() for content in (b"one", b"another"))

_names = st.sampled_from(["b64_json", 'x"b64_json', "data", "url", "model", "usage"])
_texts = st.one_of(
    st.binary(max_size=40).map(lambda content: base64.b64encode(content).decode()),
    st.sampled_from(['"b64_json":"AAAA"', '\\"b64_json', "A===", "", "AA\nAA", "ü"]),
    st.text(max_size=12),
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9_000) | _texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3)
    ),
    max_leaves=12,
)
_items = st.fixed_dictionaries({"b64_json": _texts}) | st.none() | _values
_bodies = st.fixed_dictionaries(
    {"data": st.lists(_items, max_size=4)},
    optional={"usage": _values, "b64_json": _texts, "model": _texts, "size": _texts},
)


@settings(max_examples=200, deadline=None)
@given(_bodies, st.sampled_from([None, orjson.OPT_INDENT_2]))
def test_an_answer_says_the_same_whether_its_pictures_are_lifted_or_not(
    answer: dict[str, Any], layout: int | None
) -> None:
    body = orjson.dumps(answer, option=layout)
    lifted = read_answer(200, body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answer_module, "lift", lambda _: None)
        assert read_answer(200, body) == lifted


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"b64_json":"' + ONE.encode() + b'"}]',
        b'{"data":[{"b64_json":"' + ONE.encode(),
        b'{"data":[{"b64_json":""}]}',
        b'{"data":[{"b64_json":"\\u0041AAA"}]}',
        b'{"data":[{"b64_json":"AA\\nAA"}]}',
        f'{{"data":[{{"b64_json":"{ONE}","b64_json":"{TWO}"}}]}}'.encode(),
        f'{{"b64_json":"{ONE}","data":[{{"b64_json":"{TWO}"}}]}}'.encode(),
        f'{{"data":[{{"x\\"b64_json":"{ONE}"}}]}}'.encode(),
        f'{{"data":{{"b64_json":"{ONE}"}}}}'.encode(),
        f'[{{"b64_json":"{ONE}"}}]'.encode(),
        f'{{"data":[{{"b64_json":"{ONE}"}},null]}}'.encode(),
        f'{{"data":["{ONE}",{{"b64_json":"{ONE}"}}]}}'.encode(),
        b"<html>",
        b"",
    ],
)
def test_what_is_not_as_usual_is_left_to_the_parser(body: bytes) -> None:
    assert lift(body) is None


def test_an_answer_as_the_api_sends_it_is_lifted() -> None:
    usage = {"input_tokens": 5, "output_tokens": 196, "total_tokens": 201}
    items = [
        {"b64_json": ONE, "revised_prompt": 'a "b64_json": sign'},
        {"b64_json": TWO},
    ]
    body = orjson.dumps({"created": 1, "data": items, "usage": usage})
    lifted = lift(body)
    assert lifted is not None
    assert lifted[2] == (b"one", b"another")
    assert lifted[1]["usage"] == usage
    assert read_answer(200, body).pictures == (b"one", b"another")


def _answer(chance: random.Random) -> dict[str, Any]:
    """An answer much as services give it, and at times not quite."""
    counts = {name: chance.randrange(9_000) for name in ("text_tokens", "image_tokens")}
    usage = {
        "input_tokens": chance.choice([0, 12, None, "12", -1]),
        "input_tokens_details": chance.choice([counts, None, {}, 5]),
        "output_tokens": chance.randrange(9_000),
        "output_tokens_details": chance.choice([counts, None]),
        "cost": chance.choice([0.01, 1e-7, "0.02", None]),
    }
    items: list[dict[str, Any]] = [
        {
            "b64_json": base64.b64encode(
                chance.randbytes(chance.randrange(90))
            ).decode(),
            "revised_prompt": chance.choice(['a "b64_json": sign', "\\", "风筝", None]),
            "url": chance.choice(["", "https://host.invalid/1", None]),
        }
        for _ in range(chance.choice([0, 1, 1, 1, 1, 2, 4]))
    ]
    answer = {"created": 1, "data": items, "usage": usage, "size": "1024x1024"}
    names = chance.sample(sorted(answer), chance.randrange(2, len(answer) + 1))
    return {name: answer[name] for name in names}


def _spoilt(body: bytes, chance: random.Random) -> bytes:
    """A body with a few bytes changed, taken out, put in or said twice."""
    for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
        start = chance.randrange(len(body) + 1)
        end = min(len(body), start + chance.randrange(12))
        other = chance.choice(
            [b"", b'"', b"\\", b"}", b" ", b'"b64_json":"', b"\n", body[start:end] * 2]
        )
        body = body[:start] + other + body[end:]
    return body


def test_both_ways_to_read_agree_on_ten_thousand_answers() -> None:
    chance = random.Random(5)
    n_lifted = 0
    for number in range(10_000):
        layout = chance.choice([None, orjson.OPT_INDENT_2])
        body = _spoilt(orjson.dumps(_answer(chance), option=layout), chance)
        n_lifted += lift(body) is not None
        lifted = read_answer(200, body)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(answer_module, "lift", lambda _: None)
            assert read_answer(200, body) == lifted, (number, body)
    # Else this test would compare the parser with itself.
    assert 2_000 < n_lifted < 9_000

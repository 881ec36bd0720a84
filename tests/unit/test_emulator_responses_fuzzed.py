"""Whatever comes as a response request or a batch's file is taken or refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.emulator.batch_lines import BadLinesError, lines_of
from bench.emulator.catalogue import served
from bench.emulator.ledger import Entry
from bench.emulator.mainline import text_models_served
from bench.emulator.options import Profile
from bench.emulator.refusals import Refusal, RefusedError
from bench.emulator.response_checks import asked
from bench.emulator.responses import note_response
from bench.emulator.state import Emulator
from tests.painted import as_data_url, holed, painted

EMULATOR = Emulator(
    models=served(Profile.LEGACY),
    text_models=text_models_served(Profile.LEGACY),
    origin="http://127.0.0.1:1",
)
PICTURE = {"type": "input_image", "image_url": as_data_url(painted(64, 64))}
MASK = as_data_url(holed(64, 64, (9, 9, 20, 20)))
GOOD: dict[str, Any] = {
    "model": "gpt-5.2",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "A kite"}, PICTURE]}
    ],
    "tools": [
        {
            "type": "image_generation",
            "model": "gpt-image-2",
            "quality": "low",
            "input_image_mask": {"image_url": MASK},
        }
    ],
    "tool_choice": {"type": "image_generation"},
    "max_output_tokens": 100,
    "previous_response_id": None,
    "metadata": {"a": "b"},
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["image_generation", "message", "user", "auto", "input_text", "gpt-image-2"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "image_url", "id", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += places(inner, (*path, at))
    return found


@settings(max_examples=400, deadline=None, derandomize=True)
@given(changes=st.lists(st.tuples(st.sampled_from(places(GOOD)), JSON), max_size=3))
def test_a_changed_request_is_taken_or_refused_in_words(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    body: Any = json.loads(json.dumps(GOOD))
    for path, value in changes:
        inner = body
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    note_response(Entry(id="x", method="POST", path="/v1/responses", manner="m"), body)
    refusal = refused(body)
    if refusal is not None:
        assert refusal.status in (400, 404)
        assert refusal.message


def refused(body: Any) -> Refusal | None:
    try:
        asked(EMULATOR, body)
    except RefusedError as error:
        return error.refusal
    return None


def test_the_request_that_is_changed_is_good_itself() -> None:
    assert refused(GOOD) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    rows=st.lists(
        JSON.map(lambda value: json.dumps(value).encode())
        | st.binary(max_size=20)
        | st.fixed_dictionaries(
            {"custom_id": JSON, "method": JSON, "url": JSON, "body": JSON}
        ).map(lambda value: json.dumps(value).encode()),
        max_size=4,
    )
)
def test_a_file_of_any_lines_is_read_or_told_line_by_line(rows: list[bytes]) -> None:
    with pytest.raises(BadLinesError) as bad:
        lines_of(b"\n".join(rows), "/v1/images/generations")
    assert all(error.code and error.message for error in bad.value.errors)

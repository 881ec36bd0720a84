"""Usage: absent, zero and reported are three states, in both namings."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.wire.usage import MOST_TOKENS, read_usage

NAMES = (
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_image_tokens",
    "output_text_tokens",
)
YES: Any = True
SPLIT_MISSING = ("input_split_missing", "output_split_missing")


def _reported(
    n_in: Any, n_out: Any, details_in: Any = None, details_out: Any = None
) -> dict[str, Any]:
    return {
        "input_tokens": n_in,
        "output_tokens": n_out,
        "input_tokens_details": details_in,
        "output_tokens_details": details_out,
    }


def _chat(usage: dict[str, Any]) -> dict[str, Any]:
    """The same in the other naming."""
    return {
        name.replace("input", "prompt").replace("output", "completion"): value
        for name, value in usage.items()
    }


def _parts(text: Any, image: Any, **more: Any) -> dict[str, Any]:
    return {"text_tokens": text, "image_tokens": image, **more}


FULL = _reported(60, 272, _parts(50, 10), _parts(2, 270))
CACHED = _parts(50, 10, cached_tokens_details=_parts(40, 0))


@pytest.mark.parametrize(
    ("usage", "counts", "flags"),
    [
        (FULL, (50, None, 10, None, 270, 2), ()),
        (_reported(60, 272, CACHED, _parts(0, 272)), (50, 40, 10, 0, 272, 0), ()),
        (_reported(60, 272), (60, None, 0, None, 272, 0), SPLIT_MISSING),
        (
            _reported(60, 272, _parts(60, 0)),
            (60, None, 0, None, 272, 0),
            SPLIT_MISSING[1:],
        ),
        (
            _reported(60, 272, {"text_tokens": 50}, {"image_tokens": 270}),
            (50, None, 10, None, 270, 2),
            (),
        ),
        (
            _reported(60, 272, {"image_tokens": 10}, {"text_tokens": 2}),
            (50, None, 10, None, 270, 2),
            SPLIT_MISSING,
        ),
        (
            _reported(60, 272, _parts("50", 10.0), _parts(None, YES)),
            (60, None, 0, None, 272, 0),
            SPLIT_MISSING,
        ),
        (
            _reported(60, 272, _parts(-5, 10), [1]),
            (50, None, 10, None, 272, 0),
            SPLIT_MISSING,
        ),
        (
            _reported(0, 272, _parts(0, 0)),
            (0, None, 0, None, 272, 0),
            SPLIT_MISSING[1:],
        ),
        (
            _reported(60, 272, _parts(1, 2), _parts(3, 4)),
            (1, None, 2, None, 4, 3),
            ("usage_contradiction",),
        ),
        (
            _reported(60, 272, _parts(50, 10), _parts(0, 9)),
            (50, None, 10, None, 9, 0),
            ("usage_contradiction",),
        ),
        ({**FULL, "total_tokens": 332, "extra": {}}, (50, None, 10, None, 270, 2), ()),
        (
            {**FULL, "total_tokens": 9},
            (50, None, 10, None, 270, 2),
            ("usage_contradiction",),
        ),
    ],
)
@pytest.mark.parametrize("naming", [dict, _chat])
def test_a_reported_usage_is_read_by_class(
    usage: dict[str, Any], counts: tuple[int | None, ...], flags: Any, naming: Any
) -> None:
    assert read_usage(naming(usage)) == (
        dict(zip(NAMES, counts, strict=True)),
        tuple(flags),
    )


@pytest.mark.parametrize(
    "usage",
    [
        {**_reported(None, None), **_chat(FULL)},
        {**_reported(0, 0), **_chat(FULL)},
        {**_chat(_reported(0, 0)), **FULL},
        {**_chat(_reported(None, "x")), **FULL},
    ],
)
def test_a_gateway_that_fills_one_naming_of_two_is_read_by_that_one(
    usage: dict[str, Any],
) -> None:
    assert read_usage(usage) == read_usage(FULL)


@pytest.mark.parametrize(
    ("usage", "flags"),
    [
        (None, ()),
        ([], ()),
        ("12", ()),
        (5, ()),
        (_reported(0, 0), ("usage_zero",)),
        (_chat(_reported(0, 0)), ("usage_zero",)),
        (_reported(0, 0, _parts(0, 0), _parts(0, 0)), ("usage_zero",)),
        ({}, ("usage_unreadable",)),
        ({"total_tokens": 100}, ("usage_unreadable",)),
        (_reported(60, None), ("usage_unreadable",)),
        (_reported("60", 272), ("usage_unreadable",)),
        (_reported(60.0, 272), ("usage_unreadable",)),
        (_reported(YES, 272), ("usage_unreadable",)),
        (_reported(-1, 272), ("usage_unreadable",)),
        (_reported(60, MOST_TOKENS + 1), ("usage_unreadable",)),
        (_reported(60, 1e30), ("usage_unreadable",)),
        (_reported(60, float("nan")), ("usage_unreadable",)),
        (_reported([60], {"n": 1}), ("usage_unreadable",)),
        (_reported(60, 272, {"text_tokens": 61}), ("usage_contradiction",)),
        (_reported(60, 272, None, {"image_tokens": 273}), ("usage_contradiction",)),
    ],
)
def test_a_usage_that_says_nothing_sure_is_none_with_a_word(
    usage: object, flags: tuple[str, ...]
) -> None:
    assert read_usage(usage) == (None, flags)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("input_tokens", "output_tokens", "text_tokens", "image_tokens"),
                    *("prompt_tokens", "completion_tokens", "cached_tokens_details"),
                    *("input_tokens_details", "output_tokens_details"),
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_reported_no_count_is_negative_or_absurd(usage: object) -> None:
    counts, flags = read_usage(usage)
    assert len(set(flags)) == len(flags)
    for count in (counts or {}).values():
        assert count is None or 0 <= count <= MOST_TOKENS

"""Usage: the token counts that an answer reports, by class; pure."""

from typing import Any, cast

MOST_TOKENS = 10**12
ZERO, TOOL_ZERO = "usage_zero", "tool_usage_zero"
TOOL_ABSENT = "tool_usage_absent"
AUTHOR_ABSENT, AUTHOR_ZERO = "svg_usage_absent", "svg_usage_zero"
AUTHOR_UNREADABLE = "svg_usage_unreadable"
_MAINLINE_ABSENT, _MAINLINE_ZERO = "mainline_usage_absent", "mainline_usage_zero"
# Of a request in which no SVG was written.
NOTHING_WRITTEN: dict[str, int | None] = {
    "svg_input_tokens": 0,
    "svg_output_tokens": 0,
    "svg_reasoning_tokens": 0,
}
# Of a request that never came to the image model.
NOTHING_USED: dict[str, int | None] = dict.fromkeys(
    (
        "input_text_tokens",
        "cached_text_tokens",
        "input_image_tokens",
        "cached_image_tokens",
        "output_image_tokens",
        "output_text_tokens",
    ),
    0,
)

Json = dict[str, Any]
Counts = dict[str, int | None]
Flags = tuple[str, ...]


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def _total(usage: Json, *names: str) -> int | None:
    """A total by the first naming that is filled; some gateways fill one of two."""
    counts = [count for name in names if (count := _count(usage.get(name))) is not None]
    return next((count for count in counts if count), counts[0] if counts else None)


def read_usage(reported: object) -> tuple[Counts | None, Flags]:
    """Token counts by class, and words for what was odd about them.

    None when nothing usable is reported: absent, zero and reported are three
    states. Both namings that the field uses are read. What the answer does
    not split is text on the way in and image on the way out.
    """
    if not isinstance(reported, dict):
        return None, ()
    usage = cast("Json", reported)
    n_in = _total(usage, "input_tokens", "prompt_tokens")
    n_out = _total(usage, "output_tokens", "completion_tokens")
    if n_in is None or n_out is None:
        return None, ("usage_unreadable",)
    if n_in == 0 and n_out == 0:
        return None, (ZERO,)
    details_in = _details(usage, "input_tokens_details", "prompt_tokens_details")
    details_out = _details(usage, "output_tokens_details", "completion_tokens_details")
    text_in, image_in = _split(n_in, details_in, rest_is_image=False)
    text_out, image_out = _split(n_out, details_out, rest_is_image=True)
    if min(text_in, image_in, text_out, image_out) < 0:
        return None, ("usage_contradiction",)
    has_in = _count(details_in.get("text_tokens")) is not None
    has_out = _count(details_out.get("image_tokens")) is not None
    told = _count(usage.get("total_tokens")) or n_in + n_out
    sums = (text_in + image_in, text_out + image_out, told)
    adds_up = sums == (n_in, n_out, n_in + n_out)
    flags = [
        *(() if has_in else ("input_split_missing",)),
        *(() if has_out else ("output_split_missing",)),
        *(() if adds_up else ("usage_contradiction",)),
    ]
    cached = _details(details_in, "cached_tokens_details", "cached_tokens_details")
    return {
        "input_text_tokens": text_in,
        "cached_text_tokens": _count(cached.get("text_tokens")),
        "input_image_tokens": image_in,
        "cached_image_tokens": _count(cached.get("image_tokens")),
        "output_image_tokens": image_out,
        "output_text_tokens": text_out,
    }, tuple(flags)


def read_tool_usage(reported: object) -> tuple[Counts | None, Flags]:
    """What the image tool of a Responses call used, as `read_usage` has it.

    Absent, all zero and reported are three states here, too.
    """
    if not isinstance(reported, dict):
        return None, (TOOL_ABSENT,)
    usage, flags = read_usage(cast("Json", reported))
    if usage is None:
        return None, tuple(TOOL_ZERO if flag == ZERO else flag for flag in flags)
    # Named otherwise than in an answer of the Images API.
    cached = _details(cast("Json", reported), "cached_tokens_details")
    for kind in ("text", "image"):
        told = _count(cached.get(f"cached_{kind}_tokens"))
        if told is not None:
            usage[f"cached_{kind}_tokens"] = told
    return usage, flags


def read_mainline(reported: object) -> tuple[Counts | None, Flags]:
    """Tokens of the text model that drives the tool; it never works with none."""
    usage = cast("Json", reported) if isinstance(reported, dict) else {}
    n_in = _total(usage, "input_tokens", "prompt_tokens")
    n_out = _total(usage, "output_tokens", "completion_tokens")
    if n_in is None or n_out is None:
        return None, (_MAINLINE_ABSENT,)
    if n_in == 0:
        return None, (_MAINLINE_ZERO,)
    details = _details(usage, "input_tokens_details", "prompt_tokens_details")
    return {
        "mainline_input_tokens": n_in,
        "mainline_cached_tokens": _count(details.get("cached_tokens")),
        "mainline_cache_write_tokens": _count(details.get("cache_write_tokens")),
        "mainline_output_tokens": n_out,
    }, ()


def read_author(reported: object) -> tuple[Counts | None, str | None, Flags]:
    """What the author of an SVG used, its name, and words for what is odd about it.

    It never writes with none. Absent, all zero and reported are three states here, too:
    the first has no word, since few answers hold an SVG.
    """
    if not isinstance(reported, dict):
        return None, None, ()
    usage = cast("Json", reported)
    model = usage.get("model")
    named = model if isinstance(model, str) else None
    n_in, n_out = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    if n_in is None or n_out is None:
        return None, named, (AUTHOR_UNREADABLE,)
    if n_in == 0 or n_out == 0:
        return None, named, (AUTHOR_ZERO,)
    thought = _count(usage.get("reasoning_tokens"))
    total = _count(usage.get("total_tokens"))
    adds_up = total in {None, n_in + n_out} and (thought or 0) <= n_out
    return (
        {
            "svg_input_tokens": n_in,
            "svg_output_tokens": n_out,
            "svg_reasoning_tokens": thought,
        },
        named,
        () if adds_up else ("svg_usage_contradiction",),
    )


def for_pictures(
    usage: Counts | None, flags: Flags, zero: str = ZERO
) -> tuple[Counts | None, Flags]:
    """The usage of an answer with pictures: none is made of 0 tokens.

    Gateways write 0 where the provider told them nothing; the dollars of the
    input alone would be too few.
    """
    if usage is None or usage["output_image_tokens"]:
        return usage, flags
    return None, (*flags, zero)


def _split(total: int, details: Json, *, rest_is_image: bool) -> tuple[int, int]:
    """Text and image tokens; what is not told apart goes to one of them."""
    text, image = (
        _count(details.get("text_tokens")),
        _count(details.get("image_tokens")),
    )
    if text is None and image is None:
        return (0, total) if rest_is_image else (total, 0)
    if image is None:
        return text or 0, total - (text or 0)
    return (total - image if text is None else text), image


def _details(usage: Json, *names: str) -> Json:
    for name in names:
        if isinstance(usage.get(name), dict):
            return cast("Json", usage[name])
    return {}

"""Usage: the token counts that an answer reports, by class; pure."""

from typing import Any, cast

MOST_TOKENS = 10**12

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
        return None, ("usage_zero",)
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


def for_pictures(usage: Counts | None, flags: Flags) -> tuple[Counts | None, Flags]:
    """The usage of an answer with pictures: none is made of 0 tokens.

    Gateways write 0 where the provider told them nothing; the dollars of the
    input alone would be too few.
    """
    if usage is None or usage["output_image_tokens"]:
        return usage, flags
    return None, (*flags, "usage_zero")


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

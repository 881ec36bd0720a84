"""Pictures: those of an answer of the Images API, decoded; pure."""

import base64
from dataclasses import replace
from typing import Any, cast

import pybase64

from bench.attempt import Billing, Outcome, Served
from bench.wire.cost import cost_of_body
from bench.wire.reading import LONGEST_PROMPT, MOST_PICTURES, Reading, text
from bench.wire.refusal import error_of, told_error
from bench.wire.usage import for_pictures, read_author, read_usage

Json = dict[str, Any]
_DATA = "data:"
Found = tuple[tuple[bytes, ...], str | None]
PROBLEMS = {
    "no_image": "the answer holds no picture",
    "bad_base64": "a picture of the answer is no base64",
    "url_only": "the answer holds an address in place of the picture",
}


def read_pictures(
    body: bytes, content: Json, items: list[Json], found: Found | None = None
) -> Reading:
    """An answer of the Images API, or the last event of one.

    Args:
        body: As it came, for amounts that a parser would change.
        content: What it says.
        items: What of it should hold a picture each.
        found: These pictures, where they were taken out before.
    """
    pictures, problem = found or _decoded_all(items)
    usage, flags = read_usage(content.get("usage"))
    if pictures or problem != "no_image":
        # One that can't be read was made, too.
        usage, flags = for_pictures(usage, flags)
    author, author_model, remarks = read_author(content.get("svg_usage"))
    cost, doubts = cost_of_body(body, content.get("usage"))
    reading = Reading(
        outcome=Outcome.UNUSABLE if problem else Outcome.OK,
        billing=Billing.BILLED_UNUSABLE if problem else Billing.BILLED,
        pictures=pictures,
        usage=usage,
        author=author,
        flags=(*flags, *remarks, *doubts),
        served=_served(content, items, author_model),
        cost=cost,
        error_type="unusable_answer" if problem else None,
        error_code=problem,
        error_message=PROBLEMS[problem] if problem else None,
    )
    if problem == "no_image" and not pictures and content.get("error"):
        return failed(reading, error_of(content), is_told=usage is not None)
    return reading


def failed(reading: Reading, error: Json, *, is_told: bool) -> Reading:
    """An answer that says why it holds no picture; tokens that it tells are paid."""
    told = told_error(error)
    return replace(
        reading,
        outcome=told.outcome,
        billing=Billing.BILLED_UNUSABLE if is_told else told.billing,
        error_type=told.error_type,
        error_code=told.error_code,
        error_message=told.error_message,
        stops=told.stops,
    )


def objects(value: object) -> list[Json]:
    """The members of a list, an empty object for each that is none."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", item) if isinstance(item, dict) else {} for item in items]


def _decoded_all(items: list[Json]) -> Found:
    pictures: list[bytes] = []
    problem: str | None = None
    for entry in items[:MOST_PICTURES]:
        encoded = entry.get("b64_json") or _within(entry.get("url"))
        if not isinstance(encoded, str) or not encoded:
            problem = problem or ("url_only" if entry.get("url") else "no_image")
            continue
        try:
            pictures.append(decoded(encoded))
        except ValueError:
            problem = problem or "bad_base64"
    return tuple(pictures), problem or (None if pictures else "no_image")


def _within(url: object) -> str | None:
    """An address that is the picture itself; no other is ever fetched."""
    if not isinstance(url, str):
        return None
    return url if url[: len(_DATA)].lower() == _DATA else None


def decoded(encoded: str) -> bytes:
    """The bytes of a picture, which is paid: what either library reads is read.

    Some gateways send it as a data URL, some break it into lines.

    Raises:
        ValueError: It is no base64.
    """
    encoded = encoded.partition(";base64,")[2] or encoded
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        # It refuses signs of padding that nobody needs.
        return base64.b64decode("".join(encoded.split()), validate=True)


def _served(content: Json, items: list[Json], author_model: str | None) -> Served:
    first = items[0] if items else {}
    return Served(
        model=text(content.get("model")),
        size=text(content.get("size")),
        quality=text(content.get("quality")),
        format=text(content.get("output_format")),
        revised_prompt=text(first.get("revised_prompt"), LONGEST_PROMPT),
        svg_model=text(author_model),
    )

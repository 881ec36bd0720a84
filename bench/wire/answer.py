"""Answer: an answer's status and body as facts; pure."""

import base64
from typing import Any, cast

import orjson
import pybase64

from bench.attempt import Billing, Outcome, Served
from bench.wire.cost import cost_of_body
from bench.wire.lifted import lift
from bench.wire.reading import LONGEST_MESSAGE, Reading, text
from bench.wire.refusal import read_refusal
from bench.wire.usage import for_pictures, read_usage

Json = dict[str, Any]


def read_answer(status: int, body: bytes) -> Reading:
    """An answer that arrived whole, as facts."""
    if 200 <= status < 300:  # noqa: PLR2004  the success class of HTTP
        return _read_pictures(body)
    return read_refusal(status, body)


def cut_answer(message: str) -> Reading:
    """A 200 whose body did not arrive whole."""
    return _unusable("cut_body", message)


def _unusable(code: str, message: str) -> Reading:
    return Reading(
        outcome=Outcome.UNUSABLE,
        billing=Billing.BILLED_UNUSABLE,
        error_type="unusable_answer",
        error_code=code,
        error_message=message[:LONGEST_MESSAGE],
    )


def _read_pictures(body: bytes) -> Reading:
    lifted = lift(body)
    if lifted is not None:
        return _reading(*lifted, None)
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        if body.lstrip()[:1] == b"<":
            return _unusable("html", "the answer is a web page, not JSON")
        return _unusable("bad_json", "the answer is no JSON")
    if not isinstance(answer, dict):
        return _unusable("bad_json", "the answer is no JSON object")
    content = cast("Json", answer)
    return _reading(body, content, *_pictures(content.get("data")))


def _reading(
    body: bytes, content: Json, pictures: tuple[bytes, ...], problem: str | None
) -> Reading:
    usage, flags = read_usage(content.get("usage"))
    if pictures:
        usage, flags = for_pictures(usage, flags)
    cost, doubts = cost_of_body(body, content.get("usage"))
    return Reading(
        outcome=Outcome.UNUSABLE if problem else Outcome.OK,
        billing=Billing.BILLED_UNUSABLE if problem else Billing.BILLED,
        pictures=pictures,
        usage=usage,
        flags=(*flags, *doubts),
        served=_served(content),
        cost=cost,
        error_type="unusable_answer" if problem else None,
        error_code=problem,
        error_message=_PROBLEMS[problem] if problem else None,
    )


_PROBLEMS = {
    "no_image": "the answer holds no picture",
    "bad_base64": "a picture of the answer is no base64",
    "url_only": "the answer holds an address in place of the picture",
}


def _pictures(data: object) -> tuple[tuple[bytes, ...], str | None]:
    items = cast("list[object]", data) if isinstance(data, list) else []
    pictures: list[bytes] = []
    problem: str | None = None
    for item in items:
        entry = cast("Json", item) if isinstance(item, dict) else {}
        encoded = entry.get("b64_json")
        if not isinstance(encoded, str) or not encoded:
            problem = problem or ("url_only" if entry.get("url") else "no_image")
            continue
        try:
            pictures.append(_decoded(encoded))
        except ValueError:
            problem = problem or "bad_base64"
    return tuple(pictures), problem or (None if pictures else "no_image")


def _decoded(encoded: str) -> bytes:
    """The bytes of a picture, which is paid: what either library reads is read."""
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        # It refuses signs of padding that nobody needs.
        return base64.b64decode(encoded, validate=True)


def _served(content: Json) -> Served:
    data = content.get("data")
    first = cast("list[object]", data)[0] if isinstance(data, list) and data else None
    entry = cast("Json", first) if isinstance(first, dict) else {}
    return Served(
        model=text(content.get("model")),
        size=text(content.get("size")),
        quality=text(content.get("quality")),
        format=text(content.get("output_format")),
        revised_prompt=text(entry.get("revised_prompt"), 32_000),
    )

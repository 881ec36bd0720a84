"""Responses: an answer of the Responses API as facts; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from bench.attempt import Billing, Outcome, Served
from bench.wire.cost import cost_of_body
from bench.wire.pictures import PROBLEMS, decoded, failed, objects
from bench.wire.reading import (
    LONGEST_PROMPT,
    MOST_PICTURES,
    Reading,
    response_id_of,
    text,
)
from bench.wire.usage import (
    NOTHING_USED,
    NOTHING_WRITTEN,
    TOOL_ZERO,
    Counts,
    Flags,
    for_pictures,
    read_author,
    read_mainline,
    read_tool_usage,
)

Json = dict[str, Any]
CALL = "image_generation_call"
_FILTERED = "content_filter"


def is_response(content: Json) -> bool:
    """Whether an answer is one of the Responses API."""
    return content.get("object") == "response" or (
        "output" in content and "data" not in content
    )


def read_response(
    body: bytes, content: Json, told: Sequence[Json] = (), within: tuple[str, ...] = ()
) -> Reading:
    """An answer that is over, however it ended.

    Args:
        body: As it came, for amounts that a parser would change.
        content: The response.
        told: Items that events told before, for a response that leaves them out.
        within: Where in the body the response stands.
    """
    calls = _calls(content.get("output"))
    if not any(call.get("result") for call in calls):
        calls = _calls(list(told)) or calls
    pictures, problem = _pictures(calls)
    # One that can't be read was made, too.
    was_made = problem != "no_image"
    usage, flags = _used(content, has_calls=bool(calls), has_picture=was_made)
    mainline, remarks = read_mainline(content.get("usage"))
    author, author_model, asides = _author(calls)
    cost, doubts = cost_of_body(body, content.get("usage"), within)
    reading = Reading(
        outcome=Outcome.OK,
        billing=Billing.BILLED,
        pictures=pictures,
        usage=usage,
        mainline=mainline,
        author=author,
        is_response=True,
        response_id=response_id_of(content.get("id")),
        service_tier=text(content.get("service_tier")),
        flags=(*flags, *remarks, *asides, *doubts),
        served=replace(_served(content, calls), svg_model=text(author_model)),
        cost=cost,
    )
    return reading if problem is None else _without(reading, content, calls, problem)


def _without(
    reading: Reading, content: Json, calls: Sequence[Json], problem: str
) -> Reading:
    """An answer without its picture; what it reports of tokens is paid."""
    error = _error(content, calls)
    if error is None or problem != "no_image":
        return replace(
            reading,
            outcome=Outcome.UNUSABLE,
            billing=Billing.BILLED_UNUSABLE,
            error_type="unusable_answer",
            error_code=problem,
            error_message=_why(content, problem),
        )
    is_told = reading.usage is not None and reading.mainline is not None
    return failed(reading, error, is_told=is_told)


def _error(content: Json, calls: Sequence[Json]) -> Json | None:
    """What went wrong, of the whole or of a call; None where nothing did."""
    errors = [content.get("error"), *(call.get("error") for call in calls)]
    for error in errors:
        if isinstance(error, dict) and error:
            return cast("Json", error)
        if isinstance(error, str) and error:
            return {"message": error}
    if _reason(content) == _FILTERED:
        return {"code": _FILTERED, "message": "the answer was held back as unsafe"}
    is_failed = any(one.get("status") == "failed" for one in (content, *calls))
    return {"message": "the call failed, and does not say why"} if is_failed else None


def _reason(content: Json) -> str | None:
    details = content.get("incomplete_details")
    told = cast("Json", details) if isinstance(details, dict) else {}
    return text(told.get("reason"))


def _why(content: Json, problem: str) -> str:
    kinds = {text(item.get("type")) for item in objects(content.get("output"))}
    named = ", ".join(sorted(kind for kind in kinds if kind))
    if problem != "no_image":
        return PROBLEMS[problem]
    if reason := _reason(content):
        return f"{PROBLEMS[problem]}: it ended early ({reason})"
    return f"{PROBLEMS[problem]}, but {named}" if named else PROBLEMS[problem]


def _calls(items: object) -> list[Json]:
    return [item for item in objects(items) if item.get("type") == CALL]


def _pictures(calls: Sequence[Json]) -> tuple[tuple[bytes, ...], str | None]:
    """The picture of each call; gateways leave its state at `generating`."""
    pictures: list[bytes] = []
    problem: str | None = None
    for call in calls[:MOST_PICTURES]:
        encoded = call.get("result")
        if not isinstance(encoded, str) or not encoded:
            continue
        try:
            pictures.append(decoded(encoded))
        except ValueError:
            problem = "bad_base64"
    return tuple(pictures), problem or (None if pictures else "no_image")


def _used(
    content: Json, *, has_calls: bool, has_picture: bool
) -> tuple[dict[str, int | None] | None, tuple[str, ...]]:
    """What the image model used, and words for what is odd about it.

    Where the tool was never called it used nothing, whether that is told or not.
    """
    tools = content.get("tool_usage")
    told = cast("Json", tools).get("image_gen") if isinstance(tools, dict) else None
    usage, flags = read_tool_usage(told)
    if has_picture:
        return for_pictures(usage, flags, TOOL_ZERO)
    if flags == (TOOL_ZERO,) or not has_calls:
        return dict(NOTHING_USED), ()
    return usage, flags


def _author(calls: Sequence[Json]) -> tuple[Counts | None, str | None, Flags]:
    """What the authors of all calls used together, as `read_author` has it.

    Where the tool was never called, nobody wrote; where one call does not tell, the
    whole is unknown.
    """
    if not calls:
        return dict(NOTHING_WRITTEN), None, ()
    told = [read_author(call.get("svg_usage")) for call in calls]
    model = next((name for _, name, _ in told if name), None)
    flags = tuple(dict.fromkeys(flag for _, _, found in told for flag in found))
    known = [counts for counts, _, _ in told if counts is not None]
    if len(known) < len(told):
        return None, model, flags
    return (
        {name: _sum(counts[name] for counts in known) for name in NOTHING_WRITTEN},
        model,
        flags,
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _served(content: Json, calls: Sequence[Json]) -> Served:
    call = _first(call for call in calls if call.get("result"))
    tools = objects(content.get("tools"))
    tool = _first(tool for tool in tools if tool.get("type") == "image_generation")
    stated = {
        name: next(
            (told for place in (call, tool) if (told := text(place.get(name)))), None
        )
        for name in ("size", "quality", "output_format")
    }
    return Served(
        model=text(call.get("model")) or text(tool.get("model")),
        size=stated["size"],
        quality=stated["quality"],
        format=stated["output_format"],
        revised_prompt=text(call.get("revised_prompt"), LONGEST_PROMPT),
    )


def _first(found: Iterable[Json]) -> Json:
    return next(iter(found), cast("Json", {}))

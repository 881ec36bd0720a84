"""Answers: the JSON of a picture answer, and the faults that spoil it."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from bench.emulator.checks import ImageRequest, edges_px
from bench.emulator.faults import Scenario
from bench.emulator.render import Drawing, rendered
from bench.emulator.tokens import Usage
from bench.emulator.vectors import SvgUsage

# Divisible by three, so that no piece but the last is padded.
BASE64_STEP = 3 << 15
ZERO_USAGE = Usage(input_text_tokens=0, output_image_tokens=0).as_json()
HTML = "text/html; charset=utf-8"
HTML_PAGE = b"<!doctype html><title>Checking your browser</title><p>One moment.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be rendered and what the answer will say about it.

    `drawn_*` is what the picture is; `told_*` what the answer reports.
    """

    wanted: ImageRequest
    told_quality: str
    told_size: str
    drawn_quality: str
    drawn_size: str
    usage: Usage | None
    svg_usage: SvgUsage | None = None
    key: str
    request_id: str


def drawn(plan: Plan) -> list[bytes]:
    """Render all pictures of a request (slow: belongs in a worker thread)."""
    wanted = plan.wanted
    width_px, height_px = edges_px(plan.drawn_size)
    return [
        rendered(
            Drawing(
                prompt=wanted.prompt,
                quality=plan.drawn_quality,
                width_px=width_px,
                height_px=height_px,
                output_format=wanted.output_format,
                compression=wanted.output_compression,
                transparent=wanted.background == "transparent",
                key=f"{plan.key}:{at}",
                request_id=f"{plan.request_id}:{at}",
                inputs=tuple(one.content for one in wanted.inputs),
                mask=None if wanted.mask is None else wanted.mask.content,
                n_frames=wanted.frame_count,
                frame_duration_ms=wanted.frame_duration_ms,
                markup=None if wanted.markup is None else wanted.markup.content,
            )
        )
        for at in range(wanted.n)
    ]


def document(plan: Plan, pictures: list[bytes]) -> dict[str, Any]:
    """Return the answer of a GPT image model."""
    wanted = plan.wanted
    told: dict[str, Any] = {
        "created": int(time.time()),
        "background": told_background(wanted),
        "data": [{"b64_json": base64_text(picture)} for picture in pictures],
        "output_format": wanted.output_format,
        "quality": plan.told_quality,
        "size": plan.told_size,
    }
    if wanted.safety_identifier is not None:
        told["safety_identifier"] = whole_text(wanted.safety_identifier)
    if plan.usage is not None:
        told["usage"] = plan.usage.as_json()
    if plan.svg_usage is not None:
        told["svg_usage"] = plan.svg_usage.as_json()
    return told


def told_background(wanted: ImageRequest) -> str:
    """Return the background as an answer tells it, never auto."""
    return "transparent" if wanted.background == "transparent" else "opaque"


def dall_e_document(
    plan: Plan, pictures: list[bytes], urls: list[str]
) -> dict[str, Any]:
    """Return the answer of a DALL-E model: URLs or base64, no usage."""
    as_url = plan.wanted.response_format == "url"
    revised = (
        {"revised_prompt": whole_text(plan.wanted.prompt)}
        if plan.wanted.model.kin == "dall-e-3"
        else {}
    )
    data = [
        {**revised, **({"url": url} if as_url else {"b64_json": base64_text(picture)})}
        for picture, url in zip(pictures, urls, strict=True)
    ]
    return {"created": int(time.time()), "data": data}


def whole_text(text: str) -> str:
    """Replace halves of signs, which JSON can escape but UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode()


def base64_text(picture: bytes) -> str:
    """Encode in base64, piece by piece: the loop's thread gets its turn in between."""
    pieces = (
        base64.b64encode(picture[start : start + BASE64_STEP])
        for start in range(0, len(picture), BASE64_STEP)
    )
    return b"".join(pieces).decode("ascii")


def spoiled(told: dict[str, Any], fault: Scenario | None) -> dict[str, Any]:
    """Return the answer with what the fault does to its content."""
    match fault:
        case Scenario.NO_IMAGE_200:
            return {**told, "data": []}
        case Scenario.CORRUPT_IMAGE_200:
            rows = cast("list[dict[str, Any]]", told["data"])
            return {**told, "data": [_halved(row) for row in rows]}
        case Scenario.MISSING_USAGE:
            return {key: value for key, value in told.items() if key != "usage"}
        case Scenario.ZERO_USAGE if "usage" in told:
            return {**told, "usage": ZERO_USAGE}
        case _:
            return told


def _halved(row: Mapping[str, Any]) -> dict[str, Any]:
    """Cut a picture off in its middle."""
    encoded = row.get("b64_json")
    return {**row, "b64_json": half_picture(encoded)} if encoded else dict(row)


def half_picture(encoded: str) -> str:
    """Return the first half of a picture, in base64 that is well formed."""
    return encoded[: len(encoded) // 8 * 4]


def json_bytes(told: Mapping[str, Any], *, indented: bool = True) -> bytes:
    """Write an answer as the real service does, indented by two; events are not."""
    # The standard library takes eight milliseconds for a picture and keeps all
    # other threads, and so the stamps of other requests, waiting.
    try:
        return orjson.dumps(told, option=orjson.OPT_INDENT_2 if indented else 0)
    except TypeError:
        # Repeats a half of a sign, or a number beyond 64 bits, of the request.
        return json.dumps(told, indent=2 if indented else None).encode()


def body_and_type(body: bytes, fault: Scenario | None) -> tuple[bytes, str]:
    """Return the bytes to send and their media type."""
    if fault is Scenario.HTML_200:
        return HTML_PAGE, HTML
    if fault is Scenario.BAD_JSON_200:
        return body[: len(body) // 2], "application/json"
    return body, "application/json"

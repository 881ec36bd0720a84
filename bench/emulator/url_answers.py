"""URL answers: pictures by address, as converting gateways give them."""

import base64
from collections.abc import Mapping
from typing import Any, cast

from bench.emulator.options import Manner
from bench.emulator.state import Emulator

# What a stream loses that was a whole answer on its way.
OPTIONS = ("size", "quality", "background", "output_format")
EMPTY_ROW = {"url": "", "b64_json": "", "revised_prompt": ""}


def by_url(
    told: Mapping[str, Any], origin: str, name: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return an answer with addresses for its pictures, and those by their names.

    What converts an answer knows no usage, and says an empty text for null.
    """
    rows = cast("list[dict[str, Any]]", told.get("data") or [])
    pictures: dict[str, bytes] = {}
    data: list[dict[str, Any]] = []
    for at, row in enumerate(rows):
        shown, kept = row_by_url(row, origin, f"{name}-{at}")
        data.append(shown)
        pictures.update(kept)
    kept_members = {key: value for key, value in told.items() if key != "usage"}
    return {**kept_members, "data": data}, pictures


def row_by_url(
    row: Mapping[str, Any], origin: str, name: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Do the same for one picture."""
    encoded = row.get("b64_json")
    if not encoded:
        return {**EMPTY_ROW, **row}, {}
    address = f"{origin}/_emulator/pictures/{name}"
    told = {**EMPTY_ROW, **row, "b64_json": "", "url": address}
    return told, {name: base64.b64decode(encoded)}


def final_event(
    emulator: Emulator, told: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Return the final event of a stream as the manner newapi hands it on.

    By the profile: a picture by its address, and without the options.
    """
    profile, shown = emulator.profile, dict(told)
    if emulator.manner is not Manner.NEWAPI:
        return shown
    if profile.ignores_options:
        shown = {key: value for key, value in shown.items() if key not in OPTIONS}
    if profile.answers_url and shown.get("b64_json"):
        shown, pictures = row_by_url(shown, emulator.origin, f"{name}-0")
        keep(emulator, pictures, str(told.get("output_format", "png")))
        shown = {key: value for key, value in shown.items() if key != "usage"}
    return shown


def keep(emulator: Emulator, pictures: Mapping[str, bytes], form: str) -> None:
    """Keep pictures for their addresses."""
    for name, content in pictures.items():
        emulator.keep_picture(name, content, f"image/{form}")

"""URL answers: pictures by address, as converting gateways give them."""

import base64
from collections.abc import Mapping
from typing import Any, cast

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

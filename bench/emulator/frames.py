"""Frames: the events of a stream as bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bench.emulator.answers import json_bytes

DONE = b"data: [DONE]\n\n"


class Part(StrEnum):
    """What a frame is to the faults: they befall those that hold the picture."""

    EVENT = "event"
    PARTIAL = "partial"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Bytes that go out at once: one event, with the blank line after it."""

    content: bytes
    part: Part = Part.EVENT


def frame(data: Mapping[str, Any], part: Part = Part.EVENT) -> Frame:
    """Return an event with its type in both places where clients look for it."""
    name = str(data["type"]).encode()
    content = b"".join(
        (b"event: ", name, b"\ndata: ", json_bytes(data, indented=False), b"\n\n")
    )
    return Frame(content=content, part=part)

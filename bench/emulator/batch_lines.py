"""Batch lines: the input file of a batch, read and checked as a whole."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from bench.emulator.batches import LineError

LINES_MAX = 50_000
ERRORS_MAX = 100
MEMBERS = ("custom_id", "method", "url", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request of a batch."""

    custom_id: str
    body: Mapping[str, Any] = field(repr=False)


class BadLinesError(Exception):
    """Carries what is wrong with an input file."""

    def __init__(self, errors: Iterable[LineError]) -> None:
        super().__init__("the input file has bad lines")
        self.errors = tuple(errors)


def lines_of(content: bytes, endpoint: str) -> tuple[Line, ...]:
    """Read an input file for an endpoint (slow: belongs in a worker thread).

    Raises:
        BadLinesError: it is empty, too long, or any line is not as it must be.
    """
    rows = [(at, row) for at, row in enumerate(content.split(b"\n"), 1) if row.strip()]
    if not rows:
        raise BadLinesError([LineError(code="empty_file", message="No line is there.")])
    if len(rows) > LINES_MAX:
        message = f"At most {LINES_MAX} lines are taken, not {len(rows)}."
        raise BadLinesError([LineError(code="too_many_lines", message=message)])
    found: dict[int, Line] = {}
    errors: list[LineError] = []
    seen: set[str] = set()
    for at, row in rows:
        line = _line(at, row, endpoint)
        if isinstance(line, Line) and line.custom_id in seen:
            message = f"The custom_id '{line.custom_id}' is there twice."
            line = _error(at, "duplicate_custom_id", message, "custom_id")
        if isinstance(line, LineError):
            errors.append(line)
        else:
            seen.add(line.custom_id)
            found[at] = line
    errors = errors or _mixed(found)
    if errors:
        raise BadLinesError(errors[:ERRORS_MAX])
    return tuple(found.values())


def _error(at: int, code: str, message: str, param: str | None = None) -> LineError:
    return LineError(code=code, message=message, line=at, param=param)


def _line(at: int, row: bytes, endpoint: str) -> Line | LineError:
    try:
        told: object = json.loads(row)
    except (ValueError, RecursionError):
        return _error(at, "invalid_json_line", "This line is not valid JSON.")
    if not isinstance(told, dict):
        return _error(at, "invalid_json_line", "This line is no JSON object.")
    members = cast("dict[str, object]", told)
    fault = _fault(at, members, endpoint)
    if fault is not None:
        return fault
    return Line(
        custom_id=cast("str", members["custom_id"]),
        body=cast("dict[str, Any]", members["body"]),
    )


def _fault(at: int, members: dict[str, object], endpoint: str) -> LineError | None:
    for key in MEMBERS:
        kind = dict if key == "body" else str
        if not isinstance(members.get(key), kind):
            message = f"'{key}' is missing or of the wrong type."
            return _error(at, "missing_required_parameter", message, key)
    for key in members:
        if key not in MEMBERS:
            return _error(at, "unknown_parameter", f"'{key}' is not known.", key)
    if members["method"] != "POST":
        return _error(at, "invalid_method", "The method must be POST.", "method")
    if members["url"] != endpoint:
        message = f"The url must be the batch's endpoint, '{endpoint}'."
        return _error(at, "invalid_url", message, "url")
    return None


def _mixed(lines: Mapping[int, Line]) -> list[LineError]:
    """Say where another model is asked for than in the first line."""
    first = next(iter(lines.values())).body.get("model") if lines else None
    message = "All requests of a batch must name the same model."
    return [
        _error(at, "mismatched_model", message, "body.model")
        for at, line in lines.items()
        if line.body.get("model") != first
    ]

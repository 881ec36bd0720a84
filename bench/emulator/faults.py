"""Faults: what shall go wrong, how often, and for which requests."""

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from bench.emulator.documents import (
    BadDocumentError,
    read_list,
    read_number,
    read_object,
    read_whole,
)


class Scenario(StrEnum):
    """Every fault by its name; docs/emulator.md says what each does and bills."""

    UNAUTHORIZED = "unauthorized"
    ORG_UNVERIFIED = "org_unverified"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    SPEND_LIMIT = "spend_limit"
    MODERATION_BLOCKED = "moderation_blocked"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    GATEWAY_TIMEOUT = "gateway_timeout"
    RESET_BEFORE_HEADERS = "reset_before_headers"
    RESET_IN_BODY = "reset_in_body"
    TRUNCATED_BODY = "truncated_body"
    SLOW_HEADERS = "slow_headers"
    SLOW_BODY = "slow_body"
    HTML_200 = "html_200"
    BAD_JSON_200 = "bad_json_200"
    NO_IMAGE_200 = "no_image_200"
    CORRUPT_IMAGE_200 = "corrupt_image_200"
    WRONG_SIZE = "wrong_size"
    WRONG_QUALITY = "wrong_quality"
    MISSING_USAGE = "missing_usage"
    ZERO_USAGE = "zero_usage"
    STREAM_ERROR = "stream_error"
    STREAM_STALL = "stream_stall"


STREAM_ONLY = frozenset({Scenario.STREAM_ERROR, Scenario.STREAM_STALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which requests a fault is for; None matches any.

    Without a path a fault is for every POST under `/v1`.
    """

    path: str | None = None
    model: str | None = None
    prompt_contains: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned fault. `times` None means that it lasts until cleared.

    `code` is what `stream_error` says (default: server_error).
    """

    scenario: Scenario
    times: int | None = None
    share: float = 1.0
    when: When = field(default_factory=When)
    retry_after_s: float | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What of a request a fault looks at."""

    method: str
    path: str
    model: str | None
    prompt: str | None
    stream: bool = False


@dataclass(slots=True, kw_only=True)
class FaultPlan:
    """The faults in force; the first that matches and fires is the one."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    fired: list[int] = field(default_factory=list[int])
    _dice: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        """Start counting at nothing, with dice of the plan's seed."""
        self.fired = [0] * len(self.faults)
        self._dice.seed(self.seed)

    def draw(self, seen: Sighting) -> Fault | None:
        """Return the fault that befalls this request, and count it."""
        for at, fault in enumerate(self.faults):
            spent = fault.times is not None and self.fired[at] >= fault.times
            astray = fault.scenario in STREAM_ONLY and not seen.stream
            if spent or astray or not _matches(fault.when, seen):
                continue
            if self._dice.random() < fault.share:
                self.fired[at] += 1
                return fault
        return None


def _matches(when: When, seen: Sighting) -> bool:
    if when.path is None:
        if seen.method != "POST" or not seen.path.startswith("/v1/"):
            return False
    elif when.path != seen.path:
        return False
    if when.model is not None and when.model != seen.model:
        return False
    text = when.prompt_contains
    return text is None or (seen.prompt is not None and text in seen.prompt)


def parsed(document: object) -> FaultPlan:
    """Read `{"seed": ..., "faults": [...]}`.

    Raises:
        BadDocumentError: a scenario, key or value that is not understood.
    """
    plan = read_object("the fault plan", document, ("seed", "faults"))
    rows = read_list("faults", plan.get("faults", []))
    faults = tuple(_fault(f"faults[{at}]", row) for at, row in enumerate(rows))
    return FaultPlan(seed=read_whole("seed", plan.get("seed", 0)), faults=faults)


def _fault(where: str, row: object) -> Fault:
    keys = ("scenario", "times", "share", "when", "retry_after_s", "code")
    part = read_object(where, row, keys)
    name = part.get("scenario")
    if not isinstance(name, str) or name not in set(Scenario):
        raise BadDocumentError(
            f"{where}.scenario {name!r} is unknown; known are {', '.join(Scenario)}"
        )
    times, wait_s = part.get("times"), part.get("retry_after_s")
    code = part.get("code")
    if code is not None and not isinstance(code, str):
        raise BadDocumentError(f"{where}.code must be a text, not {code!r}")
    return Fault(
        scenario=Scenario(name),
        times=None if times is None else read_whole(f"{where}.times", times, low=1),
        share=read_number(f"{where}.share", part.get("share", 1.0), high=1),
        when=_when(f"{where}.when", part.get("when")),
        retry_after_s=(
            None if wait_s is None else read_number(f"{where}.retry_after_s", wait_s)
        ),
        code=code,
    )


def _when(where: str, value: object) -> When:
    if value is None:
        return When()
    part = read_object(where, value, ("path", "model", "prompt_contains"))
    for key, text in part.items():
        if text is not None and not isinstance(text, str):
            raise BadDocumentError(f"{where}.{key} must be a text, not {text!r}")
    return When(**cast("dict[str, str | None]", part))

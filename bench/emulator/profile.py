"""Profile: what tests may set while the emulator runs."""

from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from bench.emulator.documents import (
    BadDocumentError,
    read_flag,
    read_number,
    read_object,
    read_one_of,
    read_whole,
)
from bench.emulator.limits import Limits
from bench.emulator.service_time import Distribution

DISTRIBUTIONS = ("lognormal", "constant")
TOOL_USAGES = ("reported", "zero", "absent")
SIGMA_MAX = 5.0
FACTOR_MAX = Decimal(1000)
ANSWER_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProfile:
    """Time scale, service time, limits, and a gateway's overhead and price.

    `partials_share` is the chance that a partial picture which was asked for comes;
    `stream_done` ends image streams with `[DONE]`; `tool_usage` is how answers of
    the Responses API tell the image tool's tokens: reported, zero or absent. The
    manner newapi gives addresses for pictures where `answers_url` is set, and drops
    size, quality and partial pictures where `ignores_options` is.

    `service_time` None means the published medians by model, quality and size.
    `answer_bytes` is the size of an answer that is made once and served to all.
    """

    time_scale: float = 1.0
    service_time: Distribution | None = None
    limits: Limits = field(default_factory=Limits)
    overhead_s: float = 0.0
    price_factor: Decimal = Decimal(1)
    answer_bytes: int | None = None
    partials_share: float = 1.0
    stream_done: bool = False
    tool_usage: str = "reported"
    answers_url: bool = False
    ignores_options: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the profile as `GET /_emulator/profile` shows it."""
        shown: dict[str, object] = asdict(self)
        if self.service_time is not None:
            chosen = asdict(self.service_time)
            shown["service_time"] = {"distribution": chosen.pop("kind"), **chosen}
        shown["price_factor"] = f"{self.price_factor:f}"
        return shown


def changed(profile: RunProfile, wanted: object) -> RunProfile:
    """Return `profile` with the parts that `wanted` names.

    Raises:
        BadDocumentError: a key or value that is not understood.
    """
    part = read_object("the profile", wanted, (f.name for f in fields(profile)))
    new = {key: _read(profile, key, value) for key, value in part.items()}
    return replace(profile, **new)


def _read(profile: RunProfile, key: str, value: object) -> Any:  # noqa: ANN401 - many kinds of value
    readers = {
        "service_time": lambda: _service_time(profile.service_time, value),
        "limits": lambda: _limits(profile.limits, value),
        "price_factor": lambda: _factor(value),
        "answer_bytes": lambda: None if value is None else _answer_bytes(value),
        "partials_share": lambda: read_number(key, value, high=1),
        "stream_done": lambda: read_flag(key, value),
        "answers_url": lambda: read_flag(key, value),
        "ignores_options": lambda: read_flag(key, value),
        "tool_usage": lambda: read_one_of(key, value, TOOL_USAGES),
    }
    return readers.get(key, lambda: read_number(key, value))()


def _service_time(now: Distribution | None, value: object) -> Distribution | None:
    if value is None:
        return None
    known = ("distribution", "median_s", "sigma")
    part = read_object("service_time", value, known)
    new = now or Distribution()
    kind = part.get("distribution", new.kind)
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        names = " or ".join(DISTRIBUTIONS)
        raise BadDocumentError(
            f"service_time.distribution must be {names}, not {kind!r}"
        )
    median_s, sigma = part.get("median_s", new.median_s), part.get("sigma", new.sigma)
    return Distribution(
        kind=kind,
        median_s=read_number("service_time.median_s", median_s),
        sigma=read_number("service_time.sigma", sigma, high=SIGMA_MAX),
    )


def _limits(now: Limits, value: object) -> Limits:
    if value is None:
        return Limits()
    part = read_object("limits", value, (f.name for f in fields(now)))
    new = {
        key: None if limit is None else read_whole(f"limits.{key}", limit, low=1)
        for key, limit in part.items()
    }
    return replace(now, **new)


def _answer_bytes(value: object) -> int:
    wanted = read_whole("answer_bytes", value, low=1)
    if wanted > ANSWER_MAX_BYTES:
        raise BadDocumentError(f"answer_bytes must be at most {ANSWER_MAX_BYTES}")
    return wanted


def _factor(value: object) -> Decimal:
    """Read a price factor: a decimal string or a whole number, never a float."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            factor = Decimal(value)
        except InvalidOperation:
            factor = Decimal("NaN")
        if factor.is_finite() and 0 <= factor <= FACTOR_MAX:
            return factor
    raise BadDocumentError(
        f'price_factor must be a decimal string such as "0.5", not {value!r}'
    )

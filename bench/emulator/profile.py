"""Profile: what tests may set while the emulator runs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from bench.emulator.limits import Limits
from bench.emulator.service_time import Distribution

DISTRIBUTIONS = ("lognormal", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProfile:
    """Time scale, service time, limits, and a gateway's overhead and price.

    `service_time` None means the published medians by model, quality and size.
    """

    time_scale: float = 1.0
    service_time: Distribution | None = None
    limits: Limits = field(default_factory=Limits)
    overhead_s: float = 0.0
    price_factor: Decimal = Decimal(1)

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
        ValueError: a key or value that is not understood, named in the message.
    """
    part = _object("the profile", wanted)
    readers = {
        "time_scale": lambda v: _number("time_scale", v),
        "service_time": lambda v: _service_time(profile.service_time, v),
        "limits": lambda v: _limits(profile.limits, v),
        "overhead_s": lambda v: _number("overhead_s", v),
        "price_factor": _factor,
    }
    _known("the profile", part, readers)
    new = {key: readers[key](value) for key, value in part.items()}
    return replace(profile, **cast("dict[str, Any]", new))


def _object(where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a JSON object")  # noqa: TRY004 - one kind of error for all bad input
    return cast("dict[str, object]", value)


def _known(where: str, part: Mapping[str, object], keys: Mapping[str, object]) -> None:
    for key in part:
        if key not in keys:
            known = ", ".join(keys)
            raise ValueError(f"{where} has no key '{key}'; it knows {known}")


def _number(key: str, value: object) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or value < 0:
        raise ValueError(f"{key} must be a number of at least 0, not {value!r}")
    return float(value)


def _service_time(now: Distribution | None, value: object) -> Distribution | None:
    if value is None:
        return None
    part = _object("service_time", value)
    _known("service_time", part, {"distribution": 0, "median_s": 0, "sigma": 0})
    new = now or Distribution()
    kind = part.get("distribution", new.kind)
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        known = " or ".join(DISTRIBUTIONS)
        raise ValueError(f"service_time.distribution must be {known}, not {kind!r}")
    return Distribution(
        kind=kind,
        median_s=_number("service_time.median_s", part.get("median_s", new.median_s)),
        sigma=_number("service_time.sigma", part.get("sigma", new.sigma)),
    )


def _limits(now: Limits, value: object) -> Limits:
    if value is None:
        return Limits()
    part = _object("limits", value)
    known = asdict(now)
    _known("limits", part, known)
    for key, limit in part.items():
        good = isinstance(limit, int) and not isinstance(limit, bool)
        if limit is not None and (not good or cast("int", limit) < 1):
            raise ValueError(
                f"limits.{key} must be a whole number of at least 1 or null, "
                f"not {limit!r}"
            )
    return Limits(**cast("dict[str, int | None]", {**known, **part}))


def _factor(value: object) -> Decimal:
    """Read a price factor: a decimal string (or a whole number), never a float."""
    try:
        good = isinstance(value, str | int) and not isinstance(value, bool)
        factor = Decimal(cast("str | int", value)) if good else Decimal("NaN")
    except InvalidOperation:
        factor = Decimal("NaN")
    if not factor.is_finite() or factor < 0:
        raise ValueError(
            f'price_factor must be a decimal string such as "0.5", not {value!r}'
        )
    return factor

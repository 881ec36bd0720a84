"""Model: how requests follow each other, as a person asks for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bench.errors import BadInput

_UNITS_S: Mapping[str, int] = {"s": 1, "min": 60}
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"
_RATE = re.compile(rf"({_NUMBER})/(s|min)", re.ASCII)
_RAMP = re.compile(rf"({_NUMBER})(?:/(s|min))?-({_NUMBER})/(s|min):(.+)", re.ASCII)
_LENGTH = re.compile(rf"({_NUMBER})s?", re.ASCII)
_GOAL = re.compile(rf"\s*p95\s*<\s*({_NUMBER})\s*(s|ms)\s*", re.ASCII)
# Above it no single process of ours begins requests.
_MOST_PER_S = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Requests in a unit of time, as written: `5/s` or `300/min`."""

    n: Decimal
    unit: str

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return float(self.n) / _UNITS_S[self.unit]

    def __str__(self) -> str:
        """As an option has it."""
        return f"{self.n}/{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The next request begins when one ended: so many in flight, no schedule."""

    def __str__(self) -> str:
        """As an option has it."""
        return "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Requests begin at equal distances, whatever the endpoint does."""

    rate: Rate

    def __str__(self) -> str:
        """As an option has it."""
        return f"constant:{self.rate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """Requests begin at random, independent of each other: as many users ask."""

    rate: Rate

    def __str__(self) -> str:
        """As an option has it."""
        return f"poisson:{self.rate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """The rate goes from one to another in `over_s` seconds, and stays there."""

    begin: Rate
    end: Rate
    over_s: Decimal

    def __str__(self) -> str:
        """As an option has it."""
        return f"ramp:{self.begin}-{self.end}:{self.over_s}"


OpenLoad = Constant | Poisson | Ramp
Load = Closed | OpenLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a rate must keep: the p95 latency from schedule under a limit."""

    limit: Decimal
    unit: str

    @property
    def limit_s(self) -> float:
        """The limit in seconds."""
        return float(self.limit) / (1000 if self.unit == "ms" else 1)

    def __str__(self) -> str:
        """As an option has it."""
        return f"p95<{self.limit}{self.unit}"


def parse_load(text: str) -> Load:
    """A load model as an option has it.

    Raises:
        BadInput: It is none, or its rate can't be kept by any program.
    """
    kind, _, rest = text.strip().partition(":")
    if text.strip() == "closed":
        return Closed()
    if kind in {"constant", "poisson"} and (found := _RATE.fullmatch(rest)):
        rate = _rate(text, found[1], found[2])
        return Constant(rate=rate) if kind == "constant" else Poisson(rate=rate)
    if kind == "ramp" and (found := _RAMP.fullmatch(rest)):
        length = _LENGTH.fullmatch(found[5])
        if length and Decimal(length[1]) > 0:
            return Ramp(
                begin=_rate(text, found[1], found[2] or found[4]),
                end=_rate(text, found[3], found[4]),
                over_s=Decimal(length[1]),
            )
    raise BadInput(
        f"--load: '{text[:60]}' should be closed, constant:RATE, poisson:RATE or "
        "ramp:FROM-TO:SECONDS, with rates such as 5/s or 300/min"
    )


def parse_goal(text: str) -> Goal:
    """What `--find-rate` is to keep.

    Raises:
        BadInput: It is not of the form `p95<5s`.
    """
    found = _GOAL.fullmatch(text)
    if found is None or Decimal(found[1]) == 0:
        raise BadInput(
            f"--find-rate: '{text[:60]}' should read p95<SECONDS, such as \"p95<5s\" "
            'or "p95<800ms"'
        )
    return Goal(limit=Decimal(found[1]), unit=found[2])


def steady(load: Load) -> Constant | Poisson:
    """A load that has one rate.

    Raises:
        BadInput: It has none, or several.
    """
    if isinstance(load, Constant | Poisson):
        return load
    raise BadInput(
        f"--load {load}: --find-rate begins at one rate; give constant:RATE or "
        "poisson:RATE, or leave --load out"
    )


def _rate(text: str, number: str, unit: str) -> Rate:
    rate = Rate(n=Decimal(number), unit=unit)
    if not 0 < rate.per_s <= _MOST_PER_S:
        raise BadInput(
            f"--load: '{text[:60]}': a rate must be above 0 and at most {_MOST_PER_S}/s"
        )
    return rate

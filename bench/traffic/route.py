"""Route: which way a request goes, by a policy and what was seen; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import ClassVar

from bench.endpoint import Route
from bench.errors import BadInput

# What a policy may look back on; who keeps the state needs no more.
MOST_SEEN = 100


class Priority(StrEnum):
    """How urgent a request is to the program that makes it."""

    HIGH = "high"
    NORMAL = "normal"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that a route has answered, or kept waiting until it timed out.

    Attributes:
        latency_s: From the request sent to its end.
        age_s: Since that end.
    """

    latency_s: float
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known when a request is to be sent.

    Attributes:
        seen: By route, the oldest first.
        usd: What this request should cost on each route; None where nobody knows.
        last: Where the last request without a priority of its own went, None at
            the beginning.
    """

    priority: Priority = Priority.NORMAL
    seen: Mapping[Route, Sequence[Seen]] = field(
        default_factory=dict[Route, Sequence[Seen]]
    )
    usd: Mapping[Route, Decimal | None] = field(
        default_factory=dict[Route, Decimal | None]
    )
    last: Route | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """Everything goes to the provider."""

    kind: ClassVar[str] = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything goes through the gateway."""

    kind: ClassVar[str] = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLatency:
    """Through the gateway while its recent latency is under a threshold, else direct.

    Recent latency is the median of the last ``last_n`` requests that ended within
    ``window_s``. Without any the gateway is tried, so after ``window_s`` away from it
    one request finds out how it does. Once away, it must be faster than
    ``return_share`` of the threshold, or the way would change with every request.
    """

    kind: ClassVar[str] = "latency"
    threshold_s: float = 5.0
    return_share: float = 0.8
    window_s: float = 60.0
    last_n: int = 5

    def __post_init__(self) -> None:
        """Refuse what can't be a threshold or a window."""
        _above_0(self.kind, threshold_s=self.threshold_s)
        _window(self.kind, self.window_s, self.last_n)
        if not 0 < self.return_share <= 1:
            raise BadInput(
                f"policy {self.kind}: return_share {self.return_share:g} must be above "
                "0 and at most 1"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPriority:
    """High priority goes direct, batch through the gateway, the rest by latency."""

    kind: ClassVar[str] = "priority"
    otherwise: ByLatency = field(default_factory=ByLatency)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestUnder:
    """The cheapest route whose recent latency is within a bound, else the faster one.

    Recent latency is as for ``ByLatency``; a route without any is taken to be within
    the bound. A route whose price is unknown counts as the dearer one; of two that
    cost the same the direct one is taken.
    """

    kind: ClassVar[str] = "cheapest"
    bound_s: float
    window_s: float = 60.0
    last_n: int = 5

    def __post_init__(self) -> None:
        """Refuse what can't be a bound or a window."""
        _above_0(self.kind, bound_s=self.bound_s)
        _window(self.kind, self.window_s, self.last_n)


Policy = Direct | Gateway | ByLatency | ByPriority | CheapestUnder
POLICIES: tuple[type[Policy], ...] = (
    Direct,
    Gateway,
    ByPriority,
    ByLatency,
    CheapestUnder,
)


def choose(policy: Policy, state: State) -> Route:
    """The way that a request goes; the same for the same policy and state."""
    match policy:
        case Direct():
            return Route.DIRECT
        case Gateway():
            return Route.GATEWAY
        case ByLatency():
            return _by_latency(policy, state)
        case ByPriority():
            return _by_priority(policy, state)
        case CheapestUnder():
            return _cheapest(policy, state)


def _by_priority(policy: ByPriority, state: State) -> Route:
    match state.priority:
        case Priority.HIGH:
            return Route.DIRECT
        case Priority.BATCH:
            return Route.GATEWAY
        case Priority.NORMAL:
            return _by_latency(policy.otherwise, state)


def _by_latency(policy: ByLatency, state: State) -> Route:
    gateway_s = _recent_s(policy, state.seen.get(Route.GATEWAY, ()))
    is_away = state.last is Route.DIRECT
    limit_s = policy.threshold_s * (policy.return_share if is_away else 1)
    if gateway_s is None or gateway_s < limit_s:
        return Route.GATEWAY
    return Route.DIRECT


def _cheapest(policy: CheapestUnder, state: State) -> Route:
    recent_s = {
        route: _recent_s(policy, state.seen.get(route, ())) or 0.0 for route in Route
    }
    within = [route for route in Route if recent_s[route] <= policy.bound_s]
    if not within:
        return min(Route, key=lambda route: recent_s[route])
    return min(within, key=lambda route: _dearness(state.usd.get(route)))


def _dearness(usd: Decimal | None) -> tuple[bool, Decimal]:
    """What sorts prices, those that nobody knows behind all others."""
    return usd is None, usd or Decimal(0)


def _recent_s(policy: ByLatency | CheapestUnder, seen: Iterable[Seen]) -> float | None:
    """The median of the last latencies within the window; None without any."""
    within = [one.latency_s for one in seen if one.age_s <= policy.window_s]
    return median(within[-policy.last_n :]) if within else None


def _above_0(kind: str, **given: float) -> None:
    for name, value in given.items():
        if not 0 < value < float("inf"):
            raise BadInput(f"policy {kind}: {name} {value:g} must be above 0 seconds")


def _window(kind: str, window_s: float, last_n: int) -> None:
    _above_0(kind, window_s=window_s)
    if not 1 <= last_n <= MOST_SEEN:
        raise BadInput(f"policy {kind}: last_n {last_n} must be 1 to {MOST_SEEN}")

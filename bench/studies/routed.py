"""Routed: the trials of a recorded run that a policy would have sent."""

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bench.endpoint import Route
from bench.errors import BadInput
from bench.plan.frozen import Plan
from bench.plan.prices import priced_of
from bench.studies.levels import Row
from bench.studies.pairing import Pair
from bench.traffic.route import MOST_SEEN, Policy, Priority, Seen, State, choose
from pricing.errors import PricingError

Prices = Callable[[Row], Decimal | None]
_2_TO_64 = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Which share of the requests is urgent, and which can wait; the rest is normal.

    Nobody recorded how urgent a request was, so each is given its priority by lot:
    by a digest of the seed and of what it asks, alike for every policy.
    """

    high_share: float = 0.0
    batch_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what are no shares of one whole."""
        for name in ("high_share", "batch_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise BadInput(f"{name} {value:g} must be a share from 0 to 1")
        if self.high_share + self.batch_share > 1:
            raise BadInput(
                f"high_share {self.high_share:g} and batch_share {self.batch_share:g} "
                "are more than 1 together"
            )

    def priority(self, row: Row) -> Priority:
        """The priority of a request, by lot."""
        asked = (self.seed, row["prompt_id"], row["repeat"], row["parameters"])
        digest = hashlib.sha256(repr((*asked, row["model"])).encode()).digest()
        lot = int.from_bytes(digest[:8]) / _2_TO_64
        if lot < self.high_share:
            return Priority.HIGH
        is_batch = lot < self.high_share + self.batch_share
        return Priority.BATCH if is_batch else Priority.NORMAL


def begins_at(pair: Pair) -> datetime:
    """When the first of two requests was sent."""
    first: datetime = min(row["started_at"] for row in pair)
    return first


@dataclass(slots=True)
class _Memory:
    """What a policy has seen: of the requests that it sent itself, and no others."""

    under_way: list[tuple[float, int, Route, float]] = field(
        default_factory=list[tuple[float, int, Route, float]]
    )
    ended: dict[Route, deque[tuple[float, float]]] = field(
        default_factory=lambda: {route: deque(maxlen=MOST_SEEN) for route in Route}
    )

    def note(self, number: int, begun_s: float, route: Route, row: Row) -> None:
        """Remember a request once it has ended: answered, or timed out."""
        took_s = row["service_s"]
        if row["outcome"] == "timed_out":
            took_s = took_s or row["total_s"]
        if row["outcome"] in {"ok", "timed_out"} and took_s:
            heapq.heappush(self.under_way, (begun_s + took_s, number, route, took_s))

    def seen(self, now_s: float) -> dict[Route, tuple[Seen, ...]]:
        """What has ended by now."""
        while self.under_way and self.under_way[0][0] <= now_s:
            ended_s, _, route, took_s = heapq.heappop(self.under_way)
            self.ended[route].append((ended_s, took_s))
        return {
            route: tuple(
                Seen(latency_s=took_s, age_s=now_s - ended_s)
                for ended_s, took_s in found
            )
            for route, found in self.ended.items()
        }


def routed(
    policy: Policy, pairs: Sequence[Pair], mix: Mix, prices: Prices
) -> list[Row]:
    """The trials that a policy would have sent, out of each pair one.

    It decides when the first of the two was sent, by what it would have seen: the
    requests that it sent itself and that had ended by then.

    Args:
        policy: What decides.
        pairs: Direct and gateway of one request each, in the order of their time.
        mix: How urgent requests are.
        prices: What a trial's request should cost, as known before it is sent.
    """
    memory, last, found = _Memory(), None, list[Row]()
    first_at = begins_at(pairs[0])
    for number, (direct, gateway) in enumerate(pairs):
        now_s = (begins_at((direct, gateway)) - first_at).total_seconds()
        priority = mix.priority(direct)
        state = State(
            priority=priority,
            seen=memory.seen(now_s),
            usd={Route.DIRECT: prices(direct), Route.GATEWAY: prices(gateway)},
            last=last,
        )
        route = choose(policy, state)
        if priority is Priority.NORMAL:
            last = route
        row = gateway if route is Route.GATEWAY else direct
        memory.note(number, now_s, route, row)
        found.append(row)
    return found


def planned_prices(plan: Plan) -> Prices:
    """What requests of a run should cost, by the rates and counts of its plan.

    Nothing that only the answer told is used: a policy decides before it.
    """
    index = {cell: number for number, cell in enumerate(plan.cells)}
    found: dict[tuple[int, str], Decimal | None] = {}
    for planned in plan.trials:
        trial = planned.trial
        key = (index[trial.cell], trial.prompt_id)
        if key not in found:
            found[key] = None
            if planned.expected is not None:
                try:
                    priced = priced_of(plan.prices, trial.cell)
                    charges = priced.charges(planned.expected, trial.cell)
                except (KeyError, PricingError):
                    continue
                found[key] = charges.endpoint.usd
    return lambda row: found.get((row["cell_index"], row["prompt_id"]))

"""Replay: what routing policies would have made of a recorded run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.endpoint import Route
from bench.errors import BadInput
from bench.studies.comparison import endpoint_pairs
from bench.studies.levels import Level, Row, is_settled, level_of
from bench.studies.pairing import Pairing, pair_up
from bench.studies.routed import Mix, Prices, begins_at, routed
from bench.studies.unit_cost import Measured, measure
from bench.traffic.route import Policy, Priority
from pricing.money import minus
from pricing.projection import Band


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One policy, replayed.

    Attributes:
        n_gateway: Requests that it sent through the gateway.
        level: What the trials that it chose took, cost and gave.
        measured: What a usable picture cost, with its 90 % band.
        against: Its trials against the direct ones, like with like; None for the
            policy that others are held against.
        saving_usd: Dollars a usable picture below it; None where one is unknown.
        saving_band: Its 90 % band over whole prompts, paired.
    """

    name: str
    policy: Policy
    n_gateway: int
    level: Level
    measured: Measured
    against: Pairing | None
    saving_usd: Decimal | None
    saving_band: Band | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Policies over the same recorded requests, in the order of their time.

    Attributes:
        n_pairs: Requests that were sent both ways, and ended on both.
        n_left_out: Trials of the two endpoints that have no such partner.
        n_estimated: Requests of the pairs, on either way, whose charge rests on no
            reported usage.
        n_by_priority: How many of the pairs have each priority.
    """

    direct: str
    gateway: str
    simulated: bool
    n_pairs: int
    n_prompts: int
    n_left_out: int
    n_estimated: int
    n_by_priority: Mapping[Priority, int]
    policies: tuple[Replayed, ...]


def replay(
    trials: Sequence[Row],
    ends: tuple[str, str],
    policies: Mapping[str, Policy],
    mix: Mix,
    prices: Prices,
) -> Replay:
    """What each policy would have cost and taken, as recorded request by request.

    Args:
        trials: Rows of `bench.store.queries.trials` of one run.
        ends: The direct endpoint and the gateway.
        policies: By the name that tables show; the first is what others are held
            against.
        mix: How urgent requests are.
        prices: What a trial's request should cost, as known before it is sent.

    Raises:
        BadInput: No request was sent both ways.
    """
    paired = [
        pair for pair in endpoint_pairs(trials, *ends) if all(map(is_settled, pair))
    ]
    if not paired:
        raise BadInput(
            f"{ends[0]} and {ends[1]} have no request in common that ended on both; "
            "a replay needs a run of one suite at both"
        )
    paired.sort(key=begins_at)
    chosen = {
        name: routed(policy, paired, mix, prices) for name, policy in policies.items()
    }
    n_of_both = sum(row["endpoint"] in ends for row in trials)
    priorities = [mix.priority(pair[0]) for pair in paired]
    return Replay(
        direct=ends[0],
        gateway=ends[1],
        simulated=any(row["simulated"] for pair in paired for row in pair),
        n_pairs=len(paired),
        n_prompts=len({pair[0]["prompt_id"] for pair in paired}),
        n_left_out=n_of_both - 2 * len(paired),
        n_estimated=sum(
            row["usage_source"] == "estimated" for pair in paired for row in pair
        ),
        n_by_priority={one: priorities.count(one) for one in Priority},
        policies=_told(policies, chosen),
    )


def ends_of(
    run_id: str, trials: Sequence[Row], direct: str | None, gateway: str | None
) -> tuple[str, str]:
    """The direct endpoint and the gateway of a run, as named or the only ones.

    Raises:
        BadInput: There is none of a route, or several and no name.
    """
    return (
        _end(run_id, trials, Route.DIRECT, direct),
        _end(run_id, trials, Route.GATEWAY, gateway),
    )


def _end(run_id: str, trials: Sequence[Row], route: Route, name: str | None) -> str:
    there = sorted({row["endpoint"] for row in trials if row["route"] == route})
    if name is not None and name not in there:
        known = ", ".join(there) or "none"
        raise BadInput(
            f"--{route} {name}: run {run_id} has no such {route} endpoint; "
            f"it has {known}"
        )
    if name is None and len(there) != 1:
        said = ", ".join(there)
        why = f"several, {said}: name one with --{route}" if there else "none"
        raise BadInput(
            f"run {run_id} can't be replayed: it needs a direct endpoint and a "
            f"gateway, and of route {route} it has {why}"
        )
    return name or there[0]


def _told(
    policies: Mapping[str, Policy], chosen: Mapping[str, list[Row]]
) -> tuple[Replayed, ...]:
    """The figures of each policy, redrawn by the same prompts."""
    # Each policy is a place of its own, whatever it asked and wherever.
    whole = {"model": "", "quality": "", "size": "", "parameters": "{}"}
    rows = [
        {**row, **whole, "endpoint": name}
        for name, own in chosen.items()
        for row in own
    ]
    measured = {one.endpoint: one for one in measure(rows)}
    base = next(iter(policies))
    found: list[Replayed] = []
    for name, policy in policies.items():
        own = chosen[name]
        pairs = list(zip(chosen[base], own, strict=True))
        saving_usd, band = _saving(measured[base], measured[name])
        found.append(
            Replayed(
                name=name,
                policy=policy,
                n_gateway=sum(row["route"] == Route.GATEWAY for row in own),
                level=level_of(name, own),
                measured=measured[name],
                against=None if name == base else pair_up(base, name, pairs),
                saving_usd=None if name == base else saving_usd,
                saving_band=None if name == base else band,
            )
        )
    return tuple(found)


def _saving(base: Measured, other: Measured) -> tuple[Decimal | None, Band | None]:
    if base.unit is None or other.unit is None:
        return None, None
    step_usd = minus(base.unit.usd, other.unit.usd)
    if base.why_no_band is not None or other.why_no_band is not None:
        return step_usd, None
    return step_usd, base.draws.less(other.draws).band(step_usd)

"""Told costs: what answers say they cost, against what we charged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from bench.folder import RunFolder
from bench.journal import read_run
from pricing.money import minus, round_usd, total

_MEMBER = b'"reported_usd"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCost:
    """One answer that says what it cost.

    Attributes:
        charge_usd: What we charged; None where we know no price.
        told_usd: What the answer says, exactly as written.
        source: The header or the member of the body that says so.
    """

    attempt_id: str
    trial_id: str
    endpoint: str
    usage_source: str
    charge_usd: Decimal | None
    told_usd: Decimal
    source: str

    @property
    def step_usd(self) -> Decimal | None:
        """Dollars that the answer says above ours; None where ours is unknown."""
        if self.charge_usd is None:
            return None
        return minus(round_usd(self.told_usd), self.charge_usd)

    @property
    def is_as_charged(self) -> bool:
        """Whether both are the same to 12 decimals."""
        return self.step_usd == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostGap:
    """All answers of an endpoint that say their cost in one way.

    Attributes:
        n_told: Answers that say a cost.
        otherwise: Those that we charged otherwise, the largest difference first,
            and before them those for which we know no price.
    """

    endpoint: str
    source: str
    n_told: int
    otherwise: tuple[ToldCost, ...]

    @property
    def priced(self) -> tuple[ToldCost, ...]:
        """Those of them that have a price of ours."""
        return tuple(one for one in self.otherwise if one.charge_usd is not None)

    @property
    def n_without_price(self) -> int:
        """Those of them that have none."""
        return len(self.otherwise) - len(self.priced)

    @property
    def charge_usd(self) -> Decimal | None:
        """What we charged for those; None without any."""
        amounts = [one.charge_usd for one in self.priced if one.charge_usd is not None]
        return total(amounts) if amounts else None

    @property
    def told_usd(self) -> Decimal | None:
        """What the same answers say, each to 12 decimals as a charge is."""
        amounts = [round_usd(one.told_usd) for one in self.priced]
        return total(amounts) if amounts else None

    @property
    def step_usd(self) -> Decimal | None:
        """Dollars that they say above ours."""
        if self.told_usd is None or self.charge_usd is None:
            return None
        return minus(self.told_usd, self.charge_usd)


def told_costs(run: RunFolder) -> tuple[ToldCost, ...]:
    """Every cost that an answer of a run told, from its journals, in their order.

    A record that can't be read is left out; the index counts those.
    """
    found: dict[str, ToldCost] = {}
    for part in read_run(run):
        for line in part.outcomes:
            if _MEMBER in line:
                record: dict[str, Any] = orjson.loads(line)
                # A journal that somebody copied into the folder counts once.
                if record.get("reported_usd") is not None:
                    found.setdefault(record["attempt_id"], _told(record))
    return tuple(found.values())


def _told(record: Mapping[str, Any]) -> ToldCost:
    charge_usd = record["charge_usd"]
    return ToldCost(
        attempt_id=record["attempt_id"],
        trial_id=record["trial_id"],
        endpoint=record["endpoint"],
        usage_source=record["usage_source"],
        charge_usd=None if charge_usd is None else Decimal(charge_usd),
        told_usd=Decimal(record["reported_usd"]),
        source=record["reported_usd_from"],
    )


def cost_gaps(told: Iterable[ToldCost]) -> tuple[CostGap, ...]:
    """What endpoints told, each way of telling by itself."""
    groups: dict[tuple[str, str], list[ToldCost]] = {}
    for one in told:
        groups.setdefault((one.endpoint, one.source), []).append(one)
    return tuple(
        CostGap(
            endpoint=endpoint,
            source=source,
            n_told=len(own),
            otherwise=tuple(
                sorted((one for one in own if not one.is_as_charged), key=_unlike_first)
            ),
        )
        for (endpoint, source), own in sorted(groups.items())
    )


def _unlike_first(one: ToldCost) -> tuple[bool, Decimal]:
    step_usd = one.step_usd
    return step_usd is not None, -abs(step_usd or Decimal(0))

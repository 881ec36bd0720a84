"""Pairing: one level against another, like with like."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from bench.stats import (
    Difference,
    mcnemar_p,
    mean_difference,
    ratio_difference,
    unit_difference,
)
from bench.studies.levels import Row, is_settled, is_timed, per_image
from pricing.money import minus, total

Pair = tuple[Row, Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars of pairs of which both are ok and both prices are known.

    Attributes:
        first_usd, second_usd: Exact sums over those pairs.
        difference: Dollars an image, second above first.
    """

    first_usd: Decimal
    second_usd: Decimal
    first_images: int
    second_images: int
    difference: Difference

    @property
    def first_per_image(self) -> Decimal | None:
        """Dollars an image of the first, to 12 decimals."""
        return per_image(self.first_usd, self.first_images)

    @property
    def second_per_image(self) -> Decimal | None:
        """Dollars an image of the second, to 12 decimals."""
        return per_image(self.second_usd, self.second_images)

    @property
    def step_per_image(self) -> Decimal | None:
        """Dollars an image that the second is above the first."""
        first, second = self.first_per_image, self.second_per_image
        return None if first is None or second is None else minus(second, first)

    @property
    def share(self) -> float | None:
        """The step over the first's dollars an image."""
        step, first = self.step_per_image, self.first_per_image
        return float(step / first) if step is not None and first else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRatio:
    """How many times as long the second took as the first, for one prompt.

    Attributes:
        ratio: The geometric mean over its pairs, as `ratio_difference` takes it.
    """

    prompt_id: str
    ratio: float
    n_pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The second level against the first, like with like.

    Attributes:
        n_pairs: Trials with the same prompt, repeat and all else.
        service: Ratio of service times where both were ok.
        ratios: The same by prompt; `service` is their median.
        ok: Difference of the shares of ok; p by McNemar.
        ok_shares: The shares themselves, over pairs that both ended.
        only_first_ok, only_second_ok: Pairs of which just one was ok.
    """

    first: str
    second: str
    n_pairs: int
    service: Difference
    ratios: tuple[PromptRatio, ...]
    cost: Cost
    ok: Difference
    ok_shares: tuple[float, float] | None
    only_first_ok: int
    only_second_ok: int


def pair_up(first: str, second: str, pairs: Sequence[Pair]) -> Pairing:
    """The second level against the first, from trials that match."""
    times_s = _figures(pairs, is_timed, lambda row: row["service_s"])
    settled = [pair for pair in pairs if _both(pair, is_settled)]
    outcomes = [(_is_ok(one), _is_ok(other)) for one, other in settled]
    return Pairing(
        first=first,
        second=second,
        n_pairs=len(pairs),
        service=ratio_difference(times_s),
        ratios=_ratios(times_s),
        cost=_cost([pair for pair in pairs if _both(pair, _is_priced)]),
        ok=mean_difference(
            _figures(settled, is_settled, lambda row: float(_is_ok(row))),
            mcnemar_p(outcomes),
        ),
        ok_shares=_shares(outcomes),
        only_first_ok=sum(one and not other for one, other in outcomes),
        only_second_ok=sum(other and not one for one, other in outcomes),
    )


def _ratios(
    times_s: Mapping[str, Sequence[tuple[float, float]]],
) -> tuple[PromptRatio, ...]:
    return tuple(
        PromptRatio(
            prompt_id=prompt_id,
            ratio=math.exp(fmean(math.log(second / first) for first, second in own)),
            n_pairs=len(own),
        )
        for prompt_id, own in times_s.items()
    )


def _cost(pairs: Sequence[Pair]) -> Cost:
    by_prompt: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_prompt[pair[0]["prompt_id"]].append(pair)
    return Cost(
        first_usd=total(one["charge_usd"] for one, _ in pairs),
        second_usd=total(other["charge_usd"] for _, other in pairs),
        first_images=sum(one["images"] for one, _ in pairs),
        second_images=sum(other["images"] for _, other in pairs),
        difference=unit_difference(
            [_sums(own) for own in by_prompt.values()], len(pairs)
        ),
    )


def _sums(pairs: Sequence[Pair]) -> tuple[float, int, float, int]:
    one, other = zip(*pairs, strict=True)
    return (*_sum(one), *_sum(other))


def _sum(rows: Sequence[Row]) -> tuple[float, int]:
    usd = total(row["charge_usd"] for row in rows)
    return float(usd), sum(row["images"] for row in rows)


def _shares(outcomes: Sequence[tuple[bool, bool]]) -> tuple[float, float] | None:
    n = len(outcomes)
    if not n:
        return None
    return sum(one for one, _ in outcomes) / n, sum(two for _, two in outcomes) / n


def _figures(
    pairs: Iterable[Pair], counts: Callable[[Row], bool], figure: Callable[[Row], float]
) -> dict[str, list[tuple[float, float]]]:
    by_prompt: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one, other in pairs:
        if counts(one) and counts(other):
            by_prompt[one["prompt_id"]].append((figure(one), figure(other)))
    return by_prompt


def _both(pair: Pair, holds: Callable[[Row], bool]) -> bool:
    return holds(pair[0]) and holds(pair[1])


def _is_ok(row: Row) -> bool:
    return row["outcome"] == "ok"


def _is_priced(row: Row) -> bool:
    known = row["charge_usd"] is not None and not row["charge_unknown"]
    return _is_ok(row) and known and bool(row["images"])

"""Stats: intervals, and differences of pairs, with how sure they are.

All is 95 % and two-sided unless said; `None` is a bound that the data can't give.
"""

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import numpy as np

from bench.binomial import point

LEVEL = 0.95
_Z = 1.959963984540054  # of the normal distribution, at that level
FEWEST_PROMPTS = 6
N_FOR_P95 = 72
N_RESAMPLES = 9_999
# Of so many differences every choice of signs is tried: 8192.
MOST_ENUMERATED = 13
_SEED = 20_261_121
_Statistic = Callable[..., Any]


def _tests() -> Any:  # noqa: ANN401  it has no types, and takes a second to load
    return importlib.import_module("scipy.stats")


class Verdict(StrEnum):
    """What a difference allows to say."""

    DIFFERENT = "different"
    NO_CLEAR_DIFFERENCE = "no clear difference"
    TOO_FEW_PROMPTS = "too few prompts to tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An interval for a figure; None where there is no bound."""

    low: float | None
    high: float | None

    @property
    def is_closed(self) -> bool:
        """Whether both bounds are known."""
        return self.low is not None and self.high is not None

    def covers(self, value: float) -> bool:
        """Whether a value lies within; an unknown bound excludes nothing."""
        return (self.low is None or self.low <= value) and (
            self.high is None or value <= self.high
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of one side against the other, from pairs by prompt.

    Attributes:
        n_prompts: Prompts with at least one pair; what the interval rests on.
        n_pairs: Pairs; repeats of a prompt are averaged before.
        estimate: None without any pair.
        p: Of the test named by the function that made it.
    """

    n_prompts: int
    n_pairs: int
    estimate: float | None
    interval: Interval
    p: float | None
    verdict: Verdict


def quantile_ranks(n: int, q: float) -> tuple[int | None, int | None]:
    """The ranks, from 1, of the values that `quantile_interval` answers with.

    Args:
        n: How many values there are.
        q: Between 0 and 1, both excluded.
    """
    if not n:
        return None, None
    tail = (1 - LEVEL) / 2
    # The largest r with P(K < r) <= 2.5 %, the smallest s with P(K >= s) <= 2.5 %.
    below, above = point(tail, n, q), point(1 - tail, n, q) + 1
    return below if below >= 1 else None, above if above <= n else None


def quantile_interval(values: Sequence[float], q: float) -> Interval:
    """The order-statistic interval of a quantile, free of any distribution.

    With K ~ Binomial(n, q) values at or below the quantile, the bounds are the
    values at the ranks of K's 2.5 % and 97.5 % points. It covers at least 95 %
    at every n; both bounds exist from ceil(ln .025 / ln max(q, 1-q)) values on:
    6 for the median, 72 for p95.

    Source: H. A. David, H. N. Nagaraja, Order Statistics (2003), 7.1.

    Args:
        values: In any order.
        q: Between 0 and 1, both excluded.
    """
    ordered = sorted(values)
    below, above = quantile_ranks(len(ordered), q)
    return Interval(
        low=None if below is None else ordered[below - 1],
        high=None if above is None else ordered[above - 1],
    )


def wilson_interval(successes: int, n: int) -> Interval:
    """Wilson's score interval of a share; unbounded without any trial.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if n == 0:
        return Interval(low=None, high=None)
    share, more = successes / n, _Z * _Z / n
    middle = (share + more / 2) / (1 + more)
    half = _Z * math.sqrt((share * (1 - share) + more / 4) / n) / (1 + more)
    low, high = middle - half, middle + half
    return Interval(low=low if successes else 0.0, high=high if successes < n else 1.0)


def ratio_difference(pairs: Mapping[str, Sequence[tuple[float, float]]]) -> Difference:
    """How many times the first side's figure the second's is: paired by prompt.

    Log ratios are averaged within a prompt; the estimate is the median over
    prompts, its interval the percentile bootstrap over whole prompts (BCa is
    no use for a median: the jackknife it rests on fails there). `p` is
    Wilcoxon's signed-rank test of the log ratios.

    Sources: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap
    (1993), 13 and 11.6; F. Wilcoxon, Biometrics Bulletin 1 (1945) 80.

    Args:
        pairs: By prompt, (first, second) of each pair; all above 0.

    Returns:
        Ratios: 1.08 when the second takes 8 % more.
    """
    logs = [
        float(np.mean([math.log(second / first) for first, second in found]))
        for found in pairs.values()
        if found
    ]
    difference = _difference(logs, sum(map(len, pairs.values())), np.median)
    return Difference(
        n_prompts=difference.n_prompts,
        n_pairs=difference.n_pairs,
        estimate=_exp(difference.estimate),
        interval=Interval(
            low=_exp(difference.interval.low), high=_exp(difference.interval.high)
        ),
        p=difference.p,
        verdict=difference.verdict,
    )


def mean_difference(
    pairs: Mapping[str, Sequence[tuple[float, float]]], p: float | None = None
) -> Difference:
    """How much the second side's figure is above the first's: paired by prompt.

    Differences are averaged within a prompt; the estimate is the mean over
    prompts, its interval the percentile bootstrap over whole prompts. `p` is
    Wilcoxon's signed-rank test unless one is given, which then must agree before
    sides are told apart. Sources as above.

    Args:
        pairs: By prompt, (first, second) of each pair.
        p: Of a test that fits the figure better.
    """
    means = [
        float(np.mean([second - first for first, second in found]))
        for found in pairs.values()
        if found
    ]
    return _difference(means, sum(map(len, pairs.values())), np.mean, p)


def unit_difference(
    sums: Sequence[tuple[float, int, float, int]], n_pairs: int
) -> Difference:
    """How much a unit of the second side is above one of the first.

    The estimate is the difference of two ratios of sums, its interval the
    percentile bootstrap of just that over whole prompts, both to 12 decimals.
    `p` is Wilcoxon's signed-rank test of the prompts' own differences. Sources as
    above.

    Args:
        sums: By prompt: amount and units of the first, amount and units of the
            second; units above 0.
        n_pairs: Pairs behind them.
    """
    columns = tuple(np.asarray(column, dtype=float) for column in zip(*sums))  # noqa: B905  rows are alike
    n_prompts, interval = len(sums), Interval(low=None, high=None)
    if n_prompts >= FEWEST_PROMPTS:
        interval = _resampled(columns, _unit_step)
    return Difference(
        n_prompts=n_prompts,
        n_pairs=n_pairs,
        estimate=float(_unit_step(*columns)) if sums else None,
        interval=interval,
        p=_wilcoxon([round(c / d - a / b, 12) for a, b, c, d in sums]),
        verdict=_verdict(n_prompts, interval),
    )


def _unit_step(*columns: Any, axis: int = -1) -> Any:  # noqa: ANN401  arrays of floats
    sums: Any = [np.sum(one, axis=axis) for one in columns]
    return cast("Any", np.round(sums[2] / sums[3] - sums[0] / sums[1], 12))


def mcnemar_p(pairs: Sequence[tuple[bool, bool]]) -> float:
    """The exact McNemar test of two yes/no outcomes on the same trials.

    Source: Q. McNemar, Psychometrika 12 (1947) 153; exact by the binomial.
    """
    only_first = sum(first and not second for first, second in pairs)
    only_second = sum(second and not first for first, second in pairs)
    n = only_first + only_second
    if n == 0:
        return 1.0
    return float(_tests().binomtest(only_first, n, 0.5).pvalue)


def _difference(
    values: list[float], n_pairs: int, statistic: _Statistic, p: float | None = None
) -> Difference:
    n_prompts = len(values)
    interval = Interval(low=None, high=None)
    if n_prompts >= FEWEST_PROMPTS:
        interval = _bootstrap(values, statistic)
    return Difference(
        n_prompts=n_prompts,
        n_pairs=n_pairs,
        estimate=float(statistic(values)) if values else None,
        interval=interval,
        p=_wilcoxon(values) if p is None else p,
        verdict=_verdict(n_prompts, interval, p),
    )


def _verdict(n_prompts: int, interval: Interval, p: float | None = None) -> Verdict:
    if n_prompts < FEWEST_PROMPTS:
        return Verdict.TOO_FEW_PROMPTS
    if interval.covers(0) or (p is not None and p > 1 - LEVEL):
        return Verdict.NO_CLEAR_DIFFERENCE
    return Verdict.DIFFERENT


def _bootstrap(values: list[float], statistic: _Statistic) -> Interval:
    if len(set(values)) == 1:
        return Interval(low=values[0], high=values[0])
    return _resampled((np.asarray(values),), statistic)


def _resampled(columns: tuple[Any, ...], statistic: _Statistic) -> Interval:
    found = _tests().bootstrap(
        columns,
        statistic,
        paired=len(columns) > 1,
        vectorized=True,
        confidence_level=LEVEL,
        n_resamples=N_RESAMPLES,
        batch=max(1, 2_000_000 // len(columns[0])),
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    interval = found.confidence_interval
    return Interval(low=float(interval.low), high=float(interval.high))


def _wilcoxon(values: list[float]) -> float | None:
    """The signed-rank test, two-sided; values of 0 are left out (Wilcoxon 1945)."""
    moved: Any = np.asarray([value for value in values if value != 0])
    if not moved.size:
        return None if not values else 1.0
    sizes: Any = np.abs(moved)
    if moved.size > MOST_ENUMERATED or np.unique(sizes).size == moved.size:
        return float(_tests().wilcoxon(moved).pvalue)
    # With ties the library draws signs one by one, a second's work; here every
    # choice of signs is summed at once.
    ranks: Any = _tests().rankdata(sizes)
    signs = cast("Any", np.arange(2**moved.size)[:, None] >> np.arange(moved.size) & 1)
    sums = signs @ ranks
    observed = float(ranks[moved > 0].sum())
    # Ranks are halves: what is equal differs by rounding alone.
    below, above = (sums <= observed + 0.25).mean(), (sums >= observed - 0.25).mean()
    return min(1.0, 2 * float(min(below, above)))


def _exp(value: float | None) -> float | None:
    return None if value is None else math.exp(value)

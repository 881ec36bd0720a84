"""Lags: how late a loop was, counted in buckets that can be added up."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

# The edge that the rule of docs/method.md compares with is one of the buckets'.
EDGE_S = 0.005
BUCKETS_A_DOUBLING = 4
# 78 us: below, no timer of a loop is exact.
_LEAST = -6 * BUCKETS_A_DOUBLING


def bucket_of(lag_s: float) -> int:
    """The bucket k that a lag falls into: the first with lag_s <= `edge_s(k)`."""
    if lag_s <= edge_s(_LEAST):
        return _LEAST
    bucket = math.ceil(BUCKETS_A_DOUBLING * math.log2(lag_s / EDGE_S))
    # A logarithm may be off by its last digit, which the edge must not be.
    return bucket + 1 if lag_s > edge_s(bucket) else bucket


def edge_s(bucket: int) -> float:
    """The largest lag of a bucket, in seconds."""
    return EDGE_S * 2.0 ** (bucket / BUCKETS_A_DOUBLING)


def added_up(counts: Iterable[Iterable[tuple[int, int]]]) -> Mapping[int, int]:
    """Several lists of (bucket, count) as one."""
    total: Counter[int] = Counter()
    for pairs in counts:
        for bucket, n in pairs:
            total[bucket] += n
    return total


def quantile_s(counts: Mapping[int, int], share: float) -> float | None:
    """The edge of the bucket that holds a quantile; None of nothing.

    By nearest rank; at most 19 % more than the lag itself, and never less.
    """
    rank = math.ceil(share * sum(counts.values()))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return edge_s(bucket)
    return None

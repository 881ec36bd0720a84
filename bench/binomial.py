"""Binomial: the points of its distribution, without a library."""

import math
from itertools import accumulate

# Weights beside the highest; what lies beyond adds less than a rounding.
_LEAST = 1e-20


def point(share: float, n: int, q: float) -> int:
    """The smallest k with P(K <= k) >= share, for K ~ Binomial(n, q).

    Weights are followed from the likeliest value to both sides and then brought
    to a sum of 1, so no factorial is needed at any n.

    Args:
        share: Between 0 and 1, both excluded.
        n: At least 1.
        q: Between 0 and 1, both excluded.
    """
    likeliest = min(n, int((n + 1) * q))
    odds = q / (1 - q)
    above = [1.0]
    for k in range(likeliest, n):
        above.append(above[-1] * (n - k) / (k + 1) * odds)
        if above[-1] < _LEAST:
            break
    below = [1.0]
    for k in range(likeliest, 0, -1):
        below.append(below[-1] * k / (n - k + 1) / odds)
        if below[-1] < _LEAST:
            break
    weights = [*below[:0:-1], *above]
    wanted = share * math.fsum(weights)
    first = likeliest - len(below) + 1
    for k, sum_ in enumerate(accumulate(weights), first):
        if sum_ >= wanted:
            return k
    return first + len(weights) - 1

"""Schedule: the instants at which requests are due; pure."""

import itertools
import math
import random
from collections.abc import Iterator

from bench.load.model import Constant, OpenLoad, Poisson, Ramp

# A send later than due by more is counted as late; below it is a loop's own grain.
LATE_FROM_S = 0.01


def due_offsets_s(load: OpenLoad, seed: int) -> Iterator[float]:
    """When each request is due, in seconds from one common start; without end.

    Each instant is made from its number or from the sum of all gaps, never from
    the clock, so that what came late moves nothing that follows.

    Args:
        load: The model.
        seed: Of the run; the same seed gives the same Poisson arrivals.
    """
    match load:
        case Constant():
            return (number / load.rate.per_s for number in itertools.count())
        case Poisson():
            return _arrivals(load.rate.per_s, seed)
        case Ramp():
            return (_on_ramp(load, number) for number in itertools.count())


def _arrivals(per_s: float, seed: int) -> Iterator[float]:
    """Sums of exponential gaps: a Poisson process."""
    # Apart from the chance that orders trials by the same seed.
    chance = random.Random(f"arrivals {seed}")  # noqa: S311  nothing secret hangs on it
    gaps = (chance.expovariate(per_s) for _ in itertools.count())
    return itertools.accumulate(gaps)


def _on_ramp(ramp: Ramp, number: int) -> float:
    """When the area under the rate reaches a number: its inverse, exact."""
    if number == 0:
        return 0.0
    begin, end, over_s = ramp.begin.per_s, ramp.end.per_s, float(ramp.over_s)
    n_on_ramp = (begin + end) / 2 * over_s
    if number >= n_on_ramp:
        return over_s + (number - n_on_ramp) / end
    slope = (end - begin) / over_s
    # The form of the quadratic's root that does not cancel where the slope is small.
    return 2 * number / (begin + math.sqrt(begin**2 + 2 * slope * number))

"""Warm-up: which first requests are in no figure of latency; pure."""

from collections import Counter
from collections.abc import Sequence

# With fewer trials in a cell each of them is worth more than a cold connection costs.
FEWEST_IN_A_CELL = 20
_MOST_SHARE = 1 / 20
# Few are in flight at the first rate of a search, which pays for them on top.
MOST_IN_A_SEARCH = 5


def n_warmup(places: Sequence[tuple[str, int]], n_at_once: int) -> int:
    """How many first trials of each endpoint are warm-up, where nobody says.

    As many as are in flight at once, so that each connection has been used, but
    none where a cell has fewer than 20 trials, and at most one in twenty of an
    endpoint's. It is one number for all endpoints: they meet in the same order,
    so that pairs of direct and gateway stay pairs.

    Args:
        places: Endpoint and cell of each trial.
        n_at_once: Requests in flight at most.
    """
    cells = Counter(cell for _, cell in places)
    endpoints = Counter(endpoint for endpoint, _ in places)
    if not places or min(cells.values()) < FEWEST_IN_A_CELL:
        return 0
    return min(n_at_once, int(min(endpoints.values()) * _MOST_SHARE))


def marks(endpoints: Sequence[str], n_first: int) -> list[bool]:
    """Whether each trial is among the first so many of its endpoint.

    Args:
        endpoints: Of each trial, in the order in which they are sent.
        n_first: How many of each endpoint are warm-up.
    """
    seen = Counter[str]()
    found: list[bool] = []
    for endpoint in endpoints:
        found.append(seen[endpoint] < n_first)
        seen[endpoint] += 1
    return found

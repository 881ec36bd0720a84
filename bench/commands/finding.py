"""Finding: what a search for the highest rate found, told."""

from typing import TYPE_CHECKING, Any

from bench.errors import BadInput
from bench.words.rates import found_text, rate_text, stage_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plan.frozen import PlannedTrial
    from bench.plan.options import Options
    from bench.seeking import Found


def check_search(
    options: "Options", n_endpoints: int, trials: "Sequence[PlannedTrial]"
) -> None:
    """Refuse a search that can't say anything, before it costs anything.

    Raises:
        BadInput: There are several endpoints, or fewer trials than one rate needs.
    """
    if options.goal is None:
        return
    from bench.load.model import steady
    from bench.load.search import stage_size

    if n_endpoints != 1:
        raise BadInput(
            f"--find-rate: {n_endpoints} endpoints; a rate that two share is nobody's, "
            "so name one with --endpoint"
        )
    per_s = steady(options.load).rate.per_s
    # Warm-up says nothing of a rate, so it comes on top.
    n_warmup = sum(planned.is_warmup for planned in trials)
    n_needed, n_trials = stage_size(per_s, options.goal) + n_warmup, len(trials)
    if n_trials < n_needed:
        raise BadInput(
            f"--find-rate {options.goal}: the first rate, {rate_text(per_s)}, needs "
            f"{n_needed:,} requests, and there are {n_trials:,} trials; nothing was "
            "sent; raise the suite's repeats, or begin lower with --load constant:RATE"
        )


def found_lines(found: "Found") -> list[str]:
    """The rates that were tried, a line each, and what they come to."""
    from bench.load.search import bounds
    from bench.seeking import tried_fields

    limit = f"{found.goal.limit}{found.goal.unit}"
    return [
        *(stage_text(tried_fields(one), limit) for one in found.tried),
        found_text(*bounds(found.tried), str(found.goal), found.reason),
    ]


def found_fields(found: "Found") -> dict[str, Any]:
    """The same as plain data: goal, highest_per_s, settled, reason, tried."""
    from bench.seeking import tried_fields

    return {
        "goal": str(found.goal),
        "highest_per_s": found.highest_per_s,
        "settled": found.reason is None,
        "reason": found.reason,
        "tried": [tried_fields(one) for one in found.tried],
    }

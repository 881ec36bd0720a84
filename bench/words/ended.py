"""Ended: how an attempt ended and what it may cost, in a word or two."""

from collections.abc import Mapping
from typing import Any

from bench.words.figures import dollars, so_many


def ended(attempt: Mapping[str, Any]) -> str:
    """The outcome; of one that a job of the Batch API may still answer, that it waits.

    Args:
        attempt: A row of `v_attempt`.
    """
    if attempt["outcome"] == "lost" and attempt["error_code"] == "in_job":
        return "waits in a job"
    return attempt["outcome"]


def at_most(attempt: Mapping[str, Any]) -> str:
    """What it may have cost; of a tier without rates, that they are another's.

    Args:
        attempt: A row of `v_attempt`.
    """
    usd = dollars(attempt["possibly_billed_usd"])
    is_other_tier = "service_tier_unpriced" in (attempt["flags"] or ())
    return f"{usd} at standard rates" if is_other_tier else usd


def not_sent_after(n: int, n_asked: int) -> str:
    """So many turns of conversations had nothing to go on from."""
    were = "was" if n == 1 else "were"
    return (
        f"{n} of {so_many(n_asked, 'turn')} {were} not sent: one before failed and "
        "left nothing to go on from"
    )

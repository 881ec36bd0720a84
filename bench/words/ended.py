"""Ended: how an attempt ended, in a word or two."""

from collections.abc import Mapping
from typing import Any


def ended(attempt: Mapping[str, Any]) -> str:
    """The outcome; of one that a job of the Batch API may still answer, that it waits.

    Args:
        attempt: A row of `v_attempt`.
    """
    if attempt["outcome"] == "lost" and attempt["error_code"] == "in_job":
        return "waits in a job"
    return attempt["outcome"]

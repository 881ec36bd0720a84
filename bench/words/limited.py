"""Limited: whether a run measured its own client, in words."""

from collections.abc import Mapping
from typing import Any

LIMITED = "client-limited"


def limited_sentence(row: Mapping[str, Any]) -> str | None:
    """What a reader of times must know; None where this program kept up.

    Args:
        row: With `client_limited`, `client_limited_reasons`,
            `client_limited_remarks` and `attempts`, as in `v_run`.
    """
    if row["client_limited"] is False or not row["attempts"]:
        return None
    why = "; ".join(row["client_limited_reasons"])
    if row["client_limited"]:
        return (
            f"{LIMITED}: this program was too slow for its own load, so times may "
            f"hold delays of its own beside those of the endpoints ({why})"
        )
    return f"{LIMITED} or not, nobody knows: {why or 'the index does not tell'}"


def limited_remarks(row: Mapping[str, Any]) -> str | None:
    """What was busy, whether or not it did harm; None where nothing was."""
    said = "; ".join(row["client_limited_remarks"])
    return f"noted: {said}" if said else None

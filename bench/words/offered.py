"""Offered: what became of what a schedule offered, in a sentence."""

from collections.abc import Mapping
from typing import Any

from bench.words.figures import seconds


def offered_text(row: Mapping[str, Any]) -> str:
    """One sentence whose counts add up, from a row of `bench.store.queries.offered`."""
    is_search = row["find_rate"] is not None
    how = (
        f"search for {row['find_rate']} from {row['load']}"
        if is_search
        else row["load"]
    )
    late = ""
    if row["n_late"]:
        most = seconds(row["late_max_s"])
        late = f" + {row['n_late']:,} late (by this program, up to {most})"
    others = "".join(
        f" + {row[name]:,} {words}"
        for name, words in (
            ("n_unknown", "of unknown end"),
            ("n_in_flight", "in flight"),
            ("n_not_sent", "not needed or not sent" if is_search else "not sent"),
        )
        if row[name]
    )
    return (
        f"schedule {how} (open loop): {row['n_offered']:,} offered = "
        f"{row['n_on_time']:,} on time{late}{others}"
    )

"""Status: how a run stands, as `show`, `run` and `resume` answer."""

import os
from decimal import Decimal
from typing import Any

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index
from bench.store.ingest import refresh
from pricing.money import usd_text

_BUCKETS = ("done", "failed", "possibly_billed", "not_sent", "in_flight")
_LIMITED = ("client_limited", "client_limited_reasons", "client_limited_remarks")
_MONEY = ("charge_usd", "list_usd", "possibly_billed_usd", "reserved_usd")


def make_current(folder: DataFolder) -> tuple[str, ...]:
    """Read what is new in the journals, where the folder can be written.

    Returns:
        Sentences about what could not be read. An index in a folder that can't
        be written is left as it is, and one of them says so.

    Raises:
        BadInput: A newer program made the index.
        StorageFailed: The index is damaged, can't be written, or is not there in
            a folder that can't be written.
    """
    try:
        return refresh(folder).problems
    except StorageFailed:
        if os.access(folder.root, os.W_OK):
            raise
        if folder.index.is_file():
            left = "its index is read as it was left; newer records are missing"
            return (f"{folder.root} can't be written, so {left}",)
    raise StorageFailed(
        f"{folder.root} can't be written and holds no index; copy it to a place that "
        "can be written, and name that with --data DIR"
    )


def run_status(folder: DataFolder, run_id: str) -> dict[str, Any]:
    """How a run stands now; its journals are read before.

    Returns:
        `run_id, state, trials {planned, done, failed, possibly_billed,
        not_sent, in_flight}, attempts, charge_usd, list_usd,
        possibly_billed_usd, reserved_usd, stopped_by, damaged, client_limited,
        client_limited_reasons, client_limited_remarks`. Money is exact
        decimal text, a sum of what is known; `damaged` counts records that
        can't be read.

    Raises:
        BadInput: There is no such run, or its plan can't be read.
        StorageFailed: The index can't be used.
    """
    run = folder.existing_run(run_id)
    problems = make_current(folder)
    with open_index(folder) as con:
        row = queries.run(con, run.run_id)
    if row is None:
        why = next((p for p in problems if run.run_id in p), "its plan can't be read")
        raise BadInput(f"run '{run.run_id}' can't be shown: {why}")
    return status_fields(row)


def status_fields(row: queries.Row) -> dict[str, Any]:
    """The fields of a status from a row of `v_run`."""
    return {
        "run_id": row["run_id"],
        "state": row["state"],
        "trials": {
            "planned": row["n_trials"],
            **{name: row[f"n_{name}"] for name in _BUCKETS},
        },
        "attempts": row["attempts"],
        **{name: usd_text(row[name] or Decimal(0)) for name in _MONEY},
        "stopped_by": row["stopped_by"],
        "damaged": row["n_damaged"],
        **{name: row[name] for name in _LIMITED},
    }

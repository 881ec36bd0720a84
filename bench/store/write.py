"""Write: batches of records put into the tables."""

from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any

import duckdb

from bench.store.batches import Batch, Rows

TABLES = (
    "run",
    "prompt",
    "endpoint",
    "cell",
    "card",
    "trial",
    "session",
    "open_intent",
    "attempt",
    "tally",
    "timing",
    "damage",
)
_WITH_OFFSETS = (*TABLES, "ingest_offset")
# What names a row that continues a plan, within its run.
_KEYS = {"cell": "cell_index", "prompt": "prompt_index", "trial": "trial_id"}
# What no record says: bench.store.tally computes it.
_COMPUTED = ("cell_index", "warmup", "ends_trial")
_ATTEMPTS = ("attempt", "open_intent")
# What a record calls otherwise than its table does.
_TOLD_AS = {
    "open_intent": {"started_at": "at"},
    "trial": {"cell_index": "cell", "prompt_index": "prompt"},
}


def write_batch(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Write one batch; the caller begins and commits.

    Raises:
        duckdb.Error, KeyError: A record does not fit; roll back.
    """
    if batch.starts_over:
        _forget(con, batch.run_id)
    for table, path in batch.tables.items():
        _insert(con, table, path, batch)
    for table, rows in batch.continued.items():
        if table in _KEYS:
            _keep_one(con, table, rows, batch.run_id)
        else:
            _keep_other(con, table, batch.run_id)
    if batch.n_outcomes:
        _drop_settled(con, batch)
        _mark_simulated(con, batch)
    _write_records(con, batch)
    _write_offset(con, batch)
    if batch.is_last:
        _mark_alive(con, batch)


def forget_runs(con: duckdb.DuckDBPyConnection, run_ids: tuple[str, ...]) -> None:
    """Remove every row of runs whose folder is gone."""
    con.begin()
    for run_id in run_ids:
        _forget(con, run_id)
    con.commit()


def _forget(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    for table in _WITH_OFFSETS:
        con.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])  # noqa: S608  own names


def _insert(
    con: duckdb.DuckDBPyConnection, table: str, path: Path, batch: Batch
) -> None:
    place = {"run_id": batch.run_id, "journal": batch.read.name}
    kinds = _columns(con, table)
    if table in _ATTEMPTS:
        kinds = {name: kinds[name] for name in kinds if name not in _COMPUTED}
    aliases = _TOLD_AS.get(table, {})
    told = {name: aliases.get(name, name) for name in kinds if name not in place}
    given = {name: place[name] for name in kinds if name in place}
    names = [f'"{member}" AS {name}' for name, member in told.items()]
    names += [f"${name} AS {name}" for name in given]
    members = [f"\"{member}\": '{kinds[name]}'" for name, member in told.items()]
    con.execute(
        f"INSERT INTO {table} BY NAME SELECT {', '.join(names)} "  # noqa: S608  own names
        "FROM read_json($path, format = 'newline_delimited', "
        f"columns = {{{', '.join(members)}}})",
        # DuckDB reads a path as a pattern.
        {**given, "path": escape(str(path))},
    )


def _keep_one(
    con: duckdb.DuckDBPyConnection, table: str, rows: Rows, run_id: str
) -> None:
    """Drop what was told before: of rows with one key the least stays."""
    key = _KEYS[table]
    told = "SELECT unnest($keys)"
    con.execute(
        f"""
        DELETE FROM {table} WHERE run_id = $run_id AND {key} IN ({told})
        AND rowid NOT IN (
            SELECT arg_min(rowid, {table}::VARCHAR) FROM {table}
            WHERE run_id = $run_id AND {key} IN ({told})
            GROUP BY {key}
        )
        """,  # noqa: S608  own names
        {"run_id": run_id, "keys": [row[key] for row in rows]},
    )


def _keep_other(con: duckdb.DuckDBPyConnection, table: str, run_id: str) -> None:
    """Drop what was told before, where several rows may have one name."""
    con.execute(
        f"""
        DELETE FROM {table} WHERE run_id = $run_id AND rowid NOT IN (
            SELECT min(rowid) FROM {table} WHERE run_id = $run_id
            GROUP BY {table}::VARCHAR
        )
        """,  # noqa: S608  own names
        {"run_id": run_id},
    )


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = con.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
        "ORDER BY column_index",
        [table],
    ).fetchall()
    return dict(rows)


def _mark_simulated(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    con.execute(
        """
        UPDATE endpoint SET simulated = true
        WHERE run_id = $run_id AND NOT simulated AND endpoint IN (
            SELECT DISTINCT endpoint FROM attempt WHERE run_id = $run_id AND simulated
        )
        """,
        {"run_id": batch.run_id},
    )


def _drop_settled(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    if not batch.settled:
        return
    keys = {"run_id": batch.run_id, "settled": batch.settled}
    row = con.execute(
        "DELETE FROM open_intent WHERE run_id = $run_id "
        "AND attempt_id IN (SELECT unnest($settled::VARCHAR[]))",
        keys,
    ).fetchone()
    n_dropped = row[0] if row else 0
    if n_dropped < len(batch.settled):
        # An outcome without an intent may be one that was told before.
        con.execute(
            """
            DELETE FROM attempt WHERE run_id = $run_id
            AND attempt_id IN (SELECT unnest($settled::VARCHAR[]))
            AND rowid NOT IN (
                SELECT arg_min(rowid, (ended_at, journal, rowid)) FROM attempt
                WHERE run_id = $run_id
                AND attempt_id IN (SELECT unnest($settled::VARCHAR[]))
                GROUP BY attempt_id
            )
            """,
            keys,
        )


def _write_records(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    place = {"run_id": batch.run_id, "journal": batch.read.name}
    for record in batch.records:
        if record["kind"] == "session":
            _write_session(con, place, record)
        elif record["kind"] == "end":
            _write_end(con, place, record)
    for line_no in batch.damaged:
        con.execute(
            "INSERT INTO damage VALUES ($run_id, $journal, $line_no)",
            {**place, "line_no": line_no},
        )


def _write_session(
    con: duckdb.DuckDBPyConnection, place: dict[str, str], record: dict[str, Any]
) -> None:
    con.execute(
        """
        INSERT INTO session BY NAME SELECT
            $run_id AS run_id, $journal AS journal, $command AS command,
            $host AS host, $pid AS pid, $at AS started_at, $version AS version,
            false AS is_live
        """,
        {
            **place,
            **{name: record[name] for name in ("command", "host", "pid", "version")},
            "at": _instant(record["at"]),
        },
    )


def _write_end(
    con: duckdb.DuckDBPyConnection, place: dict[str, str], record: dict[str, Any]
) -> None:
    con.execute(
        """
        UPDATE session SET ended_at = $at, state = $state, stopped_by = $stopped_by,
            reason = $reason
        WHERE run_id = $run_id AND journal = $journal
        """,
        {
            **place,
            **{name: record.get(name) for name in ("state", "stopped_by", "reason")},
            "at": _instant(record["at"]),
        },
    )


def _write_offset(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    read = batch.read
    if not read.name:
        return
    key = [batch.run_id, read.name]
    con.execute("DELETE FROM ingest_offset WHERE run_id = ? AND file = ?", key)
    con.execute(
        "INSERT INTO ingest_offset VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            *key,
            read.n_bytes,
            read.n_lines,
            read.digest,
            read.size_bytes,
            read.modified_ns,
        ],
    )


def _mark_alive(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    keys = {"run_id": batch.run_id, "is_alive": batch.is_alive}
    con.execute("UPDATE run SET is_alive = $is_alive WHERE run_id = $run_id", keys)
    con.execute(
        """
        UPDATE session SET is_live = $is_alive AND ended_at IS NULL AND journal = (
            SELECT arg_max(journal, (started_at, journal)) FROM session
            WHERE run_id = $run_id
        )
        WHERE run_id = $run_id
        """,
        keys,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)

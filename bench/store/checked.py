"""Checked: what runs record about this program, kept and judged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from bench.selfcheck.lags import added_up, quantile_s
from bench.selfcheck.verdict import Figures, Verdict, judge
from bench.store.queries import Row, rows_of

_HERE = "run_id = $run_id"
# From begun to sent, connecting left out: of first attempts, which alone are due.
_UNSENT_S = """
    CASE WHEN attempt_no = 1 THEN
        greatest(0, coalesce(total_s - service_s - queued_s - connect_s, 0))
    ELSE 0 END
"""
_COLUMNS = (
    *("interval_s", "n_probes", "loop_lags", "loop_lag_max_s", "cpu_s"),
    *("gc_n", "gc_n_long", "gc_pause_s", "gc_longest_s"),
    *("in_flight_asked", "in_flight_mean", "in_flight_max"),
)
_STAMPS = (
    "sent_ns",
    *(f"emulator_{at}_ns" for at in ("received", "first_byte", "sent")),
)
_PARTIAL = "emulator_first_partial_ns"
Place = Mapping[str, str]
_IN_JOBS = Verdict(client_limited=False, reasons=(), remarks=())


def write_self_check(
    con: duckdb.DuckDBPyConnection, place: Place, record: Mapping[str, Any]
) -> None:
    """Write a record of how this program kept up.

    Raises:
        KeyError: It lacks a member.
    """
    at = datetime.fromisoformat(record["at"]).replace(tzinfo=None)
    values = {**place, "ended_at": at, **{name: record[name] for name in _COLUMNS}}
    named = ", ".join(f"${name} AS {name}" for name in values)
    con.execute(f"INSERT INTO self_check BY NAME SELECT {named}", values)


def write_certified(
    con: duckdb.DuckDBPyConnection, place: Place, record: Mapping[str, Any]
) -> None:
    """Write a batch of an emulator's stamps, or why there are none.

    Raises:
        KeyError: It lacks a member.
    """
    told = {name: record[name] for name in ("endpoint", "n_answers", "why_not")}
    named = ", ".join(f"${name} AS {name}" for name in (*place, *told))
    con.execute(
        f"INSERT INTO certification BY NAME SELECT {named}",
        {**place, **told},
    )
    lists = {name: record[name] for name in _STAMPS}
    # Records of before know of no partial pictures.
    lists[_PARTIAL] = record.get(_PARTIAL, [None] * len(record["attempt_ids"]))
    each = ", ".join(f"unnest(${name}::BIGINT[]) AS {name}" for name in lists)
    con.execute(
        "INSERT INTO certified BY NAME SELECT $run_id AS run_id, "
        f"$journal AS journal, unnest($names::VARCHAR[]) AS attempt_id, {each}",
        {**place, "names": record["attempt_ids"], **lists},
    )


def judge_runs(con: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> None:
    """Judge anew whether runs measured their own client.

    The caller begins and commits, after the last row of theirs was written.
    """
    for run_id in sorted(run_ids):
        figures = _figures(con, {"run_id": run_id})
        verdict = _IN_JOBS if _goes_by_jobs(con, run_id) else judge(figures)
        row = {"run_id": run_id, **_row(figures, verdict)}
        con.execute(f"DELETE FROM judged WHERE {_HERE}", {"run_id": run_id})  # noqa: S608  own names
        named = ", ".join(f"${name} AS {name}" for name in row)
        con.execute(f"INSERT INTO judged BY NAME SELECT {named}", row)


def _goes_by_jobs(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether the endpoint decided when what was asked, and no answer has a time."""
    here = {"run_id": run_id}
    return bool(rows_of(con, f"FROM run WHERE {_HERE} AND load = 'batch'", here))


def _row(figures: Figures, verdict: Verdict) -> dict[str, Any]:
    plain = ("loop_lag_p99_s", "loop_lag_max_s", "cpu_share", "gc_n_long")
    plain = (*plain, "gc_longest_s", "in_flight_asked", "in_flight_mean")
    return {
        "client_limited": verdict.client_limited,
        "reasons": list(verdict.reasons),
        "remarks": list(verdict.remarks),
        "own_lag_p99_s": figures.own_lag_p99_s,
        "limit_s": figures.limit_s,
        **{name: getattr(figures, name) for name in plain},
    }


def _figures(con: duckdb.DuckDBPyConnection, here: Mapping[str, str]) -> Figures:
    (ok,) = rows_of(
        con,
        f"""
        SELECT
            count(*) AS n_ok, count(lag_s) AS n_lag_known,
            count(*) FILTER (WHERE list_contains(flags, 'read_held')) AS n_held,
            quantile_disc(lag_s, 0.99) AS lag_p99_s,
            quantile_disc(late_s + {_UNSENT_S}, 0.99) AS late_p99_s,
            quantile_disc(service_s, 0.5) AS service_p50_s
        FROM attempt WHERE {_HERE} AND outcome = 'ok'
        """,  # noqa: S608  own names
        here,
    )
    # A journal that was copied tells everything twice.
    stretches = rows_of(
        con,
        f"""
        SELECT DISTINCT * EXCLUDE (journal) FROM self_check
        WHERE {_HERE} AND interval_s > 0 ORDER BY ended_at, interval_s
        """,  # noqa: S608  own names
        here,
    )
    watched = _watched(stretches) if stretches else {}
    (partial,) = rows_of(
        con,
        f"""
        SELECT quantile_disc(greatest(0, first_partial_error_s), 0.99)
            AS partial_late_p99_s
        FROM v_certified WHERE {_HERE} AND first_partial_error_s IS NOT NULL
        """,  # noqa: S608  own names
        here,
    )
    return Figures(**ok, **partial, n_unwatched=_n_unwatched(con, here), **watched)


def _n_unwatched(con: duckdb.DuckDBPyConnection, here: Mapping[str, str]) -> int:
    """Journals with attempts that no `self_check` tells of."""
    (found,) = rows_of(
        con,
        f"""
        WITH watched AS (
            SELECT journal, max(ended_at) AS until FROM self_check
            WHERE {_HERE} GROUP BY journal
        ), sent AS (
            -- Of an answer whose lag is known no loop need be watched.
            SELECT journal, CASE WHEN outcome = 'ok' AND lag_s IS NULL THEN ended_at END
                AS ended_at
            FROM attempt WHERE {_HERE}
            UNION ALL
            SELECT journal, NULL FROM open_intent WHERE {_HERE}
        )
        SELECT count(DISTINCT journal) AS n_unwatched
        FROM sent LEFT JOIN watched USING (journal)
        WHERE until IS NULL OR sent.ended_at > until
        """,  # noqa: S608  own names
        here,
    )
    return found["n_unwatched"]


def _watched(stretches: Sequence[Row]) -> dict[str, Any]:
    """What the stretches of a run come to, each by its length."""
    lags = added_up(row["loop_lags"] for row in stretches)
    interval_s = sum(row["interval_s"] for row in stretches)
    asked = [row for row in stretches if row["in_flight_asked"] is not None]
    return {
        "loop_lag_p99_s": quantile_s(lags, 0.99),
        "loop_lag_max_s": max(row["loop_lag_max_s"] for row in stretches),
        "cpu_share": sum(row["cpu_s"] for row in stretches) / interval_s,
        "gc_n_long": sum(row["gc_n_long"] for row in stretches),
        "gc_longest_s": max(row["gc_longest_s"] for row in stretches),
        "in_flight_asked": _mean(asked, "in_flight_asked"),
        # Of the same stretches: a resumed run may have a schedule in others.
        "in_flight_mean": _mean(asked or stretches, "in_flight_mean"),
    }


def _mean(stretches: Sequence[Row], name: str) -> float | None:
    """A mean over time; None of no time."""
    total_s = sum(row["interval_s"] for row in stretches)
    if not total_s:
        return None
    return sum(row[name] * row["interval_s"] for row in stretches) / total_s


def judged_figures(con: duckdb.DuckDBPyConnection, run_id: str) -> Row:
    """The row of a run in `v_self_check`; empty where it has none."""
    rows = rows_of(
        con, "SELECT * FROM v_self_check WHERE run_id = $run_id", {"run_id": run_id}
    )
    return rows[0] if rows else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """How far our times were from an emulator's; seconds.

    Attributes:
        n: Answers that were compared.
        n_ok: Answers that were ok.
        n_partials: Of them, those whose first partial picture was.
        first_byte_error_s, first_partial_error_s, service_error_s: p50, p95 and
            p99 of the size of the error, by nearest rank; None where nothing was
            compared.
        why_not: Why no answer was compared, or not all; None where all were.
    """

    n: int
    n_ok: int
    n_partials: int
    first_byte_error_s: tuple[float, float, float] | None
    first_partial_error_s: tuple[float, float, float] | None
    service_error_s: tuple[float, float, float] | None
    why_not: str | None


def certification(con: duckdb.DuckDBPyConnection, run_id: str) -> Certification:
    """Our times of a run's ok answers against the stamps of its emulator."""
    here = {"run_id": run_id}
    (found,) = rows_of(
        con,
        f"""
        SELECT
            count(*) AS n,
            quantile_disc(abs(first_byte_error_s), [0.5, 0.95, 0.99]) AS first_byte,
            quantile_disc(abs(service_error_s), [0.5, 0.95, 0.99]) AS service,
            count(first_partial_error_s) AS n_partials,
            quantile_disc(abs(first_partial_error_s), [0.5, 0.95, 0.99]) AS partial,
            (SELECT count(*) FROM attempt WHERE {_HERE} AND outcome = 'ok') AS n_ok,
            (SELECT count(*) FROM attempt
                WHERE {_HERE} AND outcome = 'ok' AND simulated) AS n_simulated
        FROM v_certified
        WHERE {_HERE} AND outcome = 'ok' AND service_error_s IS NOT NULL
        """,  # noqa: S608  own names
        here,
    )
    told = con.execute(
        f"SELECT DISTINCT endpoint, why_not FROM certification WHERE {_HERE} "  # noqa: S608  own names
        "AND why_not IS NOT NULL ORDER BY ALL",
        here,
    ).fetchall()
    return Certification(
        n=found["n"],
        n_ok=found["n_ok"],
        n_partials=found["n_partials"],
        first_byte_error_s=found["first_byte"] and tuple(found["first_byte"]),
        first_partial_error_s=found["partial"] and tuple(found["partial"]),
        service_error_s=found["service"] and tuple(found["service"]),
        why_not=_why_not(found, [f"{endpoint}: {why}" for endpoint, why in told]),
    )


def _why_not(found: Row, told: Sequence[str]) -> str | None:
    if found["n"] == found["n_ok"] and found["n"]:
        return None
    if told:
        return "; ".join(told)
    if not found["n_ok"]:
        return "no answer was ok"
    if not found["n_simulated"]:
        return "no answer came from an emulator, which alone has stamps to compare with"
    if found["n"]:
        return "of the others no stamp of an emulator is recorded"
    return (
        "no stamp of an emulator is recorded: the run was broken off, is older than "
        "this check, or a gateway stood before the emulator"
    )

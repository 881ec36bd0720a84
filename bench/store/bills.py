"""Bills: imported rows and our own attempts, side by side, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from bench.errors import BadInput
from bench.store.imported import exact
from bench.store.queries import Row, rows_of
from bench.words.printable import printable

_TOKENS = (
    *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
    *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
)
_MOST_SHOWN = 1000
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
# Credits, free units and amounts without a quantity are lines of their own: beside
# others they would make the rate another one; so are calls without tokens. A call may
# pass midnight, but a sum that does is of no one day.
_LINES = """
SELECT
    vendor, day, line_item, model, token_class, unit,
    list(DISTINCT import_no ORDER BY import_no) AS import_nos,
    regexp_matches(amount, '^-.*[1-9]') AS is_credit,
    NOT regexp_matches(amount, '[1-9]') AS is_free,
    quantity IS NOT NULL AS has_quantity,
    output_image_tokens IS NOT NULL AS has_tokens,
    max(CASE WHEN row_id IS NULL THEN epoch_us(end_at) END)::BIGINT AS ends_us,
    count(*) AS n_rows, exact_sum(amount) AS amount, exact_sum(quantity) AS quantity,
    sum(images)::BIGINT AS images, sum(requests)::BIGINT AS requests,
    count(*) FILTER (WHERE amount IS NOT NULL) AS n_amounts,
    sum(input_text_tokens)::BIGINT AS input_text_tokens,
    sum(input_image_tokens)::BIGINT AS input_image_tokens,
    sum(cached_text_tokens)::BIGINT AS cached_text_tokens,
    sum(output_image_tokens)::BIGINT AS output_image_tokens,
    sum(output_text_tokens)::BIGINT AS output_text_tokens
FROM counted
GROUP BY vendor, day, line_item, model, token_class, unit, is_credit, is_free,
    has_quantity, has_tokens
ORDER BY day, vendor, line_item, model, token_class, unit, is_credit, is_free,
    has_quantity, has_tokens
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which of our attempts a bill is about.

    Attributes:
        vendors: Whose bill it is, in lower case.
        first, last: UTC days that it covers.
        runs: These runs alone, simulated or not; without any, all that are real.
        endpoints: These endpoints alone; without any, those that belong to the
            vendors: by the price book, the address or the headers of an answer.
    """

    vendors: tuple[str, ...]
    first: date
    last: date
    runs: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


def lines(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Sums by vendor, day, line item, model, class and unit; exact Decimals.

    `ends_on` is the last UTC day of a sum of several, else None.
    """
    rows = rows_of(con, _LINES)
    for row in rows:
        row["ends_on"] = _ends_on(row["day"], row.pop("ends_us"))
        row["amount"] = exact(row["amount"])
        row["quantity"] = exact(row["quantity"])
    return rows


def _ends_on(day: date, ends_us: int | None) -> date | None:
    if ends_us is None:
        return None
    # An end is the first instant that is not in the period any more.
    last = (_SINCE + timedelta(microseconds=ends_us - 1)).date()
    return last if last > day else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our side of a bill.

    Attributes:
        attempts: A `pyarrow.Table`.
        n_simulated: Attempts of the period that are left out as simulated.
    """

    attempts: Any
    n_simulated: int


def ours(index: duckdb.DuckDBPyConnection, scope: Scope) -> Ours:
    """Our attempts in scope, from the index.

    Raises:
        BadInput: No run has an endpoint that is asked for.
    """
    _refuse_unknown(index, scope.endpoints)
    # All of this is fetched: a result that is left open stands in Arrow's way.
    n_simulated = _n_simulated(index, scope)
    attempts = index.sql(_OURS, params=_values(scope)).to_arrow_table()
    return Ours(attempts=attempts, n_simulated=n_simulated)


def _refuse_unknown(index: duckdb.DuckDBPyConnection, asked: tuple[str, ...]) -> None:
    rows = index.execute("SELECT DISTINCT endpoint FROM endpoint ORDER BY 1").fetchall()
    known = [name for (name,) in rows]
    for name in asked:
        if name not in known:
            there = ", ".join(known) or "none"
            raise BadInput(
                printable(f"--endpoint {name[:60]}: no run has it; there are {there}")
            )


def _n_simulated(con: duckdb.DuckDBPyConnection, scope: Scope) -> int:
    """Attempts of the period that are left out because an emulator answered them."""
    if scope.runs:
        return 0
    ((n,),) = con.execute(
        """
        SELECT count(*) FROM v_attempt AS a
        LEFT JOIN endpoint AS e ON e.run_id = a.run_id AND e.endpoint = a.endpoint
        WHERE coalesce(e.simulated, a.simulated, false)
            AND a.started_at::DATE BETWEEN $first AND $last
            AND a.billing <> 'not_sent'
            AND (len($endpoints::VARCHAR[]) = 0
                OR list_contains($endpoints::VARCHAR[], a.endpoint))
        """,
        {
            "first": scope.first,
            "last": scope.last,
            "endpoints": list(scope.endpoints),
        },
    ).fetchall()
    return int(n)


def _values(scope: Scope) -> dict[str, object]:
    return {
        "vendors": list(scope.vendors),
        "first": scope.first,
        "last": scope.last,
        "runs": list(scope.runs),
        "endpoints": list(scope.endpoints),
    }


_OURS = """
WITH placed AS (
    SELECT
        e.run_id, e.endpoint, e.route, coalesce(e.simulated, false) AS simulated,
        coalesce(e.prices->>'$.of', e.prices->>'$') AS book,
        coalesce(e.base_url, '') AS base_url,
        EXISTS (
            SELECT 1 FROM attempt AS a WHERE a.run_id = e.run_id
                AND a.endpoint = e.endpoint
                AND a.headers->>'x-litellm-call-id' IS NOT NULL
        ) AS by_litellm
    FROM endpoint AS e
)
SELECT
    a.run_id, a.attempt_id, a.trial_id, a.endpoint, a.started_at::DATE AS day,
    coalesce(a.headers->>'x-litellm-call-id', a.request_id) AS call_id,
    coalesce(c.model, '') AS model, a.outcome, a.billing, a.usage_source, a.images,
    a.charge_usd, a.possibly_billed_usd, p.simulated, p.book,
    a.input_text_tokens, a.cached_text_tokens, a.input_image_tokens,
    a.cached_image_tokens, a.output_image_tokens, a.output_text_tokens
FROM v_attempt AS a
JOIN placed AS p ON p.run_id = a.run_id AND p.endpoint = a.endpoint
LEFT JOIN trial AS t ON t.run_id = a.run_id AND t.trial_id = a.trial_id
LEFT JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
WHERE a.billing <> 'not_sent'
    AND a.started_at::DATE BETWEEN $first AND $last
    AND CASE WHEN len($runs::VARCHAR[]) > 0
        THEN list_contains($runs::VARCHAR[], a.run_id) ELSE NOT p.simulated END
    AND CASE WHEN len($endpoints::VARCHAR[]) > 0
        THEN list_contains($endpoints::VARCHAR[], a.endpoint)
        ELSE (p.by_litellm AND list_contains($vendors::VARCHAR[], 'litellm'))
            OR (p.base_url LIKE '%openrouter.ai%'
                AND list_contains($vendors::VARCHAR[], 'openrouter'))
            OR (p.route = 'direct' AND NOT p.by_litellm
                AND list_contains($vendors::VARCHAR[], p.book))
    END
"""


def join_ours(
    con: duckdb.DuckDBPyConnection, side: Ours, spans: Sequence[tuple[date, date]]
) -> int:
    """Lay our attempts beside the bill, as `ours`.

    Args:
        con: The bill.
        side: Our attempts from its first day to its last.
        spans: First and last UTC day of each import: a day between two of them was
            not billed at 0, it is not there.

    Returns:
        Attempts that are left out, since no import has their day.
    """
    con.register("recorded", side.attempts)
    covered = " OR ".join(
        f"day BETWEEN DATE '{first}' AND DATE '{last}'" for first, last in spans
    )
    con.execute(f"CREATE VIEW ours AS SELECT * FROM recorded WHERE {covered}")  # noqa: S608  dates
    ((n_out,),) = con.execute(
        "SELECT (SELECT count(*) FROM recorded) - (SELECT count(*) FROM ours)"
    ).fetchall()
    return int(n_out)


def spent(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Our side by day and model: money, counts, tokens by class."""
    return rows_of(
        con,
        f"""
        SELECT
            day, model, any_value(book) AS book, count(*) AS attempts,
            coalesce(sum(images), 0)::BIGINT AS images,
            sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
            sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
            count(*) FILTER (WHERE billing = 'possibly_billed') AS n_possibly_billed,
            count(*) FILTER (WHERE billing LIKE 'billed%') AS n_billed,
            count(*) FILTER (
                WHERE charge_usd IS NULL AND billing LIKE 'billed%'
            ) AS n_charge_unknown,
            count(*) FILTER (
                WHERE charge_usd IS NOT NULL AND usage_source = 'estimated'
            ) AS n_estimated,
            {", ".join(f"coalesce(sum({n}), 0)::BIGINT AS {n}" for n in _TOKENS)}
        FROM ours GROUP BY day, model ORDER BY day, model
        """,  # noqa: S608  own names
    )


def doubtful(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Possibly billed attempts, with what a bill by call says of them."""
    rows = rows_of(
        con,
        """
        SELECT
            o.run_id, o.attempt_id, o.endpoint, o.day, o.model, o.outcome,
            o.possibly_billed_usd, b.row_id AS call_id, b.amount AS billed_usd, b.status
        FROM ours AS o
        LEFT JOIN counted AS b ON b.row_id = o.call_id
        WHERE o.billing = 'possibly_billed'
        ORDER BY o.day, o.run_id, o.attempt_id LIMIT $most
        """,
        {"most": _MOST_SHOWN},
    )
    for row in rows:
        billed = row["billed_usd"]
        row["billed_usd"] = None if billed is None else Decimal(billed)
    return rows


def any_simulated(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether an emulator answered some of our attempts."""
    ((is_any,),) = con.execute("SELECT bool_or(simulated) FROM ours").fetchall()
    return bool(is_any)

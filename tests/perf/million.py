"""Million: an index of a million attempts, made straight in DuckDB."""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from bench.folder import DataFolder
from bench.store.index import write_index
from bench.store.tally import tally_runs

N_RUNS = 40
# With the retries that fall to them, a million attempts and a few.
TRIALS_A_RUN = 24_100
N_PROMPTS = 100
FIRST_DAY = datetime(2026, 10, 12, 8, tzinfo=UTC)
ENDPOINTS = (("openai", "direct"), ("halfprice", "gateway"))
MODELS = ("gpt-image-1.5", "gpt-image-2", "gpt-image-2.5-flare")
QUALITIES = ("low", "medium", "high")
SIZES = ("1024x1024", "1536x1024")


def make_million(
    root: Path, n_runs: int = N_RUNS, trials_a_run: int = TRIALS_A_RUN
) -> DataFolder:
    """A data folder whose index holds 40 runs on 40 days, 1 M attempts in all.

    There are plans but no journals behind it: `refresh` leaves the index as it
    is, a rebuild would not. The rows are the same at every call.

    Args:
        root: A folder that does not hold an index yet; about 300 MB.
        n_runs: Runs, one a day.
        trials_a_run: Trials of each; attempts are 4.2 % more.
    """
    folder = DataFolder(root)
    run_ids = [_run_id(number) for number in range(n_runs)]
    for run_id in run_ids:
        _write_stub(folder, run_id)
    with write_index(folder.index) as con:
        con.begin()
        for number, run_id in enumerate(run_ids):
            _fill_run(con, folder, run_id, number)
        _execute(con, _TRIALS, {"n": trials_a_run, "n_prompts": N_PROMPTS})
        con.execute(_ATTEMPTS)
        con.execute("DROP TABLE drawn")
        con.commit()
        # Written out first: a run's rows are found faster among those of a file.
        con.execute("CHECKPOINT")
        con.begin()
        tally_runs(con, run_ids)
        con.commit()
    return folder


def _run_id(number: int) -> str:
    day = FIRST_DAY + timedelta(days=number)
    return f"{day:%Y%m%d-%H%M%S}-{number:06x}"


def _write_stub(folder: DataFolder, run_id: str) -> None:
    run = folder.run(run_id)
    run.journal.mkdir(parents=True)
    run.plan.write_text(json.dumps({"run_id": run_id}))


def _execute(
    con: duckdb.DuckDBPyConnection, script: str, values: dict[str, object]
) -> None:
    # DuckDB binds values in one statement at a time, and wants no others.
    for statement in script.split(";\n"):
        used = {k: v for k, v in values.items() if f"${k}" in statement}
        if statement.strip():
            con.execute(statement, used)


def _fill_run(
    con: duckdb.DuckDBPyConnection, folder: DataFolder, run_id: str, number: int
) -> None:
    at = (FIRST_DAY + timedelta(days=number)).replace(tzinfo=None)
    status = folder.run(run_id).plan.stat()
    _execute(
        con,
        _RUN,
        {
            "run_id": run_id,
            "suite": ("starter", "posters", "nightly")[number % 3],
            "at": at,
            "size_bytes": status.st_size,
            "modified_ns": status.st_mtime_ns,
            "n_prompts": N_PROMPTS,
        },
    )
    cells = [
        (endpoint, model, quality, size)
        for model in MODELS
        for quality in QUALITIES
        for size in SIZES
        for endpoint, _ in ENDPOINTS
    ]
    for index, (endpoint, model, quality, size) in enumerate(cells):
        con.execute(
            _CELL,
            {
                "run_id": run_id,
                "index": index,
                "endpoint": endpoint,
                "model": model,
                "quality": quality,
                "size": size,
                "parameters": json.dumps({"quality": quality, "size": size}),
            },
        )


_RUN = """
INSERT INTO run BY NAME SELECT
    $run_id AS run_id, 'suite' AS kind, $at AS created_at, '0.1.0' AS version,
    7 AS seed, $suite AS suite, repeat('0', 64) AS suite_digest,
    repeat('0', 64) AS plan_digest, '{}' AS tags, 32 AS concurrency,
    0.2 AS max_failed_share, false AS is_alive;
INSERT INTO session BY NAME SELECT
    $run_id AS run_id, 'host-1-00000001.jsonl' AS journal, 'run' AS command,
    'host' AS host, 1 AS pid, $at AS started_at, '0.1.0' AS version,
    false AS is_live, $at::TIMESTAMP + INTERVAL 5 HOUR AS ended_at,
    'finished' AS state;
INSERT INTO ingest_offset VALUES
    ($run_id, 'plan.json', 0, 0, '', $size_bytes, $modified_ns);
INSERT INTO endpoint BY NAME
    SELECT $run_id AS run_id, 'openai' AS endpoint, 'direct' AS route,
        'http://127.0.0.1:1/v1' AS base_url, '"openai"' AS prices, true AS simulated
    UNION ALL BY NAME
    SELECT $run_id AS run_id, 'halfprice' AS endpoint, 'gateway' AS route,
        'http://127.0.0.1:2/v1' AS base_url, '"openai"' AS prices, true AS simulated;
INSERT INTO prompt BY NAME SELECT
    $run_id AS run_id, i AS prompt_index, 'p' || i AS prompt_id,
    'A poster for the number ' || i AS text, 'text' AS category, '{}' AS expect
FROM range($n_prompts) AS t(i);
"""
_CELL = """
INSERT INTO cell BY NAME SELECT
    $run_id AS run_id, $index AS cell_index, $endpoint AS endpoint, 'images' AS api,
    'generate' AS operation, $model AS model, $quality AS quality, $size AS size,
    $parameters AS parameters,
    md5($model || $quality || $size)[:12] AS variant
"""
# Chance is a hash of the trial's number, so that every call gives the same rows.
_TRIALS = """
CREATE TEMP TABLE drawn AS
SELECT
    r.run_id, r.created_at, i AS position,
    md5(r.run_id || i)[:20] AS trial_id,
    (i % 36)::INTEGER AS cell_index,
    ((i // 36) % $n_prompts)::INTEGER AS prompt_index,
    (i // 36 // $n_prompts + 1)::INTEGER AS repeat,
    (hash(r.run_id, i) % 1000000) / 1000000 AS luck,
    -- Three of these make a fair bell.
    (hash(r.run_id, i, 1) % 1000 + hash(r.run_id, i, 2) % 1000
        + hash(r.run_id, i, 3) % 1000) / 500 - 3 AS bell
FROM run AS r, range($n) AS t(i);
INSERT INTO trial BY NAME SELECT
    run_id, trial_id, cell_index, prompt_index, repeat,
    (position // 36)::INTEGER AS block, position::INTEGER AS position
FROM drawn ORDER BY run_id, position;
"""
_ATTEMPTS = """
INSERT INTO attempt BY NAME
WITH numbered AS (
    SELECT *, n AS attempt_no, CASE WHEN luck < 0.002 THEN 3 WHEN luck < 0.04 THEN 2
        ELSE 1 END AS attempts
    FROM drawn, range(1, 4) AS t(n)
    WHERE n <= CASE WHEN luck < 0.002 THEN 3 WHEN luck < 0.04 THEN 2 ELSE 1 END
), ended AS (
    SELECT
        n.*, c.endpoint, c.model, c.quality, c.size,
        CASE
            WHEN attempt_no < attempts THEN 'rate_limited'
            WHEN luck > 0.999 THEN 'timed_out'
            WHEN luck > 0.996 THEN 'server_error'
            WHEN luck > 0.990 THEN 'refused'
            WHEN luck > 0.9895 THEN 'unusable'
            ELSE 'ok'
        END AS outcome,
        created_at + to_milliseconds(position * 700) AS started_at,
        exp(bell * 0.35)
            * CASE c.quality WHEN 'low' THEN 6 WHEN 'medium' THEN 14 ELSE 38 END
            * CASE c.endpoint WHEN 'openai' THEN 1 ELSE 1.06 END AS took_s,
        CASE c.quality WHEN 'low' THEN 272 WHEN 'medium' THEN 1056 ELSE 4160 END
            AS output_tokens
    FROM numbered AS n
    JOIN cell AS c ON c.run_id = n.run_id AND c.cell_index = n.cell_index
), charged AS (
    SELECT *,
        CASE WHEN outcome IN ('ok', 'unusable')
            THEN ((output_tokens * 30 + 40 * 5) / 1000000)::DECIMAL(38,12)
        END AS price_usd
    FROM ended
)
SELECT
    run_id, 'host-1-00000001.jsonl' AS journal,
    trial_id || '.' || attempt_no AS attempt_id, trial_id, attempt_no, endpoint,
    outcome,
    CASE outcome
        WHEN 'ok' THEN 'billed' WHEN 'unusable' THEN 'billed_unusable'
        WHEN 'timed_out' THEN 'possibly_billed'
        WHEN 'server_error' THEN 'possibly_billed' ELSE 'unbilled'
    END AS billing,
    started_at, started_at + to_microseconds((took_s * 1000000)::BIGINT) AS ended_at,
    CASE outcome
        WHEN 'ok' THEN 200 WHEN 'unusable' THEN 200 WHEN 'refused' THEN 400
        WHEN 'rate_limited' THEN 429 WHEN 'server_error' THEN 502
    END AS http_status,
    CASE outcome WHEN 'refused' THEN 'moderation_blocked'
        WHEN 'rate_limited' THEN 'rate_limit_exceeded' END AS error_code,
    0.002 + luck / 100 AS queued_s,
    CASE WHEN position % 32 = 0 THEN 0.04 ELSE 0 END AS connect_s,
    CASE WHEN outcome <> 'timed_out' THEN took_s * 0.97 END AS first_byte_s,
    CASE WHEN outcome = 'rate_limited' THEN 0.05 ELSE took_s END AS service_s,
    took_s + 0.002 + luck / 100 + (attempt_no - 1) * 2 AS total_s,
    CASE WHEN price_usd IS NOT NULL THEN 40 END AS input_text_tokens,
    CASE WHEN price_usd IS NOT NULL THEN 0 END AS cached_text_tokens,
    CASE WHEN price_usd IS NOT NULL THEN 0 END AS input_image_tokens,
    CASE WHEN price_usd IS NOT NULL THEN output_tokens END AS output_image_tokens,
    CASE WHEN price_usd IS NOT NULL THEN 0 END AS output_text_tokens,
    CASE WHEN price_usd IS NOT NULL THEN 'reported' ELSE 'absent' END AS usage_source,
    (price_usd * CASE endpoint WHEN 'openai' THEN 1.0 ELSE 0.5 END)::DECIMAL(38,12)
        AS charge_usd,
    price_usd AS list_usd,
    CASE WHEN outcome IN ('timed_out', 'server_error') THEN 0.21 ELSE 0 END
        AS possibly_billed_usd,
    [] AS flags, true AS simulated,
    (outcome = 'ok')::INTEGER AS images,
    CASE WHEN outcome = 'ok' THEN 1500000 + position % 9973 ELSE 0 END AS bytes,
    CASE WHEN outcome = 'ok' THEN model END AS served_model,
    CASE WHEN outcome = 'ok' THEN size END AS served_size,
    CASE WHEN outcome = 'ok' THEN quality END AS served_quality,
    CASE WHEN outcome = 'ok' THEN 'png' END AS served_format,
    'req_' || trial_id || attempt_no AS request_id,
    CASE WHEN outcome = 'ok' THEN [{
        'sha256': md5(trial_id) || md5(run_id || trial_id), 'n_bytes': 1500000,
        'format': 'png', 'width_px': 1024, 'height_px': 1024, 'simulated': true,
        'problem': NULL
    }] ELSE [] END AS pictures,
    '{"openai-processing-ms":"' || (took_s * 1000)::INTEGER || '"}' AS headers
FROM charged ORDER BY run_id, started_at, attempt_no
"""


if __name__ == "__main__":
    begun_s = time.perf_counter()
    made = make_million(Path(sys.argv[1]))
    print(
        f"{made.index}: {made.index.stat().st_size / 1e6:,.0f} MB, "
        f"{time.perf_counter() - begun_s:.1f} s"
    )

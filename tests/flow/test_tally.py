"""What the index computes from several records, whatever their order."""

import random
import shutil
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index
from bench.store.ingest import checksum, rebuild, refresh
from bench.store.status import run_status

Make = Callable[..., Any]
# v_trial as the definitions say it, without what the ingest computed.
BY_DEFINITION = """
WITH numbered AS (
    SELECT *, row_number() OVER (
        PARTITION BY trial_id ORDER BY attempt_no DESC, attempt_id DESC
    ) AS from_last
    FROM recorded_attempt
)
SELECT
    t.trial_id, t.cell_index, count(n.attempt_id) AS attempts,
    any_value(n.outcome) FILTER (WHERE from_last = 1) AS outcome,
    sum(n.charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(n.possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    coalesce(bool_or(
        NOT n.in_flight AND n.charge_usd IS NULL
        AND n.billing NOT IN ('not_sent', 'unbilled')
    ), false) AS charge_unknown
FROM trial AS t LEFT JOIN numbered AS n ON n.trial_id = t.trial_id
GROUP BY t.trial_id, t.cell_index ORDER BY t.trial_id
"""
AS_COMPUTED = """
SELECT trial_id, cell_index, attempts, outcome, charge_usd, possibly_billed_usd,
    charge_unknown
FROM v_trial ORDER BY trial_id
"""
BY_TALLY = """
SELECT sum(n_trials)::BIGINT AS n_trials, sum(attempts)::BIGINT AS attempts,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(n_charge_unknown)::BIGINT AS n_unknown,
    sum(n_trials) FILTER (WHERE outcome = 'ok')::BIGINT AS n_ok
FROM tally
"""
BY_TRIALS = """
SELECT count(*) AS n_trials, sum(attempts)::BIGINT AS attempts,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    count(*) FILTER (WHERE charge_unknown) AS n_unknown,
    count(*) FILTER (WHERE outcome = 'ok') AS n_ok
FROM v_trial
"""


def rows(folder: DataFolder, query: str) -> list[queries.Row]:
    with open_index(folder) as con:
        return queries.rows_of(con, query)


def digest(folder: DataFolder) -> str:
    with open_index(folder) as con:
        return checksum(con)


def chance_records(run: Any, chance: random.Random) -> list[list[dict[str, Any]]]:
    """Records of each trial in the order in which they must be told."""
    ends: tuple[dict[str, Any], ...] = (
        {},
        {"outcome": "rate_limited", "billing": "unbilled"},
        {"outcome": "timed_out", "billing": "possibly_billed", "charge_usd": None},
        {"outcome": "unusable", "billing": "billed_unusable", "charge_usd": "0.1"},
    )
    told: list[list[dict[str, Any]]] = []
    for trial in run.trials:
        records: list[dict[str, Any]] = []
        for no in range(1, chance.randint(0, 4) + 1):
            records.append(run.intent(trial, no))
            if chance.random() < 0.8:
                records.append(run.outcome(trial, no, **chance.choice(ends)))
        told.append(records)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_last_attempts_and_sums_hold_in_any_order_of_two_journals(
    synthetic_run: Make, data_folder: DataFolder, seed: int
) -> None:
    chance = random.Random(seed)
    run = synthetic_run(n_prompts=3)
    names = ("b.jsonl", "a.jsonl")
    for number, name in enumerate(names):
        run.journal([run.session(f"2026-11-21T13:0{number}:00.000000Z")], name)
    waiting = [records for records in chance_records(run, chance) if records]
    while waiting:
        records = chance.choice(waiting)
        run.journal([records.pop(0)], chance.choice(names))
        waiting = [records for records in waiting if records]
        if chance.random() < 0.15:
            refresh(data_folder)
    refresh(data_folder)
    assert rows(data_folder, AS_COMPUTED) == rows(data_folder, BY_DEFINITION)
    assert rows(data_folder, BY_TALLY) == rows(data_folder, BY_TRIALS)
    grown = digest(data_folder)
    rebuild(data_folder)
    assert digest(data_folder) == grown


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_journal_that_was_copied_counts_once(
    synthetic_run: Make, data_folder: DataFolder, *, is_cut: bool
) -> None:
    run = synthetic_run()
    path = run.settle_all()
    refresh(data_folder)
    before = run_status(data_folder, "latest")
    copy = path.with_name(f"z-copy-of-{path.name}")
    shutil.copy(path, copy)
    if is_cut:
        lines = copy.read_bytes().splitlines(keepends=True)
        copy.write_bytes(b"".join(lines[:4]))
    refresh(data_folder)
    after = run_status(data_folder, "latest")
    assert after == {**before, "state": after["state"]}
    assert after["charge_usd"] == str(8 * Decimal("0.0423"))
    grown = digest(data_folder)
    rebuild(data_folder)
    assert digest(data_folder) == grown


# The last moment of a year, and both ends of a leap day.
INSTANTS = (
    "2027-12-31T23:59:59.900000Z",
    "2028-02-29T00:00:00.000000Z",
    "2028-02-29T23:59:59.900000Z",
)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_days_are_those_of_utc_and_say_so_wherever_they_are_read(
    synthetic_run: Make,
    data_folder: DataFolder,
    tell: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
) -> None:
    run = synthetic_run(n_prompts=1, repeats=3, endpoints=(("a", "direct"),))
    run.plan["created_at"] = INSTANTS[0]
    run.freeze()
    run.settle_all(lambda trial: {"started_at": INSTANTS[trial["repeat"] - 1]})
    with monkeypatch.context() as there:
        there.setenv("TZ", zone)
        time.tzset()
        refresh(data_folder)
        days = rows(data_folder, "SELECT day, attempts FROM v_spend_daily ORDER BY day")
        said = tell("runs").stdout + tell("show", "latest").stdout
    time.tzset()
    assert [tuple(day.values()) for day in days] == [
        (date(2027, 12, 31), 1),
        (date(2028, 2, 29), 2),
    ]
    assert said.count("2027-12-31 23:59 UTC") == 2

"""The made-up index of the bench is one that ingest would leave alone."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.store import figures, queries
from bench.store.figures import Chosen
from bench.store.index import open_index
from bench.store.ingest import refresh

MAKER = Path(__file__).parents[1] / "perf" / "million.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    spec = importlib.util.spec_from_file_location("million", MAKER)
    assert spec
    assert spec.loader
    million: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(million)
    return million.make_million(
        tmp_path_factory.mktemp("million") / "data", n_runs=2, trials_a_run=4_000
    )


def rows(folder: DataFolder, query: str) -> list[queries.Row]:
    with open_index(folder) as con:
        return queries.rows_of(con, query)


def test_a_refresh_finds_nothing_new_in_it(made: DataFolder) -> None:
    done = refresh(made)
    assert (done.attempts, done.runs, done.removed, done.problems) == (0, (), (), ())


def test_its_outcomes_are_as_mixed_as_real_ones_and_its_sums_hold(
    made: DataFolder,
) -> None:
    (plain,) = rows(
        made,
        "SELECT count(*) AS n_trials, sum(attempts)::BIGINT AS attempts, "
        "sum(charge_usd)::DECIMAL(38,12) AS charge_usd, "
        "count(*) FILTER (WHERE outcome = 'ok') AS n_ok, bool_and(simulated) AS "
        "simulated FROM v_trial",
    )
    with open_index(made) as con:
        told = figures.totals(con, Chosen())
        assert len(figures.cells(con, Chosen())) == 36
        assert len(figures.choices(con)["runs"]) == 2
    assert {name: told[name] for name in plain} == plain
    assert plain["attempts"] > plain["n_trials"] == 8_000
    outcomes = rows(made, "SELECT DISTINCT outcome FROM v_attempt")
    assert len(outcomes) >= 5

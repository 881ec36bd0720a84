"""pytest-benchmark: its own command reads runs side by side."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from pytest_benchmark.stats import Stats
from typer.testing import Result

from bench.exports.benchmark import stats_of

Make = Callable[..., Any]
Tell = Callable[..., Result]
RUN_IDS = ("20261121-130000-000001", "20261122-130000-000002")


def fill(synthetic_run: Make, run_id: str, slower: float = 1.0, **members: Any) -> Any:
    run = synthetic_run(run_id, n_prompts=3, qualities=("low", "high"))
    run.settle_all(
        lambda trial: {"service_s": slower * (1 + trial["position"] / 8), **members}
    )
    return run


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 51, 52, 53])
def test_figures_are_those_that_the_library_computes(n: int) -> None:
    dice = random.Random(n)
    for _ in range(20):
        times_s = [
            dice.choice((0.5, 1.0, dice.lognormvariate(2, 0.5))) for _ in range(n)
        ]
        library = Stats()
        for time_s in sorted(times_s):
            library.update(time_s)
        told = stats_of(times_s)
        assert {name: told[name] for name in Stats.fields} == library.as_dict()
        assert told["data"] == sorted(times_s)


def test_the_real_compare_shows_two_runs_side_by_side(
    synthetic_run: Make, tell: Tell, tmp_path: Path
) -> None:
    paths: list[str] = []
    for run_id, slower in zip(RUN_IDS, (1.0, 2.0), strict=True):
        fill(synthetic_run, run_id, slower)
        path = tmp_path / f"{run_id[:8]}.json"
        arguments = ("--format", "pytest-benchmark", "--output", str(path))
        assert tell("export", run_id, *arguments).exit_code == 0
        paths.append(str(path))
    shown = compared(tmp_path, *paths, "--columns", "min,median,rounds")
    groups = [
        line for line in shown.splitlines() if line.startswith("-") and "'" in line
    ]
    assert len(groups) == 2, shown
    assert "gpt-image-2 high 1024x1024" in shown
    for endpoint in ("openai", "halfprice"):
        lines = [
            line
            for line in shown.splitlines()
            if f"low 1024x1024 at {endpoint}" in line
        ]
        assert len(lines) == 2, shown
        assert [RUN_IDS[0][:8] in line for line in sorted(lines)] == [True, False]
    between = compared(tmp_path, *paths, "--between", "median")
    assert "halfprice" in between


def compared(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *arguments],
        capture_output=True,
        check=False,
        text=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONWARNINGS": ""},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Failed to load" not in done.stderr + done.stdout
    return done.stdout


def test_times_and_dollars_are_those_of_the_run(
    synthetic_run: Make, tell: Tell
) -> None:
    run = fill(synthetic_run, RUN_IDS[0], charge_usd="0.000000000001")
    told = orjson.loads(tell("export", "--format", "pytest-benchmark").stdout)
    shown = orjson.loads(tell("show", "latest", "--json").stdout)
    benchmarks = told["benchmarks"]
    assert len(benchmarks) == 4
    charges = [Decimal(one["extra_info"]["charge_usd"]) for one in benchmarks]
    assert sum(charges) == Decimal(shown["charge_usd"])
    times = sorted(time for one in benchmarks for time in one["stats"]["data"])
    assert times == sorted(1 + t["position"] / 8 for t in run.trials)
    assert told["left_out"] == []
    assert len({one["fullname"] for one in benchmarks}) == 4


def test_a_simulated_cell_says_so_where_compare_shows_it(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run, RUN_IDS[0], simulated=True)
    told = orjson.loads(tell("export", "--format", "pytest-benchmark").stdout)
    assert told["machine_info"]["simulated"] is True
    for one in told["benchmarks"]:
        assert one["name"].endswith(" (simulated)")
        assert one["extra_info"]["simulated"] is True


def test_a_cell_without_a_time_is_left_out_and_told_of_with_its_money(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run(RUN_IDS[0], n_prompts=1, repeats=1)
    direct, gateway = run.trials
    late = {"outcome": "timed_out", "service_s": None, "charge_usd": "0.25"}
    run.journal(
        [
            run.session(),
            *(run.intent(direct), run.outcome(direct)),
            *(run.intent(gateway), run.outcome(gateway, **late)),
            run.end(),
        ]
    )
    done = tell("export", "--format", "pytest-benchmark")
    told = orjson.loads(done.stdout)
    assert [one["param"] for one in told["benchmarks"]] == ["openai"]
    (left,) = told["left_out"]
    assert left["extra_info"]["charge_usd"] == "0.25"
    assert "1 of 2 cells have no time" in done.stderr
    assert json.loads(done.stdout) == told

"""run --load, --warm-up and --find-rate as their user runs them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from bench.commands import run, runs
from bench.commands.choosing import Given
from bench.errors import BadInput
from bench.plan.options import Options, options_from_json, options_to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk
    from tests.stalling import Stalling

PARTS = ("on_time", "late", "unknown", "in_flight", "not_sent")
ALWAYS = ("--yes", "--images", "hash")


def _adds_up(schedule: dict[str, Any]) -> bool:
    return schedule["n_offered"] == sum(schedule[f"n_{part}"] for part in PARTS)


def test_a_run_by_schedule_freezes_its_load_and_tells_what_was_offered(
    desk: Desk, stalling: Callable[..., Stalling]
) -> None:
    stub = stalling()
    desk.suite(repeats=10)
    desk.endpoint(stub.url)
    ended = desk.run(*ALWAYS, "--load", "poisson:600/min", "--seed", 7)
    assert ended.code == 0, ended
    options = desk.plan["options"]
    assert (options["load"], options["find_rate"]) == ("poisson:600/min", None)
    assert options["concurrency"] == 1000
    schedule = ended.answer["schedule"]
    assert _adds_up(schedule)
    assert (schedule["n_offered"], schedule["n_not_sent"]) == (30, 0)
    last = [line for line in ended.told if "offered" in line][-1]
    assert (last["offered"], last["sent"]) == (30, 30)
    assert last["late"] == schedule["n_late"]
    for record in desk.outcomes.values():
        assert record["late_s"] is not None
        assert record["total_s"] >= record["service_s"] + record["late_s"] - 1e-6
        assert record["queued_s"] >= record["late_s"] - 1e-6
    shown = _shown(desk)
    assert "schedule poisson:600/min (open loop): 30 offered = " in shown
    assert "from schedule p50" in shown
    told = json.loads(_shown(desk, "--json"))
    assert (told["load"], told["find_rate"]) == ("poisson:600/min", None)
    assert told["schedule"]["n_offered"] == 30
    assert told["cells"][0]["total_p50_s"] >= told["cells"][0]["p50_s"]


def test_what_a_ceiling_or_a_cap_holds_back_is_late_or_not_sent_and_counted(
    desk: Desk, stalling: Callable[..., Stalling]
) -> None:
    stub = stalling("--service", 0.2)
    desk.suite(repeats=10)
    desk.endpoint(stub.url)
    ended = desk.run(
        *ALWAYS, "--load", "constant:50/s", "--concurrency", 2, "--max-cost", "0.12"
    )
    assert ended.code == 5, ended
    schedule, trials = ended.answer["schedule"], ended.answer["trials"]
    assert _adds_up(schedule)
    assert schedule["n_offered"] == trials["planned"] == 30
    assert schedule["n_not_sent"] == trials["not_sent"] > 0
    assert schedule["n_late"] + schedule["n_on_time"] == len(stub.received_s())
    # Two at once, 0.2 s each, where one was due each 20 ms: nearly all are late.
    assert schedule["n_late"] >= 10
    again = desk.resume("--load", "constant:100/s", "--max-cost", 9, "--yes")
    assert again.code == 0, again
    assert again.answer["trials"]["done"] == 30
    assert _adds_up(again.answer["schedule"])
    # A new schedule for what was left: nothing is late by the pause between.
    assert again.answer["schedule"]["late_max_s"] < 20


def test_a_rate_limit_of_the_endpoint_is_no_fault_of_ours(
    desk: Desk, stalling: Callable[..., Stalling]
) -> None:
    stub = stalling("--service", 0.3)
    desk.suite(repeats=4)
    desk.endpoint(stub.url, limits={"concurrency": 1})
    ended = desk.run(*ALWAYS, "--load", "constant:50/s")
    assert ended.code == 0, ended
    outcomes = list(desk.outcomes.values())
    assert max(record["total_s"] for record in outcomes) > 2
    assert max(record["late_s"] for record in outcomes) < 1
    assert max(record["queued_s"] for record in outcomes) > 2


def test_warm_up_is_charged_and_counted_but_in_no_figure_of_latency(
    desk: Desk, stalling: Callable[..., Stalling]
) -> None:
    # The first answer alone is slow: with it every maximum would be above a second.
    stub = stalling("--service", 0.01, "--stall", 1.5)
    desk.suite(repeats=10)
    desk.endpoint(stub.url)
    ended = desk.run(*ALWAYS, "--warm-up", 2, "--concurrency", 2)
    assert ended.code == 0, ended
    marked = [trial for trial in desk.plan["trials"] if trial.get("warmup")]
    assert [trial["position"] for trial in marked] == [0, 1]
    slow = [r for r in desk.outcomes.values() if r["service_s"] > 1]
    assert {r["trial_id"] for r in slow} == {trial["trial_id"] for trial in marked}
    told = json.loads(_shown(desk, "--json"))
    (cell,) = told["cells"]
    assert (cell["n_ok"], cell["n_timed"], cell["n_warmup"]) == (30, 28, 2)
    assert cell["max_s"] < 1
    assert "warm-up: 2 trials" in _shown(desk)
    with duckdb.connect(str(desk.data / "pixelmeter.duckdb"), read_only=True) as con:
        timed = con.execute("SELECT len(service_s) FROM timing").fetchall()
        tallied = con.execute(
            "SELECT sum(n_trials), sum(n_timed) FROM tally"
        ).fetchall()
        (usd,) = con.execute("SELECT sum(charge_usd) FROM v_trial").fetchall()[0]
    assert (timed, tallied) == ([(28,)], [(30, 28)])
    assert str(usd).rstrip("0") == ended.answer["charge_usd"]


def test_the_highest_rate_under_a_limit_is_found_and_its_stages_recorded(
    desk: Desk, stalling: Callable[..., Stalling]
) -> None:
    stub = stalling("--per-s", 60)
    desk.suite(repeats=400)
    desk.endpoint(stub.url)
    load = ("--load", "constant:40/s", "--find-rate", "p95<500ms", "--warm-up", 0)
    ended = desk.run(*ALWAYS, *load)
    assert ended.code in {0, 5}, ended
    found = ended.answer["find_rate"]
    stages = desk.records("stage")
    assert [stage["per_s"] for stage in stages] == [t["per_s"] for t in found["tried"]]
    assert stages[0]["per_s"] == 40
    # Where the machine is too busy to keep the rate, that is the answer.
    if found["settled"]:
        assert 40 <= found["highest_per_s"] <= 60 * 1.3
        verdicts = Counter(stage["verdict"] for stage in stages)
        assert verdicts["under"] >= 1
    else:
        assert found["reason"]
        assert stages[-1]["verdict"] != "under"
    assert _adds_up(ended.answer["schedule"])
    notices = [line["notice"] for line in ended.told if "notice" in line]
    assert notices[0].startswith("trying 40/s: 100 requests in ")
    assert sum("from schedule" in notice for notice in notices) == len(stages)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--find-rate", "p95<5s"), "needs 100 requests, and there are 6 trials"),
        (("--find-rate", "p95<5s", "--endpoint", "other"), "name one with --endpoint"),
        (("--find-rate", "p95<5s", "--load", "ramp:1/s-2/s:9"), "begins at one rate"),
        (("--load", "constant:5/s", "--wave", "3"), "--wave 3"),
        (("--warm-up", "6"), "--warm-up 6"),
        (("--warm-up", "some"), "--warm-up: 'some'"),
    ],
)
def test_what_could_say_nothing_is_refused_before_it_costs_anything(
    desk: Desk, options: tuple[str, ...], sentence: str
) -> None:
    suite = desk.suite(repeats=2)
    desk.endpoint("http://127.0.0.1:9/v1")
    desk.another_endpoint("http://127.0.0.1:9/v1", name="other")
    given = ["run", str(suite), "--endpoints", str(desk.endpoints), "--yes"]
    given += ["--endpoint", "direct", "--data", str(desk.data), *options]
    with pytest.raises(BadInput, match=re.escape(sentence)):
        _told(*given)
    assert not (desk.data / "runs").exists()


def test_a_plan_of_before_there_were_schedules_is_still_read() -> None:
    content = options_to_json(Options())
    del content["load"], content["find_rate"]
    assert options_from_json(content) == Options()


def test_resume_takes_the_load_of_the_plan_or_another_one() -> None:
    planned = Given(load="poisson:5/s", find_rate="p95<5s").over(Options())
    assert (planned.concurrency, planned.is_open) == (1000, True)
    assert Given().over(planned) == planned
    another = Given(load="constant:9/s").over(planned)
    assert (str(another.load), another.goal) == ("constant:9/s", None)
    closed = Given(load="closed").over(planned)
    assert (closed.is_open, closed.concurrency) == (False, 4)
    assert options_from_json(options_to_json(planned)) == planned


def test_a_run_in_waves_may_be_resumed_by_a_schedule() -> None:
    planned = Given(wave=3).over(Options())
    resumed = Given(load="constant:9/s").over(planned)
    assert (resumed.wave, resumed.concurrency) == (None, 1000)


def _told(*arguments: str) -> str:
    """What a command tells, in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    for group in (run, runs):
        group.register(app)
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def _shown(desk: Desk, *options: str) -> str:
    return _told("show", "latest", "--data", str(desk.data), *options)

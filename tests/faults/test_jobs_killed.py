"""A process that dies with a job loses no answer and asks for none twice."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.batching import EACH_USD, FAST, Batching, batching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Desk, Ended

N_TRIALS = 3
# Each point with how often it is passed before the end comes.
POINTS = (
    "job_intended:1",
    "job_uploaded:1",
    "job_made:1",
    "answered:2",
    "outcome_durable:2",
    "job_collected:1",
)


@pytest.fixture
def server() -> Iterator[Batching]:
    with batching() as started:
        yield started


@pytest.fixture
def asked(desk: Desk, server: Batching) -> Desk:
    desk.suite()
    desk.endpoint(server.url)
    return desk


def whole(asked: Desk, server: Batching, ended: Ended) -> dict[str, Any]:
    """Everything was answered, charged once, and asked for once."""
    answer = ended.answer
    assert (ended.code, answer["state"]) == (0, "finished"), ended
    assert answer["trials"]["done"] == N_TRIALS
    assert Decimal(answer["charge_usd"]) == N_TRIALS * EACH_USD
    assert answer["possibly_billed_usd"] == answer["reserved_usd"] == "0"
    names = [line["custom_id"] for line in server.requests()]
    assert len({name.rpartition(".")[0] for name in names}) == len(names) == N_TRIALS
    charged = [r for r in asked.records("outcome") if r["billing"] == "billed"]
    assert len(charged) == N_TRIALS
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_each_step_of_a_job_loses_nothing_and_pays_nothing_twice(
    asked: Desk, server: Batching, point: str
) -> None:
    killed = asked.run(*FAST, PIXELMETER_KILL_AT=point)
    assert (killed.code, killed.out) == (-signal.SIGKILL, ""), killed
    bounds_usd = sum(Decimal(r["bound_usd"]) for r in asked.records("intent"))
    shown = asked.pixelmeter("show", "latest", "--json").answer
    known_usd = Decimal(shown["charge_usd"]) + Decimal(shown["possibly_billed_usd"])
    assert shown["state"] == "interrupted"
    assert 0 < known_usd <= bounds_usd
    server.looks = 0
    answer = whole(asked, server, asked.resume(*FAST[1:]))
    assert {job["step"] for job in answer["jobs"]} <= {"collected", "not_submitted"}
    again = asked.resume(*FAST[1:])
    assert (again.code, len(server.jobs)) == (0, 1)
    assert again.answer["charge_usd"] == answer["charge_usd"]


def test_a_job_whose_making_was_not_answered_is_found_and_not_made_again(
    asked: Desk, server: Batching
) -> None:
    server.swallowed = 1
    whole(asked, server, asked.run(*FAST))
    assert len(server.jobs) == 1


def test_a_job_that_nobody_can_look_for_stays_possibly_billed(
    asked: Desk, server: Batching
) -> None:
    killed = asked.run(*FAST, PIXELMETER_KILL_AT="job_made:1")
    assert killed.code == -signal.SIGKILL
    # Another key, of another project, does not see what was made with this one.
    jobs, server.jobs = server.jobs, {}
    server.refused["GET /files/file-1"] = (404, {"error": {"message": "no such file"}})
    ended = asked.resume(*FAST[1:])
    assert (ended.code, ended.answer["stopped_by"]) == (5, "stall"), ended
    assert "not seen with this key" in ended.answer["reason"]
    assert ended.answer["trials"]["possibly_billed"] == N_TRIALS
    assert server.jobs == {}
    server.jobs = jobs
    whole(asked, server, asked.resume(*FAST[1:]))


def test_ctrl_c_leaves_the_job_running_and_resume_collects_it(
    asked: Desk, server: Batching
) -> None:
    server.looks = None
    process = asked.start(*asked.run_arguments(*FAST))
    asked.until(lambda: any(j["n_looks"] > 1 for j in server.jobs.values()), "no look")
    process.send_signal(signal.SIGINT)
    ended = asked.end(process)
    answer = ended.answer
    assert (ended.code, answer["state"]) == (130, "interrupted"), ended
    assert (answer["trials"]["possibly_billed"], answer["stopped_by"]) == (3, "user")
    assert "1 job goes on" in answer["reason"]
    (job,) = answer["jobs"]
    assert (job["step"], job["state"], job["n_requests"]) == (
        "submitted",
        "in_progress",
        N_TRIALS,
    )
    server.looks = 0
    whole(asked, server, asked.resume(*FAST[1:]))
    (first, *_) = asked.outcomes.values()
    assert "total_by_wall_clock" in first["flags"]


def test_waiting_ends_when_it_was_to_and_the_job_does_not(
    asked: Desk, server: Batching
) -> None:
    server.looks = None
    ended = asked.run(*FAST, "--wait", 0)
    assert (ended.code, ended.answer["state"]) == (130, "interrupted"), ended
    assert "--wait 0 is over; 1 job goes on" in ended.answer["reason"]
    again = asked.resume(*FAST[1:], "--wait", "0.2")
    assert (again.code, again.answer["trials"]["possibly_billed"]) == (130, N_TRIALS)
    server.looks = 0
    whole(asked, server, asked.resume(*FAST[1:], "--wait", 60))

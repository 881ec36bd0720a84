"""Jobs of the Batch API: submitted, waited for, collected, charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.batching import EACH_USD, FAST, Batching, Line, batching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Desk, Double

REFUSED = {"error": {"message": "Blocked.", "code": "moderation_blocked"}}


@pytest.fixture
def server() -> Iterator[Batching]:
    with batching() as started:
        yield started


@pytest.fixture
def asked(desk: Desk, server: Batching) -> Desk:
    desk.suite()
    desk.endpoint(server.url)
    return desk


def notices(told: list[dict[str, Any]]) -> list[str]:
    return [line["notice"] for line in told if "notice" in line]


def test_a_suite_goes_as_a_job_and_is_charged_at_the_batch_rates(
    asked: Desk, server: Batching
) -> None:
    ended = asked.run(*FAST)
    assert ended.code == 0, ended
    answer = ended.answer
    assert answer["trials"]["done"] == 3
    assert Decimal(answer["charge_usd"]) == Decimal(answer["list_usd"]) == 3 * EACH_USD
    assert {line["url"] for line in server.requests()} == {"/v1/images/generations"}
    assert {line["custom_id"] for line in server.requests()} == set(asked.outcomes)
    for outcome in asked.outcomes.values():
        assert outcome["outcome"] == "ok"
        assert not {"above_bound", "total_by_wall_clock"} & set(outcome["flags"])
        assert outcome["service_s"] is outcome["first_byte_s"] is None
        assert outcome["total_s"] > 0
    assert len(asked.pictures()) == 1
    shown = asked.pixelmeter("show", "latest", "--json").answer
    (cell,) = shown["cells"]
    assert cell["n_timed"] == 0
    assert cell["total_p50_s"] is cell["total_p95_s"] is None
    assert (shown["load"], shown["schedule"]) == ("batch", None)
    (job,) = shown["jobs"]
    assert (job["batch_id"], job["step"]) == ("batch_1", "collected")
    assert (job["to_completion_s"], job["n_completed"]) == (77, 3)
    words = asked.pixelmeter("show", "latest").out
    assert "3 requests, completed, collected, 1 min 17 s from created to end" in words
    assert "US$ an image" in words
    assert "p50" not in words
    page = asked.folder / "report.html"
    assert asked.pixelmeter("report", "latest", "--output", page).code == 0
    assert "None: jobs of the Batch API answer when they have ended" in page.read_text()
    anew = asked.pixelmeter("reprice", "latest", "--json").answer
    assert anew["tier"] == "batch"
    assert anew["repriced_usd"] == anew["charge_usd"] == answer["charge_usd"]


def test_each_model_has_a_job_of_its_own_and_a_gateway_its_scheme(
    asked: Desk, server: Batching
) -> None:
    half = {"of": "openai", "scheme": {"kind": "multiplier", "factor": "0.5"}}
    asked.another_endpoint(server.url, name="half", route="gateway", prices=half)
    models = ["gpt-image-2", "gpt-image-2-2026-04-21"]
    asked.suite(axes={"model": models, "quality": ["low"]})
    both = ("--endpoint", "direct", "--endpoint", "half")
    ended = asked.run(*FAST, *both)
    assert ended.code == 0, ended
    of_job = [
        {line["body"]["model"] for line in server.lines_of(job)}
        for job in server.jobs.values()
    ]
    assert sorted(map(sorted, of_job)) == sorted([[model] for model in models] * 2)
    cells = asked.pixelmeter("show", "latest", "--json").answer["cells"]
    of_cell = {(c["endpoint"], c["model"]): Decimal(c["charge_usd"]) for c in cells}
    for model in models:
        assert of_cell["half", model] * 2 == of_cell["direct", model] > 0


def test_what_is_odd_about_lines_is_told_and_changes_no_charge(
    asked: Desk, server: Batching
) -> None:
    def spoil(lines: list[Line]) -> list[Line]:
        good, refused, unsure = lines
        refused["response"] |= {"status_code": 400, "body": REFUSED}
        error = {"code": "server_error", "message": "It broke."}
        unsure |= {"response": None, "error": error}
        foreign = {**good, "custom_id": "somebody-else.1"}
        return [foreign, good, good, refused, unsure, good]

    server.spoil, server.cut, server.vain = spoil, 2, 6
    ended = asked.run(*FAST, "--max-failed-share", 1)
    trials = ended.answer["trials"]
    assert (trials["done"], trials["possibly_billed"]) == (2, 1), ended
    assert Decimal(ended.answer["charge_usd"]) == EACH_USD
    assert Decimal(ended.answer["possibly_billed_usd"]) > 0
    said = notices(ended.told)
    assert any("'somebody-else.1' is not of this job" in one for one in said)
    assert any("came before; the first counts" in one for one in said)
    outcomes = [o["outcome"] for o in asked.outcomes.values()]
    assert sorted(outcomes) == ["ok", "refused", "server_error"]


@pytest.mark.parametrize(
    ("state", "code", "bucket"),
    [
        ("expired", "batch_expired", "failed"),
        ("expired", None, "possibly_billed"),
        ("cancelled", "batch_cancelled", "failed"),
    ],
)
def test_lines_that_were_not_carried_out_are_unbilled_where_the_api_says_so(
    asked: Desk, server: Batching, state: str, code: str | None, bucket: str
) -> None:
    def spoil(lines: list[Line]) -> list[Line]:
        error = {"code": code, "message": "not done"}
        others = [{**one, "response": None, "error": error} for one in lines[1:]]
        return [lines[0], *(others if code else [])]

    server.state, server.spoil = state, spoil
    answer = asked.run(*FAST, "--max-failed-share", 1).answer
    assert (answer["trials"]["done"], answer["trials"][bucket]) == (1, 2)
    assert Decimal(answer["charge_usd"]) == EACH_USD
    again = asked.resume(*FAST[1:], "--max-failed-share", 1)
    assert again.answer["charge_usd"] == answer["charge_usd"]
    assert len(server.jobs) == 1


def test_a_job_that_fails_as_a_whole_costs_nothing_and_says_why(
    asked: Desk, server: Batching
) -> None:
    server.state, server.spoil = "failed", lambda _: []
    server.errors = [{"code": "invalid_json_line", "message": "Line 1 is wrong."}]
    ended = asked.run(*FAST)
    assert (ended.code, ended.answer["trials"]["failed"]) == (4, 3), ended
    assert ended.answer["charge_usd"] == ended.answer["possibly_billed_usd"] == "0"
    assert "Line 1 is wrong." in ended.err


def test_answers_that_cannot_be_read_stay_open_until_they_can(
    asked: Desk, server: Batching
) -> None:
    server.torn = True
    ended = asked.run(*FAST)
    assert (ended.code, ended.answer["stopped_by"]) == (5, "stall"), ended
    assert "1 line that can't be read" in ended.answer["reason"]
    trials = ended.answer["trials"]
    assert (trials["done"], trials["possibly_billed"]) == (2, 1)
    server.torn = False
    again = asked.resume(*FAST[1:])
    assert (again.code, again.answer["trials"]["done"]) == (0, 3), again
    assert Decimal(again.answer["charge_usd"]) == 3 * EACH_USD
    assert len(server.jobs) == 1


def test_a_cap_is_never_passed_and_what_it_frees_is_used(
    asked: Desk, server: Batching
) -> None:
    bound_usd = Decimal(asked_bound(asked))
    cap_usd = bound_usd * Decimal("2.5")
    ended = asked.run(*FAST, "--max-cost", format(cap_usd, "f"))
    # Two at first; what their answers leave of their bounds is too little for a third.
    assert (ended.code, ended.answer["stopped_by"]) == (5, "budget"), ended
    assert (len(server.jobs), len(server.requests())) == (1, 2)
    assert Decimal(ended.answer["charge_usd"]) == 2 * EACH_USD
    again = asked.resume(*FAST[1:], "--max-cost", "1", "--yes")
    assert (again.code, again.answer["trials"]["done"]) == (0, 3), again
    assert (len(server.jobs), len(server.requests())) == (2, 3)


def asked_bound(desk: Desk) -> str:
    """The bound of the dearest trial, by the plan of a run that sends nothing."""
    suite = desk.folder / "suite.yaml"
    plan = ("plan", suite, "--endpoints", desk.endpoints, "--batch", "--json")
    answer = desk.pixelmeter(*plan, "--limit", 1).answer
    assert answer["batch"] is True
    assert answer["at_risk_usd"] == answer["worst_case_usd"]
    return answer["worst_case_usd"]


@pytest.mark.parametrize("path", ["GET /batches", "POST /files", "POST /batches"])
def test_an_endpoint_without_a_batch_api_is_told_in_words(
    asked: Desk, server: Batching, path: str
) -> None:
    server.refused[path] = (404, {"detail": "Not Found"})
    ended = asked.run(*FAST)
    answer = ended.answer
    assert (ended.code, answer["stopped_by"]) == (5, "stall"), ended
    assert f"answered 404 to {path}: it has no Batch API" in answer["reason"]
    assert answer["trials"]["not_sent"] == 3
    assert answer["charge_usd"] == answer["possibly_billed_usd"] == "0"


def test_a_key_that_is_refused_ends_the_run_with_its_own_code(
    asked: Desk, server: Batching
) -> None:
    error = {"error": {"message": "Incorrect API key.", "code": "invalid_api_key"}}
    server.refused["GET /batches"] = (401, error)
    ended = asked.run(*FAST)
    assert (ended.code, ended.answer["stopped_by"]) == (3, "credentials"), ended


@pytest.mark.parametrize(
    ("options", "suite", "said"),
    [
        (("--load", "constant:5/s"), {}, "--load: the Batch API itself decides"),
        (("--find-rate", "p95<5s"), {}, "--find-rate: the Batch API itself"),
        (("--wave", 2), {}, "--wave: the Batch API itself decides"),
        (("--warm-up", 1), {}, "--warm-up 1: jobs have no latency"),
        ((), {"fixed": {"stream": True}}, "stream: a job of the Batch API answers"),
    ],
)
def test_what_jobs_leave_no_place_for_is_refused_with_the_cure(
    asked: Desk,
    server: Batching,
    options: tuple[object, ...],
    suite: dict[str, Any],
    said: str,
) -> None:
    asked.suite(**suite)
    ended = asked.run(*FAST, *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
    assert server.asked == []


def test_a_book_without_batch_rates_is_refused_with_the_cure(
    asked: Desk, server: Batching
) -> None:
    asked.endpoint(server.url, prices="azure")
    ended = asked.run(*FAST)
    assert ended.code == 2
    assert "has no batch rates" in ended.err
    assert "leave --batch out, or write its batch rates" in ended.err
    alone = asked.run("--wait", 5)
    assert (alone.code, "add --batch" in alone.err) == (2, True)


@pytest.mark.parametrize("place", ["file", "line"])
def test_a_key_that_comes_back_in_a_refusal_is_told_and_kept_nowhere(
    asked: Desk, server: Batching, place: str
) -> None:
    error = {"error": {"message": f"Incorrect API key provided: {asked.key}"}}

    def spoil(lines: list[Line]) -> list[Line]:
        return [
            {**one, "response": {"status_code": 401, "body": error}} for one in lines
        ]

    if place == "file":
        server.refused["POST /files"] = (401, error)
    else:
        server.spoil = spoil
    # The desk looks for the key in what is printed, and at the end in every file.
    ended = asked.run(*FAST)
    assert ended.answer["stopped_by"] == "credentials"
    assert "Incorrect API key provided: [key]" in ended.answer["reason"]


def test_what_waits_in_a_job_has_not_failed_and_can_be_cancelled(
    asked: Desk, server: Batching
) -> None:
    server.looks = None
    left = asked.run(*FAST, "--wait", 0)
    assert (left.code, left.answer["trials"]["possibly_billed"]) == (130, 3), left
    shown = asked.pixelmeter("show", "latest").out
    assert "0 of 3" in shown
    assert shown.count("waits in a job") == 3
    assert "requests that were not ok" not in shown
    cancelled = asked.pixelmeter("resume", "latest", *FAST[1:], "--cancel")
    assert cancelled.code == 130, cancelled
    assert "its jobs were to be cancelled" in cancelled.err
    answer = asked.pixelmeter("show", "latest", "--json").answer
    assert (answer["trials"]["done"], answer["trials"]["failed"]) == (1, 2)
    assert Decimal(answer["charge_usd"]) == EACH_USD
    assert Decimal(answer["possibly_billed_usd"]) == 0
    assert server.asked.count("POST /batches/batch_1/cancel") == 1
    assert len(server.jobs) == 1


def test_a_job_that_is_ending_can_not_be_cancelled_and_is_collected(
    asked: Desk, server: Batching
) -> None:
    server.looks = None
    assert asked.run(*FAST, "--wait", 0).code == 130
    job = server.jobs["batch_1"]
    job["status"] = "finalizing"
    server.looks = job["n_looks"] + 2
    sentence = "Cannot cancel a batch with status 'finalizing'."
    refused = (400, {"error": {"message": sentence}})
    server.refused["POST /batches/batch_1/cancel"] = refused
    asked.pixelmeter("resume", "latest", *FAST[1:], "--cancel")
    answer = asked.pixelmeter("show", "latest", "--json").answer
    assert answer["trials"]["done"] == 3
    assert Decimal(answer["charge_usd"]) == 3 * EACH_USD


def test_a_comparison_says_which_side_went_by_jobs_and_has_no_latency(
    asked: Desk, server: Batching, direct: Double
) -> None:
    by_jobs = asked.run(*FAST).answer["run_id"]
    assert server.asked
    asked.endpoint(direct.url)
    live = asked.run("--yes").answer["run_id"]
    told = asked.pixelmeter("compare", live, by_jobs).out
    said = "asked as jobs of the Batch API, at its prices: answers come together"
    assert told.count(said) == 1
    assert f"run {by_jobs}: {said}" in told
    assert "no pair of answers that were both ok and timed" in told


def test_a_run_without_jobs_has_nothing_to_cancel(asked: Desk) -> None:
    asked.pixelmeter("run", asked.folder / "suite.yaml", "--endpoints", asked.endpoints)
    ended = asked.resume("--cancel")
    assert (ended.code, "jobs of the Batch API alone" in ended.err) == (2, True), ended

"""Conversations of a suite: turn by turn, each trial with its time and dollars."""

from decimal import Decimal
from typing import Any

from bench.folder import DataFolder
from bench.store.index import open_index
from tests.painted import painted

TURNS = ["Now at night", "With a moon", "As a woodcut"]


def conversations(desk: Any, double: Any, n: int = 2, **changes: Any) -> None:
    names = ("kite", "poster", "hat", "boat", "owl")[:n]
    desk.endpoint(double.url, api=["images", "responses"])
    desk.suite(
        prompts=[
            {"id": name, "text": f"Draw a {name}", "then": TURNS} for name in names
        ],
        axes={"quality": ["low"]},
        fixed={
            "model": "gpt-image-2",
            "size": "1024x1024",
            "mainline_model": "gpt-4.1-mini",
        },
        operation="converse",
        api="responses",
        **changes,
    )


def test_turns_follow_each_other_and_each_names_the_answer_before(
    desk: Any, direct: Any
) -> None:
    conversations(desk, direct, repeats=2)
    done = desk.run("--yes", "--concurrency", "4", "--wave", "2", "--wave-pause", "0")
    assert done.code == 0, done.err
    assert done.answer["trials"]["done"] == 16
    assert Decimal(done.answer["charge_usd"]) == direct.total_usd
    trials = {t["trial_id"]: t for t in desk.plan["trials"]}
    ended = {r["trial_id"]: r for r in desk.records("outcome")}
    begun = {r["trial_id"]: n for n, r in enumerate(desk.records("intent"))}
    assert len(ended) == 16
    after = [t for t in trials.values() if t.get("after")]
    assert len(after) == 12
    for trial in after:
        assert begun[trial["after"]] < begun[trial["trial_id"]]
        assert ended[trial["after"]]["response_id"]
        assert (
            ended[trial["trial_id"]]["started_at"] > ended[trial["after"]]["started_at"]
        )
    # A turn that goes on brings the picture before it along, which costs.
    for trial in after:
        assert ended[trial["trial_id"]]["input_image_tokens"] > 0


def test_a_turn_after_one_that_left_nothing_is_not_sent_and_that_is_told_once(
    desk: Any, direct: Any
) -> None:
    conversations(desk, direct)
    at_night = {"path": "/v1/responses", "prompt_contains": "at night"}
    direct.fault("server_error", when=at_night)
    ended = desk.run("--yes", "--concurrency", "1")
    trials = ended.answer["trials"]
    assert trials == {
        "planned": 8,
        "done": 2,
        "failed": 0,
        "possibly_billed": 2,
        "not_sent": 4,
        "in_flight": 0,
    }
    assert ended.answer["state"] == "finished"
    notices = [one["notice"] for one in ended.told if "notice" in one]
    assert len(notices) == 1
    assert "/3 at direct is not sent: the turn before it (server error)" in notices[0]
    direct.mend()
    n_posts = len(direct.posts)
    # Nobody knows whether the lost turns are paid: none is sent again.
    assert desk.resume("--yes").answer["trials"] == trials
    assert len(direct.posts) == n_posts


def test_nothing_is_paid_for_turns_after_one_without_a_picture(
    desk: Any, direct: Any
) -> None:
    conversations(desk, direct, 1)
    at_night = {"path": "/v1/responses", "prompt_contains": "at night"}
    direct.fault("no_image_200", when=at_night)
    ended = desk.run("--yes")
    assert ended.answer["trials"]["not_sent"] == 2
    assert "the turn before it (unusable) left nothing" in ended.err
    # Its answer has a name, which could be gone on from and be paid.
    assert all(record["response_id"] for record in desk.records("outcome"))
    direct.mend()
    assert desk.resume("--yes").answer["attempts"] == len(direct.posts) == 2
    shown = desk.pixelmeter("show", "latest", "--data", desk.data, "--json").answer
    turns = shown["conversations"][0]["turns"]
    assert [turn["n_stranded"] for turn in turns] == [0, 0, 1, 1]
    # That no picture has no tokens is no gap to the published rule.
    assert (
        "tokens reported against"
        not in desk.pixelmeter("show", "latest", "--data", desk.data).out
    )


def test_a_rate_limited_turn_is_sent_again_and_the_conversation_goes_on(
    desk: Any, direct: Any
) -> None:
    conversations(desk, direct, 1)
    direct.fault("rate_limited", times=1, retry_after_s=1)
    done = desk.run("--yes")
    assert done.answer["trials"]["done"] == 4, done.err
    assert done.answer["attempts"] == 5


def test_a_schedule_is_refused_with_the_cure(desk: Any, direct: Any) -> None:
    conversations(desk, direct)
    for options in (("--load", "constant:5/s"), ("--find-rate", "p95<5s")):
        refused = desk.run("--yes", *options)
        assert refused.code == 2
        assert f"{options[0]}: '" in refused.err
        assert "is a turn of a conversation" in refused.err
    suite = desk.folder / "suite.yaml"
    planned = desk.pixelmeter(
        "plan", suite, "--endpoints", desk.endpoints, "--load", "constant:5/s"
    )
    assert planned.code == 2
    assert direct.posts == []


def test_the_whole_of_a_conversation_is_a_row(desk: Any, direct: Any) -> None:
    conversations(desk, direct)
    done = desk.run("--yes")
    with open_index(DataFolder(desk.data)) as con:
        rows = con.execute(
            "SELECT conversation, n_turns, n_ok, charge_usd FROM v_conversation "
            "ORDER BY conversation"
        ).fetchall()
    assert [row[:3] for row in rows] == [("kite", 4, 4), ("poster", 4, 4)]
    assert sum(row[3] for row in rows) == Decimal(done.answer["charge_usd"])


def test_a_long_conversation_over_several_references_stays_within_its_bounds(
    desk: Any, direct: Any
) -> None:
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        (desk.folder / name).write_bytes(painted(2048, 1024))
    text = "Put all of this on one table, and add a lamp. " * 40
    then = [f"{number}. {text}" for number in range(7)]
    desk.endpoint(direct.url, api=["images", "responses"])
    desk.suite(
        prompts=[{"id": "table", "text": text, "inputs": names, "then": then}],
        axes={"quality": ["high"], "mainline_model": ["gpt-5.2", "gpt-4.1-mini"]},
        fixed={"model": "gpt-image-2", "size": "1024x1536", "output_format": "jpeg"},
        operation="converse",
        api="responses",
    )
    done = desk.run("--yes")
    assert done.answer["trials"]["done"] == 16, done.err
    assert Decimal(done.answer["charge_usd"]) == direct.total_usd
    bounds = {t["trial_id"]: Decimal(t["bound_usd"]) for t in desk.plan["trials"]}
    for record in desk.records("outcome"):
        assert Decimal(record["charge_usd"]) <= bounds[record["trial_id"]]
        assert "above_bound" not in record["flags"]
    inputs = [record["mainline_input_tokens"] for record in desk.records("outcome")]
    assert max(inputs) > 3 * min(inputs)

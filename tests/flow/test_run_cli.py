"""run, plan, resume and purge as their user runs them, end to end."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
from PIL import Image

if TYPE_CHECKING:
    from tests.conftest import Desk, Double

LIMITED = {"client_limited", "client_limited_reasons", "client_limited_remarks"}
FIELDS = {
    "run_id",
    "state",
    "trials",
    "attempts",
    "charge_usd",
    "list_usd",
    "possibly_billed_usd",
    "reserved_usd",
    "stopped_by",
}
BUCKETS = {"planned", "done", "failed", "possibly_billed", "not_sent", "in_flight"}
SPECIAL = [
    ("zh", "一只红色的风筝，上面写着“早安，世界”"),
    ("quotes", 'She said "hi", then \'bye\'; "" and ,,'),
    ("lines", "first line\nsecond line"),
]


def sent(double: Double) -> list[str]:
    return [entry["client_request_id"] for entry in double.posts]


def test_thirty_csv_prompts_over_two_routes_cost_what_the_emulators_counted(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    prompts = [*SPECIAL, *((f"p{i}", f"A {i} on a door") for i in range(27))]
    desk.suite(prompts=desk.csv(prompts))
    desk.two_endpoints(direct, gateway)
    ended = desk.run(
        "--endpoint", "direct", "--endpoint", "half", "--concurrency", 8, "--yes"
    )
    assert ended.code == 0, ended
    answer = ended.answer
    assert answer["schema"] == "pixelmeter.run/1"
    assert set(answer) >= FIELDS | LIMITED
    assert set(answer) - FIELDS - LIMITED <= {"schema", "damaged", "reason"}
    assert answer["trials"] == {**dict.fromkeys(BUCKETS, 0), "planned": 60, "done": 60}
    assert (answer["state"], answer["stopped_by"]) == ("finished", None)
    assert answer["attempts"] == 60
    assert Decimal(answer["charge_usd"]) == direct.total_usd + gateway.total_usd
    assert Decimal(answer["list_usd"]) == direct.total_usd + 2 * gateway.total_usd
    assert (answer["possibly_billed_usd"], answer["reserved_usd"]) == ("0", "0")
    assert Counter(e["prompt"] for e in direct.posts) == dict.fromkeys(
        [text for _, text in prompts], 1
    )
    assert {e["prompt"] for e in gateway.posts} == {text for _, text in prompts}
    charges = {
        o["attempt_id"]: Decimal(o["charge_usd"]) for o in desk.records("outcome")
    }
    counted = {
        entry["client_request_id"]: Decimal(entry["price_usd"])
        for entry in (*direct.posts, *gateway.posts)
    }
    assert charges == counted


def test_every_request_was_an_intent_before_and_its_picture_is_on_disk(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run().code == 0
    intents = {record["attempt_id"] for record in desk.records("intent")}
    assert set(sent(direct)) == intents == set(desk.outcomes)
    for record in desk.outcomes.values():
        for picture in record["pictures"]:
            name = f"{picture['sha256']}.{picture['format']}"
            content = (desk.data / "images" / name[:2] / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == picture["sha256"]
        assert record["simulated"] is True
    kinds = [desk.records(kind) for kind in ("session", "end")]
    assert [len(records) for records in kinds] == [1, 1]


def test_the_same_seed_gives_the_same_order_and_one_worker_keeps_it(
    desk: Desk, direct: Double
) -> None:
    desk.suite(repeats=3)
    desk.endpoint(direct.url)
    orders: list[list[str]] = []
    for _ in range(2):
        ended = desk.run("--seed", 7, "--concurrency", 1)
        assert ended.code == 0
        ids = {t["trial_id"]: t for t in desk.plan["trials"]}
        posts = direct.posts
        direct.reset()
        places = [ids[p["client_request_id"].rsplit(".", 1)[0]] for p in posts]
        assert [place["position"] for place in places] == list(range(9))
        orders.append([post["prompt"] for post in posts])
    assert orders[0] == orders[1]
    assert desk.plan["seed"] == 7


def test_limit_only_tag_note_and_n_are_what_was_asked(
    desk: Desk, direct: Double
) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["low", "medium"], "n": [2]})
    desk.endpoint(direct.url)
    options = ("--limit", 1, "--only", "quality=low", "--images", "thumb")
    ended = desk.run(*options, "--tag", "who=me", "--tag", "why=a=b", "--note", "早安")
    assert ended.code == 0, ended
    (post,) = direct.posts
    assert (post["n"], post["quality"], post["prompt"]) == (2, "low", desk.first_prompt)
    plan = desk.plan
    assert plan["tags"] == {"who": "me", "why": "a=b"}
    assert (plan["note"], plan["options"]["images"]) == ("早安", "thumb")
    (record,) = desk.outcomes.values()
    assert record["images"] == 2
    assert Decimal(record["charge_usd"]) == direct.total_usd
    kept = desk.pictures()
    assert len(kept) == len({p["sha256"] for p in record["pictures"]})
    assert all(path.name.endswith(".thumb.webp") for path in kept)


def test_other_formats_are_kept_as_they_came(desk: Desk, direct: Double) -> None:
    axes = {"model": ["gpt-image-2"], "output_format": ["jpeg", "webp"]}
    desk.suite(axes=axes, fixed={"size": "1024x1024", "quality": "low"})
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1).code == 0
    served = {record["served_format"]: record for record in desk.outcomes.values()}
    assert set(served) == {"jpeg", "webp"}
    for path in desk.pictures():
        with Image.open(path) as picture:
            word = path.suffix.removeprefix(".")
            assert (picture.format, picture.size) == (word.upper(), (1024, 1024))
        assert served[word]["pictures"][0]["sha256"] == path.stem
        assert not [flag for flag in served[word]["flags"] if "not_as_asked" in flag]


def test_hash_keeps_no_picture_but_its_digest(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1, "--images", "hash").code == 0
    (record,) = desk.outcomes.values()
    assert len(record["pictures"][0]["sha256"]) == 64
    assert desk.pictures() == []


def test_none_opens_no_picture_and_says_of_none_that_it_can_be_used(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    direct.fault("corrupt_image_200", times=1)
    assert desk.run("--limit", 2, "--images", "none", "--concurrency", 1).code == 0
    broken, whole = sorted(desk.outcomes.values(), key=lambda r: r["started_at"])
    for record in (broken, whole):
        assert "pictures_not_opened" in record["flags"]
        (picture,) = record["pictures"]
        assert picture["sha256"] is None
        assert (picture["width_px"], picture["format"]) == (1024, "png")
        assert picture["simulated"]
        assert record["outcome"] == "ok"
    assert desk.pictures() == []
    with duckdb.connect(desk.data / "pixelmeter.duckdb", read_only=True) as con:
        usable = con.sql("SELECT usable FROM v_trial").fetchall()
    assert usable == [(None,), (None,)]
    page = desk.pixelmeter("report", "latest", "--output", desk.folder / "r.html")
    assert page.code == 0
    assert "not kept (--images none)" in (desk.folder / "r.html").read_text()
    assert desk.pixelmeter("purge", "--run", "latest", "--json").answer["pictures"] == 0


def test_purge_deletes_pictures_of_one_run_and_leaves_its_records(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    before = desk.run("--limit", 1).answer
    assert desk.run("--limit", 2).code == 0
    n_before = len(desk.pictures())
    purged = desk.pixelmeter("purge", "--run", before["run_id"], "--json")
    assert purged.code == 0
    assert purged.answer == {
        "schema": "pixelmeter.purge/1",
        "run_id": before["run_id"],
        "pictures": 1,
        "shared_with_other_runs": 0,
        "files_deleted": 1,
        "inputs_deleted": 0,
    }
    assert len(desk.pictures()) == n_before - 1
    again = desk.pixelmeter("resume", before["run_id"], "--json").answer
    same = FIELDS - {"schema"}
    assert {key: again[key] for key in same} == {key: before[key] for key in same}


def test_a_finished_run_resumed_sends_nothing(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    first = desk.run("--limit", 1)
    again = desk.resume()
    assert (first.code, again.code, len(direct.posts)) == (0, 0, 1)
    assert again.answer == {**first.answer, "schema": "pixelmeter.resume/1"}


def test_above_half_a_dollar_nobody_is_asked_without_a_terminal(
    desk: Desk, direct: Double
) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["high"]})
    desk.endpoint(direct.url)
    refused = desk.run()
    assert (refused.code, refused.out, direct.posts) == (2, "", [])
    assert "--yes" in refused.err
    assert "worst case" in refused.err
    assert not (desk.data / "runs").exists()
    capped = desk.run("--max-cost", "0.25")
    assert capped.code == 5, capped
    assert len(direct.posts) == 1


def test_without_a_terminal_progress_is_json_lines(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    ended = desk.run()
    assert ended.said == []
    last = ended.told[-1]
    assert last["schema"] == "pixelmeter.progress/1"
    assert (last["done"], last["planned"], last["in_flight"]) == (3, 3, 0)
    assert Decimal(last["charge_usd"]) == direct.total_usd


def test_a_run_in_words_says_how_it_ended(desk: Desk, direct: Double) -> None:
    suite = desk.suite()
    desk.endpoint(direct.url)
    direct.fault("not_found", times=1)
    ended = desk.pixelmeter("run", suite, "--endpoints", desk.endpoints)
    assert ended.code == 4
    # Between them, on a busy machine, that this program was the limit.
    first, why, money, *limited, hint = ended.out.splitlines()
    assert all(line.startswith("client-limited") for line in limited)
    assert "finished: 2 done, 1 failed of 3 trials, 3 requests" in first
    assert why.startswith("direct: 1 trial failed, client error, HTTP 404, model_not")
    assert money.endswith("(simulated: direct answered as an emulator)")
    assert hint == f"look at it with: pixelmeter show {desk.latest.name}"
    elsewhere = ("--data", desk.folder / "there", "--max-cost", "0")
    stopped = desk.pixelmeter("run", suite, "--endpoints", desk.endpoints, *elsewhere)
    assert stopped.code == 5
    assert f" --data {desk.folder / 'there'} --max-cost USD" in stopped.out


def test_plan_tells_dollars_and_sends_nothing(desk: Desk, direct: Double) -> None:
    suite = desk.suite(repeats=2)
    desk.endpoint(direct.url, limits={"requests_per_minute": 3})
    ask = ("plan", suite, "--endpoints", desk.endpoints)
    answer = desk.pixelmeter(*ask, "--json").answer
    assert (answer["prompts"], answer["cells"], answer["trials"]) == (3, 1, 6)
    assert answer["rate_limit_s"] == 60
    assert 0 < Decimal(answer["expected_usd"]) <= Decimal(answer["worst_case_usd"])
    assert answer["prices"][0]["checked_on"]
    words = desk.pixelmeter(*ask)
    assert "6 trials" in words.out
    assert "worst case" in words.out
    assert direct.posts == []
    assert not (desk.data / "runs").exists()


def test_direct_and_gateway_stand_side_by_side_in_the_order(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["low", "medium"]})
    desk.two_endpoints(direct, gateway)
    both = ("--endpoint", "direct", "--endpoint", "half")
    assert desk.run(*both, "--limit", 2, "--max-cost", "0").code == 5
    plan = desk.plan
    cells = [plan["cells"][trial["cell"]] for trial in plan["trials"]]
    for one, other in zip(cells[::2], cells[1::2], strict=True):
        assert {one["endpoint"], other["endpoint"]} == {"direct", "half"}
        assert one["parameters"] == other["parameters"]
    assert direct.posts == gateway.posts == []


def test_the_data_folder_and_endpoints_file_may_come_from_the_environment(
    desk: Desk, direct: Double
) -> None:
    suite = desk.suite()
    desk.endpoint(direct.url)
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    desk.endpoints.rename(elsewhere / "endpoints.yaml")
    environment = desk.folder / ".env"
    environment.write_text(f"PIXELMETER_DATA={elsewhere}\n")
    environment.chmod(0o600)
    for command in ("plan", "run"):
        ended = desk.pixelmeter(command, suite, "--limit", 1, "--json")
        assert ended.code == 0, ended
    assert desk.pixelmeter("show", "latest", "--json").code == 0
    run_id = json.loads(ended.out)["run_id"]
    assert (elsewhere / "runs" / run_id / "plan.json").is_file()
    purged = desk.pixelmeter("purge", "--run", "latest", "--json")
    assert purged.answer["files_deleted"] == 1

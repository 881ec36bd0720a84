"""A real LiteLLM proxy between us and the emulator: what is lost, what holds."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.attempt import Billing, Outcome
from bench.wire.answer import read_answer
from tests.app.conftest import Screen
from tests.gateway.__main__ import counted
from tests.gateway.process import ROOT
from tests.gateway.through import PLAIN, Through, post

if TYPE_CHECKING:
    from tests.conftest import Desk, Double
    from tests.gateway.process import Gateway

# One gateway process for all of the file: its start takes longer than most tests.
pytestmark = pytest.mark.slow

STARTER = ROOT / "bench" / "starter" / "suite.yaml"
CHEAPEST = (
    *("--only", "model=gpt-image-2", "--only", "quality=low"),
    *("--only", "size=1024x1024"),
)
# A call and the two retries that LiteLLM tells nobody about.
N_CALLS = 3


@pytest.fixture
def through(desk: Desk, litellm: Gateway) -> Through:
    return Through(desk, litellm, None)


def _one_prompt(desk: Desk) -> None:
    desk.suite(prompts=[{"id": "kite", "text": "A red kite"}])


def test_the_starter_suite_costs_on_both_routes_what_each_emulator_counted(
    desk: Desk, direct: Double, upstream: Double, litellm: Gateway
) -> None:
    through = Through(desk, litellm, direct.url)
    for double in (direct, upstream):
        double.serves_in(0.3)
    (desk.folder / "suite.yaml").write_text(STARTER.read_text("utf-8"), "utf-8")
    both = ("--endpoint", "direct", "--endpoint", "litellm")
    ended = through.run(*CHEAPEST, *both, "--concurrency", 2, "--yes")
    assert ended.code == 0, ended
    assert ended.answer["attempts"] == ended.answer["trials"]["done"] == 24
    answer = desk.pixelmeter("compare", "latest", "--json").answer
    levels = {level["name"]: level for level in answer["levels"]}
    for name, double in (("direct", direct), ("litellm", upstream)):
        charges = {
            texts_of(desk)[prompt]: Decimal(record["charge_usd"])
            for prompt, record in through.by_prompt(name)
        }
        counted_usd = {p["prompt"]: Decimal(p["price_usd"]) for p in double.posts}
        assert charges == counted_usd
        assert len(charges) == 12
        assert Decimal(levels[name]["charge_usd"]) == double.total_usd
    _overhead_is_found(answer, through, upstream)
    _still_simulated(answer, through)
    _tells_our_charge(through)


def _tells_our_charge(through: Through) -> None:
    """LiteLLM's own cost of a picture is kept as its floats made it, and is ours."""
    for _, record in through.by_prompt("litellm"):
        assert record["reported_usd_from"] == "x-litellm-response-cost"
        told_usd = Decimal(record["reported_usd"])
        assert round(told_usd, 12) == Decimal(record["charge_usd"])
        assert "cost_not_as_charged" not in record["flags"]
    assert all("reported_usd" not in r for _, r in through.by_prompt("direct"))


def texts_of(desk: Desk) -> dict[str, str]:
    return {prompt["id"]: prompt["text"] for prompt in desk.plan["prompts"]}


def _overhead_is_found(
    answer: dict[str, Any], through: Through, upstream: Double
) -> None:
    (difference,) = answer["differences"]
    assert (difference["first"], difference["second"]) == ("direct", "litellm")
    service = difference["service_time"]
    low, high = service["ratio_interval"]
    assert 1 < low < service["ratio"] < high
    assert (service["verdict"], service["n_prompts"]) == ("different", 12)
    # One machine, one clock: no answer can be here before it was there.
    upstream_s = {
        post["prompt"]: (post["sent_ns"] - post["received_ns"]) / 1e9
        for post in upstream.posts
    }
    texts = texts_of(through.desk)
    for prompt, record in through.by_prompt("litellm"):
        assert record["service_s"] > upstream_s[texts[prompt]]


def _still_simulated(answer: dict[str, Any], through: Through) -> None:
    """The emulator's header is lost on the way; the mark in the picture is not."""
    assert answer["simulated"] is True
    assert all(level["simulated"] for level in answer["levels"])
    for _, record in through.by_prompt("litellm"):
        assert "x-emulator" not in record["headers"]
        assert "x-litellm-version" in record["headers"]
        assert record["simulated"] is True
        assert record["request_id"] == record["headers"]["x-litellm-call-id"]
    assert all("x-emulator" in r["headers"] for _, r in through.by_prompt("direct"))


# scenario: outcome, billing, code, flags, calls of the upstream, of which billed.
SERVER = ("server_error", "possibly_billed")
UNUSABLE = ("unusable", "billed_unusable")
SERVED = ("ok", "billed", None)
# No answer of the emulator says what was cached.
ALWAYS = {"cache_unknown_upper_bound"}
FAULTS: dict[str, tuple[str | int | None, ...]] = {
    "fine": (*SERVED, None, 1, 1),
    "moderation_blocked": ("refused", "unbilled", "400", None, 1, 0),
    "not_found": ("client_error", "unbilled", "404", None, 1, 0),
    "server_error": (*SERVER, "500", None, N_CALLS, 0),
    "overloaded": (*SERVER, "503", None, N_CALLS, 0),
    "gateway_timeout": (*SERVER, "504", None, N_CALLS, 0),
    "reset_before_headers": (*SERVER, "500", None, N_CALLS, N_CALLS),
    "truncated_body": (*SERVER, "500", None, N_CALLS, N_CALLS),
    "html_200": (*SERVER, "500", None, 1, 1),
    "bad_json_200": (*SERVER, "500", None, 1, 1),
    "no_image_200": (*UNUSABLE, "no_image", None, 1, 1),
    "corrupt_image_200": (*UNUSABLE, "bad_image", None, 1, 1),
    "wrong_size": (*SERVED, "size_not_as_asked size_misstated", 1, 1),
    "wrong_quality": (*SERVED, "above_bound quality_not_as_asked", 1, 1),
    "missing_usage": (*SERVED, "usage_zero", 1, 1),
    "zero_usage": (*SERVED, "usage_zero", 1, 1),
}


def test_each_fault_of_the_upstream_is_told_rightly_or_on_the_safe_side(
    through: Through, upstream: Double
) -> None:
    prompts = [{"id": name, "text": f"a sign: {name}!"} for name in FAULTS]
    through.desk.suite(prompts=prompts)
    upstream.faults(
        *(
            {"scenario": name, "when": {"prompt_contains": f" {name}!"}}
            for name in FAULTS
            if name != "fine"
        )
    )
    assert through.run("--concurrency", 4).code == 0
    posts = upstream.posts
    n_calls = Counter(post["prompt"] for post in posts)
    n_billed = Counter(post["prompt"] for post in posts if post["billed"])
    seen: dict[str, tuple[str | int | None, ...]] = {}
    for name in FAULTS:
        record, text = through.record_of(name), f"a sign: {name}!"
        told = (record["outcome"], record["billing"], record["error_code"])
        flags = " ".join(flag for flag in record["flags"] if flag not in ALWAYS)
        seen[name] = (*told, flags or None, n_calls[text], n_billed[text])
    assert seen == FAULTS


def test_usage_that_litellm_makes_up_as_zeros_is_charged_by_the_rule_not_as_0(
    through: Through, upstream: Double
) -> None:
    _one_prompt(through.desk)
    upstream.fault("missing_usage")
    ended = through.run()
    assert ended.code == 0, ended
    record = through.record_of("kite")
    assert record["usage_source"] == "estimated"
    assert "usage_zero" in record["flags"]
    (post,) = upstream.posts
    assert post["usage"]["output_tokens"] == record["output_image_tokens"] == 196
    # The rule knows the picture's tokens; the prompt's are bounded by its bytes.
    assert Decimal(record["charge_usd"]) >= Decimal(post["price_usd"]) > 0


def test_two_hidden_retries_show_as_our_attempts_against_the_upstreams_count(
    through: Through, upstream: Double
) -> None:
    through.desk.suite()
    upstream.fault("server_error")
    answer = through.run().answer
    assert answer["attempts"] == answer["trials"]["possibly_billed"] == 3
    assert len(upstream.posts) == N_CALLS * answer["attempts"]
    assert counted("litellm", upstream.url) == (
        "behind litellm: 9 requests for pictures, 0 billed, 0 USD"
    )


def test_a_rate_limit_is_asked_about_three_times_as_often_as_we_asked(
    through: Through, upstream: Double
) -> None:
    _one_prompt(through.desk)
    upstream.fault("rate_limited")
    ended = through.run()
    assert ended.code == 4, ended
    assert ended.answer["stopped_by"] is None
    records = through.desk.records("outcome")
    assert {r["outcome"] for r in records} == {"rate_limited"}
    assert {r["retry_after_s"] for r in records} == {None}
    assert len(upstream.posts) == N_CALLS * len(records) == 9


def test_a_picture_that_litellm_paid_for_twice_is_seen_at_the_upstream_alone(
    through: Through, upstream: Double
) -> None:
    _one_prompt(through.desk)
    upstream.fault("reset_before_headers", times=1)
    answer = through.run().answer
    assert (answer["attempts"], answer["trials"]["done"]) == (1, 1)
    assert answer["possibly_billed_usd"] == "0"
    assert upstream.total_usd == 2 * Decimal(answer["charge_usd"]) > 0


@pytest.mark.parametrize(
    ("scenario", "code", "stopped_by", "words"),
    [
        ("quota_exhausted", 5, "quota", "You exceeded your current quota"),
        ("spend_limit", 5, "quota", "spend limit"),
        ("unauthorized", 3, "credentials", "Incorrect API key provided"),
        ("org_unverified", 3, "credentials", "must be verified"),
    ],
)
def test_what_waiting_cannot_mend_is_known_by_its_message_and_stops_the_route(
    through: Through,
    upstream: Double,
    scenario: str,
    code: int,
    stopped_by: str,
    words: str,
) -> None:
    through.desk.suite(repeats=4)
    upstream.fault(scenario)
    ended = through.run("--concurrency", 1)
    assert (ended.code, ended.answer["stopped_by"]) == (code, stopped_by)
    assert ended.answer["attempts"] == 1
    assert ended.answer["charge_usd"] == ended.answer["possibly_billed_usd"] == "0"
    assert words in ended.answer["reason"]


def test_a_wrong_key_for_litellm_stops_the_route_though_it_says_400(
    through: Through, upstream: Double
) -> None:
    through.desk.suite()
    ended = through.run("--concurrency", 1, LITELLM_KEY="sk-wrong")
    assert (ended.code, ended.answer["stopped_by"]) == (3, "credentials")
    assert ended.answer["attempts"] == 1
    assert "No connected db." in ended.answer["reason"]
    assert upstream.posts == []


def test_a_model_that_litellm_does_not_have_is_a_client_error_and_costs_nothing(
    through: Through, upstream: Double
) -> None:
    through.desk.suite(axes={"model": ["gpt-image-2-2026-04-21"], "quality": ["low"]})
    ended = through.run()
    assert ended.code == 4, ended
    records = through.desk.records("outcome")
    assert {(r["outcome"], r["billing"]) for r in records} == {
        ("client_error", "unbilled")
    }
    assert all("Invalid model name" in r["error_message"] for r in records)
    assert upstream.posts == []


def test_litellms_own_refusals_have_shapes_of_their_own(
    litellm: Gateway, upstream: Double
) -> None:
    status, kind, body = post(litellm, PLAIN, authorization="")
    assert (status, body) == (500, b"Internal Server Error")
    assert kind.startswith("text/plain")
    reading = read_answer(status, body)
    # It never left LiteLLM, but nothing in the answer says so.
    assert reading.outcome is Outcome.SERVER_ERROR
    assert reading.billing is Billing.POSSIBLY_BILLED
    status, _, body = post(litellm, PLAIN, authorization="Bearer sk-wrong")
    assert (status, read_answer(status, body).stops) == (400, "credentials")
    for unknown in ({"model": "no-such-model"}, {"response_format": "b64_json"}):
        status, _, body = post(litellm, {**PLAIN, **unknown})
        reading = read_answer(status, body)
        assert (status, reading.error_code) == (400, "400")
        assert reading.outcome is Outcome.CLIENT_ERROR
        assert reading.billing is Billing.UNBILLED
    assert upstream.posts == []


def test_the_gateway_talks_to_nobody_outside_this_machine(litellm: Gateway) -> None:
    assert post(litellm, PLAIN)[0] == 200
    assert litellm.remote_hosts() <= {"127.0.0.1"}
    assert "Failed to fetch" not in litellm.log.read_text("utf-8", "replace")


def test_thirty_prompts_cost_the_same_everywhere_that_tells_it(
    desk: Desk,
    direct: Double,
    upstream: Double,
    litellm: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    through = Through(desk, litellm, direct.url)
    suites = ROOT / "data" / "suites"
    shutil.copy(suites / "thirty.yaml", desk.folder / "suite.yaml")
    shutil.copy(suites / "thirty.csv", desk.folder)
    both = ("--endpoint", "direct", "--endpoint", "litellm")
    ended = through.run(*both, "--yes")
    assert ended.code == 0, ended
    assert ended.answer["trials"]["done"] == 60
    ledger = {"direct": direct.total_usd, "litellm": upstream.total_usd}
    assert all(usd > 0 for usd in ledger.values())
    told = {
        "compare": _usd_by_endpoint(
            desk.pixelmeter("compare", "latest", "--json").answer["levels"]
        ),
        "export": _exported(desk),
        "report": _reported(desk),
        "screens": _on_screen(desk, monkeypatch),
    }
    assert told == dict.fromkeys(told, ledger)
    total = sum(ledger.values(), Decimal(0))
    assert Decimal(ended.answer["charge_usd"]) == total
    shown = desk.pixelmeter("show", "latest", "--json").answer
    assert Decimal(shown["charge_usd"]) == total


def _usd_by_endpoint(levels: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {level["name"]: Decimal(level["charge_usd"]) for level in levels}


def _exported(desk: Desk) -> dict[str, Decimal]:
    done = desk.pixelmeter("export", "latest", "--format", "csv")
    found: dict[str, Decimal] = {}
    for row in csv.DictReader(io.StringIO(done.out)):
        usd = Decimal(row["charge_usd"])
        found[row["endpoint"]] = found.get(row["endpoint"], Decimal(0)) + usd
    return found


def _reported(desk: Desk) -> dict[str, Decimal]:
    path = Path(desk.pixelmeter("report", "latest", "--json").answer["path"])
    start = '<script type="application/json" id="figures">'
    figures = json.loads(path.read_text("utf-8").partition(start)[2].split("<")[0])
    (by_endpoint,) = (c for c in figures["comparisons"] if c["by"] == "endpoint")
    return _usd_by_endpoint(by_endpoint["levels"])


def _on_screen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Decimal]:
    monkeypatch.setenv("PIXELMETER_DATA", str(desk.data))
    screen = Screen(desk.data)
    screen.show("overview")
    return {
        row["Endpoint"].split(" ")[0]: row["Charged"] for row in screen.table("Cells: ")
    }


def test_what_litellm_says_that_a_run_cost_is_reconciled_call_by_call(
    through: Through, upstream: Double, litellm: Gateway
) -> None:
    desk = through.desk
    names = ("fine", "missing_usage", "reset_before_headers")
    prompts = [{"id": name, "text": f"a sign: {name}!"} for name in names]
    models = ["gpt-image-2", "gpt-image-2.6-flare"]
    desk.suite(prompts=prompts, axes={"model": models, "quality": ["low"]})
    upstream.faults(
        *({"scenario": n, "when": {"prompt_contains": f" {n}!"}} for n in names[1:])
    )
    n_before = len(litellm.calls)
    assert through.run("--yes", "--max-failed-share", 1).answer["attempts"] == 6
    # LiteLLM tells its callbacks after it has answered.
    desk.until(lambda: len(litellm.calls) == n_before + 6, "calls are not logged")
    log = desk.folder / "spend.jsonl"
    log.write_text("\n".join(litellm.calls[n_before:]), "utf-8")
    brought = desk.pixelmeter("import", "litellm", log, "--json").answer["import"]
    assert brought["rows"] == 6
    (bill,) = desk.pixelmeter("reconcile", "--run", "latest", "--json").answer["bills"]
    said = {(g["model"], g["verdict"]): g for g in bill["calls"]}
    _as_we_say(said, through)
    _lost_by_litellm(bill, upstream)


def _as_we_say(said: dict[Any, dict[str, Any]], through: Through) -> None:
    """The newest model costs nothing for LiteLLM, nor does a usage that is lost."""
    fine = [record for p, record in through.by_prompt("litellm") if p == "fine"]
    usual_usd, flare_usd = sorted(Decimal(r["charge_usd"]) for r in fine)
    same = said["gpt-image-2", "same"]
    assert (same["n"], Decimal(same["charge_usd"])) == (1, usual_usd)
    # Its float is not the amount; ours is.
    assert Decimal(same["billed_usd"]) == pytest.approx(usual_usd)
    assert said["gpt-image-2", "said_0"]["n"] == 1
    flare = said["gpt-image-2.6-flare", "said_0"]
    assert (flare["n"], flare["billed_usd"]) == (1, "0")
    assert Decimal(flare["charge_usd"]) == flare_usd
    # No rule prices it without usage; and of what broke off nobody knows.
    unknown = {model: g["n"] for (model, v), g in said.items() if v == "unknown"}
    assert unknown == {"gpt-image-2": 1, "gpt-image-2.6-flare": 2}
    # Its own tokens at our book say so without any attempt of ours.
    at_book = said["gpt-image-2.6-flare", "book"]
    assert (at_book["billed_usd"], Decimal(at_book["charge_usd"])) == ("0", flare_usd)


def _lost_by_litellm(bill: dict[str, Any], upstream: Double) -> None:
    """What broke off after the work is billed three times, and 0 in its log."""
    assert [doubt["verdict"] for doubt in bill["doubts"]] == ["said_unbilled"] * 2
    billed = Counter(p["prompt"] for p in upstream.posts if p["billed"])
    assert billed["a sign: reset_before_headers!"] == 2 * N_CALLS

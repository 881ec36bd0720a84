"""Own books in plan, run and resume: the prices that a user brought along."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Desk, Double

# Four fifths of the shipped rates of gpt-image-2, class by class.
OWN = """
vendor = "openai"
kind = "image"
checked_on = 2026-11-20
source = "contract"
confidence = "high"
[sources]
contract = "our contract"
[[model]]
name = "gpt-image-2"
released = 2026-11-01
[[model.card]]
tier = "standard"
rates = { input_text = "4.00", cached_text = "1.00", output_image = "24.00" }
"""
FOUR_FIFTHS = Decimal("0.8")


def _bring(desk: Desk, text: str = OWN) -> None:
    folder = desk.data / "books"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.toml").write_text(text)


def test_a_run_is_planned_and_charged_by_the_own_book_and_says_so(
    desk: Desk, direct: Double
) -> None:
    suite = desk.suite()
    desk.endpoint(direct.url)
    where = ("--endpoints", desk.endpoints, "--json")
    shipped = desk.pixelmeter("plan", suite, *where).answer
    _bring(desk)
    own = desk.pixelmeter("plan", suite, *where).answer
    expected = Decimal(shipped["expected_usd"]) * FOUR_FIFTHS
    assert Decimal(own["expected_usd"]) == expected
    assert ([p["own"] for p in own["prices"]], own["prices"][0]["source"]) == (
        [True],
        "our contract",
    )
    told = desk.pixelmeter("plan", suite, "--endpoints", desk.endpoints).out
    assert "your own openai book" in told
    ended = desk.run("--endpoint", "direct", "--yes")
    assert ended.code == 0, ended
    assert any("priced by your own book (our contract)" in line for line in ended.said)
    charged = Decimal(ended.answer["charge_usd"])
    assert charged == direct.total_usd * FOUR_FIFTHS
    for outcome in desk.outcomes.values():
        assert "own_book" in json.dumps(outcome)


def test_a_run_goes_on_at_the_own_price_when_the_book_is_gone(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    _bring(desk)
    first = desk.run(
        "--endpoint", "direct", "--yes", "--max-cost", "0.006", "--concurrency", 1
    )
    assert first.code == 5, first
    (desk.data / "books" / "mine.toml").unlink()
    last = desk.resume("--max-cost", "1", "--yes")
    assert last.code == 0, last
    assert Decimal(last.answer["charge_usd"]) == direct.total_usd * FOUR_FIFTHS


def test_a_broken_own_book_stops_a_run_before_anything_is_sent(
    desk: Desk, direct: Double
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    _bring(desk, OWN.replace('"24.00"', '"0.024"'))
    ended = desk.run("--endpoint", "direct", "--yes")
    assert (ended.code, ended.out, direct.posts) == (2, "", [])
    (line,) = ended.said
    assert "mine.toml" in line
    assert "per 1,000 tokens" in line
    priced = desk.pixelmeter("price", "--model", "gpt-image-2", "--json")
    assert priced.code == 2
    elsewhere = ("--books", desk.folder / "none")
    assert desk.run("--endpoint", "direct", *elsewhere).code == 2


def test_one_picture_is_charged_by_the_own_book_and_not_asked_for_by_a_broken_one(
    desk: Desk, direct: Double
) -> None:
    desk.endpoint(direct.url)
    ask = ("generate", "A kite", "--quality", "low", "--size", "1024x1024")
    where = ("--endpoints", desk.endpoints, "--json")
    _bring(desk)
    made = desk.pixelmeter(*ask, *where).answer
    assert Decimal(made["charge_usd"]) == direct.total_usd * FOUR_FIFTHS
    assert Decimal(made["saving_usd"]) == 0
    n_posts = len(direct.posts)
    _bring(desk, OWN.replace('"24.00"', '"0.024"'))
    refused = desk.pixelmeter(*ask, *where)
    assert (refused.code, len(direct.posts)) == (2, n_posts)
    assert "mine.toml" in refused.err


def test_a_question_a_line_is_answered_by_the_own_book(desk: Desk) -> None:
    _bring(desk)
    questions = desk.folder / "questions.jsonl"
    usage = {
        "input_text_tokens": 0,
        "input_image_tokens": 0,
        "output_image_tokens": 1000,
    }
    asked = {"model": "gpt-image-2", "as_of": "2026-11-21", "usage": usage}
    questions.write_text(json.dumps(asked) + "\n")
    found = desk.pixelmeter("price", "--input", questions).answer
    assert (found["usd"], found["flags"]) == ("0.024", ["own_book"])
    assert found["book"]["source"] == "our contract"


def test_doctor_tells_of_own_books_and_of_a_broken_one(desk: Desk) -> None:
    _bring(desk)
    checks = {
        c["name"]: c for c in desk.pixelmeter("doctor", "--json").answer["checks"]
    }
    assert checks["own price books"]["status"] == "ok"
    assert "1 card" in checks["own price books"]["sentence"]
    _bring(desk, "vendor = ")
    ended = desk.pixelmeter("doctor", "--json")
    checks = {c["name"]: c for c in ended.answer["checks"]}
    assert (ended.code, checks["own price books"]["status"]) == (2, "problem")


def test_a_projection_is_made_with_the_own_book_and_says_so(desk: Desk) -> None:
    asked = (
        *("project", "--model", "gpt-image-2", "--quality", "low"),
        *("--size", "1024x1024", "--as-of", "2026-11-21"),
    )
    shipped = desk.pixelmeter(*asked)
    _bring(desk)
    own = desk.pixelmeter(*asked)
    assert (shipped.code, own.code) == (0, 0), own
    assert "58.8" in shipped.out
    assert "47.04" in own.out
    assert "priced by a book of your own" in own.out

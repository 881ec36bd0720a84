"""A gateway that serves web pages, or other pictures than were asked."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Desk, Double, Ended

BOTH = ("--endpoint", "direct", "--endpoint", "half")


def another_size(ended: Ended) -> list[str]:
    """The sentences about another size, wherever they stand."""
    lines = [*ended.out.splitlines(), *ended.err.splitlines()]
    return [line.strip() for line in lines if "served another size" in line]


def test_another_size_is_told_by_run_show_and_compare(
    desk: Desk, direct: Double, gateway: Double
) -> None:
    desk.suite()
    desk.two_endpoints(direct, gateway)
    gateway.fault("wrong_size", times=2)
    ended = desk.run(*BOTH)
    (sentence,) = another_size(ended)
    assert ended.code == 0
    assert sentence.startswith("half served another size than asked: ")
    assert sentence.endswith(" in place of 1024x1024 in 2 of 3 answers")
    shown = desk.pixelmeter("show", "latest")
    assert another_size(shown) == [sentence]
    compared = desk.pixelmeter("compare", "latest", "--by", "endpoint")
    assert another_size(compared) == [sentence]
    assert "not like with like" in compared.out

    (row,) = desk.pixelmeter("show", "latest", "--json").answer["served_otherwise"]
    served = {r["served_size"] for r in desk.outcomes.values()} - {"1024x1024"}
    assert (row["endpoint"], row["what"], row["asked"]) == ("half", "size", "1024x1024")
    assert {row["served"]} == served
    assert (row["n_answers"], row["n_ok"]) == (2, 3)
    answer = desk.pixelmeter("compare", "latest", "--json").answer
    assert answer["served_otherwise"] == {ended.answer["run_id"]: [row]}
    # Paid is what came, not what was asked.
    assert Decimal(ended.answer["charge_usd"]) == direct.total_usd + gateway.total_usd


def test_another_quality_is_told_too(desk: Desk, direct: Double) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["high"]})
    desk.endpoint(direct.url)
    direct.fault("wrong_quality")
    ended = desk.pixelmeter(
        *("run", desk.folder / "suite.yaml", "--endpoints", desk.endpoints, "--yes"),
        *("--limit", 1),
    )
    assert "direct served another quality than asked: " in ended.out
    assert "in place of high in 1 of 1 answers" in ended.out


def test_as_asked_is_not_remarked(desk: Desk, direct: Double) -> None:
    desk.suite(axes={"model": ["gpt-image-2"], "quality": ["low", "medium"]})
    desk.endpoint(direct.url)
    assert desk.run("--limit", 1).said == []
    for command in ("show", "compare"):
        assert "as asked" not in desk.pixelmeter(command, "latest").out
    answer = desk.pixelmeter("show", "latest", "--json").answer
    assert answer["served_otherwise"] == []


@pytest.mark.parametrize("times", [1, None])
def test_web_pages_are_told_with_their_likely_cause(
    desk: Desk, direct: Double, times: int | None
) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    direct.fault("html_200", **({"times": times} if times else {}))
    suite = desk.folder / "suite.yaml"
    ended = desk.pixelmeter("run", suite, "--endpoints", desk.endpoints)
    n_pages = times or 3
    trials = "1 trial" if n_pages == 1 else f"{n_pages} trials"
    assert f"direct: {trials} failed, unusable, HTTP 200, html" in ended.out
    assert f"is base_url {direct.url} the address of an image API?" in ended.out
    assert ended.code == 4
    shown = desk.pixelmeter("show", "latest").out
    assert "requests that were not ok" in shown
    assert len(direct.posts) == 3

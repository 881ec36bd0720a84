"""Watchers of a run in this process: when they are told, and what."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bench import runner
from bench.commands.choosing import planned
from bench.endpoint import read_endpoints
from bench.folder import DataFolder
from bench.images.pool import CheckerPool
from bench.meter.lanes import allow_connections
from bench.plan.build import Wishes
from bench.plan.frozen import freeze

if TYPE_CHECKING:
    from bench.images.checker import Checked
    from tests.conftest import Desk, Double


class Listening:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[runner.Standing] = []

    def progress(self, standing: runner.Standing) -> None:
        self.told.append(standing)

    def notice(self, sentence: str) -> None:
        """Hear nothing."""


class Mistaken(Listening):
    """Trips over the first attempt."""

    is_tripped = False

    def progress(self, standing: runner.Standing) -> None:
        self.is_tripped = self.is_tripped or standing.last is not None
        assert standing.last is None, "tripped"


def run_watched_by(
    watcher: Listening, desk: Desk, double: Double, **options: Any
) -> None:
    desk.suite()
    desk.endpoint(double.url)
    folder = DataFolder(desk.data)
    plan = planned(desk.folder / "suite.yaml", read_endpoints(desk.endpoints), Wishes())
    freeze(plan, folder.run(plan.run_id))
    keys = {"PX_KEY": desk.key}
    chosen = replace(plan.options, **options)
    asyncio.run(runner.Runner(plan, folder, keys, chosen, watcher).run("run"))


def test_a_mistake_of_ours_is_raised_as_itself(desk: Desk, direct: Double) -> None:
    with pytest.raises(AssertionError, match="tripped"):
        run_watched_by(Mistaken(), desk, direct)
    sent = {post["client_request_id"] for post in direct.posts}
    assert sent <= {intent["attempt_id"] for intent in desk.records("intent")}
    assert desk.outcomes


def test_answers_that_came_before_a_mistake_of_ours_are_recorded(
    desk: Desk, direct: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, begun, check = Mistaken(), list[str](), CheckerPool.check

    async def in_turn(
        pool: CheckerPool, content: bytes, sha256: str, *, thumbnail: bool
    ) -> Checked:
        begun.append(sha256)
        is_first = len(begun) == 1
        # All answers are there when the first attempt ends, and one is recorded.
        while len(begun) < 3 or not (is_first or watcher.is_tripped):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return await check(pool, content, sha256, thumbnail=thumbnail)

    monkeypatch.setattr(CheckerPool, "check", in_turn)
    with pytest.raises(AssertionError, match="tripped"):
        run_watched_by(watcher, desk, direct)
    ends = Counter(record["outcome"] for record in desk.outcomes.values())
    assert ends == {"ok": 3}


def test_a_watcher_is_told_while_no_request_ends(
    desk: Desk, direct: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TICK_S", 0.1)
    direct.serves_in(2)
    watcher = Listening()
    run_watched_by(watcher, desk, direct)
    first_end = next(i for i, s in enumerate(watcher.told) if s.last is not None)
    assert sum(s.n_in_flight == 3 for s in watcher.told[:first_end]) > 3
    assert [s.n_ended for s in watcher.told][-1] == 3


def test_a_trial_that_never_left_does_not_count_as_ended(
    desk: Desk, direct: Double
) -> None:
    watcher = Listening()
    run_watched_by(watcher, desk, direct, max_cost_usd=Decimal("0.0075"))
    assert len(direct.posts) == 1
    assert watcher.told[-1].n_ended == 1


def test_as_many_files_may_be_open_as_connections_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[tuple[int, int]]()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 9000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: asked.append(pair))
    for n_connections in (2000, 20_000, 100):
        allow_connections(n_connections)
    assert asked == [(2200, 9000), (9000, 9000)]

"""A mistake of ours in the middle of a run: what is told of it, what is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bench.commands.choosing import planned
from bench.endpoint import read_endpoints
from bench.folder import DataFolder
from bench.plan.build import Wishes
from bench.plan.frozen import freeze
from bench.runner import Runner, Standing

if TYPE_CHECKING:
    from tests.conftest import Desk, Double


class Mistaken:
    """A watcher that trips over the first attempt."""

    def progress(self, standing: Standing) -> None:
        assert standing.last is None, "tripped"

    def notice(self, sentence: str) -> None:
        """Hear nothing."""


def test_a_mistake_of_ours_is_raised_as_itself(desk: Desk, direct: Double) -> None:
    desk.suite()
    desk.endpoint(direct.url)
    folder = DataFolder(desk.data)
    plan = planned(desk.folder / "suite.yaml", read_endpoints(desk.endpoints), Wishes())
    freeze(plan, folder.run(plan.run_id))
    keys = {"PX_KEY": desk.key}
    runner = Runner(plan, folder, keys, plan.options, Mistaken())
    with pytest.raises(AssertionError, match="tripped"):
        asyncio.run(runner.run("run"))
    sent = {post["client_request_id"] for post in direct.posts}
    assert sent <= {intent["attempt_id"] for intent in desk.records("intent")}
    assert desk.outcomes

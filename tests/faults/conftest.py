"""The judge of fault tests: the emulator's ledger against the records."""

from __future__ import annotations

import hashlib
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bench.folder import DataFolder
from bench.store.status import run_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double


class Judge:
    """Holds what a run recorded against what the emulator saw of it."""

    def __init__(self, desk: Desk, double: Double) -> None:
        self._desk = desk
        self._double = double
        self._recorded: dict[str, dict[str, Any]] = {}
        self.n_posts = 0
        self.n_lost = 0

    def check(self) -> dict[str, Any]:
        """Judge the latest run, whose process is gone; returns its status."""
        posts = self._double.posts
        self.n_posts = len(posts)
        self._nothing_is_lost()
        self._nothing_is_paid_twice([post["client_request_id"] for post in posts])
        self._pictures_are_whole()
        status = run_status(DataFolder(self._desk.data), self._desk.latest.name)
        self._money_holds(status)
        return status

    def _nothing_is_lost(self) -> None:
        outcomes = self._desk.outcomes
        for attempt_id, record in self._recorded.items():
            assert outcomes[attempt_id] == record
        self._recorded = outcomes

    def _nothing_is_paid_twice(self, sent: list[str]) -> None:
        assert max(Counter(sent).values(), default=1) == 1
        intents = {r["attempt_id"]: r for r in self._desk.records("intent")}
        assert set(sent) <= set(intents)
        for intent in intents.values():
            if intent["attempt_no"] > 1:
                before = f"{intent['trial_id']}.{intent['attempt_no'] - 1}"
                last = self._recorded[before]
                is_free = last["billing"] == "not_sent"
                assert is_free or last["outcome"] == "rate_limited", last

    def _pictures_are_whole(self) -> None:
        if self._desk.plan["options"]["images"] != "keep":
            return
        for record in self._recorded.values():
            if "picture_not_kept" in record["flags"]:
                continue
            for picture in record["pictures"]:
                name = f"{picture['sha256']}.{picture['format']}"
                content = (self._desk.data / "images" / name[:2] / name).read_bytes()
                assert hashlib.sha256(content).hexdigest() == picture["sha256"]

    def _money_holds(self, status: dict[str, Any]) -> None:
        lost = {
            r["attempt_id"]: Decimal(r["bound_usd"])
            for r in self._desk.records("intent")
            if r["attempt_id"] not in self._recorded
        }
        self.n_lost = len(lost)
        charges = [Decimal(r["charge_usd"] or 0) for r in self._recorded.values()]
        held = [Decimal(r["possibly_billed_usd"]) for r in self._recorded.values()]
        charge = Decimal(status["charge_usd"])
        possibly = Decimal(status["possibly_billed_usd"])
        assert charge == sum(charges)
        assert possibly == sum(held) + sum(lost.values())
        assert charge <= self._double.total_usd <= charge + possibly
        assert status["reserved_usd"] == "0"
        trials = status["trials"]
        buckets = ("done", "failed", "possibly_billed", "not_sent")
        assert trials["planned"] == sum(trials[name] for name in buckets)
        assert trials["in_flight"] == 0
        assert status["attempts"] == len(self._recorded) + len(lost)


@pytest.fixture
def judge_of() -> Callable[[Desk, Double], Judge]:
    return Judge

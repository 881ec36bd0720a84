"""Jobs of the Batch API: submitted, waited for, collected, charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.batching import Batching, batching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Desk

FAST = ("--batch", "--look-every", "0.05")
# gpt-image-2 in the batch tier: 20 text tokens in, 272 picture tokens out.
EACH_USD = (20 * Decimal("2.5") + 272 * Decimal(15)) / 1_000_000


@pytest.fixture
def server() -> Iterator[Batching]:
    with batching() as started:
        yield started


@pytest.fixture
def asked(desk: Desk, server: Batching) -> Desk:
    desk.suite()
    desk.endpoint(server.url)
    return desk


def test_a_suite_goes_as_a_job_and_is_charged_at_half_price(
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
        assert outcome["service_s"] is None
        assert outcome["total_s"] > 0

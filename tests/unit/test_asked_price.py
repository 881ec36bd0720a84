"""Asked prices: what stands in the way of a price is told, never raised."""

from datetime import date
from typing import Any

import orjson

from bench.studies.asked_price import Wanted, asked_price
from pricing.book import shipped_book


def _row(size: str) -> dict[str, Any]:
    return {
        "endpoint": "direct",
        "api": "images",
        "operation": "generate",
        "model": "gpt-image-1",
        "mainline_model": None,
        "parameters": orjson.dumps({"quality": "low", "size": size}).decode(),
        "prices": orjson.dumps("launch-2025").decode(),
        "day": date(2025, 6, 1),
        "by_jobs": False,
    }


def test_a_picture_of_a_size_that_nobody_can_read_has_no_price_and_a_reason() -> None:
    wanted = Wanted(vendor=None, as_of=None)
    assert asked_price(_row("1024x1024"), shipped_book(), wanted).why_none is None
    assert "banana" in str(asked_price(_row("banana"), shipped_book(), wanted).why_none)

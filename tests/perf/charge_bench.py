"""Charge: how many requests a second Python can charge."""

import time
from collections.abc import Callable
from datetime import date

from bench.attempt import Cell
from bench.plan.prices import PricedModel
from pricing.book import shipped_book
from pricing.charge import charge
from pricing.scheme import parse_multiplier
from pricing.usage import Usage

TARGET_A_SECOND = 30_000
# Short rounds, so that some of them are not interrupted on a shared machine.
_CALLS = 200
_ROUNDS = 200
# Six classes known, as an answer with every detail reports them.
_COUNTS = {
    "input_text_tokens": 60,
    "cached_text_tokens": 10,
    "input_image_tokens": 323,
    "cached_image_tokens": 23,
    "output_image_tokens": 1756,
    "output_text_tokens": 0,
}


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure); the best of many short rounds."""
    card = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21))
    half = PricedModel(card=card, scheme=parse_multiplier("0.5"))
    cell = Cell(
        endpoint="half",
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=(("quality", "medium"), ("size", "1024x1024")),
    )
    direct = _a_second(lambda: charge(Usage(**_COUNTS), card).usd)
    both = _a_second(lambda: half.charges(_COUNTS, cell).endpoint.usd)
    target = f"over {TARGET_A_SECOND:,}/s"
    return [
        (f"charge of a usage, 5 lines, best of {_ROUNDS}", target, f"{direct:,.0f}/s"),
        ("the same and half of it, as a run does", "-", f"{both:,.0f}/s"),
    ]


def _a_second(work: Callable[[], object]) -> float:
    best_s = float("inf")
    for _ in range(_ROUNDS):
        begun_s = time.perf_counter()
        for _ in range(_CALLS):
            work()
        best_s = min(best_s, time.perf_counter() - begun_s)
    return _CALLS / best_s

"""Wishes: what a meter is made with, checked."""

from decimal import Decimal

from bench.errors import BadInput
from bench.images.shelf import Keep
from bench.plan.options import Options

MOST_AT_ONCE = 4096
Usd = Decimal | str


def options_of(
    max_cost_usd: Usd | None, images: str, concurrency: int | None, rate_rpm: int | None
) -> Options:
    """The options of a run that a program opens.

    Raises:
        BadInput: `max_cost_usd` is no amount, a number is below 1, or `images`
            no such word.
    """
    if images not in set(Keep):
        raise BadInput(f"images: '{images}' should be keep, thumb, hash or none")
    for name, wish in (("concurrency", concurrency), ("rate_rpm", rate_rpm)):
        if wish is not None and wish < 1:
            raise BadInput(f"{name}: {wish} should be 1 or more, or None for no limit")
    return Options(
        concurrency=MOST_AT_ONCE if concurrency is None else concurrency,
        rate_rpm=rate_rpm,
        max_cost_usd=_amount(max_cost_usd),
        images=images,
    )


def _amount(usd: Usd | None) -> Decimal | None:
    if usd is None:
        return None
    try:
        amount = Decimal(usd)
    except (ArithmeticError, TypeError, ValueError):
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise BadInput(
            f"max_cost_usd: '{usd}' should be an amount in USD, such as 2.50"
        )
    return amount

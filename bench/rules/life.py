"""Life: whether a model can be asked on a day, and what to ask instead."""

from collections.abc import Iterable
from datetime import date

from bench.attempt import Cell
from bench.endpoint import Endpoint, Route
from bench.errors import BadInput
from bench.rules.check import rules_of
from pricing.book import shipped_book
from pricing.errors import PricingError

MAKER = "openai"


def check_life(cell: Cell, endpoint: Endpoint, day: date) -> None:
    """Refuse a model that its maker does not serve on a day, where he is asked.

    Raises:
        BadInput: Says when it was or will be served, and what to change.
    """
    if endpoint.route is not Route.DIRECT or endpoint.vendor != MAKER:
        return
    for key, model in cell.models:
        why = _why_not(model, cell.operation, day)
        if why is not None:
            raise BadInput(f"{key}: {why}")


def notes_on_life(
    cells: Iterable[Cell], endpoints: Iterable[Endpoint], day: date
) -> tuple[str, ...]:
    """What gateways are asked for though its maker shut it down, a sentence each."""
    gateways = {e.name: e for e in endpoints if e.route is Route.GATEWAY}
    asked = [(cell.endpoint, cell.model) for cell in cells]
    return tuple(
        f"{model} was shut down by its maker on {gone}; endpoint {name} is a gateway "
        "and may still sell it, priced here as on its last day"
        for name, model in dict.fromkeys(asked)
        if name in gateways
        and gateways[name].vendor == MAKER
        and (gone := _life(model)[1]) is not None
        and gone <= day
    )


def _why_not(model: str, operation: str, day: date) -> str | None:
    released, retired = _life(model)
    rules = rules_of(model, day)
    ask = f"ask {(rules and rules.instead) or 'another'}"
    if operation == "variation":
        ask = (
            "no other model makes variations: set operation: edit, and ask gpt-image-2"
        )
    if released is not None and day < released:
        return f"{model} is served from {released} on, and today is {day}; {ask}"
    if retired is not None and retired <= day:
        return (
            f"{model} was shut down on {retired}; {ask}, or ask a gateway that still "
            "sells it (route: gateway)"
        )
    return None


def _life(model: str) -> tuple[date | None, date | None]:
    try:
        life = shipped_book().model(MAKER, model)
    except PricingError:
        return None, None
    return (None if life.known_only else life.released), life.retired

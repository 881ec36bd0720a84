"""Life: whether a model can be asked on a day, and what to ask instead."""

from collections.abc import Iterable
from datetime import date

from bench.attempt import Cell
from bench.endpoint import Endpoint, Route
from bench.errors import BadInput
from bench.rules.check import rules_of
from bench.words.figures import so_many
from pricing.book import shipped_book
from pricing.errors import PricingError

MAKER = "openai"
# A model's end is told from so many days before.
NOTICE_DAYS = 60


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
    """What is asked for near its end, or of gateways after it, a sentence each."""
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    asked = dict.fromkeys(
        (cell.endpoint, model) for cell in cells for _, model in cell.models
    )
    notes = (note_on_life(by_name[name], model, day) for name, model in asked)
    return tuple(note for note in dict.fromkeys(notes) if note is not None)


def note_on_life(endpoint: Endpoint, model: str, day: date) -> str | None:
    """What a person should know of a model's end; None while it is far."""
    _, gone = _life(model)
    if endpoint.vendor != MAKER or gone is None:
        return None
    is_gateway = endpoint.route is Route.GATEWAY
    if gone <= day:
        now = (
            "is a gateway and may still sell it, priced here as on its last day"
            if is_gateway
            else "refuses it"
        )
        return (
            f"{model} was shut down by its maker on {gone}; endpoint {endpoint.name} "
            f"{now}"
        )
    n_days = (gone - day).days
    if n_days > NOTICE_DAYS:
        return None
    then = f"ask {_instead(model, day) or 'another'} from then on"
    if is_gateway:
        then = f"endpoint {endpoint.name} is a gateway and may sell it longer"
    return (
        f"{model} is shut down by its maker on {gone}, in {so_many(n_days, 'day')}; "
        f"{then}"
    )


def _instead(model: str, day: date) -> str | None:
    rules = rules_of(model, day)
    return None if rules is None else rules.instead


def _why_not(model: str, operation: str, day: date) -> str | None:
    released, retired = _life(model)
    ask = f"ask {_instead(model, day) or 'another'}"
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

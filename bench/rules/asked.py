"""Asked: everything that can be checked of cells before money is spent."""

from collections.abc import Iterable, Sequence
from datetime import date

from bench.attempt import Cell
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.prompt import Prompt
from bench.rules.book import RuleBook, rule_book
from bench.rules.check import check_request, rules_of
from bench.rules.inputs import check_pictures
from bench.rules.life import check_life


def check_asked(
    cells: Iterable[Cell],
    prompts: Sequence[Prompt],
    endpoints: Iterable[Endpoint],
    day: date,
) -> None:
    """Refuse what an endpoint would refuse, of prompts at cells.

    Raises:
        BadInput: Names the parameter or prompt, and what would do.
    """
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    lengths = {prompt.id: len(prompt.text) for prompt in prompts}
    for cell in cells:
        check_cell(cell, by_name[cell.endpoint], day)
        check_request(
            {"model": cell.model, **dict(cell.parameters)},
            lengths,
            api=cell.api,
            operation=cell.operation,
            day=day,
        )
        rules = rules_of(cell.model, day)
        operation = rule_book().operations[cell.operation]
        for prompt in prompts:
            if prompt.pictures or operation.fewest_inputs:
                check_pictures(cell, rules, prompt)


def check_cell(cell: Cell, endpoint: Endpoint, day: date) -> None:
    """Refuse an operation, API and models that don't go together.

    Raises:
        BadInput: Says what to change.
    """
    book = rule_book()
    if cell.operation == "converse" and cell.api == "images":
        raise BadInput(
            "operation: a conversation has turns, which the Image API has not; set "
            "api: responses"
        )
    operation = book.operations[cell.operation]
    if cell.api not in operation.apis:
        raise BadInput(
            f"operation: {cell.operation} is not offered by api {cell.api}; set api: "
            f"{' or '.join(operation.apis)}"
        )
    _check_models(cell, book)
    check_life(cell, endpoint, day)
    rules = rules_of(cell.model, day)
    if rules is None:
        return
    if cell.operation not in rules.operations:
        can = [name for name in rules.operations if cell.api in rules.apis]
        hint = f"it can {', '.join(can)}" if can else "ask another model"
        other = (
            "; only dall-e-2 ever made variations, and a gateway may still sell it"
            if cell.operation == "variation"
            else ""
        )
        raise BadInput(
            f"operation: {cell.model} has no {cell.operation}; {hint}{other}"
        )
    if cell.api not in rules.apis:
        raise BadInput(
            f"api: {cell.model} can't be used by the image tool; set api: images, or "
            "ask a gpt-image model"
        )


def _check_models(cell: Cell, book: RuleBook) -> None:
    mainline, author = cell.mainline_model, cell.author_model
    if author is not None and author.startswith(book.no_mainline):
        raise BadInput(
            f"svg_model: '{author}' makes pictures and can't write an SVG; name a text "
            "model such as gpt-5-mini"
        )
    if cell.api == "images":
        if mainline is not None:
            raise BadInput(
                f"mainline_model: {book.refused['images']['mainline_model']}"
            )
        return
    if mainline is None:
        raise BadInput(
            "mainline_model: api responses is driven by a text model, and none is "
            "named; add it to fixed or axes, such as mainline_model: gpt-4.1-mini"
        )
    if mainline.startswith(book.no_mainline):
        raise BadInput(
            f"mainline_model: '{mainline}' makes pictures and can't drive the image "
            "tool; name it as model, and a text model such as gpt-4.1-mini here"
        )

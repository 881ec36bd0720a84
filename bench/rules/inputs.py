"""Inputs: what an operation starts from, and what its model takes."""

from bench.attempt import Cell
from bench.errors import BadInput
from bench.prompt import Prompt, prompt_words
from bench.reference import MOST_URL_CHARACTERS, Reference
from bench.rules.book import ModelRules, Operation, rule_book

_HEAD = len("data:image/jpeg;base64,")


def check_pictures(cell: Cell, rules: ModelRules | None, prompt: Prompt) -> None:
    """Refuse a number or kind of pictures that a request at a cell can't have.

    Raises:
        BadInput: Names the prompt, and how to mend it.
    """
    if prompt.turn is not None and prompt.turn > 1:
        return
    operation = rule_book().operations[cell.operation]
    where = prompt_words(prompt.id)
    _check_counts(operation, prompt, where)
    if prompt.markup is not None:
        _check_markup(cell, rules, prompt, where)
    for one in prompt.pictures:
        if cell.api == "responses" or not is_form(prompt):
            _check_data_url(one, where)
    if rules is None:
        return
    if len(prompt.inputs) > rules.inputs_max:
        raise BadInput(
            f"{where}: inputs: {len(prompt.inputs)}; {cell.model} takes at most "
            f"{rules.inputs_max}"
        )
    for one in prompt.inputs:
        _check_input(cell.model, rules, one, where)
    _check_along(cell, prompt, where)


def is_form(prompt: Prompt) -> bool:
    """Whether all of its pictures are sent as parts of a form."""
    return all(one.is_ours and one.send in {None, "upload"} for one in prompt.pictures)


def _check_counts(operation: Operation, prompt: Prompt, where: str) -> None:
    n_inputs = len(prompt.inputs)
    if not operation.fewest_inputs <= n_inputs <= operation.most_inputs:
        raise BadInput(f"{where}: inputs: {n_inputs}; {operation.cure}")
    if prompt.mask is None and operation.mask == "needed":
        raise BadInput(f"{where}: mask: there is none; {operation.cure}")
    if prompt.mask is not None and operation.mask == "none":
        raise BadInput(
            f"{where}: mask: operation {operation.name} has none; {operation.cure}"
        )


def _check_markup(
    cell: Cell, rules: ModelRules | None, prompt: Prompt, where: str
) -> None:
    """Refuse a markup that can't be sent, or that the model has no word for."""
    if prompt.mask is not None:
        raise BadInput(f"{where}: markup: can't go with a mask; keep one of them")
    if rule_book().operations[cell.operation].markup == "none":
        raise BadInput(
            f"{where}: markup: operation {cell.operation} has none; take it away, or "
            "set operation: edit (one input) or compose (up to 16)"
        )
    if cell.api == "responses":
        raise BadInput(
            f"{where}: markup: the image tool has no such parameter; set api: images"
        )
    if rules is not None and not rules.marks_up:
        raise BadInput(
            f"{where}: markup: {cell.model} takes none; ask gpt-image-2.5-flare or a "
            "newer one, or set operation: inpaint and give a mask"
        )
    if not is_form(prompt):
        raise BadInput(
            f"{where}: markup: goes in a form alone, with files of yours; name files "
            "in inputs and markup, without send"
        )


def _check_data_url(one: Reference, where: str) -> None:
    if not one.is_ours or one.send == "file_id":
        return
    n_characters = _HEAD + 4 * -(-(one.n_bytes or 0) // 3)
    if n_characters > MOST_URL_CHARACTERS:
        raise BadInput(
            f"{where}: {one.file or 'a data URL'}: {n_characters:,} characters as a "
            f"data URL, of which {MOST_URL_CHARACTERS:,} are taken; make it smaller, "
            "or add send: file_id"
        )


def _check_input(model: str, rules: ModelRules, one: Reference, where: str) -> None:
    named = one.file or "a data URL"
    if (one.n_bytes or 0) > rules.input_bytes_max:
        raise BadInput(
            f"{where}: {named}: {one.n_bytes:,} bytes; {model} takes at most "
            f"{rules.input_bytes_max:,}; make it smaller"
        )
    if not rules.input_square_png:
        return
    if not one.is_ours or one.send not in {None, "upload"}:
        raise BadInput(f"{where}: {model} takes a picture as an upload alone")
    if one.format != "png" or one.width_px != one.height_px:
        raise BadInput(
            f"{where}: {named}: {one.format}, {one.width_px}x{one.height_px} pixels; "
            f"{model} takes a square PNG alone"
        )


def _check_along(cell: Cell, prompt: Prompt, where: str) -> None:
    """Refuse parameters that don't go with the pictures of a prompt."""
    if prompt.mask is not None and cell.text("output_format") == "gif":
        raise BadInput(
            f"{where}: mask: a GIF can't be made inside a mask; use png, jpeg or webp"
        )
    # The form of an edit has no such field; its JSON has.
    moderates = cell.api == "images" and "moderation" in dict(cell.parameters)
    if moderates and prompt.inputs and is_form(prompt):
        raise BadInput(
            f"{where}: moderation: an edit that uploads its pictures has no such "
            "parameter; leave it out, or add send: data_url to an input"
        )

"""Check: the parameters of a request against the rules of its model."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from bench.errors import BadInput
from bench.prompt import prompt_words
from bench.rules.book import Flexible, ModelRules, Pair, RuleBook, rule_book
from bench.suite import Value

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")


def rules_of(model: str, day: date | None = None) -> ModelRules | None:
    """The rules of a model's family on a day, None for a model that we don't know."""
    return rule_book().rules_of(model, day or datetime.now(UTC).date())


def check_request(
    parameters: Mapping[str, Value],
    prompt_ids: Mapping[str, int],
    *,
    api: str = "images",
    operation: str = "generate",
    day: date | None = None,
) -> None:
    """Refuse what the model would refuse.

    Args:
        parameters: What the request carries, `model` among it.
        prompt_ids: Prompt id to the number of characters of its text.
        api: `images` or `responses`.
        operation: What is done.
        day: On which; today where nothing is said.

    Raises:
        BadInput: Names the parameter, its value, and what would do.
    """
    book = rule_book()
    model = str(parameters.get("model"))
    for name, why in book.refused[api].items():
        if parameters.get(name) is not None:
            raise BadInput(f"{name}: {why}")
    for name, span in book.numbers.items():
        _whole(parameters, name, span)
    rules = rules_of(model, day)
    if rules is None:
        return
    _check_taken(rules, parameters, book, operation, model)
    _check_size(model, rules, parameters.get("size"), book.flexible)
    _check_words(model, rules, parameters, book)
    n = parameters.get("n", 1)
    if isinstance(n, int) and n > rules.n_max:
        raise BadInput(f"n: {n}: {model} makes 1 to {rules.n_max} images a request")
    for pair in book.pairs:
        _check_pair(pair, {**parameters, "operation": operation}, book)
    _check_prompts(model, rules, prompt_ids, operation)


def _whole(parameters: Mapping[str, Value], name: str, span: tuple[int, ...]) -> None:
    least, most = span[0], span[1] if len(span) > 1 else None
    value = parameters.get(name, least)
    # True is an int to Python, but no number to an endpoint.
    number = value if type(value) is int else least - 1
    if number >= least and (most is None or number <= most):
        return
    said = f"{least} or more" if most is None else f"{least:,} to {most:,}"
    raise BadInput(f"{name}: {value}: should be a whole number, {said}")


def _check_taken(
    rules: ModelRules,
    parameters: Mapping[str, Value],
    book: RuleBook,
    operation: str,
    model: str,
) -> None:
    """Refuse a parameter that the model or the operation has no word for."""
    only = book.operations[operation].takes
    for name in parameters:
        if name not in rules.takes:
            raise BadInput(f"{name}: {model} refuses it; leave it out")
        if only is not None and name not in {*only, "model"}:
            raise BadInput(f"{name}: a {operation} refuses it; leave it out")


def _check_words(
    model: str, rules: ModelRules, parameters: Mapping[str, Value], book: RuleBook
) -> None:
    by_model = {
        "quality": rules.qualities,
        "output_format": rules.formats,
        "background": rules.backgrounds,
        "input_fidelity": rules.fidelities,
    }
    for name, allowed in {**book.words, **by_model}.items():
        value = parameters.get(name)
        # 1 is True to Python, but not to an endpoint.
        same = [word for word in allowed if word == value and type(word) is type(value)]
        if value is not None and not same:
            hint = ", ".join(_said(word) for word in allowed)
            raise BadInput(f"{name}: '{value}' is not for {model}; it takes {hint}")


def _check_pair(pair: Pair, parameters: Mapping[str, Value], book: RuleBook) -> None:
    value = parameters.get(pair.name)
    if value is None or (pair.value is not None and value != pair.value):
        return
    if pair.excused is not None and value == pair.excused:
        return
    known = {**book.defaults, **parameters}
    other = known.get(pair.other)
    if other in pair.values or (not pair.values and other is not None):
        return
    raise BadInput(f"{pair.name}: {pair.say.format(**known)}")


def _check_prompts(
    model: str, rules: ModelRules, prompt_ids: Mapping[str, int], operation: str
) -> None:
    if operation == "variation":
        return
    for prompt_id, n_characters in prompt_ids.items():
        if n_characters > rules.prompt_max:
            raise BadInput(
                f"{prompt_words(prompt_id)}: {n_characters:,} characters; {model} "
                f"takes at most {rules.prompt_max:,}"
            )


def _check_size(
    model: str, rules: ModelRules, asked: Value | None, flexible: Flexible
) -> None:
    size = str(asked)
    if asked is None or size in (rules.sizes or ("auto",)):
        return
    if rules.sizes is not None:
        raise BadInput(
            f"size: '{size}' is not for {model}; it takes {', '.join(rules.sizes)}"
        )
    match = _SIZE.fullmatch(size)
    if not match:
        raise BadInput(f"size: '{size}': should read WIDTHxHEIGHT or auto")
    reason = _refusal(int(match[1]), int(match[2]), flexible)
    if reason:
        raise BadInput(f"size: '{size}' is not for {model}: {reason}")


def _refusal(width_px: int, height_px: int, flexible: Flexible) -> str | None:
    long, short = max(width_px, height_px), min(width_px, height_px)
    if width_px % flexible.edge_step_px or height_px % flexible.edge_step_px:
        return f"both edges must be multiples of {flexible.edge_step_px}"
    if long > flexible.longest_edge_px:
        return f"an edge is longer than {flexible.longest_edge_px}"
    if long > flexible.greatest_ratio * short:
        return f"the sides differ more than {flexible.greatest_ratio} to 1"
    if not flexible.fewest_px <= width_px * height_px <= flexible.most_px:
        return f"it must have {flexible.fewest_px:,} to {flexible.most_px:,} pixels"
    return None


def _said(word: Value) -> str:
    return str(word).lower() if isinstance(word, bool) else str(word)

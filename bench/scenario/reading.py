"""Reading: a scenario file, and what no single key of it shows."""

from pathlib import Path
from typing import Any

from bench.document import check, read
from bench.errors import BadInput
from bench.scenario.form import (
    BILLED,
    FAILED,
    PRICES,
    Book,
    Choice,
    Failing,
    MeasuredMix,
    Mix,
    Scenario,
)
from pricing.errors import PricingError
from pricing.failures import MOST_FAILED
from pricing.money import total
from pricing.scheme import parse_scheme


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        BadInput: Names the file, key and value, and how to mend it.
    """
    written = check(path, read(path), Scenario)
    try:
        check_scenario(written)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return _beside(path.parent, written)


def _beside(folder: Path, scenario: Scenario) -> Scenario:
    """The scenario with its usage files found from its own folder."""

    def mended(mix: Mix | None) -> Mix | None:
        if isinstance(mix, MeasuredMix) and mix.from_usage is not None:
            return MeasuredMix(from_usage=str(folder / mix.from_usage))
        return mix

    choices = tuple(
        one.model_copy(update={"mix": mended(one.mix)}) for one in scenario.alternatives
    )
    changes = {"mix": mended(scenario.mix), "alternatives": choices}
    return scenario.model_copy(update=changes)


def check_scenario(scenario: Scenario) -> None:
    """Refuse what no single key shows.

    Raises:
        BadInput: Names the key and value.
    """
    if isinstance(scenario.images_per_month, tuple):
        for key in ("months", "growth", "seasonality"):
            if key in scenario.model_fields_set:
                raise BadInput(f"{key}: images_per_month lists each month; keep one")
    if scenario.seasonality and scenario.start is None:
        raise BadInput(
            "seasonality: which month is the first is not said; add start: 2027-01 "
            "or the like"
        )
    _check_mix("mix", scenario.mix)
    _check_failures("failures", scenario.failures)
    names = [choice.name for choice in scenario.alternatives]
    for number, choice in enumerate(scenario.alternatives):
        where = f"alternatives.{number}"
        if names.index(choice.name) < number:
            raise BadInput(f"{where}.name: '{choice.name}' stands twice; keep one")
        _check_choice(where, choice, names)
    _check_name("baseline", scenario.baseline, names)


def _check_choice(where: str, choice: Choice, names: list[str]) -> None:
    given = [key for key in PRICES if getattr(choice, key) is not None]
    if len(given) != 1:
        raise BadInput(
            f"{where}: '{choice.name}' has {' and '.join(given) or 'no price'}; "
            f"give one of {', '.join(PRICES)}"
        )
    run = choice.from_run
    if run and (run.endpoint is None) == (run.route is None):
        raise BadInput(f"{where}.from_run: give either endpoint or route")
    if choice.of:
        followed, here = choice.of.alternative, names.index(choice.name)
        if followed in names and followed not in names[:here]:
            raise BadInput(
                f"{where}.of.alternative: '{followed}' does not stand before "
                f"'{choice.name}'; move it up, or name one that does"
            )
        _check_name(f"{where}.of.alternative", followed, names[:here])
    if choice.against:
        others = [name for name in names if name != choice.name]
        _check_name(f"{where}.against", choice.against, others)
    _check_terms(where, choice)


def _check_terms(where: str, choice: Choice) -> None:
    """Refuse terms that a price of this kind has no use for."""
    if choice.of and choice.mix:
        raise BadInput(
            f"{where}.mix: of takes the mix of {choice.of.alternative} along; leave "
            "mix out, or give a book in place of of"
        )
    if choice.from_run and choice.failures:
        raise BadInput(
            f"{where}.failures: a cost that was measured in a run holds its failures; "
            "leave failures out"
        )
    if choice.batch_usd_per_image is not None and choice.usd_per_image is None:
        raise BadInput(
            f"{where}.batch_usd_per_image: it stands beside usd_per_image; a book "
            "knows its own batch price"
        )
    _check_mix(f"{where}.mix", choice.mix)
    _check_failures(f"{where}.failures", choice.failures)
    if choice.book:
        _check_book(f"{where}.book", choice.book, choice)


def _check_book(where: str, book: Book, choice: Choice) -> None:
    if book.tier == "batch" and choice.batch_share is not None:
        raise BadInput(
            f"{where}.tier: batch is for all pictures, and batch_share for a part of "
            "them; keep one"
        )
    if book.scheme is None:
        return
    if book.multiplier is not None:
        raise BadInput(f"{where}.multiplier: scheme says how it is priced; keep one")
    try:
        scheme = parse_scheme(book.scheme)
    except PricingError as error:
        raise BadInput(f"{where}.scheme: {error}") from None
    if scheme.needs_all_calls:
        raise BadInput(
            f"{where}.scheme: purchase_usd needs to know each purchase, and a "
            "projection has none; give the fee's share alone, or a monthly_fee_usd"
        )


def _check_name(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise BadInput(
            f"{where}: '{name}' is not among {', '.join(names) or 'those before it'}; "
            "name one of the alternatives"
        )


def _check_mix(where: str, mix: Mix | None) -> None:
    if isinstance(mix, MeasuredMix):
        if (mix.from_run is None) == (mix.from_usage is None):
            raise BadInput(f"{where}: give either from_run or from_usage")
    elif mix and (whole := total(part.share for part in mix)) != 1:
        raise BadInput(
            f"{where}: the shares sum to {whole.normalize():f}; make them sum to 1"
        )


def _check_failures(where: str, failing: Failing | None) -> None:
    if failing is None:
        return
    if failing.from_run is not None:
        _check_measured(where, failing)
        return
    for key in ("endpoint", "route"):
        if key in failing.model_fields_set:
            raise BadInput(f"{where}.{key}: it belongs to from_run, which is missing")
    failed = total(getattr(failing, key) for key in FAILED)
    if failed > MOST_FAILED:
        raise BadInput(
            f"{where}: {' + '.join(FAILED)} is {failed.normalize():f}; at most "
            f"{MOST_FAILED} of the requests may fail"
        )


def _check_measured(where: str, failing: Failing) -> None:
    for key in (*FAILED, *BILLED):
        if key in failing.model_fields_set:
            raise BadInput(f"{where}.{key}: from_run measures it; keep one")
    if failing.endpoint is not None and failing.route is not None:
        raise BadInput(f"{where}.route: give endpoint or route, not both")


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    return Scenario.model_json_schema()

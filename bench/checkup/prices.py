"""Prices: the age of the price book, and what suites would be refused."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from bench.checkup.check import Check, ok, warning
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.plan.prices import price_model
from bench.rules.life import note_on_life
from bench.suite import Suite, read_suite
from bench.words.figures import so_many
from pricing.book import PriceBook

_OLD_DAYS = 90
_MOST_SUITES = 30
Listed = Mapping[str, frozenset[str] | None]


def check_book(vendors: Iterable[str], day: date, book: PriceBook) -> Check:
    """How long ago the rates that hold now were read from their sources."""
    wanted = set(vendors)
    cards = [
        card for card in book.cards if card.vendor in wanted and card.holds_on(day)
    ]
    if not cards:
        named = ", ".join(sorted(wanted))
        return warning("prices", f"the price book has nothing of {named}")
    oldest = min(card.checked_on for card in cards)
    n_days = (day - oldest).days
    ago = f"{so_many(n_days, 'day')} ago" if n_days else "today"
    sentence = f"the oldest rate in use was checked on {oldest}, {ago}"
    if n_days > _OLD_DAYS:
        return warning("prices", f"{sentence}; a newer Pixelmeter may hold newer ones")
    return ok("prices", sentence)


def found_suites(*places: Path) -> tuple[Path, ...]:
    """Suite files: those named, and those in the folders named."""
    found: list[Path] = []
    for place in places:
        # Where nothing can be opened there is nothing to run either.
        if not os.access(place, os.R_OK):
            continue
        if place.is_dir():
            found += sorted([*place.glob("*.yaml"), *place.glob("*.yml")])
        else:
            found.append(place)
    return tuple(found[:_MOST_SUITES])


def check_suites(
    paths: Sequence[Path],
    endpoints: Sequence[Endpoint],
    listed: Listed,
    day: date,
    book: PriceBook,
) -> tuple[Check, ...]:
    """Whether the models of suites have a price and are served.

    Args:
        paths: Suite files.
        endpoints: Where the suites might be run.
        listed: Models that an endpoint says it serves, None when it is unknown.
        day: The day whose prices hold.
        book: The prices.
    """
    checks: list[Check] = []
    for path in paths:
        try:
            suite = read_suite(path)
        except BadInput as error:
            checks.append(warning("suite", str(error)))
            continue
        wrong = [*_doubts(path, suite, endpoints, listed, day, book)]
        prompts = so_many(len(suite.prompts), "prompt")
        fine = f"{path}: {prompts}, {_named(suite)}"
        checks += wrong or [ok("suite", fine)]
    return tuple(checks)


def _named(suite: Suite) -> str:
    models = sorted(_models(suite, {}))
    return ", ".join(models) or "no model named"


def _models(
    suite: Suite, defaults: Mapping[str, object], key: str = "model"
) -> set[str]:
    models = {variant.get(key, defaults.get(key)) for variant in suite.variants}
    return {model for model in models if isinstance(model, str)}


def _doubts(
    path: Path,
    suite: Suite,
    endpoints: Sequence[Endpoint],
    listed: Listed,
    day: date,
    book: PriceBook,
) -> Iterable[Check]:
    for endpoint in endpoints:
        served = listed.get(endpoint.name)
        models = _models(suite, endpoint.defaults)
        # Text models are asked through the image tool, and not every list has them.
        texts = (
            _models(suite, endpoint.defaults, key)
            for key in ("mainline_model", "svg_model")
        )
        for model in sorted(models.union(*texts)):
            try:
                price_model(endpoint, model, day, book)
            except BadInput as error:
                yield warning("suite", f"{path}: {error}; a run there is refused")
                continue
            if (note := note_on_life(endpoint, model, day)) is not None:
                yield warning("suite", f"{path}: {note}")
            if served is not None and model in models and model not in served:
                sentence = f"endpoint {endpoint.name} does not list model {model}"
                yield warning("suite", f"{path}: {sentence}; a run there may fail")

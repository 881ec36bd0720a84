"""Rounds: all checks of a set-up, in the order that a person reads."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.checkup.answers import read_answer
from bench.checkup.check import Check, Status, ok, problem, warning
from bench.checkup.clock import check_monotonic, check_system_clock
from bench.checkup.keys import check_env_file, check_key, key_of
from bench.checkup.prices import check_book, check_suites, found_suites
from bench.checkup.program import check_program
from bench.checkup.records import check_records
from bench.checkup.storage import check_storage
from bench.checkup.visit import visit_all
from bench.endpoint import Endpoint, choose, read_endpoints
from bench.environment import Environment
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.plan.books import chosen_book
from bench.words.figures import so_many
from pricing.book import PriceBook, shipped_book


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What is to be checked.

    Attributes:
        here: The folder that `.env` and a suite of the user may lie in.
        endpoints_file: As the command line names it, None for the usual one.
        names: Endpoints to visit; all of the file when empty.
        route, prices: For a file in the guides' form, which says neither.
    """

    here: Path
    data: DataFolder
    environment: Environment
    endpoints_file: Path | None
    names: tuple[str, ...]
    route: str | None = None
    prices: str | None = None


def check_all(set_up: SetUp) -> tuple[Check, ...]:
    """Look at everything once; costs nothing and writes nothing.

    One free request goes to each endpoint. It takes some ten seconds at most.
    """
    before = (
        *check_program(),
        *check_storage(set_up.data),
        *check_records(set_up.data),
        check_monotonic(),
        *check_env_file(set_up.environment, set_up.here / ".env"),
    )
    endpoints, read = _endpoints(set_up)
    return (*before, *read, *_check_endpoints(set_up, endpoints))


def _endpoints(set_up: SetUp) -> tuple[tuple[Endpoint, ...], tuple[Check, ...]]:
    """The endpoints to visit, and what the file that names them is like."""
    name = "endpoints file"
    path = set_up.endpoints_file or set_up.data.endpoints
    if set_up.endpoints_file is None and not os.access(path, os.R_OK):
        near = set_up.here / path.name
        hint = f"; add --endpoints {near.name}" if os.access(near, os.R_OK) else ""
        sentence = f"{path}: not there, so no endpoint was looked at"
        if set_up.names:
            return (), (problem(name, f"{sentence}{hint or '; add --endpoints FILE'}"),)
        return (), (
            warning(name, f"{sentence}{hint or '; `pixelmeter init` writes one'}"),
        )
    try:
        known = read_endpoints(path, set_up.route, set_up.prices)
        chosen = choose(path, known, set_up.names) if set_up.names else known
    except BadInput as error:
        return (), (problem(name, str(error)),)
    doubts = (warning(name, d) for endpoint in chosen for d in endpoint.doubts())
    listed = ", ".join(endpoint.name for endpoint in known)
    return chosen, (ok(name, f"{path}: {listed}"), *doubts)


def _check_endpoints(
    set_up: SetUp, endpoints: tuple[Endpoint, ...]
) -> tuple[Check, ...]:
    variables = set_up.environment.variables
    keys = [check_key(endpoint, variables) for endpoint in endpoints]
    usable = [
        (endpoint, key_of(endpoint, variables))
        for endpoint, check in zip(endpoints, keys, strict=True)
        if check.status is Status.OK
    ]
    visits = visit_all(usable)
    answers = {
        endpoint.name: read_answer(endpoint, key, visits[endpoint.name])
        for endpoint, key in usable
    }
    listed = {name: answer.models for name, answer in answers.items()}
    day = datetime.now(UTC).date()
    suites = found_suites(set_up.here / "suite.yaml", set_up.data.root / "suites")
    book, own = _book(set_up)
    return (
        *keys,
        *(check for answer in answers.values() for check in answer.checks),
        *check_system_clock(visits),
        check_book(
            (e.vendor for e in endpoints) if endpoints else ("openai",), day, book
        ),
        *own,
        *check_suites(suites, endpoints, listed, day, book),
    )


def _book(set_up: SetUp) -> tuple[PriceBook, tuple[Check, ...]]:
    """The prices that a run would use, and what there is to say of own ones."""
    try:
        book = chosen_book(set_up.data.root)
    except BadInput as error:
        return shipped_book(), (problem("own price books", str(error)),)
    n_cards = sum(card.own for card in book.cards)
    said = f"{so_many(n_cards, 'card')} of your own, which the shipped ones give way to"
    return book, (ok("own price books", said),) if n_cards else ()


def sentence(checks: Sequence[Check]) -> str:
    """The whole checkup in one sentence."""
    counts = {s: sum(check.status is s for check in checks) for s in Status}
    n_problems, n_warnings = counts[Status.PROBLEM], counts[Status.WARNING]
    if n_problems:
        are = f"{so_many(n_problems, 'problem')} stand{'s' if n_problems == 1 else ''}"
        return f"{are} in the way of a run{_and(n_warnings)}."
    return f"Nothing stands in the way of a run{_and(n_warnings)}."


def _and(n_warnings: int) -> str:
    return f"; {so_many(n_warnings, 'warning')}" if n_warnings else ""

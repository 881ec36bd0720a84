"""Comparison: levels of one factor, or two runs, paired by prompt."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from bench.errors import BadInput
from bench.studies.levels import Level, Row, level_of
from bench.studies.pairing import Pair, Pairing, pair_up
from bench.suite import OF_RESPONSES
from bench.words.variants import in_words, parameters_of

Key = tuple[object, ...]


class Factor(StrEnum):
    """What tells the levels of a comparison apart; any other parameter may, too."""

    ENDPOINT = "endpoint"
    MODEL = "model"
    QUALITY = "quality"
    SIZE = "size"
    API = "api"
    OPERATION = "operation"
    MAINLINE_MODEL = "mainline_model"


_NAMED = frozenset(map(str, Factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Levels first, then every pair of them.

    Attributes:
        by: The factor or the parameter, or `run`.
    """

    by: str
    simulated: bool
    levels: tuple[Level, ...]
    pairings: tuple[Pairing, ...]


def compare_levels(trials: Sequence[Row], factor: str | None) -> Comparison:
    """The levels of one factor within a run, everything else equal.

    Args:
        trials: Rows of `bench.store.queries.trials` of one run.
        factor: A `Factor` or the name of a parameter; None takes the first that has
            several levels.

    Raises:
        BadInput: There is no such factor, or only one level.
    """
    varying = factors_that_vary(trials)
    if factor is None and not varying:
        raise BadInput(
            "the run has a single cell, so nothing to compare; name a second run"
        )
    chosen = varying[0] if factor is None else factor
    if chosen not in _factors(trials):
        raise BadInput(
            f"--by {chosen}: choose one of {', '.join(varying or tuple(Factor))}"
        )
    sides = _by(trials, lambda row: level_name(row, chosen))
    if len(sides) < 2:  # noqa: PLR2004  a comparison takes two
        only = next(iter(sides), "none")
        others = f"choose one of {', '.join(varying)}, or " if varying else ""
        raise BadInput(
            f"--by {chosen}: the run has only one, {only}; {others}name a second run"
        )
    sides = dict(sorted(sides.items(), key=lambda side: _place(side[1], chosen)))
    return _compare(chosen, sides, lambda row: _key(row, without=chosen))


def _place(rows: Sequence[Row], factor: str) -> tuple[str, int]:
    """In the plan's order; direct first, since a gateway is judged against it."""
    route = str(rows[0]["route"]) if factor == Factor.ENDPOINT else ""
    return route, min(row["cell_index"] for row in rows)


def compare_runs(
    first: tuple[str, Sequence[Row]], second: tuple[str, Sequence[Row]]
) -> Comparison:
    """Two runs, given by name and trials: same prompt, variant and endpoint.

    Where each run has one endpoint of its own, the two stand for each other.

    Raises:
        BadInput: They have no prompt and variant in common.
    """
    sides = dict((first, second))
    places = [{row["endpoint"] for row in rows} for rows in sides.values()]
    without = None
    if not places[0] & places[1] and all(len(names) == 1 for names in places):
        without = Factor.ENDPOINT
    keys = [{_key(row, without) for row in rows} for rows in sides.values()]
    if not keys[0] & keys[1]:
        raise BadInput(
            f"runs {first[0]} and {second[0]} have no prompt in common that both "
            "asked with the same parameters; compare runs of one suite"
        )
    return _compare("run", sides, lambda row: _key(row, without))


def endpoint_pairs(trials: Sequence[Row], first: str, second: str) -> list[Pair]:
    """Trials of two endpoints that are alike in all else, in the first's order."""
    sides = _by(trials, lambda row: str(row["endpoint"]))
    keyed = [
        {_key(row, without=Factor.ENDPOINT): row for row in sides.get(name, ())}
        for name in (first, second)
    ]
    return _pairs(*keyed)


def factors_that_vary(rows: Sequence[Row]) -> tuple[str, ...]:
    """What has several levels, of trials or of cells: factors, then parameters."""
    cells = {row["cell_index"]: row for row in rows}.values()
    return tuple(
        factor
        for factor in _factors(rows)
        if len({_value(row, factor) for row in cells}) > 1
    )


def _value(row: Row, factor: str) -> str:
    """What a row asks of a factor; of the API without its text model."""
    return str(row["api"]) if factor == Factor.API else level_name(row, factor)


def _factors(rows: Iterable[Row]) -> tuple[str, ...]:
    """All that may tell levels apart, each once, in order."""
    cells = {row["cell_index"]: row for row in rows}.values()
    sent = sorted({name for row in cells for name in parameters_of(row)})
    return tuple(dict.fromkeys((*map(str, Factor), *sent)))


def level_name(row: Row, factor: str) -> str:
    """The level that a row belongs to; `not sent` where nothing was.

    The Responses API is as many levels as text models drive it: one would pair a
    picture of the Images API with several.
    """
    if factor not in _NAMED:
        value = parameters_of(row).get(factor)
        return f"{factor} not sent" if value is None else in_words({factor: value})
    value = row[factor]
    if factor == Factor.API and row["mainline_model"] is not None:
        return f"{value} with {row['mainline_model']}"
    return "not sent" if value is None else str(value)


def _key(row: Row, without: str | None) -> Key:
    sent = parameters_of(row)
    named = ("endpoint", "api", "operation", "model", "mainline_model")
    asked = {**{name: row[name] for name in named}, **sent}
    left_out = OF_RESPONSES if without == Factor.API else ()
    for name in (without or "", *left_out):
        asked.pop(name, None)
    prompt = (row["prompt_id"], row["prompt_digest"], row["repeat"])
    return (*prompt, *sorted(map(str, asked.items())))


def _by(rows: Iterable[Row], level: Callable[[Row], str]) -> dict[str, list[Row]]:
    sides: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sides[level(row)].append(row)
    return dict(sides)


def _compare(
    by: str, sides: Mapping[str, Sequence[Row]], key: Callable[[Row], Key]
) -> Comparison:
    levels = tuple(level_of(name, rows) for name, rows in sides.items())
    keyed = {name: {key(row): row for row in rows} for name, rows in sides.items()}
    pairings = tuple(
        pair_up(first, second, _pairs(keyed[first], keyed[second]))
        for first, second in combinations(sides, 2)
    )
    return Comparison(
        by=by,
        simulated=any(level.simulated for level in levels),
        levels=levels,
        pairings=pairings,
    )


def _pairs(first: Mapping[Key, Row], second: Mapping[Key, Row]) -> list[Pair]:
    return [(row, second[key]) for key, row in first.items() if key in second]

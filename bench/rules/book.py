"""Book: the rules of models and APIs, read from their file once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from bench.suite import Value

_COMMON = ("model", "n", "size", "quality", "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flexible:
    """Which sizes a model takes that has no list of them."""

    edge_step_px: int
    longest_edge_px: int
    greatest_ratio: int
    fewest_px: int
    most_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """What one family of models accepts on a day.

    Attributes:
        instead: What to ask once it is gone.
        sizes: The sizes there are; None when any size within the limits goes.
        fidelities: Of inputs; empty where the parameter is refused.
        marks_up: Whether a markup may be drawn over the first input.
        takes: Every parameter that it knows.
    """

    name: str
    source: str
    instead: str | None = None
    apis: tuple[str, ...]
    operations: tuple[str, ...]
    sizes: tuple[str, ...] | None
    qualities: tuple[str, ...]
    formats: tuple[str, ...]
    backgrounds: tuple[str, ...]
    fidelities: tuple[str, ...]
    n_max: int
    prompt_max: int
    inputs_max: int
    input_bytes_max: int
    input_square_png: bool = False
    marks_up: bool = False
    takes: tuple[str, ...]

    @property
    def transparent(self) -> bool:
        """Whether a background may be transparent."""
        return "transparent" in self.backgrounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A row of the file: rules from the first day on, and what changed later."""

    first: ModelRules
    since: tuple[tuple[date, Mapping[str, Any]], ...]

    def on(self, day: date) -> ModelRules:
        """The rules that hold on a day."""
        found = self.first
        for begins, changes in self.since:
            if begins <= day:
                found = replace(found, **changes)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an operation starts from."""

    name: str
    source: str
    apis: tuple[str, ...]
    fewest_inputs: int
    most_inputs: int
    mask: str
    markup: str
    cure: str
    takes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A parameter that needs another one, or one of its values.

    Attributes:
        value: Only this one needs it; None is any.
        excused: A value that needs nothing.
        values: What the other one may be; empty where it need but be given.
    """

    name: str
    value: Value | None
    excused: Value | None
    other: str
    values: tuple[Value, ...]
    say: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """Every rule of the file.

    Attributes:
        refused: API to parameter to why it has no word for it.
    """

    checked_on: date
    sources: Mapping[str, str]
    defaults: Mapping[str, Value]
    numbers: Mapping[str, tuple[int, ...]]
    words: Mapping[str, tuple[Value, ...]]
    flexible: Flexible
    refused: Mapping[str, Mapping[str, str]]
    no_mainline: tuple[str, ...]
    operations: Mapping[str, Operation]
    pairs: tuple[Pair, ...]
    families: Mapping[str, Family]

    def rules_of(self, model: str, day: date) -> ModelRules | None:
        """The rules of a model's family, None for a model that we don't know."""
        names = [name for name in self.families if _fits(model, name)]
        if not names:
            return None
        return self.families[max(names, key=len)].on(day)


def _fits(model: str, name: str) -> bool:
    return model == name or model.startswith((f"{name}-", f"{name}."))


@lru_cache(maxsize=1)
def rule_book() -> RuleBook:
    """The rules of the package, read once a process."""
    text = resources.files("bench.rules").joinpath("models.toml").read_text("utf-8")
    return read_rules(text)


def read_rules(text: str) -> RuleBook:
    """Rules out of the text of their file.

    Raises:
        ValueError, KeyError, TypeError: A row is wrong, or names no source.
    """
    content = tomllib.loads(text)
    sources: dict[str, str] = content["sources"]
    for kind in ("api", "operation", "pair", "model"):
        for row in content[kind]:
            for part in (row, *row.get("since", ())):
                sources[part["source"]]
    return RuleBook(
        checked_on=content["checked_on"],
        sources=sources,
        defaults=content["defaults"],
        numbers=_tuples(content["numbers"]),
        words=_tuples(content["words"]),
        flexible=Flexible(**content["flexible"]),
        refused={row["name"]: row["refuses"] for row in content["api"]},
        no_mainline=tuple(content["mainline"]["cannot"]),
        operations={row["name"]: _operation(row) for row in content["operation"]},
        pairs=tuple(_pair(row) for row in content["pair"]),
        families=_families(content["model"]),
    )


def _tuples(table: Mapping[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(values) for name, values in table.items()}


def _operation(row: Mapping[str, Any]) -> Operation:
    fewest, most = row["inputs"]
    takes = row.get("takes")
    return Operation(
        name=row["name"],
        source=row["source"],
        apis=tuple(row["apis"]),
        fewest_inputs=fewest,
        most_inputs=most,
        mask=row["mask"],
        markup=row.get("markup", "none"),
        cure=row["cure"],
        takes=None if takes is None else tuple(takes),
    )


def _pair(row: Mapping[str, Any]) -> Pair:
    if ("values" in row) == ("given" in row):
        raise ValueError(f"{row['name']}: should have values or given")
    return Pair(
        name=row["name"],
        value=row.get("value"),
        excused=row.get("except"),
        other=row["other"],
        values=tuple(row.get("values", ())),
        say=row["say"],
        source=row["source"],
    )


def _families(rows: list[dict[str, Any]]) -> dict[str, Family]:
    whole: dict[str, dict[str, Any]] = {}
    families: dict[str, Family] = {}
    for row in rows:
        written = dict(row)
        since = written.pop("since", [])
        other = whole.get(written.pop("like", ""), {})
        more = written.pop("takes_too", [])
        merged = {**other, **written}
        merged["takes"] = [*merged["takes"], *more]
        # What its kin once changed is its own from the beginning, where it says so.
        whole[row["name"]] = {k: v for k, v in merged.items() if k != "instead"}
        whole[row["name"]] |= {"instead": merged.get("instead")}
        families[row["name"]] = Family(
            first=_model(merged),
            since=tuple(
                (part["day"], _shaped({k: v for k, v in part.items() if k != "day"}))
                for part in sorted(since, key=lambda part: part["day"])
            ),
        )
    return families


def _model(row: Mapping[str, Any]) -> ModelRules:
    shaped = _shaped(row)
    takes = {*_COMMON, *shaped["takes"]}
    if shaped["fidelities"]:
        takes.add("input_fidelity")
    shaped["takes"] = tuple(sorted(takes))
    return ModelRules(**shaped)


def _shaped(row: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(ModelRules)}
    unknown = set(row) - known
    if unknown:
        raise ValueError(f"{min(unknown)}: no such rule")
    found: dict[str, Any] = {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        for name, value in row.items()
    }
    if found.get("sizes") == "flexible":
        found["sizes"] = None
    return found

"""Token gaps: tokens that answers reported against the published rule."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from bench.errors import BadInput
from bench.folder import DataFolder
from bench.plan.frozen import Plan
from bench.plan.growth import whole_plan
from bench.plan.prices import AUTHOR_COUNTS, MAINLINE_COUNTS, priced_of
from bench.store.figures import CELL
from pricing.book import shipped_book
from pricing.errors import PricingError
from pricing.money import minus, times, total
from pricing.tokens import ModelRules
from pricing.variant import AUTO, parse_size

Row = Mapping[str, Any]
Key = tuple[Any, ...]
PlanOf = Callable[[str], Plan | None]
UsagesOf = Callable[[tuple[tuple[str, int, int], ...]], Sequence[Row]]
_ALIKE = (
    *("run_id", "cell_index", "images", "served_size", "served_quality"),
    *("is_unsplit", "output_image_tokens"),
)
_COUNTS = (
    *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
    *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
    *MAINLINE_COUNTS,
    *AUTHOR_COUNTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """Answers that are alike, and report other image tokens than the rule gives.

    Attributes:
        rule_tokens: Image output tokens of one answer by the rule, all its
            pictures and the partial images that were asked for in it.
        reported_tokens: The same as the answer says.
        is_unsplit: The answer did not tell text from image output, so text may be
            among them.
        charge_usd: What the gap made of the charge of all these answers: dollars
            above the rule's, below it with a minus sign; None where the rule's
            tokens have no price.
        list_usd: The same at the direct book's price.
    """

    n_answers: int
    rule_tokens: int
    reported_tokens: int
    is_unsplit: bool
    charge_usd: Decimal | None
    list_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGap:
    """One cell's answers with reported tokens, against the rule of its model.

    What it asks beside its size stands as in the columns of `v_cell`.

    Attributes:
        n_compared: Answers that a published rule says the tokens of.
        off: Those that report something else; empty where all agree.
    """

    endpoint: str
    route: str
    simulated: bool
    model: str
    quality: str | None
    size: str | None
    operation: str | None
    api: str | None
    mainline_model: str | None
    parameters: str | None
    n_compared: int
    off: tuple[Off, ...]

    @property
    def n_off(self) -> int:
        """Answers with another count than the rule's."""
        return sum(one.n_answers for one in self.off)

    @property
    def n_unsplit(self) -> int:
        """Those of them that may count text among image tokens."""
        return sum(one.n_answers for one in self.off if one.is_unsplit)

    @property
    def charge_usd(self) -> Decimal | None:
        """Dollars that the gaps made; None as soon as a part is unknown."""
        return _sum([one.charge_usd for one in self.off])

    @property
    def list_usd(self) -> Decimal | None:
        """The same at the direct book's price."""
        return _sum([one.list_usd for one in self.off])


def readable_plans(folder: DataFolder, most_bytes: int | None = None) -> PlanOf:
    """Frozen plans by the names of their runs, each read once.

    Args:
        folder: Where the runs are.
        most_bytes: A larger plan is not read; None reads any.
    """

    @cache
    def plan_of(run_id: str) -> Plan | None:
        run = folder.run(run_id)
        try:
            if most_bytes is not None and run.plan.stat().st_size > most_bytes:
                return None
            return whole_plan(run)
        except (BadInput, OSError):
            # Its dollars are then unknown; who reads the plan itself says why.
            return None

    return plan_of


def token_gaps(
    rows: Sequence[Row], usages_of: UsagesOf, plan_of: PlanOf
) -> tuple[TokenGap, ...]:
    """Cells that a rule covers, those of several runs together, in order.

    Args:
        rows: Of `bench.store.reported.reported_tokens`.
        usages_of: `bench.store.reported.reported_usages` for those named.
        plan_of: The frozen plan of a run, by its name, None where it can't be read;
            asked only for gaps, whose dollars are those of the rates that the run
            was charged at.
    """
    expected = [(row, _expected(row)) for row in rows]
    covered = [(row, found) for row, found in expected if found is not None]
    off = {
        _alike(row): found[1]
        for row, found in covered
        if not found[0] <= row["output_image_tokens"] <= found[1]
    }
    gaps = _gaps(off, usages_of, plan_of) if off else {}
    cells: dict[tuple[Any, ...], list[Row]] = {}
    for row, _ in covered:
        cells.setdefault(tuple(row[name] for name in CELL), []).append(row)
    return tuple(
        TokenGap(
            **dict(zip(CELL, key, strict=True)),
            n_compared=sum(row["n_answers"] for row in own),
            off=_merged([gaps[_alike(row)] for row in own if _alike(row) in gaps]),
        )
        for key, own in cells.items()
    )


def _alike(row: Row) -> Key:
    """What answers have in common that one row stands for."""
    return tuple(row[name] for name in _ALIKE)


def _expected(row: Row) -> tuple[int, int] | None:
    """Fewest and most tokens by the rule; they differ by partials that may not come.

    What was asked decides, and where that is auto, what the answer says was served.
    """
    quality = _known(row["quality"]) or _known(row["served_quality"])
    size = _known(row["size"]) or _known(row["served_size"])
    if quality is None or size is None:
        return None
    try:
        rules = _rules(row)
        one = rules.output_tokens(quality, parse_size(size))
    except PricingError:
        return None
    # An unusable answer has no picture of ours, but was made of those asked for.
    pictures = row["images"] or row["n"]
    fewest = pictures * one
    return fewest, fewest + pictures * row["partial_images"] * rules.partial_tokens


def _known(value: str | None) -> str | None:
    return None if value == AUTO else value


def _rules(row: Row) -> ModelRules:
    """The rules of a model, by the name that its aliases stand for."""
    book = shipped_book()
    name = book.aliases.get((row["vendor"], row["model"]), row["model"])
    return book.rules(name)


def _gaps(
    off: Mapping[Key, int], usages_of: UsagesOf, plan_of: PlanOf
) -> dict[Key, Off]:
    """What answers off the rule came to, by what they have in common."""
    named = dict.fromkeys((key[0], key[1], key[-1]) for key in off)
    usages: dict[Key, list[Row]] = {}
    for row in usages_of(tuple(named)):
        if _alike(row) in off:
            usages.setdefault(_alike(row), []).append(row)
    found: dict[Key, Off] = {}
    for key, own in usages.items():
        dollars = [_dollars(row, off[key], plan_of) for row in own]
        found[key] = Off(
            n_answers=sum(row["n_answers"] for row in own),
            rule_tokens=off[key],
            reported_tokens=own[0]["output_image_tokens"],
            is_unsplit=own[0]["is_unsplit"],
            charge_usd=_sum([charge for charge, _ in dollars]),
            list_usd=_sum([direct for _, direct in dollars]),
        )
    return found


def _merged(gaps: Iterable[Off]) -> tuple[Off, ...]:
    """Gaps of a cell, those of the same counts in one, the most frequent first."""
    alike: dict[tuple[int, int, bool], list[Off]] = {}
    for one in gaps:
        key = (one.rule_tokens, one.reported_tokens, one.is_unsplit)
        alike.setdefault(key, []).append(one)
    merged = [
        replace(
            own[0],
            n_answers=sum(one.n_answers for one in own),
            charge_usd=_sum([one.charge_usd for one in own]),
            list_usd=_sum([one.list_usd for one in own]),
        )
        for own in alike.values()
    ]
    return tuple(sorted(merged, key=lambda one: -one.n_answers))


def _dollars(
    row: Row, rule_tokens: int, plan_of: PlanOf
) -> tuple[Decimal | None, Decimal | None]:
    """How far the charges of a row's answers are above those of the rule's tokens."""
    plan = plan_of(row["run_id"])
    if plan is None:
        return None, None
    counts = {name: row[name] for name in _COUNTS} | {
        "output_image_tokens": rule_tokens
    }
    try:
        cell = plan.cells[int(row["cell_index"])]
        by_rule = priced_of(plan.prices, cell).charges(counts, cell)
    except (PricingError, LookupError):
        return None, None
    n = row["n_answers"]
    return (
        _above(row["charge_usd"], by_rule.endpoint.usd, n),
        _above(row["list_usd"], by_rule.direct.usd, n),
    )


def _above(charged_usd: Decimal | None, rule_usd: Decimal, n: int) -> Decimal | None:
    return None if charged_usd is None else times(minus(charged_usd, rule_usd), n)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [usd for usd in amounts if usd is not None]
    return total(known) if len(known) == len(amounts) else None

"""Projection costs: unit costs as formulas of assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.exports.sheets import N_HEAD_ROWS, Formula, Sheet
from bench.studies.outlook import Line, Outlook
from pricing.assumption import Assumption, Values
from pricing.money import minus, times, total
from pricing.recipe import PartKeys, Recipe

ASSUMPTIONS = "assumptions"
UNIT_COSTS = "unit_costs"
_ONE = Decimal(1)
_PART_HEADS = ("share", "US$ an image", "US$ in batch", "batch share", "US$ blended")
_SUM_HEADS = (
    *("share x US$", "US$ an image made", "billed for a usable one"),
    *("not from the cache", "US$ a usable image", "fee a month", "set-up"),
)
Refs = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCells:
    """Where an alternative's unit cost, monthly fee and set-up stand."""

    unit: str
    monthly_fee: str
    setup: str


def write_assumptions(sheet: Sheet, title: str, found: Outlook) -> Refs:
    """Write every number that the figures hang on; returns its cell by key."""
    heads = ("assumption", "value", "unit", "low", "high", "range", "says who", "as of")
    sheet.write_head(f"{title} · change a value and all sheets follow", heads)
    sheet.sheet.set_column(0, 0, 52)
    sheet.sheet.set_column(6, 6, 60)
    refs: dict[str, str] = {}
    for row, one in enumerate(found.assumptions, N_HEAD_ROWS):
        refs[one.key] = f"{ASSUMPTIONS}!$B${row + 1}"
        sheet.write_row(row, _assumption(one))
    return refs


def _assumption(one: Assumption) -> Sequence[object]:
    as_of = one.as_of and one.as_of.isoformat()
    ends = (one.low, one.high, one.reach)
    return (one.what, one.value, str(one.unit), *ends, one.source, as_of)


def write_unit_costs(
    sheet: Sheet, title: str, found: Outlook, refs: Refs, values: Values
) -> dict[str, UnitCells]:
    """Write each alternative's parts and its sum; returns the cells of the sums."""
    sheet.write_head(title, ("alternative", "image", *_PART_HEADS, *_SUM_HEADS))
    sheet.sheet.set_column(0, 1, 30)
    cells: dict[str, UnitCells] = {}
    row = N_HEAD_ROWS
    for line in found.lines:
        recipe = line.priced.recipe
        first = row
        for keys, part in zip(recipe.parts, line.priced.mix, strict=True):
            named = (part.model, part.quality, part.size, part.asked)
            words = " ".join(value for value in named if value)
            head = [recipe.name, words or "any picture"]
            sheet.write_row(row, [*head, *_part(row, keys, recipe, (refs, values))])
            row += 1
        sheet.write_row(row, _sum(line, (first, row), refs, values))
        cells[recipe.name] = UnitCells(
            unit=f"{UNIT_COSTS}!$L${row + 1}",
            monthly_fee=f"{UNIT_COSTS}!$M${row + 1}",
            setup=f"{UNIT_COSTS}!$N${row + 1}",
        )
        row += 2
    return cells


def _part(
    row: int, keys: PartKeys, recipe: Recipe, known: tuple[Refs, Values]
) -> list[object]:
    refs, values = known

    def ref(key: str) -> Formula:
        return Formula(text=f"={refs[key]}", value=values[key])

    here, share, usd = row + 1, values[keys.share], values[keys.usd]
    if keys.batch_usd is None or recipe.batch is None:
        blended = Formula(text=f"=D{here}", value=usd)
        beside: list[object] = [None, None]
    else:
        batch = values[recipe.batch]
        parts = (
            times(usd, minus(_ONE, batch)),
            times(values[keys.batch_usd], batch),
        )
        text = f"=D{here}*(1-F{here})+E{here}*F{here}"
        blended = Formula(text=text, value=total(parts))
        beside = [ref(keys.batch_usd), ref(recipe.batch)]
    weighted = times(share, Decimal(str(blended.value)))
    product = Formula(text=f"=C{here}*G{here}", value=weighted)
    return [ref(keys.share), ref(keys.usd), *beside, blended, product]


def _sum(line: Line, rows: tuple[int, int], refs: Refs, values: Values) -> list[object]:
    """The mean of the parts, and what failures and cache make of it."""
    recipe = line.priced.recipe
    first, here = rows[0] + 1, rows[1] + 1
    parts = f"{first}:{{0}}{here - 1}"
    shares = total(values[part.share] for part in recipe.parts)
    made = recipe.made_usd(values)
    factors = "".join(f"*{refs[key]}" for key in recipe.factors)
    plain = recipe.made_usd({**values, **dict.fromkeys(recipe.factors, _ONE)})
    served = minus(_ONE, values[recipe.cache_hit]) if recipe.cache_hit else _ONE
    billed = _ONE
    if recipe.failures:
        billed = recipe.failures.failures(values).pictures_billed
    return [
        *(
            recipe.name,
            "all",
            Formula(text=f"=SUM(C{parts.format('C')})", value=shares),
        ),
        *(None, None, None, None),
        Formula(text=f"=SUM(H{parts.format('H')})", value=times(plain, shares)),
        Formula(text=f"=H{here}/C{here}{factors}", value=made),
        Formula(text=_billed(recipe, refs), value=billed),
        Formula(
            text=f"=1-{refs[recipe.cache_hit]}" if recipe.cache_hit else "=1",
            value=served,
        ),
        Formula(
            text=f"=ROUND(I{here}*J{here}*K{here},12)", value=recipe.unit_usd(values)
        ),
        _fee(recipe.monthly_fee, refs, values),
        _fee(recipe.setup, refs, values),
    ]


def _billed(recipe: Recipe, refs: Refs) -> str:
    """Billed pictures for a usable one: usable + billed for nothing, over usable."""
    keys = recipe.failures
    if keys is None:
        return "=1"
    unusable, refused, retried = (
        refs[key] for key in (keys.unusable, keys.refused, keys.retried)
    )
    usable = f"(1-{unusable}-{refused}-{retried})"
    nothing = (
        f"{unusable}+{refused}*{refs[keys.refused_billed]}"
        f"+{retried}*{refs[keys.retried_billed]}"
    )
    return f"=({usable}+{nothing})/{usable}"


def _fee(key: str | None, refs: Refs, values: Values) -> object:
    return Formula(text=f"={refs[key]}", value=values[key]) if key else Decimal(0)

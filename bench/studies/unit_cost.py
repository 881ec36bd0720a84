"""Unit cost: what a usable picture cost in a run, with its band."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from bench.stats import FEWEST_PROMPTS
from bench.studies.levels import Row, is_settled, per_image
from bench.studies.resampling import Draws, Key, Sums, Term, e12, resample
from bench.words.variants import beside_variant
from pricing.money import total
from pricing.projection import UnitCost

Variant = tuple[str, str, str, str]
Place = tuple[Variant, str]
NOT_SENT = "not sent"
TOO_FEW_USABLE = "too few prompts gave a usable picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One variant at one endpoint of a run: money over usable pictures.

    Attributes:
        variant: Model, quality, size, and all else that is asked, in words.
        n_trials: Trials that were sent and have ended.
        n_prompts: Prompts of those; what the band rests on.
        charge_usd: All known money, of failed and repeated attempts too.
        n_charge_unknown: Trials with money that is not in `charge_usd`.
        possibly_billed_usd: The most that may be billed beside it.
        unit: None without a usable picture of known price.
        ok_usd: Dollars an image of the trials that were ok alone, to 12 decimals.
        why_no_band: None where there is one.
    """

    variant: Variant
    endpoint: str
    route: str
    simulated: bool
    n_trials: int
    n_prompts: int
    charge_usd: Decimal
    n_charge_unknown: int
    possibly_billed_usd: Decimal
    unit: UnitCost | None
    ok_usd: Decimal | None
    draws: Draws
    why_no_band: str | None


def measure(trials: Sequence[Row]) -> tuple[Measured, ...]:
    """What a usable picture cost, by variant and endpoint.

    The cost is the ratio of two sums over all trials that were sent and have
    ended: charges of every attempt (failed and repeated ones too) over usable
    pictures. A trial with money that is not known is in neither sum; it and what
    is possibly billed are counted beside.

    The band is the 90 % percentile bootstrap of that ratio over whole prompts:
    2,000 times as many prompts as there are are drawn with replacement, with all
    their trials, and both sums are made anew. The same prompts are drawn for
    every variant and endpoint of a run, so a difference of two is paired. The
    draws follow from a fixed seed. With fewer than 6 prompts there is no band.

    Source: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993),
    13.3, 8.3 (whole prompts, because repeats of one are not independent).

    Args:
        trials: Rows of `bench.store.queries.trials` of one run.

    Returns:
        By model and size, then the cheap first; each variant's endpoints
        together, direct ones first.
    """
    places: dict[Place, list[Row]] = defaultdict(list)
    for row in trials:
        if not row["from_cache"]:
            places[variant_of(row), str(row["endpoint"])].append(row)
    draws = _draws(places)
    found = [_measured(place, rows, draws[place]) for place, rows in places.items()]
    dearest: dict[Variant, Decimal] = {}
    for one in found:
        usd = one.unit.usd if one.unit else Decimal(0)
        dearest[one.variant] = max(usd, dearest.get(one.variant, usd))

    def place(one: Measured) -> tuple[object, ...]:
        model, quality, size, beside = one.variant
        dear = dearest[one.variant]
        return model, size, dear, quality, beside, one.route != "direct", one.endpoint

    return tuple(sorted(found, key=place))


def variant_of(row: Row) -> Variant:
    """Model, quality and size of a trial, and what else it asks; empty where usual."""
    model, quality, size = (
        NOT_SENT if row[key] is None else str(row[key])
        for key in ("model", "quality", "size")
    )
    named = (row.get(key) for key in ("operation", "api", "mainline_model"))
    return model, quality, size, _beside(*named, str(row["parameters"] or "{}"))


@lru_cache(maxsize=1024)
def _beside(
    operation: str | None, api: str | None, mainline_model: str | None, parameters: str
) -> str:
    """Trials are many, cells few."""
    return beside_variant(
        {
            "operation": operation,
            "api": api,
            "model": None,
            "mainline_model": mainline_model,
            "parameters": parameters,
        }
    )


def variant_text(variant: Variant) -> str:
    """A variant in words, in one printable line."""
    text = " ".join(filter(None, variant))
    return "".join(char if char.isprintable() else "?" for char in text)


def _measured(place: Place, rows: Sequence[Row], draws: Draws) -> Measured:
    settled = [row for row in rows if is_settled(row)]
    n_prompts = len({_key(row) for row in settled})
    charge_usd = total(row["charge_usd"] or Decimal(0) for row in settled)
    images = sum(_images(row) for row in settled)
    usd = per_image(total(_charge_usd(row) for row in settled), images)
    unit, why = None, "no usable picture of known price"
    if usd is not None:
        unit, why = _unit_cost(usd, images, n_prompts, draws)
    return Measured(
        variant=place[0],
        endpoint=place[1],
        route=str(rows[0]["route"]),
        simulated=any(row["simulated"] for row in rows),
        n_trials=len(settled),
        n_prompts=n_prompts,
        charge_usd=charge_usd,
        n_charge_unknown=sum(bool(row["charge_unknown"]) for row in rows),
        possibly_billed_usd=total(
            row["possibly_billed_usd"] or Decimal(0) for row in rows
        ),
        unit=unit,
        ok_usd=_ok_usd(settled),
        draws=draws,
        why_no_band=why,
    )


def _ok_usd(rows: Sequence[Row]) -> Decimal | None:
    ok = [row for row in rows if row["outcome"] == "ok"]
    return per_image(total(map(_charge_usd, ok)), sum(map(_images, ok)))


def _unit_cost(
    usd: Decimal, images: int, n_prompts: int, draws: Draws
) -> tuple[UnitCost, str | None]:
    if n_prompts < FEWEST_PROMPTS:
        why = f"n={n_prompts} prompts; a band needs {FEWEST_PROMPTS}"
        return UnitCost(usd=usd, n=images), why
    band = draws.band(usd)
    if band is None:
        return UnitCost(usd=usd, n=images), TOO_FEW_USABLE
    unit = UnitCost(
        usd=usd,
        usd_low=band.low_usd,
        usd_high=band.high_usd,
        n=images,
        median_usd=band.median_usd,
    )
    return unit, None


def _draws(places: Mapping[Place, Sequence[Row]]) -> dict[Place, Draws]:
    """Every place redrawn by the same prompts."""
    rows = [row for found in places.values() for row in found if is_settled(row)]
    columns: dict[Key, list[int]] = {_key(row): [0] * 2 * len(places) for row in rows}
    if not columns:
        return dict.fromkeys(places, Draws())
    at = {place: 2 * number for number, place in enumerate(places)}
    for row in rows:
        sums = columns[_key(row)]
        first = at[variant_of(row), str(row["endpoint"])]
        sums[first] += e12(_charge_usd(row))
        sums[first + 1] += _images(row)
    drawn = resample(columns, 2 * len(places))
    return {place: _term(drawn, first) for place, first in at.items()}


def _term(drawn: tuple[Sums, ...], first: int) -> Draws:
    usd_e12, images = drawn[first], drawn[first + 1]
    return Draws(terms=(Term(weight=Decimal(1), usd_e12=usd_e12, images=images),))


def _images(row: Row) -> int:
    """Usable pictures of a trial whose price is in the sum."""
    is_priced = row["outcome"] == "ok" and not row["charge_unknown"]
    return int(row["images"] or 0) if is_priced else 0


def _charge_usd(row: Row) -> Decimal:
    """Dollars of a trial; one with money that is not known is in neither sum."""
    return Decimal(0) if row["charge_unknown"] else row["charge_usd"] or Decimal(0)


def _key(row: Row) -> Key:
    return str(row["prompt_id"]), str(row["prompt_digest"])

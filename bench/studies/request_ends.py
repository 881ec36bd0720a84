"""Request ends: how the requests of a run ended, as shares with bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.errors import BadInput
from bench.scenario.form import Failing
from bench.stats import FEWEST_PROMPTS
from bench.studies.levels import Row
from bench.studies.resampling import Draws, Key, Sums, Term, resample
from pricing.errors import BadQuantity
from pricing.failures import Failures
from pricing.money import share
from pricing.projection import Band

_BILLED = ("billed", "billed_unusable")
_E12 = 10**12
ALL, GOOD, BILLED_ALL = "all", "good", "billed"
_COLUMNS = (
    *("unusable", "refused", "retried", "refused_billed", "retried_billed"),
    *(ALL, GOOD, BILLED_ALL),
)
# A share, and what it is a share of.
SHARES = {
    "unusable_share": ("unusable", ALL),
    "refused_share": ("refused", ALL),
    "retried_share": ("retried", ALL),
    "refused_billed_share": ("refused_billed", "refused"),
    "retried_billed_share": ("retried_billed", "retried"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEnds:
    """Shares of the requests of a run whose money is known.

    Attributes:
        n_requests: What the shares are of.
        n_unknown: Requests beside, of which nobody knows whether they were billed.
        bands: 90 % by resampling whole prompts; None with too few prompts.
        pictures_billed: Billed pictures for each usable one, redrawn.
    """

    run_id: str
    where: str
    n_requests: int
    n_prompts: int
    n_unknown: int
    simulated: bool
    failures: Failures
    bands: Mapping[str, Band | None]
    pictures_billed: Draws
    why_no_band: str | None


def request_ends(run_id: str, requests: Sequence[Row], asked: Failing) -> RequestEnds:
    """How the requests of a run, at an endpoint, on a route or in all, ended.

    Every request that was sent counts once. One that was refused or not usable is
    its own share; any other that gave no picture counts as retried, because each
    picture that is wanted is asked for until it is there. Requests of unknown
    billing are in no share.

    Args:
        run_id: Name of the run.
        requests: Rows of `bench.store.queries.requests`.
        asked: Which of them.

    Raises:
        BadInput: There are none of these, or none gave a usable picture.
    """
    where = asked.endpoint or (f"{asked.route} endpoints" if asked.route else "")
    meant = [row for row in requests if _is_meant(row, asked)]
    known = [row for row in meant if row["billing"] != "possibly_billed"]
    if not known:
        there = sorted({f"{row['endpoint']} ({row['route']})" for row in requests})
        raise BadInput(
            f"run {run_id} has no request of known billing{' at ' * bool(where)}{where}"
            f"; it has {', '.join(there) or 'none at all'}"
        )
    columns = _columns(known)
    sums = {name: sum(row[k] for row in columns.values()) for k, name in _named()}
    try:
        failures = Failures(**{key: _share(sums, *of) for key, of in SHARES.items()})
    except BadQuantity as error:
        raise BadInput(f"run {run_id}: failures: {error}") from None
    few = len(columns) < FEWEST_PROMPTS
    drawn = dict(zip(_COLUMNS, resample(columns, len(_COLUMNS)), strict=True))
    return RequestEnds(
        run_id=run_id,
        where=where or "all endpoints",
        n_requests=sums[ALL],
        n_prompts=len(columns),
        n_unknown=_count(meant) - _count(known),
        simulated=any(row["simulated"] for row in meant),
        failures=failures,
        bands={
            key: None if few else _ratio(drawn, *of).band(getattr(failures, key))
            for key, of in SHARES.items()
        },
        pictures_billed=_ratio(drawn, BILLED_ALL, GOOD),
        why_no_band=f"n={len(columns)} prompts; a band needs {FEWEST_PROMPTS}"
        if few
        else None,
    )


def _is_meant(row: Row, asked: Failing) -> bool:
    if asked.endpoint is not None:
        return bool(row["endpoint"] == asked.endpoint)
    return asked.route is None or bool(row["route"] == asked.route)


def _count(rows: Sequence[Row]) -> int:
    return sum(row["n_requests"] for row in rows)


def _named() -> list[tuple[int, str]]:
    return list(enumerate(_COLUMNS))


def _columns(rows: Sequence[Row]) -> dict[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    at = {name: number for number, name in _named()}
    for row in rows:
        key = (str(row["prompt_id"]), str(row["prompt_digest"]))
        counts = found.setdefault(key, [0] * len(_COLUMNS))
        for name in _ends_of(row):
            counts[at[name]] += row["n_requests"]
    return found


def _ends_of(row: Row) -> tuple[str, ...]:
    """The columns that a request counts in."""
    is_billed = row["billing"] in _BILLED
    billed = (BILLED_ALL,) * is_billed
    if row["outcome"] == "ok":
        return (ALL, GOOD, BILLED_ALL)
    if row["outcome"] == "unusable" and is_billed:
        return (ALL, "unusable", *billed)
    end = "refused" if row["outcome"] == "refused" else "retried"
    return (ALL, end, *((f"{end}_billed",) * is_billed), *billed)


def _share(sums: Mapping[str, int], part: str, whole: str) -> Decimal:
    return share(Decimal(sums[part]), Decimal(sums[whole])) or Decimal(0)


def _ratio(drawn: Mapping[str, Sums], part: str, whole: str) -> Draws:
    scaled: Any = drawn[part].astype(object) * _E12
    return Draws(terms=(Term(weight=Decimal(1), usd_e12=scaled, images=drawn[whole]),))

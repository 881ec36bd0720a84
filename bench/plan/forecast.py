"""Forecast: what a plan will cost, take and fill, before it is run."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from math import ceil

from bench.load.model import Closed
from bench.load.schedule import due_offsets_s
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.prices import priced_of
from pricing.errors import PricingError
from pricing.variant import parse_size

# Measured on real answers and rendered ones: about 1.5 bytes a pixel of PNG.
BYTES_PER_PIXEL = {"png": 1.6, "jpeg": 0.5, "webp": 0.4}
AUTO_PIXELS = 1536 * 1024
RECORD_BYTES = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDate:
    """Whose rates hold for a model, since when, and when they were checked.

    ``own`` says that they are from a book of the user's own.
    """

    endpoint: str
    model: str
    vendor: str
    valid_from: str
    checked_on: str
    source: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Figures of a plan.

    Attributes:
        expected_usd: Sum over the trials that a published rule can price; None
            where it can price none of them.
        n_without_rule: Trials that it can't, not in `expected_usd`.
        worst_case_usd: Sum of the upper bounds of all trials.
        why_bounded: What is bounded because nobody can compute it.
        disk_bytes: Pictures and records, roughly.
        rate_limit_s: The least time that the rate limits allow; None without.
        schedule_s: From the first request due to the last; None without a schedule.
        n_at_risk: Requests that may be under way at once.
        at_risk_usd: What a crash may leave possibly billed at most.
    """

    n_prompts: int
    n_cells: int
    n_trials: int
    n_conversations: int
    expected_usd: Decimal | None
    n_without_rule: int
    worst_case_usd: Decimal
    why_bounded: tuple[str, ...]
    disk_bytes: int
    rate_limit_s: float | None
    schedule_s: float | None
    n_at_risk: int
    at_risk_usd: Decimal
    price_dates: tuple[PriceDate, ...]

    @property
    def is_bounded(self) -> bool:
        """Whether the worst case rests on a bound instead of a rule."""
        return bool(self.why_bounded)


def forecast(plan: Plan) -> Forecast:
    """The figures of a plan."""
    expected = [_expected_usd(plan, planned) for planned in plan.trials]
    known = [usd for usd in expected if usd is not None]
    bounds = sorted((t.bound_usd for t in plan.trials), reverse=True)
    reasons = dict.fromkeys(why for t in plan.trials for why in t.why_bounded)
    return Forecast(
        n_prompts=len(plan.prompts),
        n_cells=len(plan.cells),
        n_trials=len(plan.trials),
        n_conversations=len({p.conversation for p in plan.prompts} - {None}),
        expected_usd=sum(known, Decimal(0)) if known or not expected else None,
        n_without_rule=expected.count(None),
        worst_case_usd=sum(bounds, Decimal(0)),
        why_bounded=tuple(reasons),
        disk_bytes=sum(_disk_bytes(plan, planned) for planned in plan.trials),
        rate_limit_s=None if plan.options.batch else _rate_limit_s(plan),
        schedule_s=_schedule_s(plan),
        n_at_risk=_n_at_risk(plan),
        at_risk_usd=sum(bounds[: _n_at_risk(plan)], Decimal(0)),
        price_dates=_price_dates(plan),
    )


def _n_at_risk(plan: Plan) -> int:
    """Requests that may be under way at once: in jobs all of them."""
    n_trials = len(plan.trials)
    return n_trials if plan.options.batch else min(n_trials, plan.options.concurrency)


def _expected_usd(plan: Plan, planned: PlannedTrial) -> Decimal | None:
    if planned.expected is None:
        return None
    cell = planned.trial.cell
    priced = priced_of(plan.prices, cell)
    try:
        return priced.charges(planned.expected, cell).endpoint.usd
    except PricingError:
        return None


def _disk_bytes(plan: Plan, planned: PlannedTrial) -> int:
    cell = planned.trial.cell
    if plan.options.images != "keep":
        return RECORD_BYTES
    size = parse_size(cell.text("size") or "auto")
    pixels = AUTO_PIXELS if size is None else size.area_px
    per_pixel = BYTES_PER_PIXEL.get(cell.text("output_format") or "png", 1.6)
    return RECORD_BYTES + ceil(pixels * per_pixel) * cell.n


def _rate_limit_s(plan: Plan) -> float | None:
    """A sliding window lets the first minute's worth go at once."""
    requests = Counter(t.trial.cell.endpoint for t in plan.trials)
    images = Counter[str]()
    for planned in plan.trials:
        images[planned.trial.cell.endpoint] += planned.trial.cell.n
    waits = [
        (len(plan.trials), plan.options.rate_rpm),
        *((requests[e.name], e.limits.requests_per_minute) for e in plan.endpoints),
        *((images[e.name], e.limits.images_per_minute) for e in plan.endpoints),
    ]
    known = [(ceil(n / limit) - 1) * 60.0 for n, limit in waits if limit]
    return max(known) if known else None


def _schedule_s(plan: Plan) -> float | None:
    load, last = plan.options.load, len(plan.trials) - 1
    if isinstance(load, Closed) or last < 0:
        return None
    return next(islice(due_offsets_s(load, plan.seed), last, None))


def _price_dates(plan: Plan) -> tuple[PriceDate, ...]:
    return tuple(
        PriceDate(
            endpoint=endpoint,
            model=model,
            vendor=priced.card.vendor,
            valid_from=priced.card.valid_from.isoformat(),
            checked_on=priced.card.checked_on.isoformat(),
            source=priced.card.source,
            own=priced.card.own,
        )
        for (endpoint, model), priced in plan.prices.items()
    )

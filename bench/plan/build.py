"""Build: a suite and endpoints made into cells, trials and prices."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version

from bench.attempt import Cell, Trial
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.journal import now_utc
from bench.load.warmup import MOST_IN_A_SEARCH, marks, n_warmup
from bench.plan.batched import check_batch
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.options import Options
from bench.plan.order import Place, order, pieces_of, trial_id
from bench.plan.prices import (
    Counts,
    PricedModel,
    bound,
    expected_counts,
    price_model,
    priced_of,
)
from bench.prompt import Prompt
from bench.rules.asked import check_asked
from bench.suite import NOT_PARAMETERS, Suite, Value, keep_only
from pricing.book import PriceBook
from pricing.rates import Tier

MOST_TRIALS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line adds to a suite.

    Attributes:
        limit: Only the first so many prompts.
        only: Parameter to the values that stay.
        book: Whose prices hold; the shipped ones if None.
        warm_up: First trials of each endpoint that are warm-up; None goes by rule.
    """

    seed: int | None = None
    limit: int | None = None
    only: Mapping[str, frozenset[str]] = field(
        default_factory=dict[str, frozenset[str]]
    )
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    note: str | None = None
    options: Options = field(default_factory=Options)
    book: PriceBook | None = None
    warm_up: int | None = None


def new_run_id() -> str:
    """A name that sorts by time and is not given twice."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}{secrets.token_hex(2)}"


def build(suite: Suite, endpoints: tuple[Endpoint, ...], wishes: Wishes) -> Plan:
    """Decide everything that is decided before the first request.

    Raises:
        BadInput: A parameter that its model refuses, no price, too much, or nothing
            but warm-up.
    """
    prompts = _first(suite.prompts, wishes.limit)
    variants = keep_only(suite.variants, wishes.only)
    cells = tuple(cell_of(v, endpoint) for v in variants for endpoint in endpoints)
    n_trials = len(cells) * len(prompts) * suite.repeats
    if n_trials > MOST_TRIALS:
        raise BadInput(f"{n_trials:,} trials; a run has at most {MOST_TRIALS:,}")
    if wishes.options.batch:
        check_batch(cells, wishes.warm_up)
    today = datetime.now(UTC).date()
    check_asked(cells, prompts, endpoints, today)
    tier = Tier.BATCH if wishes.options.batch else Tier.STANDARD
    prices = price_cells(cells, endpoints, today, wishes.book, tier)
    seed = secrets.randbelow(2**31) if wishes.seed is None else wishes.seed
    run_id = new_run_id()
    places = order(cells, pieces_of(prompts), suite.repeats, seed)
    costs = _costs(cells, prompts, prices, today)
    in_jobs = wishes.options.batch
    warmup = [False] * len(places) if in_jobs else _warmup(cells, places, wishes)
    return Plan(
        run_id=run_id,
        kind="suite",
        created_at=now_utc(),
        version=version("pixelmeter"),
        seed=seed,
        suite_name=suite.name,
        suite_digest=suite.digest,
        tags=wishes.tags,
        note=wishes.note,
        options=wishes.options,
        prompts=prompts,
        endpoints=endpoints,
        cells=cells,
        prices=prices,
        trials=_trials(run_id, cells, prompts, places, costs, warmup),
    )


def _first(prompts: tuple[Prompt, ...], n: int | None) -> tuple[Prompt, ...]:
    """The first so many prompts, conversations with all their turns; None is all."""
    kept = pieces_of(prompts)[:n]
    return tuple(prompts[index] for piece in kept for index in piece)


def price_cells(
    cells: tuple[Cell, ...],
    endpoints: tuple[Endpoint, ...],
    day: date,
    book: PriceBook | None = None,
    tier: str = Tier.STANDARD,
) -> dict[tuple[str, str], PricedModel]:
    """The rates of every endpoint and model of the cells, in a tier.

    Raises:
        BadInput: Names each endpoint and model without a known price.
    """
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    prices: dict[tuple[str, str], PricedModel] = {}
    unknown: list[str] = []
    asked = [(cell.endpoint, cell.model) for cell in cells]
    asked += [(c.endpoint, c.mainline_model) for c in cells if c.mainline_model]
    for key in dict.fromkeys(asked):
        try:
            prices[key] = price_model(by_name[key[0]], key[1], day, book, tier)
        except BadInput as error:
            unknown.append(str(error))
    if unknown:
        raise BadInput(
            f"no price, so nothing is sent: {'; '.join(unknown)}; "
            "an unknown price is never taken for 0"
        )
    return prices


def cell_of(variant: Mapping[str, Value], endpoint: Endpoint) -> Cell:
    """A variant at an endpoint, whose defaults fill what the variant leaves out.

    Raises:
        BadInput: No model is named, or the endpoint lacks the API.
    """
    wanted = {**endpoint.defaults, **variant}
    model = wanted.pop("model", None)
    if not isinstance(model, str):
        raise BadInput(
            "model: the suite names none in axes or fixed, and "
            f"endpoint {endpoint.name} has no default"
        )
    api, operation = str(wanted["api"]), str(wanted["operation"])
    if api not in endpoint.api:
        raise BadInput(
            f"endpoint {endpoint.name}: api '{api}' is not among its api "
            f"[{', '.join(endpoint.api)}]; ask one of these, or add it there if the "
            "endpoint offers it"
        )
    sent = {k: v for k, v in wanted.items() if k not in NOT_PARAMETERS}
    if sent.get("stream") is False:
        del sent["stream"]
    mainline = wanted.get("mainline_model")
    return Cell(
        endpoint=endpoint.name,
        api=api,
        operation=operation,
        model=model,
        parameters=tuple(sorted(sent.items())),
        mainline_model=None if mainline is None else str(mainline),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    bound_usd: Decimal
    expected: Counts | None
    why_bounded: tuple[str, ...]


def _costs(
    cells: tuple[Cell, ...],
    prompts: tuple[Prompt, ...],
    prices: Mapping[tuple[str, str], PricedModel],
    day: date,
) -> dict[tuple[int, int], _Cost]:
    costs: dict[tuple[int, int], _Cost] = {}
    before = {i: piece[:n] for piece in pieces_of(prompts) for n, i in enumerate(piece)}
    for c, cell in enumerate(cells):
        priced = priced_of(prices, cell)
        for p, prompt in enumerate(prompts):
            turns = tuple(prompts[index] for index in before[p])
            most = bound(priced, cell, prompt, day, turns)
            costs[c, p] = _Cost(
                bound_usd=most.usd,
                expected=expected_counts(priced, cell, prompt, day, turns),
                why_bounded=most.reasons,
            )
    return costs


def _warmup(
    cells: tuple[Cell, ...], places: tuple[Place, ...], wishes: Wishes
) -> list[bool]:
    endpoints = [cells[place.cell].endpoint for place in places]
    if (n_first := wishes.warm_up) is None:
        pairs = [(e, place.cell) for e, place in zip(endpoints, places, strict=True)]
        options = wishes.options
        is_search = options.goal is not None
        n_at_once = MOST_IN_A_SEARCH if is_search else options.concurrency
        n_first = n_warmup(pairs, n_at_once)
    fewest = min(Counter(endpoints).values(), default=0)
    if n_first and n_first >= fewest:
        raise BadInput(
            f"--warm-up {n_first}: an endpoint has {fewest} trials, so none would be "
            "left to measure; name fewer"
        )
    return marks(endpoints, n_first)


def _trials(
    run_id: str,
    cells: tuple[Cell, ...],
    prompts: tuple[Prompt, ...],
    places: tuple[Place, ...],
    costs: Mapping[tuple[int, int], _Cost],
    warmup: Sequence[bool],
) -> tuple[PlannedTrial, ...]:
    trials: list[PlannedTrial] = []
    for position, (place, is_warmup) in enumerate(zip(places, warmup, strict=True)):
        cell, prompt = cells[place.cell], prompts[place.prompt]
        cost = costs[place.cell, place.prompt]
        # The turns of a conversation stand in the order of the run one by one.
        is_next = prompt.turn is not None and prompt.turn > 1
        trial = Trial(
            trial_id=trial_id(run_id, cell, prompt, place.repeat),
            cell=cell,
            prompt_id=prompt.id,
            prompt_text=prompt.text,
            repeat=place.repeat,
            block=place.block,
            position=position,
            references=prompt.inputs,
            mask=prompt.mask,
            after=trials[-1].trial.trial_id if is_next else None,
        )
        trials.append(
            PlannedTrial(
                trial=trial,
                bound_usd=cost.bound_usd,
                expected=cost.expected,
                why_bounded=cost.why_bounded,
                is_warmup=is_warmup,
            )
        )
    return tuple(trials)

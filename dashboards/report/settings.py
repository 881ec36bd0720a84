"""Settings: what was asked, of whom, and at which prices."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from bench.commands.scheduled import load_text
from bench.endpoint import Endpoint
from bench.prompt import Prompt
from bench.words.figures import UNKNOWN
from bench.words.printable import shortened
from bench.words.variants import asked_values, without_usual
from dashboards.report.facts import Facts
from dashboards.report.prose import tags, utc
from dashboards.report.sent import sent_along
from dashboards.report.tables import (
    Table,
    figure_columns,
    marked,
    plain_columns,
    table,
)
from pricing.money import usd_text
from pricing.rates import ImagePrice, Rate, RateCard

MOST_PROMPTS = 100
MOST_LETTERS = 600


def settings_table(facts: Facts) -> Table:
    """How the run was planned and carried out."""
    return table("Settings", plain_columns("what", "value"), _settings(facts))


def _settings(facts: Facts) -> Iterator[Sequence[str]]:
    plan, row = facts.plan, facts.shown.run
    options = plan.options
    digest = f" (SHA-256 {plan.suite_digest[:16]})" if plan.suite_digest else ""
    yield "suite", plan.suite_name + digest
    yield "kind", plan.kind
    yield "planned", utc(row["created_at"])
    yield "asked", _axes(facts)
    if not facts.is_metered:
        yield "seed of the order", str(plan.seed)
        yield "prompts x cells x repeats", _product(facts)
    if (load := load_text(facts.shown)) is not None:
        yield "load", load
    if n_warmup := sum(cell["n_warmup"] for cell in facts.shown.cells):
        yield "warm-up trials, in no latency", str(n_warmup)
    yield "most requests in flight", str(options.concurrency)
    yield "requests a minute", _or_none(options.rate_rpm, "no limit of ours")
    yield "cap, US$", _dollars_or_none(options.max_cost_usd)
    yield "pictures kept", options.images
    yield "tags", tags(row) or UNKNOWN
    yield "note", plan.note or UNKNOWN
    yield "Pixelmeter", plan.version


def _axes(facts: Facts) -> str:
    values: dict[str, list[str]] = {}
    for cell in facts.shown.cells:
        for name, value in without_usual(asked_values(cell)).items():
            known = values.setdefault(name, [])
            if str(value) not in known:
                known.append(str(value))
    return "; ".join(f"{name}: {', '.join(v)}" for name, v in values.items()) or UNKNOWN


def _product(facts: Facts) -> str:
    repeats = max((row["repeat"] for row in facts.trials), default=0)
    n_prompts, n_cells = len(facts.prompts), len(facts.shown.cells)
    return f"{n_prompts:,} x {n_cells:,} x {repeats:,}"


def _or_none(value: object, otherwise: str) -> str:
    return otherwise if value is None else str(value)


def _dollars_or_none(usd: Decimal | None) -> str:
    return "none" if usd is None else usd_text(usd)


def endpoints_table(facts: Facts) -> Table:
    """Who was asked; of the key only the variable's name."""
    simulated = {row["endpoint"] for row in facts.asked if row["simulated"]}
    return table(
        "Endpoints",
        [
            *plain_columns("endpoint", "route", "base URL", "prices", "key in"),
            *figure_columns("timeout, s"),
        ],
        (
            [
                marked(endpoint.name, simulated=endpoint.name in simulated),
                endpoint.route,
                endpoint.base_url,
                _prices(endpoint),
                f"${endpoint.api_key_env}",
                f"{endpoint.timeout_s:g}",
            ]
            for endpoint in facts.plan.endpoints
        ),
    )


def _prices(endpoint: Endpoint) -> str:
    if isinstance(endpoint.prices, str):
        return endpoint.prices
    scheme = endpoint.prices.scheme
    steps = scheme if isinstance(scheme, list) else [scheme]
    return f"{endpoint.prices.of}, {'; '.join(map(_step, steps))}"


def _step(step: dict[str, object]) -> str:
    others = (f"{key} {value}" for key, value in step.items() if key != "kind")
    return f"{step.get('kind')} {', '.join(others)}".strip()


def cards_table(facts: Facts) -> Table:
    """Every frozen card once, with its days and sources."""
    users: dict[str, tuple[RateCard, list[str]]] = {}
    for (endpoint, model), priced in facts.plan.prices.items():
        key = f"{model} {priced.card.to_json()}"
        users.setdefault(key, (priced.card, []))[1].append(endpoint)
    return table(
        "Rates that charges were computed with",
        [
            *plain_columns("book", "model", "rates, US$", "holds from"),
            *plain_columns("checked on", "source", "used for"),
        ],
        (_card(card, endpoints) for card, endpoints in users.values()),
    )


def _card(card: RateCard, endpoints: Sequence[str]) -> Sequence[str]:
    named = [(f"{name}".replace("_", " "), rate) for name, rate in card.rates.items()]
    named += [
        (f"image {price.quality} {price.size or 'any size'}{_area(price)}", price.rate)
        for price in card.images
    ]
    rates = [rate for _, rate in named]
    return (
        f"{card.vendor}, your own" if card.own else card.vendor,
        card.title,
        _amounts(named),
        card.valid_from.isoformat(),
        _distinct(rate.checked_on.isoformat() for rate in rates),
        _distinct(rate.source for rate in rates),
        ", ".join(endpoints),
    )


def _area(price: ImagePrice) -> str:
    return f" for each {price.per_px:,} px begun" if price.per_px else ""


def _amounts(named: Sequence[tuple[str, Rate]]) -> str:
    """A line for each rate; what they are per is said once for those alike."""
    lines: list[str] = []
    for per in dict.fromkeys(rate.per for _, rate in named):
        own = [f"{n} {usd_text(rate.usd)}" for n, rate in named if rate.per == per]
        lines += [*own, f"per {per:,}" if per > 1 else "each"]
    return "\n".join(lines)


def _distinct(texts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(texts))


def prompts_table(facts: Facts) -> Table:
    """What was asked, word for word, as far as it fits."""
    asked = {prompt.id: prompt for prompt in facts.plan.prompts}
    have_some = any(prompt.pictures for prompt in asked.values())
    return table(
        "Prompts",
        plain_columns(
            "prompt", "category", "text", *(["sent along"] if have_some else [])
        ),
        (
            [
                row["prompt_id"],
                row["category"] or UNKNOWN,
                shortened(row["text"], MOST_LETTERS),
                *([_along(asked.get(row["prompt_id"]))] if have_some else []),
            ]
            for row in facts.prompts[:MOST_PROMPTS]
        ),
    )


def _along(prompt: Prompt | None) -> str:
    return (sent_along(prompt) if prompt else "") or UNKNOWN

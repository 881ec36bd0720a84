"""Options: how a run is carried out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from bench.load.model import Closed, Goal, Load, parse_goal, parse_load

# How long somebody waits is no property of what is measured.
_OF_ONE_PROCESS = ("wait_s", "look_every_s", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is carried out; `resume` may change any of it for itself.

    Attributes:
        rate_rpm: Requests a minute over all endpoints together.
        images: `keep`, `thumb`, `hash` or `none`.
        wave: Trials that are sent together before a pause; None sends on.
        wave_pause_s: The pause between two waves.
        load: When requests begin.
        goal: What the highest rate is sought for; None seeks none.
        batch: As jobs of the Batch API, in place of one request after the other.
        wait_s: How long this process waits for jobs; None until they end.
        cancel: Jobs that have not ended are broken off, and no more are made.
        look_every_s: The first pause between two looks at a job; it grows.
    """

    concurrency: int = 4
    rate_rpm: int | None = None
    max_cost_usd: Decimal | None = None
    images: str = "keep"
    max_failed_share: float = 0.2
    wave: int | None = None
    wave_pause_s: float = 2.0
    load: Load = field(default_factory=Closed)
    goal: Goal | None = None
    batch: bool = False
    wait_s: float | None = None
    cancel: bool = False
    look_every_s: float = 5.0

    @property
    def is_open(self) -> bool:
        """Whether requests begin by a schedule, whatever the endpoint does."""
        return self.goal is not None or not isinstance(self.load, Closed)


def options_to_json(options: Options) -> dict[str, Any]:
    """Options as plain data, without those of one process alone."""
    cap_usd, goal = options.max_cost_usd, options.goal
    content = asdict(options)
    for name in ("goal", *_OF_ONE_PROCESS):
        del content[name]
    return {
        **content,
        "max_cost_usd": None if cap_usd is None else format(cap_usd, "f"),
        "load": str(options.load),
        "find_rate": None if goal is None else str(goal),
    }


def options_from_json(content: Mapping[str, Any]) -> Options:
    """Read what `options_to_json` wrote, now or before there were schedules."""
    cap_usd, goal = content["max_cost_usd"], content.get("find_rate")
    given = {name: value for name, value in content.items() if name != "find_rate"}
    options: dict[str, Any] = {
        **given,
        "max_cost_usd": None if cap_usd is None else Decimal(cap_usd),
        "load": parse_load(content.get("load", "closed")),
        "goal": None if goal is None else parse_goal(goal),
    }
    return Options(**options)

"""Choosing: options of the command line made into plans."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bench.attempt import Cell
from bench.endpoint import Endpoint, choose, read_endpoints
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.images.shelf import Keep
from bench.inputs.suite import with_pictures
from bench.load.model import Constant, Load, Rate, parse_goal, parse_load, steady
from bench.plan.build import Wishes, build
from bench.plan.frozen import Plan
from bench.plan.options import Options
from bench.rules.life import notes_on_life
from bench.suite import read_suite
from bench.turns import check_schedule
from pricing.book import PriceBook

_COUNT = re.compile(r"[0-9]{1,7}", re.ASCII)
# Under a schedule it is a ceiling that should not bind.
SCHEDULED_AT_ONCE = 1000
FIRST_RATE = Constant(rate=Rate(n=Decimal(1), unit="s"))
_AMOUNT = re.compile(r"(?=\.?[0-9])[0-9]{0,12}(\.[0-9]{0,40})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which endpoints are meant, as the command line says it."""

    endpoints_file: Path | None
    names: tuple[str, ...]
    route: str | None = None
    prices: str | None = None

    def read(self, data: DataFolder) -> tuple[Endpoint, ...]:
        """The endpoints that the command line names.

        Raises:
            BadInput: The file is missing or can't be used, or a name is wrong.
        """
        path = self.endpoints_file or data.endpoints
        if self.endpoints_file is None and not path.is_file():
            raise BadInput(
                f"{path} does not exist; name an endpoints file with --endpoints FILE"
            )
        known = read_endpoints(path, self.route, self.prices)
        return choose(path, known, self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How to carry a plan out, as far as the command line says it."""

    concurrency: int | None = None
    rate_rpm: int | None = None
    max_cost: str | None = None
    images: str | None = None
    max_failed_share: float | None = None
    wave: int | None = None
    wave_pause_s: float | None = None
    load: str | None = None
    find_rate: str | None = None
    batch: bool | None = None
    wait_s: float | None = None
    look_every_s: float | None = None
    cancel: bool = False

    def over(self, options: Options) -> Options:
        """The options with what was given in place of what stood there.

        Raises:
            BadInput: A value can't be used.
        """
        given = {
            "concurrency": self.concurrency,
            "rate_rpm": self.rate_rpm,
            "max_cost_usd": dollars("--max-cost", self.max_cost),
            "images": _images(self.images),
            "max_failed_share": self.max_failed_share,
            "wave": self.wave,
            "wave_pause_s": self.wave_pause_s,
            "load": self._first_load(),
            "goal": None if self.find_rate is None else parse_goal(self.find_rate),
            "batch": self.batch or None,
            "wait_s": self.wait_s,
            "look_every_s": self.look_every_s,
            "cancel": self.cancel or None,
        }
        named = {name: value for name, value in given.items() if value is not None}
        chosen = replace(options, **named)  # pyright: ignore[reportArgumentType]
        self._check_batch(chosen)
        if self.load is not None and self.find_rate is None:
            # Who names a model wants that one, not the search of the plan.
            chosen = replace(chosen, goal=None)
        if self.concurrency is None and chosen.is_open != options.is_open:
            at_once = SCHEDULED_AT_ONCE if chosen.is_open else Options().concurrency
            chosen = replace(chosen, concurrency=at_once)
        if chosen.is_open and self.wave is not None:
            raise BadInput(
                f"--wave {chosen.wave}: waves wait for answers, a schedule "
                f"({chosen.load}) does not; leave one of them out"
            )
        # Waves of the plan that is resumed can't be left out by its user.
        return replace(chosen, wave=None) if chosen.is_open else chosen

    def _check_batch(self, chosen: Options) -> None:
        """Refuse what jobs leave no place for.

        Raises:
            BadInput: An option contradicts another.
        """
        paced = {
            "--load": self.load,
            "--find-rate": self.find_rate,
            "--wave": self.wave,
            "--rate": self.rate_rpm,
        }
        if chosen.batch:
            for option in (name for name, value in paced.items() if value is not None):
                raise BadInput(
                    f"{option}: the Batch API itself decides when a job's requests "
                    "are sent; leave it out, or --batch"
                )
        elif self.cancel:
            raise BadInput(
                "--cancel: jobs of the Batch API alone can be cancelled, and this run "
                "has none; Ctrl-C ends a run that sends"
            )
        elif self.wait_s is not None or self.look_every_s is not None:
            option = "--wait" if self.wait_s is not None else "--look-every"
            raise BadInput(f"{option}: jobs alone are waited for; add --batch")

    def _first_load(self) -> Load | None:
        """The load model; a search has a rate that it begins at."""
        load = None if self.load is None else parse_load(self.load)
        if self.find_rate is None:
            return load
        return steady(load or FIRST_RATE)


def dollars(option: str, text: str | None) -> Decimal | None:
    """An amount of US dollars as it was typed.

    Raises:
        BadInput: It is no amount, or negative.
    """
    if text is None:
        return None
    # An exponent of a few signs would be written out as megabytes of zeros.
    if not _AMOUNT.fullmatch(text):
        raise BadInput(
            f"{option}: '{text[:60]}' should be an amount in USD, such as 2.50"
        )
    return Decimal(text)


def _images(text: str | None) -> str | None:
    if text is not None and text not in set(Keep):
        raise BadInput(f"--images: '{text}' should be keep, thumb, hash or none")
    return text


def pairs(option: str, texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    """`K=V` options, split.

    Raises:
        BadInput: One has no `=`, or nothing before it.
    """
    found: list[tuple[str, str]] = []
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise BadInput(f"{option}: '{text}' should read NAME=VALUE")
        found.append((key, value))
    return tuple(found)


def wishes(
    *,
    seed: int | None,
    limit: int | None,
    only: list[str] | None,
    tags: list[str] | None = None,
    note: str | None = None,
    warm_up: str | None = None,
    options: Options,
) -> Wishes:
    """The wishes of a command line.

    Raises:
        BadInput: An option can't be used.
    """
    values: dict[str, set[str]] = {}
    for key, value in pairs("--only", only):
        values.setdefault(key, set()).add(value)
    return Wishes(
        seed=seed,
        limit=limit,
        only={key: frozenset(wanted) for key, wanted in values.items()},
        tags=dict(pairs("--tag", tags)),
        note=note,
        warm_up=_warm_up(warm_up),
        options=options,
    )


def _warm_up(text: str | None) -> int | None:
    if text is None or text == "auto":
        return None
    if not _COUNT.fullmatch(text):
        raise BadInput(
            f"--warm-up: '{text[:60]}' should be auto or a number of trials, such as 10"
        )
    return int(text)


def planned(
    suite: Path,
    endpoints: tuple[Endpoint, ...],
    wanted: Wishes,
    book: PriceBook | None = None,
) -> Plan:
    """The plan of a suite file at the chosen endpoints, at a book's prices.

    Raises:
        BadInput: Names the suite file, the key and the value.
    """
    read = read_suite(suite)
    try:
        read = with_pictures(read)
        plan = build(read, endpoints, replace(wanted, book=book))
        check_schedule(plan.options, plan.trials)
    except BadInput as error:
        is_option = str(error).startswith("--")
        raise BadInput(str(error) if is_option else f"{suite}: {error}") from None
    return plan


def notes(plan: Plan) -> tuple[str, ...]:
    """What looks wrong about a plan but may be meant, a sentence each."""
    doubts = [doubt for endpoint in plan.endpoints for doubt in endpoint.doubts()]
    return (*doubts, *notes_on_ends(plan.cells, plan.endpoints))


def notes_on_ends(
    cells: Iterable[Cell], endpoints: Iterable[Endpoint]
) -> tuple[str, ...]:
    """Models that end soon, or that have ended, a sentence each."""
    return notes_on_life(cells, endpoints, datetime.now(UTC).date())


def keys_of(
    endpoints: tuple[Endpoint, ...], variables: Mapping[str, str]
) -> dict[str, str]:
    """The secrets that are set, by their variable; white space around is cut."""
    names = {endpoint.api_key_env for endpoint in endpoints}
    return {name: variables[name].strip() for name in names if name in variables}

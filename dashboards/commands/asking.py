"""Asking: a scenario from a file, from a run, or from price options."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from bench.commands.choosing import dollars
from bench.document import check
from bench.errors import BadInput
from bench.scenario.form import FAILED, Failing, Part, Scenario
from bench.scenario.reading import check_scenario, read_scenario
from bench.scenario.written import read_growth, read_month, read_share
from bench.studies.outlook import Outlook, choices_of_run, outlook
from bench.studies.priced import Pricer

IMAGES_PER_MONTH = 10_000
_VOLUME = ("images_per_month", "months", "growth", "start")
_SHARES = ("cache_hit_share", "batch_share")
_TERMS = (*_SHARES, *FAILED)
_FEES = ("monthly_fee_usd", "setup_usd")
_VARIANT = ("model", "quality", "size")
_BOOK = ("provider", "as_of", "tier", "input_text_tokens")
_SHIPPED = re.compile(r"[a-z0-9-]{1,40}")
_TIERS = ("standard", "batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to project, what is to be said beside it, and the file that asks."""

    scenario: Scenario
    notes: tuple[str, ...] = ()
    file: str | None = None

    def projected(self, pricer: Pricer) -> Outlook:
        """Its figures.

        Raises:
            BadInput: Names the file, if it was one, and the alternative.
        """
        try:
            return outlook(self.scenario, pricer)
        except BadInput as error:
            raise BadInput(
                f"{self.file}: {error}" if self.file else str(error)
            ) from None


def asked(
    file: str | None, run: str | None, given: Mapping[str, Any], pricer: Pricer
) -> Asked:
    """The scenario of a command line.

    Args:
        file: A scenario file, or the name of a shipped one.
        run: A run to take measured costs from.
        given: The other options, by name.
        pricer: What reads the run.

    Raises:
        BadInput: Names the option, or file, key and value.
    """
    if file is not None:
        _refuse("a scenario file holds the prices", given, but=(*_VOLUME, *_TERMS))
        if run is not None:
            raise BadInput("--from-run: a scenario file names its runs itself")
        _start(given)
        changed = _changed(_file(file), given)
        return Asked(scenario=changed, notes=_noted(given), file=file)
    _growth(given)
    _start(given)
    if run is not None:
        may = (*_VOLUME, *_VARIANT, "cache_hit_share")
        _refuse("--from-run measures the prices", given, but=may)
        return _from_run(run, given, pricer)
    return Asked(scenario=_from_prices(given))


def _file(name: str) -> Scenario:
    path = Path(name)
    if path.exists() or not _SHIPPED.fullmatch(name):
        return read_scenario(path)
    folder = resources.files("bench") / "starter" / "scenarios"
    shipped = folder / f"{name}.yaml"
    if not shipped.is_file():
        names = sorted(one.name.removesuffix(".yaml") for one in folder.iterdir())
        raise BadInput(
            f"{name}: there is no such scenario file; shipped is {', '.join(names)}"
        )
    with resources.as_file(shipped) as found:
        return read_scenario(found)


def _changed(scenario: Scenario, given: Mapping[str, Any]) -> Scenario:
    """The scenario with what the options say in place of its own."""
    changes = _volume(given)
    is_listed = isinstance(scenario.images_per_month, tuple)
    counted = changes.keys() - {"start"}
    if is_listed and counted and "images_per_month" not in changes:
        raise BadInput(
            f"--{min(counted)}: the scenario lists each month; give "
            "--images-per-month too"
        )
    changed = scenario.model_copy(update={**changes, **_terms(given, scenario)})
    check_scenario(changed)
    return changed


def _noted(given: Mapping[str, Any]) -> tuple[str, ...]:
    """What is not the scenario's own; its description may say otherwise."""
    if not given:
        return ()
    options = ", ".join(f"{_option(key)} {value}" for key, value in given.items())
    changed = f"changed on the command line: {options}"
    return (f"{changed}; what the scenario says of itself is of its own figures",)


def _terms(
    given: Mapping[str, Any], scenario: Scenario | None = None
) -> dict[str, Any]:
    """What the options say of cache, batch and failures, the latter all or in part."""
    found: dict[str, Any] = {
        key: _share(key, given[key]) for key in _SHARES if key in given
    }
    failed = {key: _share(key, given[key]) for key in FAILED if key in given}
    if failed:
        own = scenario.failures if scenario else None
        if own and own.from_run is not None:
            raise BadInput(
                f"{_option(min(failed))}: the scenario takes its failures from a run; "
                "leave it out"
            )
        found["failures"] = (own or Failing()).model_copy(update=failed)
    return found


def _share(key: str, text: str) -> Decimal:
    try:
        return read_share(text)
    except ValueError as error:
        raise BadInput(f"{_option(key)}: {error}, not '{text[:60]}'") from None


def _from_run(run: str, given: Mapping[str, Any], pricer: Pricer) -> Asked:
    measured = pricer.run(run)
    part = Part.model_construct(**{key: given.get(key) for key in _VARIANT})
    choices, notes = choices_of_run(measured, part)
    # Not checked as people's files are: a run may hold longer names.
    scenario = Scenario.model_construct(
        name=f"run {measured.run_id}",
        baseline=choices[0].name,
        alternatives=choices,
        **{"images_per_month": IMAGES_PER_MONTH, **_volume(given), **_terms(given)},
    )
    return Asked(scenario=scenario, notes=notes)


def _from_prices(given: Mapping[str, Any]) -> Scenario:
    named = {key: given[key] for key in _VARIANT if key in given}
    title = " ".join(named.values())
    content: dict[str, Any] = {
        "name": title[:100] if title.isprintable() and title else "prices as given",
        "images_per_month": IMAGES_PER_MONTH,
        "baseline": "direct",
        "alternatives": [_direct(given), *_gateway(given)],
        **{key: given[key] for key in _VOLUME if key in given},
    }
    if named:
        content["mix"] = [named]
    if "from_usage" in given:
        if named:
            raise BadInput(
                f"{_option(min(named))}: --from-usage says what is asked; leave it out"
            )
        content["mix"] = {"from_usage": given["from_usage"]}
    # What an option of its own refuses has been refused before.
    scenario = check(Path("options"), content, Scenario)
    changed = scenario.model_copy(update=_terms(given))
    check_scenario(changed)
    return changed


def _direct(given: Mapping[str, Any]) -> dict[str, Any]:
    usd = dollars("--direct-usd", given.get("direct_usd"))
    book = {key: given[key] for key in _BOOK if key in given}
    if usd is not None:
        if book:
            raise BadInput(
                f"{_option(min(book))}: --direct-usd is the price; give one of them"
            )
        return {"name": "direct", "usd_per_image": usd}
    if "provider" not in book and not {"model", "from_usage"} & given.keys():
        raise BadInput(
            "there is no direct price: name a scenario file, --from-run RUN, "
            "--direct-usd, or --model, --quality and --size for a price book"
        )
    if book.get("tier", "standard") not in _TIERS:
        raise BadInput(f"--tier {book['tier']}: choose {' or '.join(_TIERS)}")
    return {"name": "direct", "book": book}


def _gateway(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    usd = dollars("--gateway-usd", given.get("gateway_usd"))
    factor = dollars("--multiplier", given.get("multiplier"))
    fees = {key: dollars(_option(key), given[key]) for key in _FEES if key in given}
    if fees and usd is None and factor is None:
        raise BadInput(
            f"{_option(min(fees))}: it is the gateway's; give --gateway-usd or "
            "--multiplier too"
        )
    if usd is not None and factor is not None:
        raise BadInput("--multiplier: --gateway-usd is the price; give one of them")
    if usd is not None:
        return [{"name": "gateway", "usd_per_image": usd, **fees}]
    if factor is not None:
        of = {"alternative": "direct", "multiplier": factor}
        return [{"name": "gateway", "of": of, **fees}]
    return []


def _volume(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say of volume, growth as a share."""
    found = {key: given[key] for key in _VOLUME if key in given}
    return {**found, **({"growth": _growth(given)} if "growth" in given else {})}


def _growth(given: Mapping[str, Any]) -> Decimal | None:
    if "growth" not in given:
        return None
    try:
        return read_growth(given["growth"])
    except ValueError as error:
        raise BadInput(f"--growth: {error}, not '{given['growth']}'") from None


def _start(given: Mapping[str, Any]) -> None:
    try:
        read_month(given.get("start", "2000-01"))
    except ValueError as error:
        raise BadInput(f"--start: {error}, not '{given['start'][:60]}'") from None


def _refuse(why: str, given: Mapping[str, Any], but: Iterable[str]) -> None:
    for key in given:
        if key not in set(but):
            raise BadInput(f"{_option(key)}: {why}; leave it out")


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"

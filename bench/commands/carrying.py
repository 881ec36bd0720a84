"""Carrying: a plan carried out for a person at the command line."""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import typer

from bench.commands.choosing import keys_of
from bench.commands.watching import watcher
from bench.endpoint import missing_keys
from bench.environment import read_environment
from bench.errors import BadInput, NoCredentials, StorageFailed
from bench.folder import DataFolder, make_folder
from bench.plan.forecast import Forecast, forecast
from bench.plan.frozen import Options, Plan, freeze
from bench.runner import Ending, Runner
from bench.store.status import run_status
from bench.words.figures import bytes_text, dollars

ASK_ABOVE_USD = Decimal("0.50")
DISK_MARGIN_BYTES = 1_000_000
CODES = {
    "user": 130,
    "storage": 6,
    "credentials": 3,
    "budget": 5,
    "quota": 5,
    "stall": 5,
}
TOO_MANY_FAILURES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where this process works and what it knows of its environment."""

    data: DataFolder
    variables: Mapping[str, str]

    @classmethod
    def begin(cls, data: Path | None) -> "Session":
        """Read the environment and `.env`; choose the data folder."""
        environment = read_environment()
        if environment.note:
            typer.echo(f"note: {environment.note}", err=True)
        folder = DataFolder.choose(data, environment.variables)
        return cls(data=folder, variables=environment.variables)


def start(session: Session, plan: Plan, *, agreed: bool, as_json: bool) -> int:
    """Freeze a plan and carry it out; returns the exit code.

    Raises:
        NoCredentials: A key is missing.
        BadInput: Nobody agreed to the dollars.
        StorageFailed: There is no room for the run.
    """
    figures = forecast(plan)
    for endpoint in plan.endpoints:
        for doubt in endpoint.doubts():
            typer.echo(f"note: {doubt}", err=True)
    _check_keys(session, plan)
    cap_usd = plan.options.max_cost_usd
    worst_usd = figures.worst_case_usd
    _agree(figures, worst_usd if cap_usd is None else min(worst_usd, cap_usd), agreed)
    make_folder(session.data.root)
    _check_disk(session.data, figures)
    run = session.data.run(plan.run_id)
    freeze(plan, run)
    return _carry_out(session, plan, plan.options, "run", as_json=as_json)


def again(
    session: Session, plan: Plan, options: Options, *, agreed: bool, as_json: bool
) -> int:
    """Carry out what a run left; returns the exit code.

    Raises:
        NoCredentials: A key is missing.
        BadInput: Nobody agreed to a higher cap.
    """
    _check_keys(session, plan)
    before, now = plan.options.max_cost_usd, options.max_cost_usd
    if before is not None and now is not None and now > before:
        _agree(forecast(plan), now - before, agreed)
    return _carry_out(session, plan, options, "resume", as_json=as_json)


def _check_keys(session: Session, plan: Plan) -> None:
    missing = missing_keys(plan.endpoints, session.variables)
    if missing:
        users = ", ".join(e.name for e in plan.endpoints if e.api_key_env == missing[0])
        raise NoCredentials(
            f"environment variable {missing[0]} (the key of endpoint {users}) is not "
            "set; export it or write it into .env"
        )


def _agree(figures: Forecast, worst_usd: Decimal, agreed: bool) -> None:
    if agreed or worst_usd <= ASK_ABOVE_USD:
        return
    bounded = " (bounded)" if figures.is_bounded else ""
    sentence = (
        f"{figures.n_trials} trials, expected {dollars(figures.expected_usd)}, "
        f"worst case {dollars(worst_usd)}{bounded}"
    )
    if not sys.stdin.isatty():
        raise BadInput(f"{sentence}: above {ASK_ABOVE_USD} USD, so add --yes to agree")
    if not typer.confirm(f"{sentence}. Send them?", err=True):
        raise BadInput("nothing was sent: you did not agree")


def _check_disk(data: DataFolder, figures: Forecast) -> None:
    free_bytes = shutil.disk_usage(data.root).free
    needed_bytes = figures.disk_bytes + DISK_MARGIN_BYTES
    if free_bytes < needed_bytes:
        raise StorageFailed(
            f"{data.root}: {bytes_text(free_bytes)} free, the run needs about "
            f"{bytes_text(needed_bytes)}; nothing was sent; make room, choose another "
            "folder with --data, or keep less with --images hash"
        )


def _carry_out(
    session: Session, plan: Plan, options: Options, command: str, *, as_json: bool
) -> int:
    ending = send(session, plan, options, command)
    status = run_status(session.data, plan.run_id)
    if ending.stopped_by == "storage":
        # The disk that is full could not take the run's last line either.
        status |= {"state": ending.state, "stopped_by": ending.stopped_by}
    code = exit_code(ending, status["trials"], options.max_failed_share)
    _answer(command, status, ending, as_json=as_json)
    return code


def send(session: Session, plan: Plan, options: Options, command: str) -> Ending:
    """Send what is left of a frozen plan, watched on standard error.

    Raises:
        RunBusy: Another process has the run.
        StorageFailed: The journal could not be opened.
    """
    keys = keys_of(plan.endpoints, session.variables)
    with (
        session.data.run(plan.run_id).hold(),
        watcher(plan.run_id) as watching,
    ):
        runner = Runner(plan, session.data, keys, options, watching)
        return asyncio.run(runner.run(command))


def exit_code(ending: Ending, trials: Mapping[str, int], most_failed: float) -> int:
    """The code that a run ends with, by its ending and its trials."""
    if ending.stopped_by is not None:
        return CODES[ending.stopped_by]
    n_bad = trials["failed"] + trials["not_sent"]
    return TOO_MANY_FAILURES if n_bad > most_failed * trials["planned"] else 0


def _answer(
    command: str, status: dict[str, Any], ending: Ending, *, as_json: bool
) -> None:
    if ending.reason:
        typer.echo(f"{ending.stopped_by}: {ending.reason}", err=True)
    if as_json:
        answer = {
            "schema": f"pixelmeter.{command}/1",
            **status,
            "reason": ending.reason,
        }
        typer.echo(orjson.dumps(answer).decode())
        return
    trials = status["trials"]
    counts = ", ".join(
        f"{trials[name]} {name.replace('_', ' ')}"
        for name in ("done", "failed", "possibly_billed", "not_sent")
        if trials[name] or name == "done"
    )
    typer.echo(
        f"run {status['run_id']} {status['state']}: {counts} of {trials['planned']} "
        f"trials, {status['attempts']} requests"
    )
    charge, held = Decimal(status["charge_usd"]), Decimal(status["possibly_billed_usd"])
    possibly = f", and up to {dollars(held)} possibly billed" if held else ""
    typer.echo(f"charged {dollars(charge)}{possibly}")
    typer.echo(f"look at it with: pixelmeter show {status['run_id']}")

"""Carrying: a plan carried out for a person at the command line."""

import asyncio
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import typer

from bench.commands.choosing import keys_of, notes, notes_on_ends
from bench.commands.ending import Told, exit_code
from bench.commands.finding import check_search
from bench.commands.watching import watcher
from bench.endpoint import Endpoint
from bench.environment import read_environment
from bench.errors import BadInput, NoCredentials, StorageFailed
from bench.folder import DataFolder, make_folder
from bench.inputs.suite import keep_pictures
from bench.journal import read_run
from bench.plan.forecast import Forecast, forecast
from bench.plan.frozen import Plan, freeze, read_plan
from bench.plan.options import Options
from bench.record import read_history
from bench.standing import Ending
from bench.turns import check_schedule
from bench.words.figures import bytes_text, dollars, expected_dollars, so_many

ASK_ABOVE_USD = Decimal("0.50")
DISK_MARGIN_BYTES = 1_000_000


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

    @property
    def where(self) -> str:
        """What a further command needs to find the same data folder."""
        found_anyway = DataFolder.choose(None, self.variables)
        root = shlex.quote(str(self.data.root))
        return "" if self.data == found_anyway else f" --data {root}"


def start(
    session: Session, plan: Plan, suite: Path, *, agreed: bool, as_json: bool
) -> int:
    """Freeze the plan of a suite and carry it out; returns the exit code.

    Raises:
        NoCredentials: A key is missing.
        BadInput: Nobody agreed to the dollars, or a search could say nothing.
        StorageFailed: There is no room for the run.
    """
    check_search(plan.options, len(plan.endpoints), plan.trials)
    figures = forecast(plan)
    for doubt in notes(plan):
        typer.echo(f"note: {doubt}", err=True)
    for price in figures.price_dates:
        if price.own:
            said = f"{price.model} at {price.endpoint} is priced by your own book"
            typer.echo(f"note: {said} ({price.source})", err=True)
    check_keys(session, plan.endpoints)
    cap_usd, worst_usd = plan.options.max_cost_usd, figures.worst_case_usd
    if cap_usd is not None:
        worst_usd = min(worst_usd, cap_usd)
    bounded = " (bounded)" if figures.is_bounded else ""
    expected = expected_dollars(
        figures.expected_usd, figures.n_trials, figures.n_without_rule
    )
    agree_to(
        f"{so_many(figures.n_trials, 'trial')}, expected {expected}, "
        f"worst case {dollars(worst_usd)}{bounded}",
        worst_usd,
        agreed=agreed,
    )
    make_folder(session.data.root)
    _check_disk(session.data, figures)
    run = session.data.run(plan.run_id)
    keep_pictures(session.data, suite, plan.prompts)
    freeze(plan, run)
    return _carry_out(session, plan, plan.options, "run", as_json=as_json)


def again(
    session: Session, plan: Plan, options: Options, *, agreed: bool, as_json: bool
) -> int:
    """Carry out what a run left; returns the exit code.

    Raises:
        NoCredentials: A key that is still needed is missing.
        BadInput: Nobody agreed to a higher cap, or a search could say nothing.
    """
    history = read_history(read_run(session.data.run(plan.run_id)))
    left = history.left(plan.trials)
    due = (*left, *history.in_jobs(plan.trials))
    check_keys(session, plan.endpoints_of(due))
    if left:
        check_schedule(options, left)
        check_search(options, len(plan.endpoints_of(left)), left)
        for note in notes_on_ends((one.trial.cell for one in left), plan.endpoints):
            typer.echo(f"note: {note}", err=True)
    before, now = plan.options.max_cost_usd, options.max_cost_usd
    if before is not None and now is not None and now > before:
        more_usd = min(forecast(plan).worst_case_usd, now - before)
        agree_to(
            f"--max-cost rises from {before} to {now} USD, so up to "
            f"{dollars(more_usd)} more can be spent",
            more_usd,
            agreed=agreed,
        )
    return _carry_out(session, plan, options, "resume", as_json=as_json)


def check_keys(session: Session, endpoints: tuple[Endpoint, ...]) -> None:
    """See that the key of each endpoint is there.

    Raises:
        NoCredentials: One is missing, or can't be a key.
    """
    for endpoint in endpoints:
        name = endpoint.api_key_env
        key = session.variables.get(name, "").strip()
        whose = f"environment variable {name} (the key of endpoint {endpoint.name})"
        if not key:
            raise NoCredentials(f"{whose} is not set; export it or write it into .env")
        if not re.fullmatch("[!-~]+", key):
            raise NoCredentials(
                f"{whose} holds white space or signs that no key has; copy it anew"
            )


def agree_to(sentence: str, worst_usd: Decimal, *, agreed: bool) -> None:
    """Ask before more than `ASK_ABOVE_USD` may be spent.

    Raises:
        BadInput: Nobody agreed.
    """
    if agreed or worst_usd <= ASK_ABOVE_USD:
        return
    # Started with a closed standard input there is none.
    if sys.stdin is None or not sys.stdin.isatty():
        raise BadInput(f"{sentence}: above {ASK_ABOVE_USD} USD, so add --yes to agree")
    try:
        is_agreed = typer.confirm(f"{sentence}. Go on?", err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    if not is_agreed:
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
    whole = read_plan(session.data.run(plan.run_id).plan)
    told = Told.read(session.data, whole, ending, where=session.where)
    if as_json:
        told.print_json(command)
    else:
        told.print_words()
    return exit_code(ending, told.status["trials"], options.max_failed_share)


def send(session: Session, plan: Plan, options: Options, command: str) -> Ending:
    """Send what is left of a frozen plan, watched on standard error.

    Raises:
        RunBusy: Another process has the run.
        StorageFailed: The journal could not be opened.
    """
    # The official library takes longer to load than all else before a request.
    from bench.jobs.runner import JobRunner
    from bench.runner import Runner

    keys = keys_of(plan.endpoints, session.variables)
    with (
        session.data.run(plan.run_id).hold(),
        watcher(plan.run_id) as watching,
    ):
        carrier = JobRunner if options.batch else Runner
        runner = carrier(plan, session.data, keys, options, watching)
        return asyncio.run(runner.run(command))

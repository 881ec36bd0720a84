"""Ending: how a run that just stopped is told, and its exit code."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson
import typer

from bench.commands.finding import found_fields, found_lines
from bench.commands.jobbing import job_answers, job_line
from bench.endpoint import Endpoint
from bench.errors import BenchError
from bench.folder import DataFolder
from bench.jobs.job import Job, jobs_in
from bench.journal import read_run
from bench.plan.frozen import Plan
from bench.record import LastAttempt, RunHistory, read_history
from bench.standing import Ending
from bench.words.figures import dollars, so_many
from bench.words.limited import limited_sentence
from bench.words.offered import offered_text
from bench.words.refused import cure_of
from bench.words.served import other_than_asked
from pricing.money import usd_text

CODES = {
    "user": 130,
    "storage": 6,
    "credentials": 3,
    "budget": 5,
    "quota": 5,
    "stall": 5,
}
TOO_MANY_FAILURES = 4
MOST_REASONS = 8
_NO_API = frozenset({"html", "bad_json"})
_NOT_FOUND = frozenset({404, 405})


def exit_code(ending: Ending, trials: Mapping[str, int], most_failed: float) -> int:
    """The code that a run ends with, by its ending and its trials."""
    if ending.stopped_by is not None:
        return CODES[ending.stopped_by]
    n_bad = trials["failed"] + trials["not_sent"]
    n_due = trials["planned"]
    if ending.found is not None:
        # A search leaves the trials that it does not need.
        n_bad, n_due = trials["failed"], trials["planned"] - trials["not_sent"]
    return TOO_MANY_FAILURES if n_bad > most_failed * n_due else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run that stopped, as its user is told.

    Attributes:
        status: The members of `bench.store.status.run_status`.
        reasons: Why trials have no picture, or another than asked, a sentence
            a kind.
        simulated: Endpoints whose answers came from an emulator.
        n_left: Trials that `resume` would send.
        where: What a further command needs to find the run, ` --data DIR`.
        paced: What its schedule offered, as `bench.store.queries.offered` has it.
        jobs: Of the Batch API; none where requests went one by one.
    """

    status: dict[str, Any]
    ending: Ending
    reasons: tuple[str, ...]
    simulated: tuple[str, ...]
    n_left: int
    where: str
    paced: dict[str, Any] | None = None
    jobs: tuple[Job, ...] = ()

    @classmethod
    def read(
        cls, data: DataFolder, plan: Plan, ending: Ending, *, where: str = ""
    ) -> "Told":
        """Read the records of a run; its index is made current.

        An index that can't be used is told on stderr: the records are whole
        without it.

        Raises:
            DamagedJournal: What was sent can't be known.
        """
        from bench.store.index import open_index
        from bench.store.queries import offered
        from bench.store.served import served_otherwise
        from bench.store.status import run_status

        history = read_history(read_run(data.run(plan.run_id)))
        remarks: tuple[str, ...] = ()
        paced: dict[str, Any] | None = None
        try:
            status = run_status(data, plan.run_id)
            with open_index(data) as con:
                remarks = other_than_asked(served_otherwise(con, plan.run_id))
                paced = offered(con, plan.run_id)
        except BenchError as error:
            typer.echo(
                f"note: the run is recorded, its index is not: {error}", err=True
            )
            status = journal_status(plan, history, ending)
        if ending.stopped_by == "storage":
            # The disk that is full could not take the run's last line either.
            status |= {"state": ending.state, "stopped_by": ending.stopped_by}
        return cls(
            status=status,
            ending=ending,
            reasons=(*why(history, plan.endpoints), *remarks),
            simulated=tuple(sorted(history.simulated)),
            n_left=len(history.left(plan.trials)),
            where=where,
            paced=paced,
            jobs=jobs_in(data.run(plan.run_id)),
        )

    def print_json(self, command: str) -> None:
        """One object on stdout; what people should read on stderr."""
        self._print_stop()
        found = self.ending.found
        for reason in self.reasons:
            typer.echo(reason, err=True)
        answer = {
            "schema": f"pixelmeter.{command}/1",
            **self.status,
            "reason": self.ending.reason,
            **({"schedule": self.paced} if self.paced else {}),
            **({"find_rate": found_fields(found)} if found else {}),
            **({"jobs": job_answers(self.jobs)} if self.jobs else {}),
        }
        typer.echo(orjson.dumps(answer).decode())

    def print_words(self) -> None:
        """What became of the trials, why, what it cost, and what to do next."""
        self._print_stop()
        status, trials = self.status, self.status["trials"]
        counts = ", ".join(
            f"{trials[name]} {name.replace('_', ' ')}"
            for name in ("done", "failed", "possibly_billed", "not_sent")
            if trials[name] or name == "done"
        )
        typer.echo(
            f"run {status['run_id']} {status['state']}: {counts} of "
            f"{so_many(trials['planned'], 'trial')}, "
            f"{so_many(status['attempts'], 'request')}"
        )
        found = self.ending.found
        lines = [offered_text(self.paced)] if self.paced else []
        lines += found_lines(found) if found else []
        lines += map(job_line, self.jobs)
        limited = limited_sentence(self.status)
        for line in (*lines, *self.reasons, self._money(), limited):
            if line:
                typer.echo(line)
        name = f"{status['run_id']}{self.where}"
        # A search needs no more trials than it took.
        if self.n_left and (found is None or self.ending.stopped_by):
            more = " --max-cost USD" if self.ending.stopped_by == "budget" else ""
            typer.echo(f"go on with: pixelmeter resume {name}{more}")
        elif any(job.is_open for job in self.jobs):
            typer.echo(f"collect with: pixelmeter resume {name}")
        if any(job.is_open for job in self.jobs):
            typer.echo(f"or cancel with: pixelmeter resume {name} --cancel")
        typer.echo(f"look at it with: pixelmeter show {name}")

    def _print_stop(self) -> None:
        reason = self.ending.reason
        if reason:
            cure = cure_of(reason)
            mend = f"; {cure}" if cure else ""
            typer.echo(f"{self.ending.stopped_by}: {reason}{mend}", err=True)

    def _money(self) -> str:
        charge = Decimal(self.status["charge_usd"])
        held = Decimal(self.status["possibly_billed_usd"])
        possibly = f", and up to {dollars(held)} possibly billed" if held else ""
        names = ", ".join(self.simulated)
        simulated = f" (simulated: {names} answered as an emulator)" if names else ""
        # Nothing charged while something is held: no charge is known at all.
        charged = "no charge is known" if held and not charge else None
        return f"{charged or f'charged {dollars(charge)}'}{possibly}{simulated}"


def journal_status(plan: Plan, history: RunHistory, ending: Ending) -> dict[str, Any]:
    """The status of a run that just stopped, from its journals alone."""
    ends = [history.trials[t.trial.trial_id].last for t in plan.trials]
    counts = Counter("not_sent" if end is None else end.bucket for end in ends)
    names = ("done", "failed", "possibly_billed", "not_sent", "in_flight")
    ledger = history.ledger
    return {
        "run_id": plan.run_id,
        "state": ending.state,
        "trials": {"planned": len(ends), **{name: counts[name] for name in names}},
        "attempts": sum(trial.n_attempts for trial in history.trials.values()),
        "charge_usd": usd_text(ledger.charge_usd),
        "list_usd": usd_text(history.list_usd),
        "possibly_billed_usd": usd_text(ledger.possibly_billed_usd),
        "reserved_usd": usd_text(Decimal(0)),
        "stopped_by": ending.stopped_by,
        "damaged": 0,
        "client_limited": None,
        "client_limited_reasons": ["the index could not be used"],
        "client_limited_remarks": [],
    }


def why(history: RunHistory, endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """Why trials were not done, a sentence for each endpoint and error.

    Trials that were never sent are not here: why they were not is the reason
    of the run's stop.
    """
    kinds: Counter[LastAttempt] = Counter()
    said: dict[LastAttempt, str | None] = {}
    for trial in history.trials.values():
        if trial.last is not None and trial.last.bucket != "done":
            # Messages differ in request ids; the first stands for its kind.
            kind = replace(trial.last, attempt_no=0, error_message=None)
            said.setdefault(kind, trial.last.error_message)
            kinds[kind] += 1
    by_name = {endpoint.name: endpoint for endpoint in endpoints}
    sentences = [
        _sentence(kind, n_trials, said[kind], by_name.get(kind.endpoint))
        for kind, n_trials in kinds.most_common(MOST_REASONS)
    ]
    n_more = sum(kinds.values()) - sum(n for _, n in kinds.most_common(MOST_REASONS))
    return (*sentences, *([f"{n_more} trials for other reasons"] if n_more else []))


def _sentence(
    kind: LastAttempt, n_trials: int, message: str | None, endpoint: Endpoint | None
) -> str:
    outcome = kind.outcome.replace("_", " ")
    trials = "1 trial" if n_trials == 1 else f"{n_trials} trials"
    status = f", HTTP {kind.http_status}" if kind.http_status else ""
    code = f", {kind.error_code}" if kind.error_code else ""
    said = f": {' '.join(message.split())}" if message else ""
    return (
        f"{kind.endpoint}: {trials} {kind.bucket.replace('_', ' ')}, "
        f"{outcome}{status}{code}{said}{_likely_cause(kind, endpoint)}"
    )


def _likely_cause(kind: LastAttempt, endpoint: Endpoint | None) -> str:
    """What a wrong address looks like from outside."""
    is_no_api = kind.error_code in _NO_API or kind.http_status in _NOT_FOUND
    if endpoint is None or not is_no_api or kind.error_code == "model_not_found":
        return ""
    if not endpoint.base_url.rstrip("/").endswith("/v1"):
        return f"; likely because base_url {endpoint.base_url} does not end in /v1"
    return f"; is base_url {endpoint.base_url} the address of an image API?"

"""Before: what earlier processes left of a run that goes by jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.endpoint import Endpoint
from bench.folder import RunFolder
from bench.jobs.job import Job, job_records, jobs_of, settled_ids, still_open
from bench.journal import read_run
from bench.plan.frozen import Plan, PlannedTrial
from bench.record import RunHistory, read_history
from bench.traffic.budget import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What earlier processes left of a run.

    Attributes:
        trials: Of the plan, by their id, in its order.
        left: Those that may be sent.
        jobs: Those of which answers may still come.
        settled: The attempts whose end is recorded.
        endpoints: Those that there is work for.
    """

    trials: Mapping[str, PlannedTrial]
    history: RunHistory
    left: tuple[PlannedTrial, ...]
    jobs: tuple[Job, ...]
    settled: set[str]
    endpoints: tuple[Endpoint, ...]

    @classmethod
    def read(cls, run: RunFolder, plan: Plan) -> "Before":
        """Read the journals of a run that this process holds.

        Raises:
            DamagedJournal: What was sent before can't be known.
        """
        parts = list(read_run(run))
        history = read_history(parts)
        left = history.left(plan.trials)
        known = {endpoint.name for endpoint in plan.endpoints}
        open_jobs = (job for job in jobs_of(job_records(parts)) if job.is_open)
        jobs = tuple(job for job in open_jobs if job.endpoint in known)
        named = {e.name for e in plan.endpoints_of(left)} | {j.endpoint for j in jobs}
        return cls(
            trials={planned.trial.trial_id: planned for planned in plan.trials},
            history=history,
            left=left,
            jobs=jobs,
            settled=settled_ids(parts),
            endpoints=tuple(e for e in plan.endpoints if e.name in named),
        )

    @property
    def n_attempts(self) -> dict[str, int]:
        """Attempts of each trial so far."""
        return {key: t.n_attempts for key, t in self.history.trials.items()}

    def ledger(self) -> Ledger:
        """Dollars so far; what is in an open job is reserved, as it was."""
        ledger = self.history.ledger
        for job in self.jobs:
            for name in still_open(job, self.settled):
                bound_usd = self.trials[name.rpartition(".")[0]].bound_usd
                ledger.possibly_billed_usd -= bound_usd
                ledger.reserved_usd += bound_usd
        return ledger

"""Facts: everything that a report says of a run, read once."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.commands.checking import Checked, read_checked
from bench.commands.doubting import Doubts, read_doubts
from bench.errors import BadInput
from bench.folder import DataFolder
from bench.jobs.job import Job, jobs_in
from bench.plan.frozen import Plan
from bench.plan.growth import KIND as METERED
from bench.plan.growth import whole_plan
from bench.store import queries
from bench.store.index import open_index
from bench.store.queries import Row
from bench.store.served import served_otherwise
from bench.store.shown import Shown, read_shown
from bench.store.status import make_current
from bench.studies.comparison import (
    Comparison,
    compare_levels,
    factors_that_vary,
)
from bench.studies.saving import Saving, savings
from bench.suite import OF_RESPONSES

IMAGES_PER_MONTH = 10_000
_ASKED = """
    SELECT
        cell_index, prompt_id, endpoint, route, simulated, started_at, outcome,
        bucket, from_cache, warmup, queued_s, connect_s, first_byte_s, service_s,
        pictures, charge_usd, revised_prompt
    FROM v_trial WHERE run_id = $run_id ORDER BY position
"""
_PROMPTS = """
    SELECT prompt_id, text, category FROM prompt
    WHERE run_id = $run_id ORDER BY prompt_index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A run as a report tells it.

    Attributes:
        shown: What `show` says: the run, its cells, what went wrong.
        trials: Rows of `bench.store.queries.trials`, for the studies.
        asked: The same trials with their stamps and pictures.
        prompts: `{prompt_id, text, category}` in the order of the suite.
        served: What came in place of what was asked, a row a kind.
        doubts: Counts and costs that answers told and that are not as we have them.
        checked: How this program kept up, and how far its times were off.
        jobs: Those of the Batch API that it was asked as.
        comparisons: One a factor that has several levels; endpoints first.
        problems: What the index could not read.
    """

    plan: Plan
    shown: Shown
    trials: Sequence[Row]
    asked: Sequence[Row]
    prompts: Sequence[Row]
    served: Sequence[Row]
    doubts: Doubts
    checked: Checked
    jobs: tuple[Job, ...]
    comparisons: tuple[Comparison, ...]
    savings: tuple[Saving, ...]
    problems: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.plan.run_id

    @property
    def is_metered(self) -> bool:
        """Whether its calls came one by one, without a plan."""
        return self.plan.kind == METERED

    @property
    def is_simulated(self) -> bool:
        """Whether some endpoint of the run is an emulator."""
        return bool(self.shown.run["simulated"])


def read_facts(folder: DataFolder, run_id: str) -> Facts:
    """Everything of a run, its journals read before.

    Raises:
        BadInput: There is no such run, or its plan can't be read.
        StorageFailed: The index can't be used.
    """
    plan = whole_plan(folder.run(run_id))
    problems = make_current(folder)
    values = {"run_id": run_id}
    with open_index(folder) as con:
        shown = read_shown(con, run_id)
        trials = queries.trials(con, run_id)
        asked = queries.rows_of(con, _ASKED, values)
        prompts = queries.rows_of(con, _PROMPTS, values)
        served = served_otherwise(con, run_id)
        doubts = read_doubts(con, folder, run_id)
        checked = read_checked(con, run_id)
    if shown is None:
        raise BadInput(
            f"run '{run_id}' can't be reported: the index does not hold it; "
            "`pixelmeter ingest` tells why"
        )
    return Facts(
        plan=plan,
        shown=shown,
        trials=trials,
        asked=asked,
        prompts=prompts,
        served=served,
        doubts=doubts,
        checked=checked,
        jobs=jobs_in(folder.run(run_id)),
        comparisons=_comparisons(trials),
        savings=savings(trials, IMAGES_PER_MONTH) if trials else (),
        problems=tuple(problems),
    )


def _comparisons(trials: Sequence[Row]) -> tuple[Comparison, ...]:
    """One a factor that varies, of trials that were sent."""
    if not any(row["outcome"] for row in trials):
        return ()
    are_two_apis = len({row["api"] for row in trials}) > 1
    return tuple(
        compare_levels(trials, factor)
        for factor in factors_that_vary(trials)
        # By api, text models are levels already.
        if not (are_two_apis and factor in OF_RESPONSES)
    )

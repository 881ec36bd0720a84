"""Growth: a plan that is made while its run goes on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

from bench.attempt import Cell, Trial
from bench.endpoint import Endpoint
from bench.errors import BadInput
from bench.folder import RunFolder
from bench.journal import VERSION, JournalPart, now_utc, read_run
from bench.plan.frozen import (
    Plan,
    PlannedTrial,
    cell_from_json,
    cell_to_json,
    read_plan,
    trial_from_json,
    trial_to_json,
)
from bench.plan.options import Options
from bench.plan.order import trial_id
from bench.plan.prices import (
    Counts,
    PricedModel,
    bound,
    expected_counts,
    price_model,
    priced_of,
)
from bench.plan.single import digest_of
from bench.prompt import Prompt
from pricing.book import PriceBook
from pricing.estimate import Bound

KIND = "metered"
_MOST_ESTIMATES = 10_000
Json = dict[str, Any]
# What is told of a prompt beside its text, where there is more.
_MORE = ("inputs", "mask", "conversation", "turn")
_Sizes = tuple[tuple[int | None, ...], ...]
_Asked = tuple[Cell, _Sizes, date]


def open_plan(
    run_id: str,
    name: str,
    endpoints: tuple[Endpoint, ...],
    options: Options,
    tags: Mapping[str, str],
    note: str | None,
) -> Plan:
    """The plan of a run whose trials are not known before."""
    return Plan(
        run_id=run_id,
        kind=KIND,
        created_at=now_utc(),
        version=version("pixelmeter"),
        seed=0,
        suite_name=name,
        suite_digest="",
        tags=tags,
        note=note,
        options=options,
        prompts=(),
        endpoints=endpoints,
        cells=(),
        prices={},
        trials=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A trial, and the records that continue the plan with it, in order."""

    planned: PlannedTrial
    records: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """The turn of a conversation that another goes on from."""

    trial_id: str
    response_id: str


class GrowingPlan:
    """Gives each thing that is asked its cell, prompt, price and trial.

    Attributes:
        prices: Of what was asked so far, by endpoint and model.
    """

    def __init__(self, run_id: str, book: PriceBook) -> None:
        """Begin empty.

        Args:
            run_id: In which all trials are.
            book: Where prices are read.
        """
        self._run_id = run_id
        self._book = book
        self.prices: dict[tuple[str, str], PricedModel] = {}
        self._priced_on: dict[tuple[str, str], date] = {}
        self._cells: dict[Cell, int] = {}
        self._prompts: dict[str, tuple[int, str]] = {}
        self._repeats = Counter[tuple[int, int]]()
        self._n_trials = 0
        self._estimates: dict[_Asked, tuple[Bound, Counts | None]] = {}
        # By turn of a conversation: it, and the turns that it goes on from.
        self._before: dict[str, tuple[Prompt, ...]] = {}
        # Those that no trial took along yet: the one they were read for may be refused.
        self._cards: list[Json] = []

    def add(
        self,
        endpoint: Endpoint,
        cell: Cell,
        prompt: Prompt,
        follows: Follows | None = None,
    ) -> Addition:
        """A trial for a prompt at a cell of an endpoint, as often as it comes.

        Args:
            endpoint: Whom it is asked of.
            cell: At which it is asked.
            prompt: What is asked.
            follows: The turn that it goes on from.

        Raises:
            BadInput: There is no price, so nothing may be sent.
        """
        today = datetime.now(UTC).date()
        self._price(endpoint, cell.model, today)
        if cell.mainline_model is not None:
            self._price(endpoint, cell.mainline_model, today)
        priced = priced_of(self.prices, cell)
        before = self._before.get(follows.trial_id, ()) if follows else ()
        most, expected = self._estimate(priced, cell, prompt, today, before)
        records = self._prompt(prompt) + self._cell(cell)
        records, self._cards = self._cards + records, []
        place = (self._cells[cell], self._prompts[prompt.id][0])
        self._repeats[place] += 1
        repeat = self._repeats[place]
        planned = PlannedTrial(
            trial=Trial(
                trial_id=trial_id(self._run_id, cell, prompt, repeat),
                cell=cell,
                prompt_id=prompt.id,
                prompt_text=prompt.text,
                repeat=repeat,
                block=self._n_trials,
                position=self._n_trials,
                references=prompt.inputs,
                mask=prompt.mask,
                after=follows and follows.trial_id,
                previous_response_id=follows and follows.response_id,
            ),
            bound_usd=most.usd,
            expected=expected,
            why_bounded=most.reasons,
        )
        self._n_trials += 1
        if prompt.conversation is not None:
            self._before[planned.trial.trial_id] = (*before, prompt)
        where = {"cell": place[0], "prompt": place[1]}
        records.append(_record("trial", where | trial_to_json(planned)))
        return Addition(planned=planned, records=tuple(records))

    def _estimate(
        self,
        priced: PricedModel,
        cell: Cell,
        prompt: Prompt,
        day: date,
        before: tuple[Prompt, ...],
    ) -> tuple[Bound, Counts | None]:
        """Bound and expected counts; they hang on lengths and sizes alone."""
        key = (cell, _sizes((*before, prompt)), day)
        if key not in self._estimates:
            if len(self._estimates) >= _MOST_ESTIMATES:
                self._estimates.clear()
            self._estimates[key] = (
                bound(priced, cell, prompt, day, before),
                expected_counts(priced, cell, prompt, day),
            )
        return self._estimates[key]

    def _price(self, endpoint: Endpoint, model: str, day: date) -> None:
        """The rates of a day; a run that goes on over midnight reads them anew."""
        key = (endpoint.name, model)
        if self._priced_on.get(key) == day:
            return
        priced = price_model(endpoint, model, day, self._book)
        is_same = self.prices.get(key) == priced
        self.prices[key], self._priced_on[key] = priced, day
        named = {"endpoint": endpoint.name, "model": model, **priced.to_json()}
        if not is_same:
            self._cards.append(_record("card", named))

    def _cell(self, cell: Cell) -> list[Json]:
        if cell in self._cells:
            return []
        index = self._cells[cell] = len(self._cells)
        return [_record("cell", {"cell_index": index, **cell_to_json(cell)})]

    def _prompt(self, prompt: Prompt) -> list[Json]:
        digest = digest_of(prompt.text, prompt.pictures)
        if prompt.id in self._prompts:
            if self._prompts[prompt.id][1] != digest:
                raise BadInput(
                    f"prompt_id '{prompt.id}' was used for another text or other "
                    "pictures; give each an id of its own, or none"
                )
            return []
        index = len(self._prompts)
        self._prompts[prompt.id] = (index, digest)
        told = {k: v for k, v in prompt.to_json().items() if k in _MORE}
        named = {"prompt_index": index, "id": prompt.id, "text": prompt.text, **told}
        return [_record("prompt", named)]


def _sizes(prompts: tuple[Prompt, ...]) -> _Sizes:
    """All of prompts that their prices hang on."""
    return tuple(
        (
            len(prompt.text.encode()),
            *(px for one in prompt.pictures for px in (one.width_px, one.height_px)),
            len(prompt.inputs),
        )
        for prompt in prompts
    )


def _record(kind: str, content: Json) -> Json:
    return {"kind": kind, "v": VERSION, **content}


def whole_plan(run: RunFolder) -> Plan:
    """The plan of a run, with what a metered run added to it as it went on.

    Raises:
        BadInput: The plan can't be read.
    """
    plan = read_plan(run.plan)
    if plan.kind != KIND:
        return plan
    try:
        return grown(plan, read_run(run))
    except LookupError:
        # A damaged record is missing; the index says so.
        return plan


def grown(plan: Plan, parts: Iterable[JournalPart]) -> Plan:
    """A frozen plan with what its journals added to it; one of a suite as is."""
    cells, prompts = list(plan.cells), list(plan.prompts)
    prices, trials = dict(plan.prices), list(plan.trials)
    for part in parts:
        for record in part.others:
            match record["kind"]:
                case "cell":
                    cells.append(cell_from_json(record))
                case "prompt":
                    named = ("id", "text", *_MORE)
                    told = {k: record[k] for k in named if k in record}
                    prompts.append(Prompt.model_validate(told))
                case "card":
                    key = (record["endpoint"], record["model"])
                    prices[key] = PricedModel.from_json(record)
                case "trial":
                    trials.append(trial_from_json(record, cells, prompts))
                case _:
                    pass
    return replace(
        plan,
        cells=tuple(cells),
        prompts=tuple(prompts),
        prices=prices,
        trials=tuple(trials),
    )

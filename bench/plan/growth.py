"""Growth: a plan that is made while its run goes on."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.attempt import Cell, Trial
from bench.document import check
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
from bench.prompt import Prompt, made_id
from bench.reference import Reference
from pricing.book import PriceBook
from pricing.estimate import Bound

KIND = "metered"
_SAID = ("id", "text", "inputs", "mask", "markup", "conversation", "turn")
_MOST_ESTIMATES = 10_000
Json = dict[str, Any]


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
        self._said: dict[str, Prompt] = {}
        self._estimates: dict[tuple[Any, ...], tuple[Bound, Counts | None]] = {}
        # Those that no trial took along yet: the one they were read for may be refused.
        self._cards: list[Json] = []

    def add(
        self,
        endpoint: Endpoint,
        cell: Cell,
        prompt: Prompt,
        before: tuple[PlannedTrial, ...] = (),
    ) -> Addition:
        """A trial for a prompt at a cell of an endpoint, as often as it comes.

        Args:
            endpoint: Which is asked.
            cell: At which it is asked.
            prompt: What is asked, with the pictures that go along.
            before: The trials of the conversation's turns that went before.

        Raises:
            BadInput: There is no price, so nothing may be sent.
        """
        today = datetime.now(UTC).date()
        for name, model in cell.models:
            self._price(endpoint, model, today, name)
        priced = priced_of(self.prices, cell)
        turns = tuple(self._said[one.trial.prompt_id] for one in before)
        most, expected = self._estimate(priced, cell, (*turns, prompt), today)
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
                markup=prompt.markup,
                after=before[-1].trial.trial_id if before else None,
            ),
            bound_usd=most.usd,
            expected=expected,
            why_bounded=most.reasons,
        )
        self._n_trials += 1
        where = {"cell": place[0], "prompt": place[1]}
        records.append(_record("trial", where | trial_to_json(planned)))
        return Addition(planned=planned, records=tuple(records))

    def _estimate(
        self, priced: PricedModel, cell: Cell, turns: tuple[Prompt, ...], day: date
    ) -> tuple[Bound, Counts | None]:
        """Bound and expected counts of the last turn.

        They hang on no more than the texts' lengths, and on what goes along.
        """
        sizes = tuple((len(one.text.encode()), one.pictures) for one in turns)
        key = (cell, sizes, day)
        if key not in self._estimates:
            if len(self._estimates) >= _MOST_ESTIMATES:
                self._estimates.clear()
            *before, last = turns
            self._estimates[key] = (
                bound(priced, cell, last, day, before),
                expected_counts(priced, cell, last, day, before),
            )
        return self._estimates[key]

    def _price(self, endpoint: Endpoint, model: str, day: date, name: str) -> None:
        """The rates of a day; a run that goes on over midnight reads them anew."""
        key = (endpoint.name, model)
        if self._priced_on.get(key) == day:
            return
        priced = price_model(endpoint, model, day, self._book, key=name)
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
        digest = _digest(prompt)
        if prompt.id in self._prompts:
            if self._prompts[prompt.id][1] != digest:
                raise BadInput(
                    f"prompt_id '{prompt.id}' was used for another text or for other "
                    "pictures; give each an id of its own, or none"
                )
            return []
        index = len(self._prompts)
        self._prompts[prompt.id] = (index, digest)
        self._said[prompt.id] = prompt
        said = prompt.to_json()
        named = {key: said[key] for key in said if key not in {"category", "expect"}}
        return [_record("prompt", {"prompt_index": index, **named})]


def prompt_of(
    text: str,
    prompt_id: str | None = None,
    inputs: tuple[Reference, ...] = (),
    mask: Reference | None = None,
    markup: Reference | None = None,
) -> Prompt:
    """A prompt that was asked without a suite; its id is made from what it says.

    Raises:
        BadInput: The text is empty or too long, or the id can't be one.
    """
    written: dict[str, Any] = {"id": prompt_id or "p", "text": text}
    along = {"inputs": inputs, "mask": mask, "markup": markup}
    prompt = check(Path("prompt"), {**written, **along}, Prompt)
    if prompt_id:
        return prompt
    return prompt.model_copy(update={"id": made_id(_digest(prompt))})


def _digest(prompt: Prompt) -> str:
    """Of the text, and of the pictures where there are any."""
    digest = hashlib.sha256(prompt.text.encode())
    for one in prompt.pictures:
        digest.update(one.model_dump_json(exclude_none=True).encode())
    return digest.hexdigest()


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
                    said = {key: record[key] for key in _SAID if key in record}
                    prompts.append(Prompt.model_validate(said))
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

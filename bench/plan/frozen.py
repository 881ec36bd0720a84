"""Frozen: a plan as it is kept with its run, and read back unchanged."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from bench.attempt import Cell, Trial
from bench.endpoint import Endpoint
from bench.errors import BadInput, StorageFailed
from bench.folder import RunFolder, make_folder, sync_folder, write_durably
from bench.plan.options import Options, options_from_json, options_to_json
from bench.plan.prices import PricedModel
from bench.prompt import Prompt
from pricing.errors import PricingError

SCHEMA = "pixelmeter.plan-file/1"
# What reading raises on a file that we did not write.
_NO_PLAN = (
    ValueError,
    AttributeError,
    LookupError,
    TypeError,
    ArithmeticError,
    PricingError,
)
Counts = Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """A trial with what its one request may cost.

    Attributes:
        bound_usd: Upper bound of one request at its endpoint.
        expected: Token counts by the published rules, None where there are
            none; they stand in for a usage that an answer leaves out.
        why_bounded: What can't be computed and is bounded instead.
        is_warmup: Charged and counted, but in no figure of latency.
    """

    trial: Trial
    bound_usd: Decimal
    expected: Counts | None
    why_bounded: tuple[str, ...]
    is_warmup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before the first request."""

    run_id: str
    kind: str
    created_at: str
    version: str
    seed: int
    suite_name: str
    suite_digest: str
    tags: Mapping[str, str]
    note: str | None
    options: Options
    prompts: tuple[Prompt, ...]
    endpoints: tuple[Endpoint, ...]
    cells: tuple[Cell, ...]
    prices: Mapping[tuple[str, str], PricedModel]
    trials: tuple[PlannedTrial, ...]

    def only_endpoints(self, names: tuple[str, ...]) -> "Plan":
        """The plan without the endpoints that are not named; none names all."""
        if not names:
            return self
        return replace(
            self,
            endpoints=tuple(e for e in self.endpoints if e.name in names),
            trials=tuple(t for t in self.trials if t.trial.cell.endpoint in names),
        )

    def endpoints_of(self, trials: Iterable[PlannedTrial]) -> tuple[Endpoint, ...]:
        """The endpoints that some trials go to, in the plan's order."""
        names = {planned.trial.cell.endpoint for planned in trials}
        return tuple(e for e in self.endpoints if e.name in names)


def freeze(plan: Plan, run: RunFolder) -> None:
    """Make a plan durable; from here on the run exists.

    Raises:
        BadInput: An option holds what no record can.
        StorageFailed: The plan could not be written.
    """
    content = _to_json(plan)
    try:
        content["digest"] = _digest(content)
    except orjson.JSONEncodeError as error:
        raise BadInput(
            f"an option can't be recorded ({error}); give numbers below 2**63, "
            "and --tag and --note as UTF-8"
        ) from None
    make_folder(run.path)
    try:
        write_durably(run.plan, orjson.dumps(content))
        sync_folder(run.path.parent)
    except OSError as error:
        raise StorageFailed(
            f"{run.plan}: the plan could not be written ({error.strerror}); "
            "nothing was sent; make room and run again"
        ) from None


def read_plan(path: Path) -> Plan:
    """Read a frozen plan.

    Raises:
        BadInput: The file is no plan, or was changed since it was frozen.
    """
    try:
        content = orjson.loads(path.read_bytes())
        digest = content.pop("digest")
        if content["schema"] != SCHEMA:
            raise BadInput(
                f"{path}: schema {content['schema']} is not {SCHEMA}; "
                "use the version of Pixelmeter that wrote it"
            )
        if digest != _digest(content):
            raise BadInput(f"{path}: the plan was changed after it was frozen")
        return _from_json(content)
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror})") from None
    except _NO_PLAN as error:
        raise BadInput(f"{path}: no frozen plan ({type(error).__name__})") from None


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(
        orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()


def _to_json(plan: Plan) -> dict[str, Any]:
    prompts = {prompt.id: i for i, prompt in enumerate(plan.prompts)}
    cells = {cell: i for i, cell in enumerate(plan.cells)}
    return {
        "schema": SCHEMA,
        "run_id": plan.run_id,
        "kind": plan.kind,
        "created_at": plan.created_at,
        "version": plan.version,
        "seed": plan.seed,
        "suite": {"name": plan.suite_name, "digest": plan.suite_digest},
        "tags": dict(plan.tags),
        "note": plan.note,
        "options": options_to_json(plan.options),
        "prompts": [prompt.to_json() for prompt in plan.prompts],
        "endpoints": [e.model_dump(mode="json") for e in plan.endpoints],
        "cells": [cell_to_json(cell) for cell in plan.cells],
        "cards": [
            {"endpoint": endpoint, "model": model, **priced.to_json()}
            for (endpoint, model), priced in plan.prices.items()
        ],
        "trials": [
            {
                "cell": cells[planned.trial.cell],
                "prompt": prompts[planned.trial.prompt_id],
                **trial_to_json(planned),
            }
            for planned in plan.trials
        ],
    }


def trial_to_json(planned: PlannedTrial) -> dict[str, Any]:
    """A trial as plain data, without its cell and prompt."""
    return {
        "trial_id": planned.trial.trial_id,
        "repeat": planned.trial.repeat,
        "block": planned.trial.block,
        "position": planned.trial.position,
        "bound_usd": format(planned.bound_usd, "f"),
        "expected": planned.expected,
        "why_bounded": list(planned.why_bounded),
        **({"warmup": True} if planned.is_warmup else {}),
        **({"after": planned.trial.after} if planned.trial.after else {}),
    }


def cell_to_json(cell: Cell) -> dict[str, Any]:
    """A cell as plain data."""
    return {
        "endpoint": cell.endpoint,
        "api": cell.api,
        "operation": cell.operation,
        "model": cell.model,
        **({"mainline_model": cell.mainline_model} if cell.mainline_model else {}),
        "parameters": dict(cell.parameters),
    }


def _from_json(content: dict[str, Any]) -> Plan:
    prompts = tuple(Prompt.model_validate(p) for p in content["prompts"])
    cells = tuple(cell_from_json(cell) for cell in content["cells"])
    return Plan(
        run_id=content["run_id"],
        kind=content["kind"],
        created_at=content["created_at"],
        version=content["version"],
        seed=content["seed"],
        suite_name=content["suite"]["name"],
        suite_digest=content["suite"]["digest"],
        tags=content["tags"],
        note=content["note"],
        options=options_from_json(content["options"]),
        prompts=prompts,
        endpoints=tuple(Endpoint.model_validate(e) for e in content["endpoints"]),
        cells=cells,
        prices={
            (entry["endpoint"], entry["model"]): PricedModel.from_json(entry)
            for entry in content["cards"]
        },
        trials=tuple(
            trial_from_json(entry, cells, prompts) for entry in content["trials"]
        ),
    )


def cell_from_json(entry: Mapping[str, Any]) -> Cell:
    """Read what `cell_to_json` wrote."""
    return Cell(
        endpoint=entry["endpoint"],
        api=entry["api"],
        operation=entry["operation"],
        model=entry["model"],
        mainline_model=entry.get("mainline_model"),
        parameters=tuple(sorted(entry["parameters"].items())),
    )


def trial_from_json(
    entry: Mapping[str, Any], cells: Sequence[Cell], prompts: Sequence[Prompt]
) -> PlannedTrial:
    """Read what `trial_to_json` wrote; `cell` and `prompt` are indexes."""
    prompt = prompts[int(entry["prompt"])]
    return PlannedTrial(
        trial=Trial(
            trial_id=entry["trial_id"],
            cell=cells[int(entry["cell"])],
            prompt_id=prompt.id,
            prompt_text=prompt.text,
            repeat=entry["repeat"],
            block=entry["block"],
            position=entry["position"],
            references=prompt.inputs,
            mask=prompt.mask,
            markup=prompt.markup,
            after=entry.get("after"),
        ),
        bound_usd=Decimal(entry["bound_usd"]),
        expected=entry["expected"],
        why_bounded=tuple(entry["why_bounded"]),
        is_warmup=entry.get("warmup", False),
    )

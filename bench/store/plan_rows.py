"""Plan rows: a plan, frozen or continued, as rows of the index."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import orjson

from bench.errors import BadInput

_SCHEMA = "pixelmeter.plan-file/1"
_TEXT_PARAMETERS = ("quality", "size", "output_format", "background")
_OTHER_PARAMETERS = ("n", "stream", "partial_images")
_TRIAL = ("trial_id", "cell", "prompt", "repeat", "block", "position")

# Made one by one: a plan may hold a million trials.
Rows = dict[str, Iterable[dict[str, Any]]]


def read_plan(path: Path) -> Rows:
    """The rows of a plan file by table, columns named as in `schema.sql`.

    Raises:
        BadInput: It is no plan, was changed, or is of a newer version.
        KeyError, TypeError: It lacks a member; also while rows are taken.
    """
    plan = _parse(path)
    if plan.get("schema") != _SCHEMA:
        raise BadInput(
            f"{path}: schema '{plan.get('schema')}' is not '{_SCHEMA}', "
            "the one that this version reads"
        )
    digest = plan.pop("digest", None)
    exact = orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)
    if sha256(exact).hexdigest() != digest:
        raise BadInput(
            f"{path}: the plan does not match its digest; bring it back from a backup"
        )
    return _rows({**plan, "digest": digest})


def continued_row(record: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The table and row of a record that continues a plan, None for others.

    Raises:
        KeyError, TypeError: It lacks a member.
    """
    match record["kind"]:
        case "cell":
            return "cell", _cell(record["cell_index"], record)
        case "prompt":
            return "prompt", _prompt(record["prompt_index"], record)
        case "card":
            return "card", _card(record)
        case "trial":
            return "trial", {name: record[name] for name in _TRIAL}
        case _:
            return None


def _parse(path: Path) -> dict[str, Any]:
    try:
        plan = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{path}: the plan is no JSON ({error})") from None
    if not isinstance(plan, dict):
        raise BadInput(f"{path}: the plan is no JSON object")
    return cast("dict[str, Any]", plan)


def _rows(plan: Mapping[str, Any]) -> Rows:
    return {
        "run": [_run(plan)],
        "prompt": [_prompt(i, prompt) for i, prompt in enumerate(plan["prompts"])],
        "endpoint": map(_endpoint, plan["endpoints"]),
        "cell": (_cell(index, cell) for index, cell in enumerate(plan["cells"])),
        "card": map(_card, plan["cards"]),
        "trial": plan["trials"],
    }


def _run(plan: Mapping[str, Any]) -> dict[str, Any]:
    options: Mapping[str, Any] = plan["options"]
    return {
        "kind": plan["kind"],
        "created_at": plan["created_at"],
        "version": plan["version"],
        "seed": plan["seed"],
        "suite": plan["suite"]["name"],
        "suite_digest": plan["suite"].get("digest"),
        "plan_digest": plan["digest"],
        "tags": plan.get("tags") or {},
        "note": plan.get("note"),
        "concurrency": options.get("concurrency"),
        "rate_rpm": options.get("rate_rpm"),
        "max_cost_usd": options.get("max_cost_usd"),
        "max_failed_share": options.get("max_failed_share"),
        # Before there were schedules every suite was sent in a closed loop.
        "load": _load(options) if plan["kind"] == "suite" else None,
        "find_rate": options.get("find_rate"),
        "is_alive": False,
    }


def _load(options: Mapping[str, Any]) -> str:
    """When requests began: in jobs, by a schedule, or one after the other."""
    return "batch" if options.get("batch") else options.get("load", "closed")


def _prompt(index: int, prompt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt_index": index,
        "prompt_id": prompt["id"],
        "text": prompt["text"],
        "category": prompt.get("category"),
        "expect": prompt.get("expect"),
        "conversation": prompt.get("conversation"),
        "turn": prompt.get("turn"),
        # Plans of before know of no pictures that are sent.
        "n_inputs": len(prompt.get("inputs") or ()),
    }


def _endpoint(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "endpoint": endpoint["name"],
        "route": endpoint["route"],
        "base_url": endpoint.get("base_url"),
        "prices": endpoint.get("prices"),
        "simulated": False,
    }


def _cell(index: int, cell: Mapping[str, Any]) -> dict[str, Any]:
    sent: Mapping[str, Any] = cell["parameters"]
    return {
        "cell_index": index,
        **{name: cell[name] for name in ("endpoint", "api", "operation", "model")},
        "mainline_model": cell.get("mainline_model"),
        **{name: _text(sent.get(name)) for name in _TEXT_PARAMETERS},
        **{name: sent.get(name) for name in _OTHER_PARAMETERS},
        "parameters": sent,
        "variant": _variant(cell),
    }


def _card(priced: Mapping[str, Any]) -> dict[str, Any]:
    return {name: priced[name] for name in ("endpoint", "model", "card", "scheme")}


def _variant(cell: Mapping[str, Any]) -> str:
    asked = {name: cell[name] for name in ("api", "operation", "model", "parameters")}
    if cell.get("mainline_model"):
        asked["mainline_model"] = cell["mainline_model"]
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def _text(value: str | float | None) -> str | None:
    return None if value is None else str(value)

import hashlib
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from bench.commands import export, replay, runs
from bench.folder import DataFolder, RunFolder
from bench.journal import encode

_STAMPS = ("queued_s", "connect_s", "first_byte_s", "first_partial_s")
_TOKENS = (
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_image_tokens",
    "output_text_tokens",
)


class SyntheticRun:
    """A run folder as docs/journal.md describes it, written by hand."""

    def __init__(self, folder: DataFolder, run_id: str, **plan: Any) -> None:
        self.run = RunFolder(folder.runs / run_id)
        self.run.journal.mkdir(parents=True)
        self.plan = _plan(run_id, **plan)
        self._counter = itertools.count(1)
        self.freeze()

    def freeze(self) -> None:
        self.plan.pop("digest", None)
        exact = orjson.dumps(self.plan, option=orjson.OPT_SORT_KEYS)
        self.plan["digest"] = hashlib.sha256(exact).hexdigest()
        self.run.plan.write_bytes(orjson.dumps(self.plan))

    @property
    def trials(self) -> list[dict[str, Any]]:
        return self.plan["trials"]

    def endpoint_of(self, trial: dict[str, Any]) -> str:
        return self.plan["cells"][trial["cell"]]["endpoint"]

    def journal(self, records: Iterable[dict[str, Any]], name: str = "") -> Path:
        number = next(self._counter)
        path = self.run.journal / (name or f"host-{number}-{number:08x}.jsonl")
        with path.open("ab") as file:
            file.write(b"".join(encode(record) for record in records))
        return path

    def session(self, at: str = "2026-11-21T13:00:00.000000Z") -> dict[str, Any]:
        return {
            "kind": "session",
            "v": 1,
            "run_id": self.run.run_id,
            "command": "run",
            "host": "host",
            "pid": 1,
            "at": at,
            "mono_ns": 1,
            "version": "0.1.0",
        }

    def intent(self, trial: dict[str, Any], no: int = 1) -> dict[str, Any]:
        return {
            "kind": "intent",
            "v": 1,
            "attempt_id": f"{trial['trial_id']}.{no}",
            "trial_id": trial["trial_id"],
            "attempt_no": no,
            "endpoint": self.endpoint_of(trial),
            "bound_usd": "0.21",
            "at": "2026-11-21T13:00:01.000000Z",
        }

    def outcome(
        self, trial: dict[str, Any], no: int = 1, **members: Any
    ) -> dict[str, Any]:
        is_ok = members.get("outcome", "ok") == "ok"
        return {
            "kind": "outcome",
            "v": 1,
            "attempt_id": f"{trial['trial_id']}.{no}",
            "trial_id": trial["trial_id"],
            "attempt_no": no,
            "endpoint": self.endpoint_of(trial),
            "outcome": "ok",
            "billing": "billed",
            "started_at": "2026-11-21T13:00:01.000000Z",
            "ended_at": "2026-11-21T13:00:09.000000Z",
            "http_status": 200,
            "error_type": None,
            "error_code": None,
            "error_message": None,
            "retry_after_s": None,
            **dict.fromkeys(_STAMPS, 0.01),
            "service_s": 8.0,
            "total_s": 8.1,
            **dict.fromkeys(_TOKENS, 10),
            "usage_source": "reported",
            "charge_usd": "0.0423" if is_ok else None,
            "list_usd": "0.0423" if is_ok else None,
            "possibly_billed_usd": "0",
            "flags": [],
            "simulated": False,
            "images": 1 if is_ok else 0,
            "bytes": 1000 if is_ok else 0,
            "served_model": None,
            "served_size": "1024x1024",
            "served_quality": "low",
            "served_format": "png",
            "revised_prompt": None,
            "request_id": f"req_{trial['trial_id']}",
            "pictures": [
                {
                    "sha256": "ab" * 32,
                    "n_bytes": 1000,
                    "format": "png",
                    "width_px": 1024,
                    "height_px": 1024,
                    "simulated": False,
                    "problem": None,
                }
            ],
            "headers": {"x-request-id": "r"},
            **members,
        }

    def end(self, state: str = "finished", **members: Any) -> dict[str, Any]:
        return {
            "kind": "end",
            "v": 1,
            "at": "2026-11-21T13:10:00.000000Z",
            "state": state,
            "stopped_by": None,
            "reason": None,
            **members,
        }

    def settle_all(
        self, members: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {}
    ) -> Path:
        records = [self.session()]
        for trial in self.trials:
            records += [self.intent(trial), self.outcome(trial, **members(trial))]
        return self.journal([*records, self.end()])


def _plan(
    run_id: str,
    *,
    n_prompts: int = 2,
    repeats: int = 2,
    qualities: tuple[str, ...] = ("low",),
    models: tuple[str, ...] = ("gpt-image-2",),
    endpoints: tuple[tuple[str, str], ...] = (
        ("openai", "direct"),
        ("halfprice", "gateway"),
    ),
) -> dict[str, Any]:
    cells = [
        {
            "endpoint": endpoint,
            "api": "images",
            "operation": "generate",
            "model": model,
            "parameters": {"quality": quality, "size": "1024x1024"},
        }
        for model in models
        for quality in qualities
        for endpoint, _ in endpoints
    ]
    order = itertools.product(range(repeats), range(n_prompts), range(len(cells)))
    return {
        "schema": "pixelmeter.plan-file/1",
        "run_id": run_id,
        "kind": "suite",
        "created_at": "2026-11-21T12:59:59.000000Z",
        "version": "0.1.0",
        "seed": 7,
        "suite": {"name": "starter", "digest": "d" * 64},
        "tags": {"who": "test"},
        "note": "a note",
        "options": {
            "concurrency": 4,
            "rate_rpm": None,
            "max_cost_usd": "5",
            "images": "hash",
            "max_failed_share": 0.2,
        },
        "prompts": [
            {"id": f"p{i}", "text": f"prompt {i}", "category": None, "expect": {}}
            for i in range(n_prompts)
        ],
        "endpoints": [
            {
                "name": name,
                "base_url": "http://127.0.0.1:1/v1",
                "api_key_env": "KEY",
                "route": route,
                "prices": "openai",
            }
            for name, route in endpoints
        ],
        "cells": cells,
        "cards": [],
        "trials": [
            {
                "trial_id": f"{run_id}-{cell}-{prompt}-{repeat + 1}",
                "cell": cell,
                "prompt": prompt,
                "repeat": repeat + 1,
                "block": repeat * n_prompts + prompt,
                "position": position,
            }
            for position, (repeat, prompt, cell) in enumerate(order)
        ],
    }


@pytest.fixture
def data_folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def synthetic_run(data_folder: DataFolder) -> Callable[..., SyntheticRun]:
    def make(run_id: str = "20261121-130000-000001", **plan: Any) -> SyntheticRun:
        return SyntheticRun(data_folder, run_id, **plan)

    return make


@pytest.fixture
def tell(data_folder: DataFolder) -> Callable[..., Result]:
    """Run `export`, `replay`, `runs` or `show` on the data folder."""
    app = typer.Typer(pretty_exceptions_enable=False)
    for group in (export, replay, runs):
        group.register(app)

    def run(*arguments: str) -> Result:
        given = [*arguments, "--data", str(data_folder.root)]
        return CliRunner().invoke(app, given, catch_exceptions=False)

    return run

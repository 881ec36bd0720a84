"""Ingest bench: attempts a second from journals into the index."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from bench.folder import DataFolder, RunFolder
from bench.journal import encode
from bench.store.ingest import rebuild, refresh

N_ATTEMPTS = 200_000
TARGET_PER_S = 100_000
_RUN_ID = "20261121-130000-000001"


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure) for an ingest of `N_ATTEMPTS`.

    The plan is in the index before, as it is while a run goes on; the rebuild
    reads plan and journal.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = DataFolder(Path(place))
        run = RunFolder(folder.runs / _RUN_ID)
        trial_ids = write_plan(run, N_ATTEMPTS)
        refresh(folder)
        n_bytes = write_journal(run, trial_ids)
        first_s, used_s = _seconds(lambda: refresh(folder))
        again_s, _ = _seconds(lambda: refresh(folder))
        rebuild_s, _ = _seconds(lambda: rebuild(folder))
        row_bytes = folder.index.stat().st_size / N_ATTEMPTS
    journal = f"{n_bytes / N_ATTEMPTS:,.0f} B of journal each"
    return [
        (
            f"ingest of {N_ATTEMPTS:,} attempts, {journal}",
            f">= {TARGET_PER_S:,}/s",
            f"{N_ATTEMPTS / first_s:,.0f}/s ({used_s:.1f} processor seconds)",
        ),
        ("ingest again, nothing new", "-", f"{again_s * 1000:,.0f} ms"),
        ("rebuild, plan and all", "-", f"{N_ATTEMPTS / rebuild_s:,.0f}/s"),
        ("index size an attempt", "<= 200 B", f"{row_bytes:,.0f} B"),
    ]


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    start_s, used_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start_s, time.process_time() - used_s


def write_plan(run: RunFolder, n_trials: int) -> list[str]:
    """The plan of a run of one cell; returns its trials."""
    run.journal.mkdir(parents=True)
    trial_ids = [hashlib.sha256(b"%d" % i).hexdigest()[:32] for i in range(n_trials)]
    _write_plan(run, trial_ids)
    return trial_ids


def write_journal(run: RunFolder, trial_ids: list[str]) -> int:
    """The journal of a finished run; returns its bytes."""
    journal = run.journal / "host-1-00000001.jsonl"
    with journal.open("wb") as file:
        file.write(encode(_session(run.run_id)))
        for number, trial_id in enumerate(trial_ids):
            file.write(encode(_intent(trial_id)))
            file.write(encode(outcome_record(trial_id, number)))
        file.write(encode(_end()))
    return journal.stat().st_size


def _write_plan(run: RunFolder, trial_ids: list[str]) -> None:
    plan: dict[str, Any] = {
        "schema": "pixelmeter.plan-file/1",
        "run_id": run.run_id,
        "kind": "suite",
        "created_at": "2026-11-21T13:00:00.000000Z",
        "version": "0.1.0",
        "seed": 1,
        "suite": {"name": "bench", "digest": "0" * 64},
        "tags": {},
        "note": None,
        "options": {},
        "prompts": [{"id": "p", "text": "a prompt"}],
        "endpoints": [{"name": "openai", "route": "direct"}],
        "cells": [
            {
                "endpoint": "openai",
                "api": "images",
                "operation": "generate",
                "model": "gpt-image-2",
                "parameters": {"quality": "low", "size": "1024x1024"},
            }
        ],
        "cards": [],
        "trials": [
            {
                "trial_id": trial_id,
                "cell": 0,
                "prompt": 0,
                "repeat": number + 1,
                "block": number,
                "position": number,
            }
            for number, trial_id in enumerate(trial_ids)
        ],
    }
    exact = orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)
    plan["digest"] = hashlib.sha256(exact).hexdigest()
    run.plan.write_bytes(orjson.dumps(plan))


def _session(run_id: str) -> dict[str, Any]:
    return {
        "kind": "session",
        "v": 1,
        "run_id": run_id,
        "command": "run",
        "host": "host",
        "pid": 1,
        "at": "2026-11-21T13:00:00.000000Z",
        "mono_ns": 1,
        "version": "0.1.0",
    }


def _intent(trial_id: str) -> dict[str, Any]:
    return {
        "kind": "intent",
        "v": 1,
        "attempt_id": trial_id + ".1",
        "trial_id": trial_id,
        "attempt_no": 1,
        "endpoint": "openai",
        "bound_usd": "0.21",
        "at": "2026-11-21T13:00:01.000000Z",
    }


def outcome_record(trial_id: str, number: int) -> dict[str, Any]:
    """A settled attempt as the journal holds it."""
    service_s = 5 + number % 9973 / 1000
    return {
        "kind": "outcome",
        "v": 1,
        "attempt_id": trial_id + ".1",
        "trial_id": trial_id,
        "attempt_no": 1,
        "endpoint": "openai",
        "outcome": "ok",
        "billing": "billed",
        "started_at": "2026-11-21T13:00:01.000000Z",
        "ended_at": "2026-11-21T13:00:09.000000Z",
        "http_status": 200,
        "error_type": None,
        "error_code": None,
        "error_message": None,
        "retry_after_s": None,
        "queued_s": 0.0012,
        "connect_s": 0.0,
        "first_byte_s": service_s - 0.01,
        "first_partial_s": None,
        "service_s": service_s,
        "total_s": service_s + 0.002,
        "input_text_tokens": 12,
        "cached_text_tokens": 0,
        "input_image_tokens": 0,
        "cached_image_tokens": None,
        "output_image_tokens": 272,
        "output_text_tokens": 0,
        "usage_source": "reported",
        "charge_usd": "0.00822",
        "list_usd": "0.00822",
        "possibly_billed_usd": "0",
        "flags": [],
        "simulated": False,
        "images": 1,
        "bytes": 1_500_000 + number,
        "served_model": "gpt-image-2",
        "served_size": "1024x1024",
        "served_quality": "low",
        "served_format": "png",
        "revised_prompt": None,
        "request_id": f"req_{trial_id}",
        "pictures": [
            {
                "sha256": trial_id * 2,
                "n_bytes": 1_500_000 + number,
                "format": "png",
                "width_px": 1024,
                "height_px": 1024,
                "simulated": False,
                "problem": None,
            }
        ],
        "headers": {"x-request-id": f"req_{trial_id}", "openai-processing-ms": "8123"},
    }


def _end() -> dict[str, Any]:
    return {
        "kind": "end",
        "v": 1,
        "at": "2026-11-21T13:10:00.000000Z",
        "state": "finished",
        "stopped_by": None,
        "reason": None,
        "exit_code": 0,
    }

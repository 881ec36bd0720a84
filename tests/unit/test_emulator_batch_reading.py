"""A batch's file while it is read: what is wrong where, and who cancels then."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.emulator import files as files_module
from bench.emulator.app import application
from bench.emulator.batch_lines import BadLinesError, lines_of
from bench.emulator.batch_runs import run_batch
from bench.emulator.batches import Batch, Status
from bench.emulator.catalogue import served
from bench.emulator.options import Profile
from bench.emulator.profile import RunProfile
from bench.emulator.state import Emulator

GENERATE = "/v1/images/generations"


def line(custom_id: str, model: str) -> bytes:
    body = {"model": model, "prompt": "A kite"}
    row = {"custom_id": custom_id, "method": "POST", "url": GENERATE, "body": body}
    return json.dumps(row).encode()


def test_an_error_names_its_line_of_the_file_whatever_lines_are_empty() -> None:
    content = b"\n\n".join([line("a", "one"), line("b", "two")])
    with pytest.raises(BadLinesError) as bad:
        lines_of(content, GENERATE)
    (error,) = bad.value.errors
    assert (error.code, error.line) == ("mismatched_model", 3)


def test_a_batch_whose_answers_find_no_room_on_the_disk_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = partial(Path("/dev/full").open, "r+b")
    monkeypatch.setattr(files_module.tempfile, "TemporaryFile", full)
    emulator = Emulator(
        models=served(Profile.LEGACY),
        origin="http://127.0.0.1:1",
        profile=RunProfile(time_scale=0),
        pool=ThreadPoolExecutor(max_workers=1),
    )
    content = line("a", "none-such")
    file = emulator.files.add("in.jsonl", "batch", content)
    batch = Batch(endpoint=GENERATE, input_file_id=file.id)
    app: Any = application(emulator)
    asyncio.run(run_batch(app.app, emulator, batch))
    assert batch.status == Status.FAILED
    (error,) = batch.errors
    assert "can't be written to the emulator's disk: No space left" in error.message
    assert "Traceback" not in caplog.text


def test_who_cancels_while_the_lines_are_read_pays_for_none() -> None:
    batch = Batch(endpoint=GENERATE, input_file_id="")

    class Cancels(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
            batch.enter(Status.CANCELLING)
            found: Future[Any] = super().submit(fn, *args, **more)
            return found

    emulator = Emulator(
        models=served(Profile.LEGACY),
        origin="http://127.0.0.1:1",
        profile=RunProfile(time_scale=0),
        pool=Cancels(max_workers=1),
    )
    batch.input_file_id = emulator.files.add(
        "in.jsonl", "batch", line("a", "gpt-image-2")
    ).id
    app: Any = application(emulator)
    asyncio.run(run_batch(app.app, emulator, batch))
    assert batch.status == Status.CANCELLED
    assert emulator.ledger.entries == []

"""Batch runs: lines are checked and answered, files written."""

import asyncio
import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

from bench.emulator.batch_lines import BadLinesError, Line, lines_of
from bench.emulator.batches import WINDOW_S, Batch, LineError, Status
from bench.emulator.files import Rows
from bench.emulator.jobs import BATCH
from bench.emulator.ledger import Entry, Stage
from bench.emulator.state import Emulator, Exchange
from bench.emulator.wire import Unwired

LINES_AT_ONCE = 8
VALIDATING_S = 2.0
FINALIZING_S = 1.0
OK = 200
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Results:
    """Lines of the two files that a batch leaves."""

    good: Rows = field(default_factory=Rows)
    bad: Rows = field(default_factory=Rows)


async def run_batch(app: ASGIApp, emulator: Emulator, batch: Batch) -> None:
    """Carry a batch from validating to its end."""
    results = _Results()
    try:
        await _slept(emulator, VALIDATING_S)
        lines = await _checked(emulator, batch)
        if lines is not None:
            await _carried_out(app, emulator, batch, lines, results)
    except OSError as error:
        why = error.strerror or type(error).__name__
        log.error("%s: its answers can't be written to the disk: %s", batch.id, why)  # noqa: TRY400 - no mistake of ours
        _fail(batch, f"Its answers can't be written to the emulator's disk: {why}.")
    except Exception:
        # Our own mistake: said loudly, and the batch does not hang.
        log.exception("the emulator failed on %s", batch.id)
        _fail(batch, "See its stderr.")
    finally:
        results.good.close()
        results.bad.close()


def _fail(batch: Batch, why: str) -> None:
    batch.errors = (LineError(code="emulator_failed", message=why),)
    batch.enter(Status.FAILED)


async def _slept(emulator: Emulator, simulated_s: float) -> None:
    await asyncio.sleep(simulated_s * emulator.profile.time_scale)


async def _checked(emulator: Emulator, batch: Batch) -> tuple[Line, ...] | None:
    """Read the input file; None when the batch has ended by that."""
    if _was_cancelled(batch):
        return None
    file = emulator.files.get(batch.input_file_id)
    content = b"" if file is None else file.held
    loop = asyncio.get_running_loop()
    try:
        lines = await loop.run_in_executor(
            emulator.pool, lines_of, content, batch.endpoint
        )
    except BadLinesError as error:
        batch.errors = error.errors
        batch.enter(Status.FAILED)
        return None
    # Or it was while its lines were read.
    if _was_cancelled(batch):
        return None
    batch.n_total = len(lines)
    model = lines[0].body.get("model")
    batch.model = model if isinstance(model, str) else None
    batch.enter(Status.IN_PROGRESS)
    return lines


def _was_cancelled(batch: Batch) -> bool:
    """Whether a batch has ended before any line was begun."""
    if batch.status is not Status.CANCELLING:
        return False
    batch.enter(Status.CANCELLED)
    return True


async def _carried_out(
    app: ASGIApp,
    emulator: Emulator,
    batch: Batch,
    lines: tuple[Line, ...],
    results: _Results,
) -> None:
    """Answer the lines, some at once; what the window leaves out has expired."""
    waiting = list(reversed(lines))
    at_work: set[str] = set()

    async def worker() -> None:
        while waiting and batch.status is Status.IN_PROGRESS:
            line = waiting.pop()
            at_work.add(line.custom_id)
            await _answer(app, emulator, batch, line, results)
            at_work.discard(line.custom_id)

    window_s = WINDOW_S * emulator.profile.time_scale
    ended = Status.COMPLETED
    try:
        async with asyncio.timeout(window_s or None):
            await asyncio.gather(*(worker() for _ in range(LINES_AT_ONCE)))
    except TimeoutError:
        ended = Status.EXPIRED
        _expire([*at_work, *(line.custom_id for line in reversed(waiting))], results)
    if batch.status is Status.CANCELLING:
        ended = Status.CANCELLED
    else:
        batch.enter(Status.FINALIZING)
    await _slept(emulator, FINALIZING_S)
    _write(emulator, batch, results)
    batch.enter(ended)


def _expire(custom_ids: list[str], results: _Results) -> None:
    message = "The request could not be carried out before the window was over."
    for custom_id in custom_ids:
        error = {"code": "batch_expired", "message": message}
        results.bad.add(_row(custom_id, None, error))


def _write(emulator: Emulator, batch: Batch, results: _Results) -> None:
    for rows, kind in ((results.good, "output"), (results.bad, "error")):
        if rows.n_bytes:
            name = f"{batch.id}_{kind}.jsonl"
            file = emulator.files.add(name, "batch_output", rows.mapped())
            setattr(batch, f"{kind}_file_id", file.id)


def _row(custom_id: str, response: object, error: object) -> bytes:
    told = {
        "id": f"batch_req_{uuid.uuid4().hex}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    return json.dumps(told).encode()


async def _answer(
    app: ASGIApp, emulator: Emulator, batch: Batch, line: Line, results: _Results
) -> None:
    """Have one line answered as if it had come by itself."""
    entry = Entry(
        id=f"req_{uuid.uuid4().hex}",
        method="POST",
        path=batch.endpoint,
        manner=emulator.manner,
        operation=BATCH,
        client_request_id=line.custom_id,
    )
    emulator.n_requests += 1
    emulator.ledger.entries.append(entry)
    emulator.in_flight += 1
    try:
        body = await _body(app, emulator, entry, line)
    finally:
        emulator.in_flight -= 1
    if body is None:
        batch.n_failed += 1
        error = {"code": "request_failed", "message": "The request got no answer."}
        results.bad.add(_row(line.custom_id, None, error))
        return
    response = {"status_code": entry.status, "request_id": entry.id, "body": body}
    row = _row(line.custom_id, response, None)
    if entry.status == OK:
        batch.n_completed += 1
        results.good.add(row)
    else:
        batch.n_failed += 1
        results.bad.add(row)


async def _body(
    app: ASGIApp, emulator: Emulator, entry: Entry, line: Line
) -> dict[str, Any] | None:
    """Return the JSON of the answer, None when none came whole."""
    entry.received_ns, entry.stage = time.monotonic_ns(), Stage.RECEIVED
    content = json.dumps(line.body).encode()
    connection = Unwired()
    exchange = Exchange(
        connection=connection, entry=entry, number=emulator.n_requests, body=content
    )
    came = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry.status, entry.stage = message["status"], Stage.SENDING
        else:
            came.extend(message.get("body", b""))

    await app(_scope(entry, exchange), receive, send)
    if connection.lost.is_set():
        return None
    entry.sent_ns, entry.stage = time.monotonic_ns(), Stage.SENT
    try:
        return json.loads(came)
    except ValueError:
        return None


def _scope(entry: Entry, exchange: Exchange) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": entry.method,
        "path": entry.path,
        "raw_path": entry.path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [
            (b"authorization", b"Bearer batch"),
            (b"content-type", b"application/json"),
        ],
        "state": {"exchange": exchange},
    }

"""Batch API: POST and GET /v1/batches, and cancelling."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator.answers import json_bytes
from bench.emulator.batch_runs import run_batch
from bench.emulator.batches import ENDED, WINDOW, Batch, Status
from bench.emulator.delivery import Delivery
from bench.emulator.generations import json_object
from bench.emulator.keys import require_key
from bench.emulator.refusals import Refusal, RefusedError, invalid
from bench.emulator.serving import befallen
from bench.emulator.state import Emulator, emulator_of, exchange_of
from bench.emulator.values import check_type, invalid_value, missing, none_of, unknown

ENDPOINTS = ("/v1/images/generations", "/v1/images/edits", "/v1/responses")
MEMBERS = ("input_file_id", "endpoint", "completion_window", "metadata")
PURPOSE = "batch"
LISTED, LISTED_MAX = 20, 100
NOT_FOUND = 404


def _begun(request: Request) -> Emulator:
    """Begin any request for batches: key and fault."""
    emulator = emulator_of(request)
    require_key(request)
    befallen(emulator, exchange_of(request).entry)
    return emulator


async def create_batch(request: Request) -> Delivery:
    """Take a batch, and begin with it.

    Raises:
        RefusedError: any check or fault that answers with an error.
    """
    emulator = _begun(request)
    body = json_object(request, exchange_of(request).body)
    batch = _checked(emulator, body)
    emulator.batches.add(batch)
    task = asyncio.create_task(run_batch(request.app, emulator, batch))
    emulator.tasks.add(task)
    task.add_done_callback(emulator.tasks.discard)
    return _answer(batch.as_json())


def _answer(told: Mapping[str, Any]) -> Delivery:
    return Delivery(status=200, body=json_bytes(told))


def _checked(emulator: Emulator, body: Mapping[str, object]) -> Batch:
    for key in body:
        if key not in MEMBERS:
            raise unknown(key)
    for key in MEMBERS[:3]:
        if body.get(key) is None:
            raise missing(key)
        check_type(key, body[key], str)
    for key, known in (("endpoint", ENDPOINTS), ("completion_window", (WINDOW,))):
        if body[key] not in known:
            raise none_of(body[key], known, key)
    metadata = body.get("metadata")
    if metadata is not None:
        check_type("metadata", metadata, dict)
    return Batch(
        endpoint=cast("str", body["endpoint"]),
        input_file_id=_input_file(emulator, cast("str", body["input_file_id"])),
        metadata=cast("dict[str, object] | None", metadata),
    )


def _input_file(emulator: Emulator, name: str) -> str:
    file = emulator.files.get(name)
    if file is None:
        raise invalid_value(f"No such File object: {name}", "input_file_id")
    if file.purpose != PURPOSE:
        raise invalid_value(
            f"The file's purpose is '{file.purpose}': a batch needs '{PURPOSE}'.",
            "input_file_id",
        )
    return file.id


async def list_batches(request: Request) -> Delivery:
    """List the batches, the newest first."""
    emulator = _begun(request)
    asked = request.query_params
    limit = asked.get("limit", str(LISTED))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= LISTED_MAX:
        raise invalid_value(f"'limit' must be from 1 to {LISTED_MAX}.", "limit")
    found = emulator.batches.newest_first()
    after = asked.get("after")
    if after is not None:
        names = [batch.id for batch in found]
        if after not in names:
            raise _unknown(after)
        found = found[names.index(after) + 1 :]
    shown = found[: int(limit)]
    return _answer(
        {
            "object": "list",
            "data": [batch.as_json() for batch in shown],
            "first_id": shown[0].id if shown else None,
            "last_id": shown[-1].id if shown else None,
            "has_more": len(found) > len(shown),
        }
    )


async def read_batch(request: Request) -> Delivery:
    """Show one batch."""
    return _answer(_named(_begun(request), request).as_json())


async def cancel_batch(request: Request) -> Delivery:
    """Let lines that have begun end, and begin no further ones."""
    batch = _named(_begun(request), request)
    if batch.status in ENDED or batch.status is Status.FINALIZING:
        raise invalid(f"Cannot cancel a batch with status '{batch.status}'.")
    if batch.status is not Status.CANCELLING:
        batch.enter(Status.CANCELLING)
    return _answer(batch.as_json())


def _named(emulator: Emulator, request: Request) -> Batch:
    name = request.path_params["batch_id"]
    found = emulator.batches.get(name)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> RefusedError:
    return RefusedError(
        Refusal(status=NOT_FOUND, message=f"No batch found with id '{name}'.")
    )


ROUTES = (
    Route("/v1/batches", create_batch, methods=["POST"]),
    Route("/v1/batches", list_batches, methods=["GET"]),
    Route("/v1/batches/{batch_id}", read_batch, methods=["GET"]),
    Route("/v1/batches/{batch_id}/cancel", cancel_batch, methods=["POST"]),
)

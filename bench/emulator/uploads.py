"""Uploads: the Files API, over what is kept in memory."""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bench.emulator.answers import json_bytes
from bench.emulator.delivery import Delivery, body_message
from bench.emulator.files import File
from bench.emulator.forms import Form, media_type, read_form, the_only
from bench.emulator.keys import require_key
from bench.emulator.multipart import FORM, parts_of
from bench.emulator.refusals import RefusedError, invalid, no_file, unsupported_type
from bench.emulator.serving import befallen
from bench.emulator.state import Emulator, emulator_of, exchange_of
from bench.emulator.values import (
    check_range,
    check_type,
    missing,
    none_of,
    unknown,
    wrong_type,
)

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
EXPIRES_S = (3600, 2_592_000)
LISTED_MAX = 10_000
ORDERS = ("asc", "desc")
FIELDS = ("file", "purpose", "expires_after")
OCTETS = "application/octet-stream"
PIECE_BYTES = 1024 * 1024
WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)


def _opened(request: Request) -> Emulator:
    """Begin any request for files: key, name in the ledger, fault."""
    emulator, entry = emulator_of(request), exchange_of(request).entry
    require_key(request)
    entry.operation = "file"
    befallen(emulator, entry)
    return emulator


async def upload(request: Request) -> Delivery:
    """Keep a file.

    Raises:
        RefusedError: any check or fault that answers with an error.
    """
    emulator = _opened(request)
    kind = request.headers.get("content-type", "")
    if media_type(kind) != FORM:
        raise RefusedError(unsupported_type(media_type(kind), FORM))
    loop = asyncio.get_running_loop()
    body = exchange_of(request).body
    parts = await loop.run_in_executor(emulator.pool, parts_of, body, kind)
    form = read_form(parts)
    file = the_only(form, "file")
    if file is not None and file.filename is None:
        raise wrong_type("file", "", bytes)
    purpose, expires_after_s = _wishes(form)
    if file is None or file.filename is None:
        raise missing("file")
    kept = emulator.files.add(file.filename, purpose, file.content, expires_after_s)
    return _answer(kept.as_json())


def _wishes(form: Form) -> tuple[str, int | None]:
    for name in (*form.fields, *form.files):
        if name not in FIELDS:
            raise unknown(name)
    purpose = form.fields.get("purpose")
    if purpose is None:
        raise missing("purpose")
    check_type("purpose", purpose, str)
    if purpose not in PURPOSES:
        raise none_of(purpose, PURPOSES, "purpose")
    return cast("str", purpose), _expires_after_s(form.fields.get("expires_after"))


def _expires_after_s(given: object) -> int | None:
    if given is None:
        return None
    check_type("expires_after", given, dict)
    wish = cast("dict[str, object]", given)
    for key in wish:
        if key not in ("anchor", "seconds"):
            raise unknown(f"expires_after.{key}")
    for key in ("anchor", "seconds"):
        if key not in wish:
            raise missing(f"expires_after.{key}")
    if wish["anchor"] != "created_at":
        raise none_of(wish["anchor"], ("created_at",), "expires_after.anchor")
    text = str(wish["seconds"])
    if WHOLE.fullmatch(text) is None:
        raise wrong_type("expires_after.seconds", text, int)
    check_range("expires_after.seconds", int(text), *EXPIRES_S)
    return int(text)


async def list_files(request: Request) -> Delivery:
    """List the files, the newest first unless the query says otherwise."""
    emulator = _opened(request)
    query = request.query_params
    order, limit = query.get("order", "desc"), query.get("limit", str(LISTED_MAX))
    if order not in ORDERS:
        raise none_of(order, ORDERS, "order")
    if WHOLE.fullmatch(limit) is None:
        raise wrong_type("limit", limit, int)
    check_range("limit", int(limit), 1, LISTED_MAX)
    purpose = query.get("purpose")
    rows = [one for one in emulator.files.all() if purpose in (None, one.purpose)]
    if order == "desc":
        rows.reverse()
    rows = _after(rows, query.get("after"))
    page = rows[: int(limit)]
    told = {
        "object": "list",
        "data": [file.as_json() for file in page],
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
        "has_more": len(rows) > len(page),
    }
    return _answer(told)


def _after(rows: list[File], file_id: str | None) -> list[File]:
    names = [file.id for file in rows]
    if file_id is None:
        return rows
    if file_id not in names:
        raise invalid(f"No such File object: {file_id}", param="after")
    return rows[names.index(file_id) + 1 :]


def _found(request: Request) -> File:
    emulator = _opened(request)
    file_id: str = request.path_params["file_id"]
    file = emulator.files.get(file_id)
    if file is None:
        raise RefusedError(no_file(file_id))
    return file


async def read_file(request: Request) -> Delivery:
    """Show one file."""
    return _answer(_found(request).as_json())


async def read_content(request: Request) -> "_Content":
    """Give back the bytes of one file."""
    return _Content(_found(request))


class _Content:
    """The bytes of a file, sent piece by piece: it may be larger than memory."""

    def __init__(self, file: File) -> None:
        self._content = file.content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer (ASGI)."""
        del receive
        n_bytes, exchange = len(self._content), scope["state"]["exchange"]
        length = {"content-length": str(n_bytes)}
        head = Delivery(
            status=200, body=b"", media_type=OCTETS, headers=length, chunked=True
        )
        await send(head.start_message())
        for start in range(0, n_bytes, PIECE_BYTES):
            if exchange.connection.lost.is_set():
                return
            piece = self._content[start : start + PIECE_BYTES]
            await send(body_message(piece, more=start + PIECE_BYTES < n_bytes))
        if not n_bytes:
            await send(body_message(b"", more=False))


async def delete_file(request: Request) -> Delivery:
    """Forget one file."""
    file = _found(request)
    emulator_of(request).files.delete(file.id)
    return _answer({"id": file.id, "object": "file", "deleted": True})


def _answer(told: Mapping[str, object]) -> Delivery:
    return Delivery(status=200, body=json_bytes(told))


ROUTES = (
    Route("/v1/files", upload, methods=["POST"]),
    Route("/v1/files", list_files, methods=["GET"]),
    Route("/v1/files/{file_id}", read_file, methods=["GET"]),
    Route("/v1/files/{file_id}", delete_file, methods=["DELETE"]),
    Route("/v1/files/{file_id}/content", read_content, methods=["GET"]),
)

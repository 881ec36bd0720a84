"""Generations: POST /v1/images/generations, read and checked."""

import json
from typing import cast

from starlette.requests import Request

from bench.emulator.checks import checked
from bench.emulator.delivery import JSON
from bench.emulator.forms import media_type
from bench.emulator.keys import require_key
from bench.emulator.ledger import Entry
from bench.emulator.manners import passed_on, unsupported_by_litellm
from bench.emulator.options import Manner
from bench.emulator.outgoing import Incoming
from bench.emulator.refusals import RefusedError, invalid, unsupported_type
from bench.emulator.serving import Answer, befallen, passed_up, served
from bench.emulator.state import emulator_of, exchange_of


async def generations(request: Request) -> Answer:
    """Answer one request for pictures.

    Raises:
        RefusedError: any check, limit or fault that answers with an error.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    require_key(request)
    exchange.entry.operation = exchange.entry.operation or "generate"
    body = json_object(request, exchange.body)
    note_wishes(exchange.entry, body)
    fault = befallen(emulator, exchange.entry)
    if emulator.manner is Manner.LITELLM:
        refusal = unsupported_by_litellm(body)
        if refusal is not None:
            raise RefusedError(refusal)
    ignores = emulator.profile.ignores_options
    body = passed_on(body, emulator.manner, ignores=ignores)
    if emulator.upstream is not None:
        came = Incoming(body=body, raw=exchange.body, media_type=JSON)
        return await passed_up(request, came, fault)
    return await served(request, checked(body, emulator.models), fault)


def json_object(
    request: Request, body: bytes, also: str | None = None
) -> dict[str, object]:
    """Read a body that must be a JSON object; `also` is what it might have been.

    Raises:
        RefusedError: it is none, or is said to be something else.
    """
    kind = media_type(request.headers.get("content-type", ""))
    if kind != JSON:
        known = (JSON, also) if also else (JSON,)
        raise RefusedError(unsupported_type(kind, *known))
    try:
        found: object = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise invalid("The request body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise invalid("The request body must be a JSON object.")
    return cast("dict[str, object]", found)


def _no_number(name: str) -> object:
    """Refuse what Python reads, but JSON does not know: NaN and Infinity."""
    raise ValueError(name)


def note_wishes(entry: Entry, body: dict[str, object]) -> None:
    """Write into the ledger what was asked for, as far as it has the right type."""

    def text(key: str) -> str | None:
        value = body.get(key)
        return value if isinstance(value, str) else None

    n = body.get("n", 1)
    entry.model, entry.prompt = text("model"), text("prompt")
    entry.quality, entry.size = text("quality"), text("size")
    entry.n = n if isinstance(n, int) and not isinstance(n, bool) else 1
    entry.stream = body.get("stream") is True
    partials = body.get("partial_images")
    entry.partial_images = partials if type(partials) is int else None

"""Variations: POST /v1/images/variations, of the legacy profile."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator.catalogue import Model
from bench.emulator.checks import ImageRequest, model_of, options
from bench.emulator.edits import check_count, check_legacy
from bench.emulator.forms import Form, media_type, read_form
from bench.emulator.generations import note_wishes
from bench.emulator.inputs import opened, uploaded
from bench.emulator.keys import require_key
from bench.emulator.multipart import FORM, parts_of
from bench.emulator.outgoing import Incoming
from bench.emulator.refusals import RefusedError, unsupported_type
from bench.emulator.serving import Answer, befallen, passed_up, served
from bench.emulator.state import emulator_of, exchange_of
from bench.emulator.values import invalid_value

# The one that was meant where none was named.
MODEL = "dall-e-2"


def routes(models: Mapping[str, Model]) -> tuple[Route, ...]:
    """Return the address, or nothing where it is retired like its model."""
    path = "/v1/images/variations"
    return (Route(path, variations, methods=["POST"]),) if MODEL in models else ()


async def variations(request: Request) -> Answer:
    """Answer one request that varies a picture.

    Raises:
        RefusedError: any check, limit or fault that answers with an error.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    require_key(request)
    kind = request.headers.get("content-type", "")
    if media_type(kind) != FORM:
        raise RefusedError(unsupported_type(media_type(kind), FORM))
    form = read_form(parts_of(exchange.body, kind))
    body = {"model": MODEL, **form.noted()}
    note_wishes(exchange.entry, body)
    exchange.entry.operation = "variation"
    exchange.entry.n_inputs = len(form.files.get("image", ()))
    fault = befallen(emulator, exchange.entry)
    if emulator.upstream is not None:
        came = Incoming(
            body=body,
            raw=exchange.body,
            media_type=kind,
            form=form,
            operation="variation",
            n_inputs=exchange.entry.n_inputs,
        )
        return await passed_up(request, came, fault)
    model = model_of(body, emulator.models)
    loop = asyncio.get_running_loop()
    wanted = await loop.run_in_executor(
        emulator.pool, checked_variation, body, form, model
    )
    return await served(request, wanted, fault)


def checked_variation(
    body: Mapping[str, object], form: Form, model: Model
) -> ImageRequest:
    """Check a form and open its picture (slow: belongs in a worker thread).

    Raises:
        RefusedError: the first check that fails.
    """
    form.check_fields()
    if not model.variation_parameters:
        raise invalid_value(f"The model '{model.name}' makes no variations.", "model")
    wanted = options(body, model, model.variation_parameters)
    images = form.files.get("image", [])
    check_count(len(images), "image")
    contents = [uploaded(part, "image") for part in images]
    first = opened(contents[0])
    check_legacy(first, len(contents))
    return replace(wanted, inputs=(first,))

"""Edits: POST /v1/images/edits, as a form or in JSON."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from starlette.requests import Request

from bench.emulator.catalogue import Model
from bench.emulator.checks import ImageRequest, InputPicture, model_of, options
from bench.emulator.delivery import JSON
from bench.emulator.forms import Form, media_type, read_form, the_only
from bench.emulator.generations import json_object, note_wishes
from bench.emulator.inputs import (
    INPUTS_MAX,
    MASK_MAX_BYTES,
    bad_picture,
    of_size,
    opened,
    opened_markup,
    opened_mask,
    pointed_at,
    uploaded,
)
from bench.emulator.keys import require_key
from bench.emulator.manners import passed_on
from bench.emulator.multipart import FORM, parts_of
from bench.emulator.options import Manner
from bench.emulator.outgoing import URLENCODED, Incoming
from bench.emulator.refusals import RefusedError, invalid, unsupported_type
from bench.emulator.serving import Answer, befallen, passed_up, served
from bench.emulator.state import Emulator, emulator_of, exchange_of
from bench.emulator.values import (
    check_type,
    invalid_value,
    missing,
)


async def edits(request: Request) -> Answer:
    """Answer one request that edits pictures.

    Raises:
        RefusedError: any check, limit or fault that answers with an error.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    require_key(request)
    loop = asyncio.get_running_loop()
    kind = request.headers.get("content-type", "")
    if media_type(kind) == FORM:
        form = await loop.run_in_executor(emulator.pool, _form, exchange.body, kind)
        body, read = form.noted(), checked_form
    else:
        body = json_object(request, exchange.body, also=FORM)
        form, read = Form(fields=body), checked_json
    note_wishes(exchange.entry, body)
    exchange.entry.operation = exchange.entry.operation or "edit"
    exchange.entry.n_inputs = n_inputs(form)
    fault = befallen(emulator, exchange.entry)
    came = _incoming(request, form, body)
    if emulator.upstream is not None:
        return await passed_up(request, came, fault)
    if emulator.manner is Manner.LITELLM and not form.files:
        # This gateway writes JSON edits as a form that nobody takes.
        raise RefusedError(unsupported_type(URLENCODED, JSON, FORM))
    form = replace(
        form, fields={k: v for k, v in came.body.items() if k not in form.files}
    )
    wanted = await loop.run_in_executor(emulator.pool, read, emulator, form)
    return await served(request, wanted, fault)


def _incoming(request: Request, form: Form, body: dict[str, object]) -> Incoming:
    """Return the request as the gateway's manner hands it on."""
    emulator, exchange = emulator_of(request), exchange_of(request)
    ignores = emulator.profile.ignores_options
    known = passed_on(body, emulator.manner, operation="edit", ignores=ignores)
    return Incoming(
        body=known,
        raw=exchange.body,
        media_type=request.headers.get("content-type", ""),
        form=form if form.files else None,
        operation="edit",
        n_inputs=exchange.entry.n_inputs,
    )


def n_inputs(form: Form) -> int:
    """Count the pictures that came, as far as they can be counted."""
    listed = form.fields.get("images")
    in_json = len(cast("list[object]", listed)) if isinstance(listed, list) else 0
    return in_json + len(form.files.get("image", []))


def _form(body: bytes, content_type: str) -> Form:
    return read_form(parts_of(body, content_type))


def checked_form(emulator: Emulator, form: Form) -> ImageRequest:
    """Check a form and open its pictures (slow: belongs in a worker thread).

    Raises:
        RefusedError: the first check that fails.
    """
    form.check_fields()
    model = edited_by(form.fields, emulator.models)
    mask, markup = the_only(form, "mask"), the_only(form, "markup")
    wanted = options(form.noted(), model, model.edit_parameters)
    images = form.files.get("image", [])
    check_count(len(images), "image")
    contents = [uploaded(part, "image") for part in images]
    if mask is not None and markup is not None:
        raise invalid_value("'markup' can't be combined with 'mask'.", "markup")
    masked = None if mask is None else uploaded(mask, "mask")
    marked = None if markup is None else uploaded(markup, "markup")
    first, *others = [opened(content) for content in contents]
    if model.is_dall_e:
        check_legacy(first, len(contents))
    return replace(
        wanted,
        inputs=(first, *others),
        mask=None if masked is None else opened_mask(masked, first),
        markup=None if marked is None else opened_markup(marked, first),
    )


def checked_json(emulator: Emulator, form: Form) -> ImageRequest:
    """Check a body of JSON and open what it points at (slow, too).

    Raises:
        RefusedError: the first check that fails.
    """
    body = form.fields
    model = edited_by(body, emulator.models)
    if model.is_dall_e:
        raise invalid(
            f"The model '{model.name}' is edited with by a form only.",
            code="unsupported_content_type",
        )
    wanted = options(body, model, model.json_edit_parameters)
    if body.get("images") is None:
        raise missing("images")
    check_type("images", body["images"], list)
    sources = cast("list[object]", body["images"])
    check_count(len(sources), "images")
    named = [(f"images[{at}]", source) for at, source in enumerate(sources)]
    first, *others = [
        opened(pointed_at(emulator, source, name), _place(name, source))
        for name, source in named
    ]
    mask = body.get("mask")
    return replace(
        wanted,
        inputs=(first, *others),
        mask=(
            None
            if mask is None
            else opened_mask(pointed_at(emulator, mask, "mask"), first)
        ),
    )


def _place(name: str, source: object) -> str:
    by_url = "image_url" in cast("Mapping[str, object]", source)
    return f"{name}.{'image_url' if by_url else 'file_id'}"


def edited_by(body: Mapping[str, object], models: Mapping[str, Model]) -> Model:
    """Return the model of an edit.

    Raises:
        RefusedError: as for any model, or it edits nothing.
    """
    model = model_of(body, models)
    if not model.edits:
        raise invalid_value(f"The model '{model.name}' edits no pictures.", "model")
    return model


def check_count(n: int, param: str) -> None:
    """Check how many pictures came.

    Raises:
        RefusedError: none, or too many.
    """
    if not n and param == "image":
        raise missing(param)
    if not n:
        raise invalid(
            f"Invalid '{param}': empty array. Expected at least 1 element.",
            code="array_below_min_length",
            param=param,
        )
    if n > INPUTS_MAX:
        raise invalid(
            f"Invalid '{param}': array too long. Expected at most {INPUTS_MAX} "
            f"elements, but got {n}.",
            code="array_above_max_length",
            param=param,
        )


def check_legacy(picture: InputPicture, n: int) -> None:
    """Check what DALL-E starts from: one square PNG under 4 MB.

    Raises:
        RefusedError: what of that it is not.
    """
    of_size(picture.content, "image", MASK_MAX_BYTES)
    if n > 1:
        raise invalid_value("This model starts from one picture.", "image")
    if picture.format != "png" or picture.width_px != picture.height_px:
        raise bad_picture("it must be a square PNG", "image")

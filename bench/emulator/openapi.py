"""OpenAPI: GET /openapi.json, what this emulator offers."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator.answer_schemas import components
from bench.emulator.answers import json_bytes
from bench.emulator.batch_api import LISTED_MAX as BATCHES_LISTED_MAX
from bench.emulator.catalogue import Model
from bench.emulator.delivery import JSON, Delivery
from bench.emulator.inputs import MEDIA_TYPES
from bench.emulator.mainline import TextModel
from bench.emulator.multipart import FORM
from bench.emulator.response_schemas import (
    batch_request,
    response_components,
    response_request,
)
from bench.emulator.schemas import Schema, form, one_of, request
from bench.emulator.state import emulator_of
from bench.emulator.uploads import LISTED_MAX, ORDERS
from bench.emulator.variations import MODEL as VARYING

PATH = "/openapi.json"
STREAM = "text/event-stream"
# What any request may be answered with, beside what it asked for.
REFUSALS = ("400", "401", "403", "404", "413", "415", "429", "500", "503", "504")
VERSION = "3.1.0"


def document(
    models: Mapping[str, Model], text_models: Mapping[str, TextModel], origin: str
) -> Schema:
    """Return the OpenAPI document for the models that are served."""
    paths = {
        **_image_paths(models),
        **_response_paths(models, text_models),
        **_file_paths(),
        **_batch_paths(),
        **_model_paths(),
    }
    return {
        "openapi": VERSION,
        "info": {"title": "Pixelmeter emulator", "version": "1"},
        "servers": [{"url": f"{origin}/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {**components(), **response_components()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _image_paths(models: Mapping[str, Model]) -> Schema:
    known = models.values()
    edited = [model for model in known if model.edits]
    bodies: Mapping[str, Schema] = {
        "/images/generations": {
            JSON: {"schema": request(known, {m.name: m.parameters for m in known})}
        },
        "/images/edits": {
            FORM: _form(edited, {m.name: m.edit_parameters for m in edited}),
            JSON: {
                "schema": request(
                    [m for m in edited if not m.is_dall_e],
                    {m.name: m.json_edit_parameters for m in edited},
                )
            },
        },
    }
    if VARYING in models:
        varied = {m.name: m.variation_parameters for m in known}
        bodies = {**bodies, "/images/variations": {FORM: _form(known, varied)}}
    return {
        path: {"post": _operation("ImagesResponse", body, events="ImageStreamEvent")}
        for path, body in bodies.items()
    }


def _form(models: Any, keys: Mapping[str, frozenset[str]]) -> Schema:  # noqa: ANN401 - any iterable
    picture = {"contentType": ", ".join(MEDIA_TYPES)}
    encoding = {
        "image": picture,
        "mask": {"contentType": "image/png"},
        "markup": {"contentType": "image/png"},
    }
    return {"schema": form(models, keys), "encoding": encoding}


def _operation(
    answer: str,
    body: Schema | None = None,
    *,
    events: str | None = None,
    parameters: tuple[Schema, ...] = (),
) -> Schema:
    said: Schema = {JSON: {"schema": _ref(answer)}}
    if events is not None:
        said[STREAM] = {"schema": _ref(events)}
    responses: Schema = {"200": {"description": "Done.", "content": said}}
    for status in REFUSALS:
        refusal = {JSON: {"schema": _ref("ErrorResponse")}}
        responses[status] = {"description": "Refused.", "content": refusal}
    operation: Schema = {"responses": responses, "parameters": list(parameters)}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _file_paths() -> Schema:
    limit = {"type": "integer", "minimum": 1, "maximum": LISTED_MAX}
    listed = (
        _in_query("purpose", {"type": "string"}),
        _in_query("limit", limit),
        _in_query("order", one_of(*ORDERS)),
        _in_query("after", {"type": "string"}),
    )
    one = (_in_path("file_id"),)
    content = _operation("File", parameters=one)
    content["responses"]["200"]["content"] = {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }
    upload = {FORM: {"schema": _ref("FileUpload")}}
    return {
        "/files": {
            "post": _operation("File", upload),
            "get": _operation("FileList", parameters=listed),
        },
        "/files/{file_id}": {
            "get": _operation("File", parameters=one),
            "delete": _operation("DeletedFile", parameters=one),
        },
        "/files/{file_id}/content": {"get": content},
    }


def _response_paths(
    models: Mapping[str, Model], text_models: Mapping[str, TextModel]
) -> Schema:
    body = {JSON: {"schema": response_request(models, text_models)}}
    one = (_in_path("response_id"),)
    return {
        "/responses": {"post": _operation("Response", body, events="ResponseEvent")},
        "/responses/{response_id}": {
            "get": _operation("Response", parameters=one),
            "delete": _operation("DeletedResponse", parameters=one),
        },
    }


def _batch_paths() -> Schema:
    one = (_in_path("batch_id"),)
    limit = {"type": "integer", "minimum": 1, "maximum": BATCHES_LISTED_MAX}
    listed = (_in_query("limit", limit), _in_query("after", {"type": "string"}))
    return {
        "/batches": {
            "post": _operation("Batch", {JSON: {"schema": batch_request()}}),
            "get": _operation("BatchList", parameters=listed),
        },
        "/batches/{batch_id}": {"get": _operation("Batch", parameters=one)},
        "/batches/{batch_id}/cancel": {"post": _operation("Batch", parameters=one)},
    }


def _model_paths() -> Schema:
    return {
        "/models": {"get": _operation("ModelList")},
        "/models/{model}": {
            "get": _operation("Model", parameters=(_in_path("model"),))
        },
    }


async def read_document(http_request: Request) -> Delivery:
    """Show the document."""
    emulator = emulator_of(http_request)
    told = document(emulator.models, emulator.text_models, emulator.origin)
    return Delivery(status=200, body=json_bytes(told))


ROUTES = (Route(PATH, read_document, methods=["GET"]),)

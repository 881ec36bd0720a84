"""App: the addresses, and how every refusal becomes an answer."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from bench.emulator import (
    batch_api,
    control,
    openapi,
    responses,
    uploads,
    variations,
)
from bench.emulator.answers import json_bytes
from bench.emulator.delivery import Delivery, refusal_delivery
from bench.emulator.edits import edits
from bench.emulator.generations import generations
from bench.emulator.manners import dressed
from bench.emulator.models import list_models, read_model
from bench.emulator.options import Manner
from bench.emulator.recorder import Recorder
from bench.emulator.refusals import Refusal, RefusedError, unknown_url, wrong_method
from bench.emulator.relay import relaying
from bench.emulator.state import Emulator, emulator_of, exchange_of

NOT_ALLOWED = 405


def application(emulator: Emulator) -> ASGIApp:
    """Return the ASGI application of one emulator."""
    # Coroutines on purpose: Starlette would run functions in a thread.
    handlers: dict[Any, Any] = {
        RefusedError: _on_refusal,
        HTTPException: _on_wrong_address,
    }
    is_litellm = emulator.manner is Manner.LITELLM
    app = Starlette(
        routes=[
            Route("/v1/images/generations", generations, methods=["POST"]),
            Route("/v1/images/edits", edits, methods=["POST"]),
            Route("/v1/models", list_models, methods=["GET"]),
            Route("/v1/models/{model}", read_model, methods=["GET"]),
            *([] if is_litellm else variations.routes(emulator.models)),
            *relaying(uploads.ROUTES),
            *responses.ROUTES,
            *relaying(batch_api.ROUTES),
            *openapi.ROUTES,
            *control.ROUTES,
        ],
        exception_handlers=handlers,
    )
    # A trailing slash is another address to the real service, not a redirect.
    app.router.redirect_slashes = False
    app.state.emulator = emulator
    return Recorder(app, emulator)


def _dressed(request: Request, refusal: Refusal) -> Delivery:
    entry = exchange_of(request).entry
    worded = dressed(refusal, emulator_of(request).manner, entry.id, entry.operation)
    entry.error_code = worded.code
    return refusal_delivery(worded)


async def _on_refusal(request: Request, error: RefusedError) -> Delivery:
    return _dressed(request, error.refusal)


async def _on_wrong_address(request: Request, error: HTTPException) -> Delivery:
    if emulator_of(request).manner is Manner.LITELLM:
        # It knows no such address, and says so without an error object.
        body = json_bytes({"detail": error.detail})
        return Delivery(status=error.status_code, body=body)
    refusal = wrong_method if error.status_code == NOT_ALLOWED else unknown_url
    return _dressed(request, refusal(request.method, request.url.path))

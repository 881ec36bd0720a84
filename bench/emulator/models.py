"""Models: GET /v1/models and GET /v1/models/{id}."""

from datetime import UTC, datetime, time

from starlette.requests import Request

from bench.emulator.answers import json_bytes
from bench.emulator.catalogue import Model
from bench.emulator.delivery import Delivery
from bench.emulator.keys import require_key
from bench.emulator.refusals import RefusedError, unknown_model
from bench.emulator.serving import befallen
from bench.emulator.state import emulator_of, exchange_of
from bench.emulator.upstream import fetched


def _shown(model: Model) -> dict[str, object]:
    born = datetime.combine(model.released_on, time(), UTC)
    return {
        "id": model.name,
        "object": "model",
        "created": int(born.timestamp()),
        "owned_by": "system",
    }


async def list_models(request: Request) -> Delivery:
    """List the models that are served."""
    emulator = emulator_of(request)
    require_key(request)
    befallen(emulator, exchange_of(request).entry)
    if emulator.upstream is not None:
        return Delivery(status=200, body=(await fetched(request)).body)
    rows = [_shown(model) for model in emulator.models.values()]
    return Delivery(status=200, body=json_bytes({"object": "list", "data": rows}))


async def read_model(request: Request) -> Delivery:
    """Show one model, or say that it does not exist."""
    emulator, entry = emulator_of(request), exchange_of(request).entry
    name: str = request.path_params["model"]
    require_key(request)
    entry.model = name
    befallen(emulator, entry)
    if emulator.upstream is not None:
        return Delivery(status=200, body=(await fetched(request)).body)
    if name not in emulator.models:
        raise RefusedError(unknown_model(name))
    return Delivery(status=200, body=json_bytes(_shown(emulator.models[name])))

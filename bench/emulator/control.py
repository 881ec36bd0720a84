"""Control: the addresses by which tests steer and read the emulator."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator import faults, profile
from bench.emulator.answers import json_bytes
from bench.emulator.delivery import Delivery
from bench.emulator.documents import BadDocumentError
from bench.emulator.limits import Window
from bench.emulator.refusals import RefusedError, invalid, unknown_url
from bench.emulator.state import Emulator, emulator_of, exchange_of

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
Handler = Callable[[Request], Awaitable[Delivery]]


def _answer(shown: object) -> Delivery:
    return Delivery(status=200, body=json.dumps(shown, indent=2).encode() + b"\n")


def _document(request: Request) -> object:
    try:
        return json.loads(exchange_of(request).body)
    except (ValueError, RecursionError):
        raise invalid("The request body is not valid JSON.") from None


def _refused(error: BadDocumentError) -> RefusedError:
    return invalid(f"{error}.", code="invalid_value")


async def read_ledger(request: Request) -> Delivery:
    """Show every request, the total, and how many are still in work."""
    emulator = emulator_of(request)
    return _answer({**emulator.ledger.as_json(), "in_flight": emulator.in_flight})


async def read_stamps(request: Request) -> Delivery:
    """Show when each request came and its answer left, and by whose clock."""
    emulator = emulator_of(request)
    told = {
        "origin": emulator.origin,
        "boot_id": _boot_id(),
        "stamps": emulator.ledger.stamps(),
        "partials": emulator.ledger.partials(),
    }
    return Delivery(status=200, body=json_bytes(told))


def _boot_id() -> str | None:
    """Return what names this boot: its processes share the monotonic clock."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


async def clear_ledger(request: Request) -> Delivery:
    """Forget every request."""
    emulator_of(request).ledger.clear()
    return await read_ledger(request)


async def read_profile(request: Request) -> Delivery:
    """Show the profile in force."""
    return _answer(emulator_of(request).profile.as_json())


async def change_profile(request: Request) -> Delivery:
    """Set the named parts of the profile; the others stay.

    Other limits begin with an empty minute.
    """
    emulator = emulator_of(request)
    before = emulator.profile.limits
    try:
        emulator.profile = profile.changed(emulator.profile, _document(request))
    except BadDocumentError as error:
        raise _refused(error) from None
    if emulator.profile.limits != before:
        emulator.window = Window()
    return await read_profile(request)


def _shown_faults(emulator: Emulator) -> dict[str, object]:
    plan = emulator.faults
    rows = [
        {
            "scenario": fault.scenario,
            "times": fault.times,
            "share": fault.share,
            "when": {
                "path": fault.when.path,
                "model": fault.when.model,
                "prompt_contains": fault.when.prompt_contains,
            },
            "retry_after_s": fault.retry_after_s,
            "code": fault.code,
            "fired": fired,
        }
        for fault, fired in zip(plan.faults, plan.fired, strict=True)
    ]
    return {"seed": plan.seed, "faults": rows}


async def read_faults(request: Request) -> Delivery:
    """Show the faults in force and how often each has fired."""
    return _answer(_shown_faults(emulator_of(request)))


async def set_faults(request: Request) -> Delivery:
    """Replace the whole list of faults."""
    emulator = emulator_of(request)
    try:
        emulator.faults = faults.parsed(_document(request))
    except BadDocumentError as error:
        raise _refused(error) from None
    return await read_faults(request)


async def clear_faults(request: Request) -> Delivery:
    """Let nothing go wrong any more."""
    emulator_of(request).faults = faults.FaultPlan()
    return await read_faults(request)


async def picture(request: Request) -> Delivery:
    """Serve a picture that was answered as a URL."""
    found = emulator_of(request).pictures.get(request.path_params["name"])
    if found is None:
        raise RefusedError(unknown_url("GET", request.url.path))
    return Delivery(status=200, body=found[0], media_type=found[1])


async def keep_picture(request: Request) -> Delivery:
    """Keep a picture under this address, for requests that name it."""
    name = request.path_params["name"]
    kind = request.headers.get("content-type", "application/octet-stream")
    emulator_of(request).keep_picture(name, exchange_of(request).body, kind)
    return _answer({"url": f"{emulator_of(request).origin}{request.url.path}"})


def _route(path: str, method: str, handler: Handler) -> Route:
    return Route(f"/_emulator/{path}", handler, methods=[method])


ROUTES = (
    _route("ledger", "GET", read_ledger),
    _route("stamps", "GET", read_stamps),
    _route("ledger", "DELETE", clear_ledger),
    _route("profile", "GET", read_profile),
    _route("profile", "PUT", change_profile),
    _route("faults", "GET", read_faults),
    _route("faults", "PUT", set_faults),
    _route("faults", "DELETE", clear_faults),
    _route("pictures/{name}", "GET", picture),
    _route("pictures/{name}", "PUT", keep_picture),
)

"""Hop: a gateway that asks another server and keeps its own account."""

import asyncio
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import httpx2
import orjson
from starlette.requests import Request

from bench.emulator.answers import json_bytes, spoiled
from bench.emulator.catalogue import MODELS, Model
from bench.emulator.checks import ImageRequest, edges_px
from bench.emulator.faults import Scenario
from bench.emulator.manners import passed_back
from bench.emulator.options import Manner
from bench.emulator.prices import PER_IMAGE, token_price_usd
from bench.emulator.refusals import Refusal, RefusedError
from bench.emulator.settle import another_quality, another_size, usage_of
from bench.emulator.state import Emulator, Outcome, emulator_of, exchange_of
from bench.emulator.tokens import Usage

FORWARDED_HEADERS = ("authorization", "x-client-request-id")
KNOWN = {model.name: model for model in MODELS}
LITELLM_CALLS = 3
RETRY_WAIT_S = 0.5
TOO_MANY = 429
SERVER_ERRORS = 500
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the upstream answered."""

    status: int
    body: bytes
    request_id: str | None
    retry_after: str | None


def client_for(upstream_url: str) -> httpx2.AsyncClient:
    """Return a client whose requests go to `upstream_url` (it ends in `/v1`)."""
    return httpx2.AsyncClient(
        base_url=upstream_url.rstrip("/"),
        timeout=None,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        trust_env=False,
        follow_redirects=False,
    )


async def forwarded(
    request: Request, body: dict[str, object], *, fault: Scenario | None
) -> Outcome:
    """Ask the upstream for the pictures and price what it answers.

    Raises:
        RefusedError: the upstream refused or could not be reached.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    entry = exchange.entry
    kept = (emulator.manner, *(repr(body.get(key)) for key in _REPEAT_KEYS))
    if emulator.manner is Manner.REPEATS and kept in emulator.once_served:
        return emulator.once_served.pop(kept)
    profile = emulator.profile
    await asyncio.sleep(profile.overhead_s * profile.time_scale)
    asked = _asked(body, emulator.manner, fault)
    # What nobody changed goes out as it came.
    same = asked is body and emulator.manner is not Manner.NEWAPI
    content = exchange.body if same else json.dumps(asked).encode()
    reply = await _exchanged(request, content)
    entry.upstream_id = reply.request_id
    if reply.status != OK:
        raise RefusedError(_refusal(reply))
    loop = asyncio.get_running_loop()
    outcome = await loop.run_in_executor(
        emulator.pool, _outcome, emulator.manner, body, reply, fault
    )
    entry.served_quality, entry.served_size = outcome.quality, outcome.size
    if asked.get("quality") != body.get("quality"):
        entry.served_quality = cast("str", asked["quality"])
    if emulator.manner is Manner.REPEATS and fault is None:
        emulator.once_served[kept] = outcome
    return outcome


_REPEAT_KEYS = ("model", "quality", "size", "n", "output_format", "background")


def _asked(
    body: dict[str, object], manner: Manner, fault: Scenario | None
) -> dict[str, object]:
    """Return the request for the upstream: a cheat or a fault changes it."""
    model = KNOWN.get(str(body.get("model")))
    if model is not None and manner is Manner.SUBSTITUTES:
        return {**body, "quality": model.qualities[0]}
    if model is not None and fault is Scenario.WRONG_QUALITY:
        return {**body, "quality": another_quality(model, str(body.get("quality")))}
    if fault is Scenario.WRONG_SIZE:
        return {**body, "size": another_size(str(body.get("size")))}
    return body


async def _exchanged(request: Request, content: bytes) -> Reply:
    """Send the request; the litellm manner hides up to two further calls."""
    emulator, entry = emulator_of(request), exchange_of(request).entry
    n_calls = LITELLM_CALLS if emulator.manner is Manner.LITELLM else 1
    while True:
        entry.upstream_calls += 1
        reply = await _sent(emulator, request, "POST", content)
        passing = reply.status == TOO_MANY or reply.status >= SERVER_ERRORS
        if not passing or entry.upstream_calls >= n_calls:
            return reply
        await asyncio.sleep(RETRY_WAIT_S * emulator.profile.time_scale)


async def passed_through(request: Request) -> Reply:
    """Fetch what the upstream says at the same address."""
    exchange_of(request).entry.upstream_calls += 1
    reply = await _sent(emulator_of(request), request, "GET", None)
    exchange_of(request).entry.upstream_id = reply.request_id
    if reply.status != OK:
        raise RefusedError(_refusal(reply))
    return reply


async def _sent(
    emulator: Emulator, request: Request, method: str, body: bytes | None
) -> Reply:
    upstream = cast("httpx2.AsyncClient", emulator.upstream)
    headers = {
        key: request.headers[key] for key in FORWARDED_HEADERS if key in request.headers
    }
    if body is not None:
        headers["content-type"] = "application/json"
    path = request.url.path.removeprefix("/v1")
    try:
        found = await upstream.request(method, path, content=body, headers=headers)
    except httpx2.HTTPError as error:
        raise RefusedError(
            Refusal(
                status=502,
                type="upstream_error",
                code="upstream_unreachable",
                message=f"The upstream gave no answer ({type(error).__name__}).",
            )
        ) from None
    return Reply(
        status=found.status_code,
        body=found.content,
        request_id=found.headers.get("x-request-id"),
        retry_after=found.headers.get("retry-after"),
    )


def _refusal(reply: Reply) -> Refusal:
    """Read an upstream's error; what is no error object becomes a 502's text."""
    try:
        error = orjson.loads(reply.body)["error"]
        known = {key: error[key] for key in ("message", "type", "code", "param")}
        extra = {key: value for key, value in error.items() if key not in known}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refusal(
            status=502,
            type="upstream_error",
            message=f"The upstream answered {reply.status} without an error object.",
        )
    seconds = _seconds(reply.retry_after)
    return Refusal(status=reply.status, retry_after_s=seconds, extra=extra, **known)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _outcome(
    manner: Manner, body: dict[str, object], reply: Reply, fault: Scenario | None
) -> Outcome:
    """Read, change and price an answer (slow: belongs in a worker thread)."""
    try:
        told = cast("dict[str, Any]", orjson.loads(reply.body))
        shown = _retold(told, body, manner)
    except (ValueError, AttributeError, KeyError, TypeError):
        return _unread(reply)
    usage = cast("dict[str, object] | None", shown.get("usage"))
    final = passed_back(spoiled(shown, fault), manner)
    return Outcome(
        body=reply.body if final == told else json_bytes(final),
        usage=usage,
        list_usd=_list_usd(body, shown),
        quality=shown.get("quality"),
        size=shown.get("size"),
        upstream_id=reply.request_id,
    )


def _unread(reply: Reply) -> Outcome:
    return Outcome(
        body=reply.body,
        usage=None,
        list_usd=None,
        quality=None,
        size=None,
        upstream_id=reply.request_id,
    )


def _retold(
    told: dict[str, Any], body: dict[str, object], manner: Manner
) -> dict[str, Any]:
    """Let `substitutes` claim the quality that was asked for, and charge for it."""
    quality, size = body.get("quality"), told.get("size")
    model = KNOWN.get(str(body.get("model")))
    claims = manner is Manner.SUBSTITUTES and quality not in (None, "auto")
    if not claims or model is None or size is None:
        return told
    usage = usage_of(_wanted(model, body), str(quality), str(size))
    return {**told, "quality": quality, "usage": usage.as_json()}


def _wanted(model: Model, body: dict[str, object]) -> ImageRequest:
    n = body.get("n") or 1
    return ImageRequest(model=model, prompt=str(body.get("prompt")), n=cast("int", n))


def _list_usd(body: dict[str, object], told: dict[str, Any]) -> Decimal | None:
    """Price an answer by its usage; without one by the tables, where they can."""
    model = KNOWN.get(str(body.get("model")))
    if model is None:
        return None
    wanted = _wanted(model, body)
    if model.is_dall_e:
        key = (model.kin, str(body.get("quality") or "standard"), _dall_e_size(body))
        each = PER_IMAGE.get(key)
        return None if each is None else each * wanted.n
    usage = told.get("usage")
    if usage is not None and usage["total_tokens"]:
        return token_price_usd(model.kin, _usage(usage))
    if told.get("quality") not in model.qualities or not told.get("size"):
        return None
    edges_px(told["size"])
    return token_price_usd(model.kin, usage_of(wanted, told["quality"], told["size"]))


def _dall_e_size(body: dict[str, object]) -> str:
    return str(body.get("size") or "1024x1024")


def _usage(told: dict[str, Any]) -> Usage:
    inputs, outputs = told["input_tokens_details"], told["output_tokens_details"]
    return Usage(
        input_text_tokens=inputs["text_tokens"],
        input_image_tokens=inputs["image_tokens"],
        output_image_tokens=outputs["image_tokens"],
        output_text_tokens=outputs["text_tokens"],
    )

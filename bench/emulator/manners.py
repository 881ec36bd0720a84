"""Manners: how a gateway words refusals and changes answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from bench.emulator.answers import ZERO_USAGE
from bench.emulator.catalogue import GPT_IMAGE
from bench.emulator.options import Manner
from bench.emulator.refusals import Refusal

LITELLM_TYPES = {
    401: "authentication_error",
    429: "throttling_error",
    500: "internal_server_error",
    502: "internal_server_error",
    503: "internal_server_error",
    504: "internal_server_error",
}
LITELLM_CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    429: "RateLimitError",
}
NEWAPI_FIELDS = GPT_IMAGE | {"response_format", "style"}
ANSWER_MEMBERS = ("created", "background", "data", "output_format", "quality", "size")


def dressed(refusal: Refusal, manner: Manner, request_id: str) -> Refusal:
    """Return a refusal as this gateway words it."""
    if manner is Manner.LITELLM:
        name = LITELLM_CLASSES.get(refusal.status, "InternalServerError")
        return replace(
            refusal,
            type=LITELLM_TYPES.get(refusal.status, refusal.type),
            code=str(refusal.status),
            message=f"litellm.{name}: OpenAIException - {refusal.message}",
            retry_after_s=None,
            extra={},
        )
    if manner is Manner.NEWAPI:
        own = refusal.status == 401  # noqa: PLR2004 - the gateway checks keys itself
        return replace(
            refusal,
            type="new_api_error" if own else "upstream_error",
            param=refusal.param or "",
            message=f"{refusal.message} (request id: {request_id})",
            extra={},
        )
    return refusal


def unsupported_by_litellm(body: Mapping[str, object]) -> Refusal | None:
    """Refuse what this gateway refuses by itself for models not named dall-e."""
    model = body.get("model")
    named_dall_e = isinstance(model, str) and "dall-e" in model
    for key in ("response_format", "style"):
        if key in body and not named_dall_e:
            return Refusal(
                status=400,
                type="UnsupportedParamsError",
                message=f"The model does not support the parameter '{key}'.",
                param=key,
            )
    return None


def passed_on(body: dict[str, object], manner: Manner) -> dict[str, object]:
    """Return the request body that this gateway hands to its model."""
    if manner is Manner.NEWAPI:
        return {key: value for key, value in body.items() if key in NEWAPI_FIELDS}
    return body


def says_done(manner: Manner) -> bool:
    """Whether this gateway ends every stream with `[DONE]`, whatever it got."""
    return manner in (Manner.NEWAPI, Manner.LITELLM)


def passed_back(told: dict[str, Any], manner: Manner) -> dict[str, Any]:
    """Return the answer as this gateway hands it to its client."""
    if manner is not Manner.LITELLM:
        return told
    rows = cast("list[dict[str, Any]]", told.get("data") or [])
    empty = {"url": None, "revised_prompt": None, "provider_specific_fields": None}
    kept = {key: told[key] for key in ANSWER_MEMBERS if key in told}
    data = [{**empty, **row} for row in rows]
    return {**kept, "data": data, "usage": told.get("usage") or ZERO_USAGE}

"""Manners: how a gateway words refusals and changes answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from bench.emulator.answers import ZERO_USAGE
from bench.emulator.catalogue import GPT_IMAGE
from bench.emulator.options import Manner
from bench.emulator.refusals import Refusal
from bench.emulator.url_answers import EMPTY_ROW

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
# Addresses whose refusals litellm passes on as text.
EMBEDDING = ("edit", "response")
SERVER_ERRORS = 500
BROKEN = "internal_server_error"
EDIT_FIELDS = NEWAPI_FIELDS | {"image", "images", "mask", "input_fidelity"}
IGNORED = ("size", "quality", "partial_images")
ROW_MEMBERS = ("b64_json", "url", "revised_prompt")
ANSWER_MEMBERS = ("created", "background", "data", "output_format", "quality", "size")


def dressed(
    refusal: Refusal, manner: Manner, request_id: str, operation: str | None = None
) -> Refusal:
    """Return a refusal as this gateway words it."""
    if manner is Manner.LITELLM:
        embeds = operation in EMBEDDING and refusal.type != BROKEN
        return _dressed_by_litellm(refusal, embeds=embeds)
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


def _dressed_by_litellm(refusal: Refusal, *, embeds: bool) -> Refusal:
    """Word a refusal; with `embeds` the original is text within the message."""
    ours = refusal.status < SERVER_ERRORS
    other = "BadRequestError" if ours else "InternalServerError"
    name = LITELLM_CLASSES.get(refusal.status, other)
    said = refusal.body().decode() if embeds else refusal.message
    return replace(
        refusal,
        type=LITELLM_TYPES.get(refusal.status, refusal.type),
        code=str(refusal.status),
        message=f"litellm.{name}: OpenAIException - {said}",
        param=None if embeds else refusal.param,
        retry_after_s=None,
        extra={},
    )


def broken_stream(operation: str, said: bytes) -> Refusal:
    """Return what litellm answers to an image stream, when all work is done."""
    if operation == "edit":
        message = said.decode("utf-8", "replace")
    else:
        message = "'str' object has no attribute 'model_dump'"
    return Refusal(status=500, type=BROKEN, message=message)


def upstream_headers(manner: Manner, upstream_id: str | None) -> dict[str, str]:
    """Return what litellm keeps of the upstream's headers, under names of its own."""
    if manner is not Manner.LITELLM or upstream_id is None:
        return {}
    return {
        "llm_provider-x-request-id": upstream_id,
        "llm_provider-openai-version": "2020-10-01",
        "request-id": upstream_id,
    }


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


def passed_on(
    body: dict[str, object],
    manner: Manner,
    *,
    operation: str = "generate",
    ignores: bool = False,
) -> dict[str, object]:
    """Return the request body that this gateway hands to its model.

    `ignores` is the profile's `ignores_options`.
    """
    if manner is not Manner.NEWAPI:
        return body
    edits = operation == "edit"
    known = EDIT_FIELDS if edits else NEWAPI_FIELDS
    kept = {key: value for key, value in body.items() if key in known}
    if edits:
        kept.setdefault("n", 1)
    if ignores:
        return {key: value for key, value in kept.items() if key not in IGNORED}
    return kept


def says_done(manner: Manner) -> bool:
    """Whether this gateway ends every stream with `[DONE]`, whatever it got."""
    return manner in (Manner.NEWAPI, Manner.LITELLM)


def passed_back(told: dict[str, Any], manner: Manner) -> dict[str, Any]:
    """Return the answer as this gateway hands it to its client."""
    rows = cast("list[dict[str, Any]]", told.get("data") or [])
    if manner is Manner.NEWAPI and "data" in told:
        return {**told, "data": [{**EMPTY_ROW, **row} for row in rows]}
    if manner is not Manner.LITELLM:
        return told
    empty = {"url": None, "revised_prompt": None, "provider_specific_fields": None}
    kept = {key: told[key] for key in ANSWER_MEMBERS if key in told}
    data = [{**empty, **{k: row[k] for k in ROW_MEMBERS if k in row}} for row in rows]
    return {**kept, "data": data, "usage": told.get("usage") or ZERO_USAGE}

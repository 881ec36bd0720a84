"""Refusals: answers that say no, in the shape of the image API."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One error answer: HTTP status and the four members of its `error` object."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict[str, object])

    def error(self) -> dict[str, object]:
        """Return the `error` object."""
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
            **self.extra,
        }

    def body(self) -> bytes:
        """Return the JSON body, indented by two like the real one."""
        return json.dumps({"error": self.error()}, indent=2).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers that only this answer carries."""
        if self.retry_after_s is None:
            return {}
        return {"retry-after": seconds_text(self.retry_after_s)}


class RefusedError(Exception):
    """Carries a refusal from the check that found it to the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def seconds_text(seconds: float) -> str:
    """Write seconds for `Retry-After`: whole where whole, else as they are."""
    return (
        str(int(seconds))
        if math.isfinite(seconds) and seconds % 1 == 0
        else f"{seconds:g}"
    )


def invalid(
    message: str, *, code: str | None = None, param: str | None = None
) -> RefusedError:
    """Build a 400 of type invalid_request_error."""
    return RefusedError(Refusal(status=400, message=message, code=code, param=param))


def no_key() -> Refusal:
    """Build the answer to a request without a bearer key."""
    return Refusal(
        status=401,
        message="No API key was sent: expected 'Authorization: Bearer YOUR_KEY'.",
    )


def wrong_key() -> Refusal:
    """Build the answer to the one key that is never good, `sk-invalid`."""
    return Refusal(
        status=401, message="Incorrect API key provided.", code="invalid_api_key"
    )


def unknown_model(name: str) -> Refusal:
    """Build the answer to a model that is not (or no longer) served."""
    return Refusal(
        status=404,
        message=f"The model '{name}' does not exist or you do not have access to it.",
        code="model_not_found",
        param="model",
    )


def unsupported_type(kind: str, *known: str) -> Refusal:
    """Build the answer to a body that is said to be something else."""
    expected = " or ".join(f"'{one}'" for one in known)
    return Refusal(
        status=415,
        message=f"Unsupported content type '{kind}': expected {expected}.",
        code="unsupported_content_type",
    )


def no_file(file_id: str) -> Refusal:
    """Build the answer to the id of a file that is not kept."""
    return Refusal(status=404, message=f"No such File object: {file_id}", param="id")


def unknown_url(method: str, path: str) -> Refusal:
    """Build the answer to an address that is not there."""
    return Refusal(status=404, message=f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str) -> Refusal:
    """Build the answer to a method that an address does not know."""
    return Refusal(
        status=405,
        message=f"Not allowed to {method} on {path}.",
        code="method_not_supported",
    )


def moderation_blocked(stage: str = "input") -> Refusal:
    """Build a refusal by the safety system, before or after the picture was made."""
    return Refusal(
        status=400,
        type="image_generation_user_error",
        code="moderation_blocked",
        message=(
            "Your request was rejected by the safety system. "
            "safety_violations=[violence]"
        ),
        extra={
            "moderation_details": {
                "moderation_stage": stage,
                "categories": ["violence"],
            }
        },
    )


def rate_limited(metric: str, message: str, retry_after_s: float | None) -> Refusal:
    """Build a 429 whose type names the metric (`requests` or `images`)."""
    return Refusal(
        status=429,
        type=metric,
        code="rate_limit_exceeded",
        message=message,
        retry_after_s=retry_after_s,
    )

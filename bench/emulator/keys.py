"""Keys: which bearer keys are good."""

from starlette.requests import Request

from bench.emulator.refusals import RefusedError, no_key, wrong_key

INVALID_KEY = "sk-invalid"


def require_key(request: Request) -> None:
    """Let a request with a bearer key pass; only `sk-invalid` is a wrong one.

    Raises:
        RefusedError: no key, or the wrong one.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise RefusedError(no_key())
    if key.strip() == INVALID_KEY:
        raise RefusedError(wrong_key())

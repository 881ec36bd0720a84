"""Secret: a key, cut out of what an endpoint sent back."""

from dataclasses import replace

from bench.attempt import Attempt, Served, members

# Less of a key than this, at the end of a text, gives nothing away.
SHORTEST_HALF = 6
# Less is no key of a provider's; cut out, it would spoil sizes and words.
SHORTEST_KEY = 8


def without_secret(attempt: Attempt, secret: str) -> Attempt:
    """The attempt with the key cut out of what the endpoint sent back."""
    if len(secret) < SHORTEST_KEY or not _is_in(attempt, secret):
        return attempt

    def clean(text: str | None) -> str | None:
        return _cut(text, secret) if text else text

    return replace(
        attempt,
        error_message=clean(attempt.error_message),
        error_code=clean(attempt.error_code),
        error_type=clean(attempt.error_type),
        request_id=clean(attempt.request_id),
        response_id=clean(attempt.response_id),
        # Names arrive in small letters, whatever the key is written in.
        headers={
            _cut(name, secret.lower()): clean(value) or ""
            for name, value in attempt.headers.items()
        },
        served=Served(**{k: clean(v) for k, v in members(attempt.served).items()}),
    )


def without_key(text: str, secret: str) -> str:
    """A sentence with the key cut out of it."""
    return text if len(secret) < SHORTEST_KEY else _cut(text, secret)


def _is_in(attempt: Attempt, secret: str) -> bool:
    """Whether the beginning of the key stands anywhere that it is cut out of."""
    said = (
        attempt.error_message,
        attempt.error_code,
        attempt.error_type,
        attempt.request_id,
        attempt.response_id,
        *members(attempt.served).values(),
        *attempt.headers,
        *attempt.headers.values(),
    )
    start = secret[:SHORTEST_HALF]
    return any(start in text or start.lower() in text for text in said if text)


def _cut(text: str, secret: str) -> str:
    """A text without the key, nor the half of it where the text was cut."""
    if secret[:SHORTEST_HALF] not in text:
        return text
    text = text.replace(secret, "[key]")
    for length in range(len(secret) - 1, SHORTEST_HALF - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + "[key]"
    return text

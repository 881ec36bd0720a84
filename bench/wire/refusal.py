"""Refusal: an answer that is no success, and what it means for money."""

from dataclasses import dataclass
from typing import Any, cast

from bench.attempt import Billing, Outcome
from bench.wire.events import events, is_like_events
from bench.wire.parsed import json_object
from bench.wire.reading import LONGEST_MESSAGE, Reading, text

# Codes of answers that say: no money, no limit left; waiting does not help.
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "project_spend_limit_exceeded",
        "organization_spend_limit_exceeded",
        "account_deactivated",
        "account_locked",
        # one-api and its forks
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
    }
)

# LiteLLM keeps the message of a refusal but not its code.
_QUOTA_PHRASES = (
    *sorted(QUOTA_CODES),
    "exceeded your current quota",
    "billing hard limit",
    "spend limit",
)
_MODERATION_PHRASES = (
    "safety_violations=",
    "safety system",
    "moderation_blocked",
    "violating our usage policy",
)

_MODERATION_CODES = frozenset(
    {
        "moderation_blocked",
        "content_policy_violation",
        "content_filter",
        "contentfilter",
        # the Responses API
        "image_content_policy_violation",
        "bio_policy",
        "misalignment_policy_violation",
    }
)
_KEY_CODES = frozenset({"invalid_api_key", "authentication_error"})
# What the Responses API says of a request that it took, and can't use.
_REQUEST_CODES = frozenset(
    {
        "invalid_prompt",
        "data_residency_mismatch",
        "invalid_image",
        "invalid_image_file",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "invalid_image_mode",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Meaning:
    outcome: Outcome
    billing: Billing
    stops: str | None = None


_QUOTA = _Meaning(Outcome.RATE_LIMITED, Billing.UNBILLED, "quota")
_KEY = _Meaning(Outcome.CLIENT_ERROR, Billing.UNBILLED, "credentials")
_REFUSED = _Meaning(Outcome.REFUSED, Billing.UNBILLED)
_BY_STATUS = {
    402: _QUOTA,
    401: _KEY,
    408: _Meaning(Outcome.TIMED_OUT, Billing.POSSIBLY_BILLED),
    409: _Meaning(Outcome.CLIENT_ERROR, Billing.POSSIBLY_BILLED),
    429: _Meaning(Outcome.RATE_LIMITED, Billing.UNBILLED),
}


def read_refusal(status: int, body: bytes) -> Reading:
    """An answer whose status is no success, as facts."""
    error = error_of(_told_in(body))
    message = text(error.get("message"), LONGEST_MESSAGE) or _plain(body)
    return _told(error, message, _meaning(status, _words(error), _small(message)))


def told_error(error: Json) -> Reading:
    """What a success tells of its own failure, in an event or a response.

    Nobody says whether work that was begun is billed.
    """
    message = text(error.get("message"), LONGEST_MESSAGE)
    return _told(error, message, _meaning_of_late(_words(error), _small(message)))


def _told(error: Json, message: str | None, meaning: _Meaning) -> Reading:
    return Reading(
        outcome=meaning.outcome,
        billing=meaning.billing,
        error_type=text(error.get("type")),
        error_code=_code(error),
        error_message=message,
        stops=meaning.stops,
    )


def _words(error: Json) -> set[str]:
    """Code and type of an error, in small letters."""
    found = (_code(error), text(error.get("type")))
    # Some name no code where they say what moderation found.
    blocked = {"moderation_blocked"} if error.get("moderation_details") else set[str]()
    return blocked | {word.lower() for word in found if word}


def _code(error: Json) -> str | None:
    """A code, which some gateways write as a number."""
    code = error.get("code")
    is_number = isinstance(code, int) and not isinstance(code, bool)
    return text(str(code) if is_number else code)


def _small(message: str | None) -> str:
    return (message or "").lower()


def _plain(body: bytes) -> str | None:
    if body.lstrip()[:1] == b"<":
        return "the answer is a web page, not JSON"
    plain = body[:LONGEST_MESSAGE].decode("utf-8", "replace").strip()
    return text(plain, LONGEST_MESSAGE)


def _meaning(status: int, words: set[str], message: str) -> _Meaning:
    """The meaning of a status, of codes and a message in lower case."""
    if _is_about_money(words, message):
        return _QUOTA
    if _is_moderation(words, message):
        return _REFUSED
    if _is_about_the_key(status, words, message):
        return _KEY
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:  # noqa: PLR2004  the server-error class of HTTP
        return _Meaning(Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED)
    return _Meaning(Outcome.CLIENT_ERROR, Billing.UNBILLED)


def _meaning_of_late(words: set[str], message: str) -> _Meaning:
    """As `_meaning`, of an error that came behind a status of success."""
    if _is_about_money(words, message):
        # Not as a rate limit, which is sent again: it may be paid.
        return _Meaning(Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED, "quota")
    if _is_moderation(words, message):
        return _Meaning(Outcome.REFUSED, Billing.POSSIBLY_BILLED)
    if words & _KEY_CODES:
        return _Meaning(Outcome.CLIENT_ERROR, Billing.POSSIBLY_BILLED, "credentials")
    if words & _REQUEST_CODES:
        return _Meaning(Outcome.CLIENT_ERROR, Billing.POSSIBLY_BILLED)
    return _Meaning(Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED)


def _is_about_money(words: set[str], message: str) -> bool:
    return bool(words & QUOTA_CODES) or any(p in message for p in _QUOTA_PHRASES)


def _is_moderation(words: set[str], message: str) -> bool:
    is_named = bool(words & _MODERATION_CODES)
    return is_named or any(phrase in message for phrase in _MODERATION_PHRASES)


def _is_about_the_key(status: int, words: set[str], message: str) -> bool:
    """Whether a status other than 401 says that the key is not good enough."""
    if status == 403:  # noqa: PLR2004  HTTP's Forbidden
        return "must be verified" in message
    # So LiteLLM without a database answers every key but its master key.
    return status == 400 and "no_db_connection" in words  # noqa: PLR2004  Bad Request


def error_of(content: Json) -> Json:
    """What an answer or an event says went wrong: in an object of its own or not."""
    error = content.get("error")
    if isinstance(error, dict):
        return cast("Json", error)
    return {"message": error} if isinstance(error, str) else content


def _told_in(body: bytes) -> Json:
    """The object that a body is, else the one of its events that tells an error."""
    content = json_object(body)
    if content is not None or not is_like_events(body):
        return content or {}
    told = [found for event in events(body) if (found := json_object(event.data))]
    first = told[0] if told else {}
    return next((one for one in told if one.get("error")), first)

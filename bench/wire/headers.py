"""Headers: what an answer's headers, named in small letters, tell."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bench.wire.reading import text

LONGEST_VALUE = 500
_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "llm_provider-x-request-id",
    "x-litellm-call-id",
    "apim-request-id",
    "x-api-request-id",
)
_KEPT_HEADERS = (
    *_ID_HEADERS,
    "content-type",
    "retry-after",
    "openai-processing-ms",
    "openai-version",
    "server",
    "via",
    "cf-ray",
    "x-emulator",
    "x-emulator-received-ns",
)
_KEPT_PREFIXES = ("x-litellm-", "x-ratelimit-", "llm_provider-x-ratelimit-")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are worth a place in the record, shortened."""
    return {
        name: text(value, LONGEST_VALUE) or ""
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
    }


def request_id(headers: Mapping[str, str]) -> str | None:
    """The endpoint's own id of the request, by the first header that has one."""
    found = next((headers[name] for name in _ID_HEADERS if headers.get(name)), None)
    return text(found, LONGEST_VALUE)


def retry_after_s(
    headers: Mapping[str, str], now: datetime | None = None
) -> float | None:
    """Seconds to wait as the answer asks; None when it does not ask sanely.

    Args:
        headers: Of the answer.
        now: What a date is counted from; else this instant.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if name not in headers:
            continue
        try:
            seconds = float(headers[name]) * scale
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    if "retry-after" not in headers:
        return None
    try:
        instant = parsedate_to_datetime(headers["retry-after"])
    # The parser lets numbers of any length through to the calendar.
    except (ValueError, TypeError, OverflowError):
        return None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max(0.0, (aware - (now or datetime.now(UTC))).total_seconds())

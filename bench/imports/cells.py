"""Cells: texts of other programs' files as exact values."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

# An amount as it is kept.
PLAIN = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,36})?"
_PLAIN = re.compile(PLAIN, re.ASCII)
_WRITTEN = re.compile(
    r"[+-]?[0-9]{1,40}(\.[0-9]{0,60})?([eE][+-]?[0-9]{1,3})?", re.ASCII
)
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_EPOCH = re.compile(r"[0-9]{9,10}(\.[0-9]{1,9})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS = range(2015, 2101)
_LONGEST_TEXT = 400
_SHOWN = 60


class BadCell(Exception):
    """A cell can't be used; says what it should be."""


def amount(text: str) -> str | None:
    """An exact decimal in plain notation, as text; every digit is kept."""
    if _PLAIN.fullmatch(text):
        return text
    text = text.strip()
    if not text:
        return None
    if not _WRITTEN.fullmatch(text):
        raise BadCell(f"{_shown(text)} is no decimal number such as 0.004224")
    try:
        plain = format(Decimal(text), "f")
    except InvalidOperation:
        plain = ""
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if not _PLAIN.fullmatch(plain):
        raise BadCell(
            f"{_shown(text)} has more than 15 digits before the point or 36 after it"
        )
    return plain


def whole(text: str) -> int | None:
    """A count; `196` and `196.0` are the same."""
    if _WHOLE.fullmatch(text):
        return int(text)
    text = text.strip()
    if not text:
        return None
    head, _, tail = text.partition(".")
    if _WHOLE.fullmatch(head) and not tail.strip("0"):
        return int(head)
    raise BadCell(f"{_shown(text)} is no count such as 196")


def words(text: str) -> str | None:
    """A short text that names a thing, never a person."""
    text = text.strip()
    if not text:
        return None
    if len(text) > _LONGEST_TEXT:
        raise BadCell(f"{_shown(text)} is longer than {_LONGEST_TEXT} signs")
    if _EMAIL.search(text):
        raise BadCell(
            "there is an e-mail address in it; such columns are not kept, so leave "
            "this one out of the mapping"
        )
    return text


def currency(text: str) -> str | None:
    """US dollars, the only currency that a bill is compared in."""
    code = text.strip().upper()
    if code not in {"", "USD"}:
        raise BadCell(f"{_shown(text)} is not USD; only bills in US dollars are read")
    return code or None


class Instants:
    """Reads instants as microseconds since 1970, UTC.

    Attributes:
        n_naive: How many different ones had no offset, and were taken as UTC.
    """

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.n_naive = 0

    def read(self, text: str) -> int | None:
        """Seconds since 1970, a date, or an ISO 8601 instant."""
        text = text.strip()
        if not text:
            return None
        if _EPOCH.fullmatch(text):
            return int(Decimal(text) * 1_000_000)
        at = self._iso(text)
        if at.tzinfo is None:
            self.n_naive += len(text) > len("2026-11-21")
            at = at.replace(tzinfo=UTC)
        if at.year not in _YEARS:
            raise BadCell(f"{_shown(text)} lies outside 2015 to 2100")
        return (at - _SINCE) // _MICROSECOND

    def _iso(self, text: str) -> datetime:
        written = text.removesuffix(" UTC")
        try:
            at = datetime.fromisoformat(written)
        except ValueError:
            raise BadCell(
                f"{_shown(text)} is no instant such as 2026-11-21T00:00:00+00:00 "
                "or 1795219200"
            ) from None
        is_utc = written != text and at.tzinfo is None
        return at.replace(tzinfo=UTC) if is_utc else at


def _shown(text: str) -> str:
    # A cell in the wrong place may hold anything: a prompt, a name.
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return ascii(_EMAIL.sub("(an e-mail address)", cut))

"""Check: one line of a check of the set-up."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bench.errors import BadInput, NoCredentials, StorageFailed

# What a person should mend first says the code.
_ORDER = (NoCredentials.exit_code, StorageFailed.exit_code, BadInput.exit_code)


class Status(StrEnum):
    """Whether something stands in the way of a run."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at and what was found.

    Attributes:
        name: What was looked at, such as `data folder`.
        sentence: What, where, and how to mend it.
        exit_code: What a problem ends in; 0 for all else.
    """

    name: str
    status: Status
    sentence: str
    exit_code: int = 0


def ok(name: str, sentence: str) -> Check:
    """Nothing to mend."""
    return Check(name=name, status=Status.OK, sentence=sentence)


def warning(name: str, sentence: str) -> Check:
    """Runs go on, but a person should know."""
    return Check(name=name, status=Status.WARNING, sentence=sentence)


def problem(name: str, sentence: str, exit_code: int = BadInput.exit_code) -> Check:
    """A run would fail."""
    return Check(
        name=name, status=Status.PROBLEM, sentence=sentence, exit_code=exit_code
    )


def exit_code(checks: Iterable[Check]) -> int:
    """The code of a whole checkup: 0 without a problem, else 3, 6 or 2."""
    codes = {check.exit_code for check in checks if check.status is Status.PROBLEM}
    return next((code for code in _ORDER if code in codes), 0)

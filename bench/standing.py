"""Standing: how far a run is and how it ended, for those who watch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.attempt import Attempt
from bench.traffic.budget import Ledger

if TYPE_CHECKING:
    from bench.seeking import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """How a job of the Batch API stands, as its endpoint told it last."""

    batch_id: str | None
    state: str
    n_answered: int
    n_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is, for those who watch.

    Attributes:
        n_due: Trials that this process may send.
        n_ended: Trials among them whose attempts are over.
        n_offered: Trials whose instant has come; None without a schedule.
        n_begun: Trials that were begun.
        n_late: Trials that ended and had been begun late by our own fault.
        ledger: Dollars of the whole run so far.
        last: The attempt that just ended, None when none did.
        jobs: Those that are waited for; None where requests go one by one.
    """

    n_due: int
    n_ended: int
    n_in_flight: int
    ledger: Ledger
    last: Attempt | None
    n_offered: int | None = None
    n_begun: int = 0
    n_late: int = 0
    jobs: tuple[JobStanding, ...] | None = None


class Watcher(Protocol):
    """Who is told about a run under way; called in the loop, so be quick."""

    def progress(self, standing: Standing) -> None:
        """An attempt ended, or a second has passed."""
        ...

    def notice(self, sentence: str) -> None:
        """Something that a person should read now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why the sending is over; `stopped_by` None when nothing was left.

    Attributes:
        found: What a search for the highest rate came to; None without one.
    """

    stopped_by: str | None
    reason: str | None
    found: "Found | None" = None

    @property
    def state(self) -> str:
        """The run's state in the words of the record."""
        if self.stopped_by is None:
            return "finished"
        return "interrupted" if self.stopped_by == "user" else "stopped"


def above_bound(attempt: Attempt) -> str:
    """The alarm that an attempt cost more than anybody reckoned with."""
    return (
        f"{attempt.attempt_id} cost {attempt.money.charge_usd} USD, more than its "
        "upper bound; the cap can't be trusted for this model"
    )

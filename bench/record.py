"""Record: attempts as journal lines, and what a journal says of trials."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from bench.attempt import Attempt, Billing, Outcome, members
from bench.folder import RunFolder
from bench.journal import VERSION, JournalPart, now_utc, read_run
from bench.plan.frozen import PlannedTrial
from bench.settle import Sending
from bench.traffic.budget import Ledger

COUNTS = (
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_image_tokens",
    "output_text_tokens",
    "mainline_input_tokens",
    "mainline_cached_tokens",
    "mainline_cache_write_tokens",
    "mainline_output_tokens",
)

_UNRECORDED = "its process ended before the answer was recorded"
_IN_JOB = "its job was not collected yet"


def intent_record(sending: Sending) -> dict[str, Any]:
    """What is durable before the request leaves."""
    return {
        "kind": "intent",
        "v": VERSION,
        "attempt_id": sending.attempt_id,
        "trial_id": sending.planned.trial.trial_id,
        "attempt_no": sending.attempt_no,
        "endpoint": sending.planned.trial.cell.endpoint,
        "bound_usd": str(sending.planned.bound_usd),
        "at": sending.started_at,
    }


def outcome_record(attempt: Attempt) -> dict[str, Any]:
    """A settled attempt; the members are listed in docs/journal.md."""
    return {
        "kind": "outcome",
        "v": VERSION,
        "attempt_id": attempt.attempt_id,
        "trial_id": attempt.trial_id,
        "attempt_no": attempt.attempt_no,
        "endpoint": attempt.endpoint,
        "outcome": attempt.outcome,
        "billing": attempt.billing,
        "started_at": attempt.started_at,
        "ended_at": now_utc(),
        "http_status": attempt.http_status,
        "error_type": attempt.error_type,
        "error_code": attempt.error_code,
        "error_message": attempt.error_message,
        "retry_after_s": attempt.retry_after_s,
        **members(attempt.stamps),
        "partials_s": list(attempt.partials_s),
        **_money(attempt),
        "simulated": attempt.simulated,
        **_served(attempt),
        "request_id": attempt.request_id,
        "response_id": attempt.response_id,
        "pictures": [members(picture) for picture in attempt.pictures],
        "headers": attempt.headers,
    }


def _money(attempt: Attempt) -> dict[str, Any]:
    money = attempt.money
    return {
        **{name: attempt.usage.get(name) for name in COUNTS},
        "usage_source": attempt.usage_source,
        **_reported_cost(attempt),
        "charge_usd": _text(money.charge_usd),
        "list_usd": _text(money.list_usd),
        "possibly_billed_usd": _text(money.possibly_billed_usd),
        "flags": list(money.flags),
    }


def _reported_cost(attempt: Attempt) -> dict[str, Any]:
    cost = attempt.reported_cost
    if cost is None:
        return {}
    return {"reported_usd": _text(cost.usd), "reported_usd_from": cost.source}


def _served(attempt: Attempt) -> dict[str, Any]:
    served = attempt.served
    return {
        "images": sum(p.problem is None for p in attempt.pictures),
        "bytes": sum(p.n_bytes for p in attempt.pictures),
        "served_model": served.model,
        "served_size": served.size,
        "served_quality": served.quality,
        "served_format": served.format,
        "revised_prompt": served.revised_prompt,
    }


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else format(usd, "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """How the last attempt of a trial ended; a lost one has no answer.

    Attributes:
        is_in_job: It is in a job of the Batch API, which may still answer it.
        response_id: What a next turn of its conversation goes on from.
    """

    attempt_no: int
    endpoint: str
    outcome: Outcome
    billing: Billing
    http_status: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    is_in_job: bool = False
    response_id: str | None = None

    @property
    def may_be_sent_again(self) -> bool:
        """Whether another request can't pay for the same picture twice."""
        return self.billing is Billing.NOT_SENT or self.outcome is Outcome.RATE_LIMITED

    @property
    def bucket(self) -> str:
        """Where its trial counts: done, failed, possibly_billed, not_sent."""
        if self.billing is Billing.NOT_SENT:
            return "not_sent"
        if self.outcome in {Outcome.OK, Outcome.REFUSED}:
            return "done"
        is_open = self.billing is Billing.POSSIBLY_BILLED
        return "possibly_billed" if is_open else "failed"


@dataclass(slots=True)
class TrialHistory:
    """What the journals say of one trial so far."""

    n_attempts: int = 0
    last: LastAttempt | None = None

    @property
    def may_be_sent(self) -> bool:
        """Whether the trial is still to be sent."""
        return self.last is None or self.last.may_be_sent_again

    def note(self, attempt: LastAttempt) -> None:
        """Take an attempt for the last one if it is."""
        if self.last is None or self.last.attempt_no <= attempt.attempt_no:
            self.last = attempt


@dataclass(slots=True)
class RunHistory:
    """What the journals of a run say: its money, and each trial's last end.

    Attributes:
        list_usd: The charges at the direct book's prices.
        simulated: Endpoints of which an answer carried the emulator's mark.
    """

    ledger: Ledger = field(default_factory=Ledger)
    list_usd: Decimal = Decimal(0)
    simulated: set[str] = field(default_factory=set[str])
    trials: dict[str, TrialHistory] = field(
        default_factory=lambda: defaultdict[str, TrialHistory](TrialHistory)
    )

    def left(self, planned: Iterable[PlannedTrial]) -> tuple[PlannedTrial, ...]:
        """The trials among those given that may still be sent, in their order.

        A turn of a conversation is among them where the turn before it is, or was ok
        and left a response to go on from.
        """
        left: list[PlannedTrial] = []
        for one in planned:
            may_be_sent = self.trials[one.trial.trial_id].may_be_sent
            if may_be_sent and self._goes_on(one.trial.after, left):
                left.append(one)
        return tuple(left)

    def _goes_on(self, after: str | None, left: list[PlannedTrial]) -> bool:
        """Whether the turn before a trial is no hindrance; it stands before it."""
        if after is None or (left and left[-1].trial.trial_id == after):
            return True
        before = self.trials[after].last
        if before is None or before.response_id is None:
            return False
        return before.outcome is Outcome.OK

    def in_jobs(self, planned: Iterable[PlannedTrial]) -> tuple[PlannedTrial, ...]:
        """The trials among those given that a job may still answer."""
        found = ((p, self.trials[p.trial.trial_id].last) for p in planned)
        return tuple(p for p, last in found if last and last.is_in_job)


def read_history(parts: Iterable[JournalPart]) -> RunHistory:
    """Add up the journals of a run that no process works on.

    An intent without an outcome is lost: its bound stays possibly billed, and
    its trial is not sent again.

    Raises:
        DamagedJournal: A line does not match its checksum.
    """
    history = RunHistory()
    open_bounds: dict[str, Decimal] = {}
    settled: set[str] = set()
    for part in parts:
        part.refuse_damage()
        for line in part.outcomes:
            record = orjson.loads(line)
            # A journal that somebody copied into the folder counts once.
            if record["attempt_id"] not in settled:
                settled.add(record["attempt_id"])
                _add_outcome(history, record)
        for line in part.intents:
            record = orjson.loads(line)
            if record["attempt_id"] in open_bounds:
                continue
            open_bounds[record["attempt_id"]] = Decimal(record["bound_usd"])
            trial = history.trials[record["trial_id"]]
            trial.n_attempts += 1
            if record["attempt_id"] not in settled:
                trial.note(_lost(record))
    for attempt_id in settled:
        open_bounds.pop(attempt_id, None)
    history.ledger.possibly_billed_usd += sum(open_bounds.values(), Decimal(0))
    return history


def _add_outcome(history: RunHistory, record: dict[str, Any]) -> None:
    history.ledger.charge_usd += Decimal(record["charge_usd"] or 0)
    history.ledger.possibly_billed_usd += Decimal(record["possibly_billed_usd"] or 0)
    history.list_usd += Decimal(record["list_usd"] or 0)
    if record["simulated"]:
        history.simulated.add(record["endpoint"])
    history.trials[record["trial_id"]].note(
        LastAttempt(
            attempt_no=record["attempt_no"],
            endpoint=record["endpoint"],
            outcome=Outcome(record["outcome"]),
            billing=Billing(record["billing"]),
            http_status=record["http_status"],
            error_code=record["error_code"],
            error_message=record["error_message"],
            response_id=record.get("response_id"),
        )
    )


def _lost(intent: dict[str, Any]) -> LastAttempt:
    is_in_job = "job_id" in intent
    return LastAttempt(
        attempt_no=intent["attempt_no"],
        endpoint=intent["endpoint"],
        outcome=Outcome.LOST,
        billing=Billing.POSSIBLY_BILLED,
        error_message=_IN_JOB if is_in_job else _UNRECORDED,
        is_in_job=is_in_job,
    )


def digests(run: RunFolder) -> set[str]:
    """The digests of all pictures that a run's journals name.

    Raises:
        DamagedJournal: A line that may name pictures can't be read.
    """
    found: set[str] = set()
    for part in read_run(run):
        for line in part.refuse_damage().outcomes:
            named = (p["sha256"] for p in orjson.loads(line)["pictures"])
            found.update(digest for digest in named if digest)
    return found

"""Record: attempts as journal lines, and what a journal says of trials."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from bench.attempt import Attempt, Billing, Outcome
from bench.folder import RunFolder
from bench.journal import VERSION, JournalPart, now_utc, read_run
from bench.settle import Sending
from bench.traffic.budget import Ledger

COUNTS = (
    "input_text_tokens",
    "cached_text_tokens",
    "input_image_tokens",
    "cached_image_tokens",
    "output_image_tokens",
    "output_text_tokens",
)


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
        **asdict(attempt.stamps),
        **_money(attempt),
        "simulated": attempt.simulated,
        **_served(attempt),
        "request_id": attempt.request_id,
        "pictures": [asdict(picture) for picture in attempt.pictures],
        "headers": attempt.headers,
    }


def _money(attempt: Attempt) -> dict[str, Any]:
    money = attempt.money
    return {
        **{name: attempt.usage.get(name) for name in COUNTS},
        "usage_source": attempt.usage_source,
        "charge_usd": _text(money.charge_usd),
        "list_usd": _text(money.list_usd),
        "possibly_billed_usd": _text(money.possibly_billed_usd),
        "flags": list(money.flags),
    }


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


@dataclass(slots=True)
class TrialHistory:
    """What the journals say of one trial so far."""

    n_attempts: int = 0
    may_be_sent: bool = True


@dataclass(slots=True)
class RunHistory:
    """What the journals of a run say: its money, and each trial's last end."""

    ledger: Ledger = field(default_factory=Ledger)
    trials: dict[str, TrialHistory] = field(
        default_factory=lambda: defaultdict[str, TrialHistory](TrialHistory)
    )


def read_history(parts: Iterable[JournalPart]) -> RunHistory:
    """Add up the journals of a run that no process works on.

    An intent without an outcome is lost: its bound stays possibly billed, and
    its trial is not sent again.

    Raises:
        DamagedJournal: A line does not match its checksum.
    """
    history = RunHistory()
    open_bounds: dict[str, Decimal] = {}
    last: dict[str, tuple[int, bool]] = {}
    settled: set[str] = set()
    for part in parts:
        part.refuse_damage()
        for line in part.outcomes:
            record = orjson.loads(line)
            settled.add(record["attempt_id"])
            _add_outcome(history.ledger, record)
            again = (
                record["billing"] == Billing.NOT_SENT
                or record["outcome"] == Outcome.RATE_LIMITED
            )
            _note(last, record, may_be_sent=again)
        for line in part.intents:
            record = orjson.loads(line)
            open_bounds[record["attempt_id"]] = Decimal(record["bound_usd"])
            history.trials[record["trial_id"]].n_attempts += 1
            if record["attempt_id"] not in settled:
                _note(last, record, may_be_sent=False)
    for attempt_id in settled:
        open_bounds.pop(attempt_id, None)
    history.ledger.possibly_billed_usd += sum(open_bounds.values(), Decimal(0))
    for trial_id, (_, may_be_sent) in last.items():
        history.trials[trial_id].may_be_sent = may_be_sent
    return history


def _note(
    last: dict[str, tuple[int, bool]], record: dict[str, Any], *, may_be_sent: bool
) -> None:
    known = last.get(record["trial_id"])
    if known is None or known[0] <= record["attempt_no"]:
        last[record["trial_id"]] = (record["attempt_no"], may_be_sent)


def _add_outcome(ledger: Ledger, record: dict[str, Any]) -> None:
    ledger.charge_usd += Decimal(record["charge_usd"] or 0)
    ledger.possibly_billed_usd += Decimal(record["possibly_billed_usd"] or 0)


def digests(run: RunFolder) -> set[str]:
    """The digests of all pictures that a run's journals name.

    Raises:
        DamagedJournal: A line that may name pictures can't be read.
    """
    found: set[str] = set()
    for part in read_run(run):
        for line in part.refuse_damage().outcomes:
            found.update(p["sha256"] for p in orjson.loads(line)["pictures"])
    return found

"""Records: what journals say of trials and of money."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.attempt import Attempt, Billing, Money, Outcome, Served, Stamps
from bench.errors import DamagedJournal
from bench.folder import RunFolder
from bench.journal import encode, read_run
from bench.record import COUNTS, digests, outcome_record, read_history

Writer = Callable[..., Path]


def _intent(trial: str, no: int = 1, bound: str = "0.2") -> dict[str, Any]:
    return {
        "kind": "intent",
        "attempt_id": f"{trial}.{no}",
        "trial_id": trial,
        "attempt_no": no,
        "endpoint": "e",
        "bound_usd": bound,
    }


def _outcome(
    trial: str,
    no: int = 1,
    *,
    outcome: str = "ok",
    billing: str = "billed",
    charge: str | None = "0.1",
    possibly: str = "0",
) -> dict[str, Any]:
    return {
        "kind": "outcome",
        "attempt_id": f"{trial}.{no}",
        "trial_id": trial,
        "attempt_no": no,
        "endpoint": "e",
        "outcome": outcome,
        "billing": billing,
        "http_status": 200,
        "error_code": None,
        "error_message": None,
        "simulated": trial == "t",
        "list_usd": charge,
        "charge_usd": charge,
        "possibly_billed_usd": possibly,
        "pictures": [{"sha256": f"{trial}{no}"}],
    }


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "r1")


@pytest.fixture
def journal(run: RunFolder) -> Writer:
    def write(name: str, records: Iterable[dict[str, Any]], cut: int = 0) -> Path:
        run.journal.mkdir(parents=True, exist_ok=True)
        content = b"".join(encode(record) for record in records)
        path = run.journal / f"{name}.jsonl"
        path.write_bytes(content[: len(content) - cut])
        return path

    return write


RATE: dict[str, Any] = {"outcome": "rate_limited", "billing": "unbilled", "charge": "0"}
UNSENT: dict[str, Any] = {
    "outcome": "server_error",
    "billing": "not_sent",
    "charge": "0",
}
LATE: dict[str, Any] = {
    "outcome": "timed_out",
    "billing": "possibly_billed",
    "charge": None,
    "possibly": "0.2",
}
BROKEN: dict[str, Any] = {"outcome": "unusable", "billing": "billed_unusable"}


@pytest.mark.parametrize(
    ("records", "may_be_sent", "n_attempts"),
    [
        ([], True, 0),
        ([_intent("t"), _outcome("t")], False, 1),
        ([_intent("t")], False, 1),
        ([_intent("t"), _outcome("t", **RATE)], True, 1),
        ([_intent("t"), _outcome("t", **UNSENT)], True, 1),
        ([_intent("t"), _outcome("t", **LATE)], False, 1),
        ([_intent("t"), _outcome("t", **BROKEN)], False, 1),
        ([_intent("t"), _outcome("t", **RATE), _intent("t", 2)], False, 2),
        (
            [_intent("t"), _outcome("t", **RATE), _intent("t", 2), _outcome("t", 2)],
            False,
            2,
        ),
        (
            [
                _intent("t"),
                _outcome("t", **LATE),
                _intent("t", 2),
                _outcome("t", 2, **RATE),
            ],
            True,
            2,
        ),
    ],
)
def test_only_a_trial_that_can_not_pay_twice_is_sent_again(
    run: RunFolder,
    journal: Writer,
    records: list[dict[str, Any]],
    n_attempts: int,
    *,
    may_be_sent: bool,
) -> None:
    journal("a", records)
    trial = read_history(read_run(run)).trials["t"]
    assert (trial.may_be_sent, trial.n_attempts) == (may_be_sent, n_attempts)


@pytest.mark.parametrize(
    ("records", "bucket"),
    [
        ([_intent("t"), _outcome("t")], "done"),
        ([_outcome("t", outcome="refused", billing="unbilled", charge="0")], "done"),
        ([_outcome("t", **RATE)], "failed"),
        ([_outcome("t", **BROKEN)], "failed"),
        ([_outcome("t", outcome="client_error", billing="unbilled")], "failed"),
        ([_outcome("t", **LATE)], "possibly_billed"),
        ([_intent("t")], "possibly_billed"),
        ([_outcome("t", **UNSENT)], "not_sent"),
        ([_outcome("t", 2), _outcome("t", **LATE)], "done"),
        ([_outcome("t"), _outcome("t", 2, **UNSENT)], "not_sent"),
    ],
)
def test_a_trial_counts_where_its_last_attempt_puts_it(
    run: RunFolder, journal: Writer, records: list[dict[str, Any]], bucket: str
) -> None:
    journal("a", records)
    last = read_history(read_run(run)).trials["t"].last
    assert last is not None
    assert last.bucket == bucket


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_journals_of_several_processes_add_up_in_any_order(
    run: RunFolder, journal: Writer, order: tuple[str, str]
) -> None:
    journal(order[0], [_intent("t"), _outcome("t", **RATE), _intent("u")])
    journal(order[1], [_intent("t", 2), _outcome("t", 2), _intent("v", bound="0.05")])
    history = read_history(read_run(run))
    assert history.ledger.charge_usd == Decimal("0.1")
    assert history.ledger.possibly_billed_usd == Decimal("0.25")
    assert history.ledger.reserved_usd == 0
    assert history.list_usd == Decimal("0.1")
    assert history.simulated == {"e"}
    sendable = {name: history.trials[name].may_be_sent for name in "tuvw"}
    assert sendable == {"t": False, "u": False, "v": False, "w": True}


def test_a_torn_outcome_leaves_its_attempt_lost_at_its_bound(
    run: RunFolder, journal: Writer
) -> None:
    journal("a", [_intent("t"), _outcome("t")], cut=3)
    history = read_history(read_run(run))
    assert history.ledger.possibly_billed_usd == Decimal("0.2")
    assert history.ledger.charge_usd == 0
    assert not history.trials["t"].may_be_sent


def test_a_torn_intent_never_left(run: RunFolder, journal: Writer) -> None:
    journal("a", [_intent("t")], cut=1)
    history = read_history(read_run(run))
    assert history.ledger.committed_usd == 0
    assert history.trials["t"].may_be_sent


def test_an_unknown_charge_is_held_as_possibly_billed(
    run: RunFolder, journal: Writer
) -> None:
    outcome = _outcome("t", charge=None, possibly="0.2")
    journal("a", [_intent("t"), outcome])
    ledger = read_history(read_run(run)).ledger
    assert (ledger.charge_usd, ledger.possibly_billed_usd) == (0, Decimal("0.2"))


def test_a_damaged_journal_is_told_and_never_passed_over(
    run: RunFolder, journal: Writer
) -> None:
    path = journal("a", [_intent("t"), _outcome("t")])
    path.write_bytes(path.read_bytes().replace(b'"0.1"', b'"0.0"'))
    with pytest.raises(DamagedJournal, match="line 2"):
        read_history(read_run(run))


def test_the_pictures_of_a_run_are_found(run: RunFolder, journal: Writer) -> None:
    journal("a", [_intent("t"), _outcome("t")])
    journal("b", [_outcome("u"), _outcome("t", 2)])
    assert digests(run) == {"t1", "u1", "t2"}


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, None),
        (Decimal(0), "0"),
        (Decimal("1E-12"), "0.000000000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
    ],
)
def test_money_is_recorded_as_plain_decimals(
    usd: Decimal | None, text: str | None
) -> None:
    attempt = Attempt(
        attempt_id="t.1",
        trial_id="t",
        attempt_no=1,
        endpoint="e",
        outcome=Outcome.OK,
        billing=Billing.BILLED,
        started_at="x",
        stamps=Stamps(),
        served=Served(),
        money=Money(charge_usd=usd, possibly_billed_usd=usd or Decimal(0)),
    )
    record = orjson.loads(encode(outcome_record(attempt)))
    assert record["charge_usd"] == text
    assert record["possibly_billed_usd"] == (text or "0")
    assert [record[name] for name in COUNTS] == [None] * len(COUNTS)
    assert next(iter(record)) == "kind"

"""Whether a run measured its own client: from its records to what people read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.store import queries
from bench.store.checked import certification
from bench.store.index import open_index
from bench.store.ingest import checksum, rebuild, refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.folder import DataFolder

ONE = (("openai", "direct"),)


def self_check(**members: Any) -> dict[str, Any]:
    """A stretch of 10 s in which this program kept up."""
    return {
        "kind": "self_check",
        "v": 1,
        "at": "2026-11-21T13:00:10.000000Z",
        "interval_s": 10.0,
        "n_probes": 1000,
        "loop_lags": [[-12, 1000]],
        "loop_lag_max_s": 0.0006,
        "cpu_s": 2.0,
        "gc_n": 3,
        "gc_n_long": 0,
        "gc_pause_s": 0.003,
        "gc_longest_s": 0.001,
        "in_flight_asked": 4.0,
        "in_flight_mean": 3.9,
        "in_flight_max": 4,
        **members,
    }


def records(run: Any, *more: dict[str, Any], **members: Any) -> Iterator[Any]:
    yield run.session()
    for trial in run.trials:
        yield from (run.intent(trial), run.outcome(trial, **members))
    yield from more
    yield run.end()


def judged(folder: DataFolder, run_id: str) -> queries.Row:
    refresh(folder)
    with open_index(folder) as con:
        row = queries.run(con, run_id)
    assert row is not None
    return row


def test_a_run_without_these_records_is_never_called_fine(
    synthetic_run: Callable[..., Any],
    data_folder: DataFolder,
    tell: Callable[..., Any],
) -> None:
    run = synthetic_run(endpoints=ONE)
    run.journal(records(run))
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is None
    assert row["client_limited_reasons"]
    told = tell("show", run.run.run_id).stdout
    assert "client-limited or not, nobody knows" in told
    assert "kept up;" not in told
    answer = json.loads(tell("show", run.run.run_id, "--json").stdout)
    assert answer["client_limited"] is None
    assert answer["certification"] is None
    assert "no answer came from an emulator" in answer["not_certified"]


def test_a_run_that_kept_up_says_by_how_much(
    synthetic_run: Callable[..., Any],
    data_folder: DataFolder,
    tell: Callable[..., Any],
) -> None:
    run = synthetic_run(endpoints=ONE)
    run.journal(records(run, self_check()))
    assert judged(data_folder, run.run.run_id)["client_limited"] is False
    told = tell("show", run.run.run_id).stdout
    # 1 % of the median service time of 8 s.
    assert "kept up; own lag p99 0.6 ms of at most 80.0 ms, 20.0% of a core" in told
    assert "3.9 requests in flight of the 4.0 that could have been" in told


def test_a_limited_run_is_marked_wherever_it_stands(
    synthetic_run: Callable[..., Any],
    data_folder: DataFolder,
    tell: Callable[..., Any],
) -> None:
    run = synthetic_run(endpoints=ONE)
    late = self_check(loop_lags=[[-12, 980], [20, 20]], gc_n_long=1, gc_longest_s=0.05)
    run.journal(records(run, late))
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is True
    assert "(client-limited)" in tell("runs").stdout
    told = tell("show", run.run.run_id).stdout
    assert "client-limited: this program was too slow" in told
    assert "p99 160 ms, above 80.0 ms" in told
    assert "1 garbage collection above 20 ms, the longest 50.0 ms" in told
    (listed,) = json.loads(tell("runs", "--json").stdout)["runs"]
    assert listed["client_limited"] is True
    assert listed["client_limited_reasons"] == row["client_limited_reasons"]
    name, form = run.run.run_id, "pytest-benchmark"
    exported = json.loads(tell("export", name, "--format", form).stdout)
    assert exported["machine_info"]["client_limited"] is True


def test_stretches_are_weighed_by_their_length(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    drained = self_check(interval_s=1.0, in_flight_mean=0.4, in_flight_asked=1.0)
    drained["at"] = "2026-11-21T13:00:11.000000Z"
    run.journal(records(run, self_check(), drained))
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is False
    with open_index(data_folder) as con:
        (found,) = queries.rows_of(con, "SELECT * FROM v_self_check")
    assert round(found["in_flight_asked"], 6) == round(41 / 11, 6)
    assert round(found["in_flight_mean"], 6) == round(39.4 / 11, 6)
    assert round(found["cpu_share"], 6) == round(4 / 11, 6)


def test_a_process_that_was_killed_unwatched_leaves_the_whole_run_unknown(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    first, *rest = run.trials
    run.journal([run.session(), run.intent(first), run.outcome(first)])
    resumed = [r for t in rest for r in (run.intent(t), run.outcome(t))]
    at = "2026-11-21T14:00:00.000000Z"
    run.journal([run.session(at), *resumed, self_check(), run.end()])
    assert judged(data_folder, run.run.run_id)["client_limited"] is None


def test_answers_after_the_last_record_of_a_killed_process_are_not_called_fine(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    first, *rest = run.trials
    since = {"ended_at": "2026-11-21T13:00:19.000000Z"}
    told = [run.session(), run.intent(first), run.outcome(first), self_check()]
    told += [r for t in rest for r in (run.intent(t), run.outcome(t, **since))]
    journal = run.journal(told)
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is None
    assert row["client_limited_reasons"][0].startswith("of some of its requests")
    journal.unlink()
    for one in told:
        if one["kind"] == "outcome":
            one["lag_s"] = 0.0
    run.journal(told)
    assert judged(data_folder, run.run.run_id)["client_limited"] is False


def test_lag_that_the_kernel_tells_goes_before_that_of_the_loop(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    run.journal(records(run, self_check(), lag_s=0.0801, late_s=None))
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is True
    assert "lay in the kernel" in row["client_limited_reasons"][0]


def test_what_this_program_took_to_send_what_it_had_begun_makes_it_late(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    # Due to begun 0.1 s, connecting 0.2 s, sent 0.5 s after it was due: of these
    # 0.2 s are the endpoint's or the network's.
    times = {"queued_s": 0.1, "connect_s": 0.2, "service_s": 8.0, "total_s": 8.5}
    run.journal(records(run, self_check(), **times, lag_s=0.0, late_s=0.01))
    row = judged(data_folder, run.run.run_id)
    assert row["client_limited"] is True
    assert row["client_limited_reasons"] == [
        "requests left late: p99 210 ms, above 80.0 ms"
    ]


def test_requests_in_flight_are_held_against_those_asked_for_meanwhile(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    scheduled = self_check(in_flight_asked=None, in_flight_mean=0.1)
    scheduled["at"] = "2026-11-21T13:00:20.000000Z"
    empty = self_check(interval_s=0.0, n_probes=0, loop_lags=[])
    run.journal(records(run, self_check(), scheduled, empty))
    assert judged(data_folder, run.run.run_id)["client_limited"] is False


def certified(run: Any, **members: Any) -> dict[str, Any]:
    """Stamps of an emulator: 100 ms to the first byte, 200 ms to the last."""
    names = [f"{trial['trial_id']}.1" for trial in run.trials]
    n, begun = len(names), 1_000_000_000
    return {
        "kind": "certified",
        "v": 1,
        "at": "2026-11-21T13:00:11.000000Z",
        "endpoint": "openai",
        "n_answers": n,
        "why_not": None,
        "attempt_ids": names,
        "sent_ns": [begun] * n,
        "emulator_received_ns": [begun + 7_000_000] * n,
        "emulator_first_byte_ns": [begun + 100_000_000] * n,
        "emulator_sent_ns": [begun + 200_000_000] * n,
        **members,
    }


def test_an_error_is_our_time_less_the_emulators_from_whichever_began_first(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    times = {"first_byte_s": 0.103, "service_s": 0.198, "simulated": True}
    run.journal(records(run, certified(run), **times))
    refresh(data_folder)
    with open_index(data_folder) as con:
        found = certification(con, run.run.run_id)
    assert (found.n, found.n_ok, found.why_not) == (4, 4, None)
    # That it read the request late is no error of ours.
    assert [round(s, 9) for s in found.first_byte_error_s or ()] == [0.003] * 3
    assert [round(s, 9) for s in found.service_error_s or ()] == [0.002] * 3


def test_a_first_partial_picture_that_is_stamped_late_marks_the_run(
    synthetic_run: Callable[..., Any], data_folder: DataFolder, tell: Callable[..., Any]
) -> None:
    run = synthetic_run(endpoints=ONE)
    firsts = [1_050_000_000, 1_050_000_000, 1_050_000_000, None]
    stamps = certified(run, emulator_first_partial_ns=firsts)
    times = {"first_byte_s": 0.1, "service_s": 0.2, "simulated": True}
    early, late = ({**times, "first_partial_s": s} for s in (0.049, 0.0531))
    run.journal(records(run, self_check(), stamps, **early))
    refresh(data_folder)
    with open_index(data_folder) as con:
        found = certification(con, run.run.run_id)
    # What the emulator stamped late is a difference too, but no fault of ours.
    assert found.n_partials == 3
    assert [round(s, 9) for s in found.first_partial_error_s or ()] == [0.001] * 3
    assert judged(data_folder, run.run.run_id)["client_limited"] is False
    told = tell("show", run.run.run_id).stdout
    assert "first partial of 3 by p50 1.0 ms, p95 1.0 ms, p99 1.0 ms; last" in told
    other = synthetic_run("20261121-130000-000002", endpoints=ONE)
    stamps = certified(other, emulator_first_partial_ns=firsts)
    other.journal(records(other, self_check(), stamps, **late))
    refresh(data_folder)
    row = judged(data_folder, other.run.run_id)
    assert row["client_limited"] is True
    (reason,) = row["client_limited_reasons"]
    assert reason == (
        "first partial pictures were stamped later than their emulator sent them: "
        "p99 3.1 ms, above 2.0 ms"
    )
    shown = tell("show", other.run.run_id, "--json").stdout
    assert json.loads(shown)["certification"]["n_partials"] == 3


def test_a_request_that_we_call_sent_after_it_was_read_is_an_error_of_ours(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    times = {"first_byte_s": 0.09, "service_s": 0.19, "simulated": True}
    late = [1_010_000_000] * 4
    stamps = certified(run, sent_ns=late, emulator_received_ns=[1_000_000_000] * 4)
    run.journal(records(run, stamps, **times))
    refresh(data_folder)
    with open_index(data_folder) as con:
        found = certification(con, run.run.run_id)
    assert round((found.service_error_s or (0,))[0], 9) == 0.01


def test_why_nothing_was_compared_is_told(
    synthetic_run: Callable[..., Any], tell: Callable[..., Any]
) -> None:
    run = synthetic_run(endpoints=ONE)
    whole = certified(run)
    nothing = {name: [] for name, value in whole.items() if isinstance(value, list)}
    why = "another server stands before its emulator"
    stamps = {**whole, **nothing, "why_not": why}
    run.journal(records(run, stamps, simulated=True))
    told = tell("show", run.run.run_id).stdout
    assert f"not certified: openai: {why}" in told


def test_an_index_made_anew_judges_alike(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(endpoints=ONE)
    watched = self_check(gc_n_long=1)
    lines = list(records(run, watched, certified(run), simulated=True))
    path = run.journal(lines[:4])
    refresh(data_folder)
    run.journal(lines[4:], path.name)
    refresh(data_folder)
    # A copy of a journal tells everything twice.
    (run.run.journal / "copy.jsonl").write_bytes(path.read_bytes())
    refresh(data_folder)
    with open_index(data_folder) as con:
        grown = checksum(con)
        found = certification(con, run.run.run_id)
        (row,) = queries.rows_of(con, "SELECT * FROM v_self_check")
    assert row["client_limited"] is False
    assert row["gc_n_long"] == 1
    assert found.n == 4
    rebuild(data_folder)
    with open_index(data_folder) as con:
        assert checksum(con) == grown

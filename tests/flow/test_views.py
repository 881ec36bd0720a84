from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index
from bench.store.ingest import refresh
from bench.store.status import run_status

Make = Callable[..., Any]
OUTCOMES = (
    *("ok", "refused", "rate_limited", "timed_out", "server_error"),
    *("client_error", "unusable", "cancelled", "lost"),
)
BILLINGS = ("not_sent", "unbilled", "possibly_billed", "billed_unusable", "billed")


def rows(folder: DataFolder, query: str) -> list[queries.Row]:
    refresh(folder)
    with open_index(folder) as con:
        return queries.rows_of(con, query)


def bucket_by_the_contract(outcome: str, billing: str) -> str:
    if billing == "not_sent":
        return "not_sent"
    if outcome in {"ok", "refused"}:
        return "done"
    if billing == "possibly_billed":
        return "possibly_billed"
    return "failed"


def test_every_outcome_and_billing_falls_into_its_bucket(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    ends = [(outcome, billing) for outcome in OUTCOMES for billing in BILLINGS]
    run = synthetic_run(n_prompts=len(ends), repeats=1, endpoints=(("a", "direct"),))
    run.settle_all(
        lambda trial: dict(
            zip(("outcome", "billing"), ends[trial["prompt"]], strict=True)
        )
    )
    found = rows(data_folder, "SELECT outcome, billing, bucket FROM v_trial")
    assert len(found) == 45
    for row in found:
        expected = bucket_by_the_contract(row["outcome"], row["billing"])
        assert row["bucket"] == expected, row


@pytest.mark.parametrize(
    ("outcome", "billing", "usable"),
    [
        ("ok", "billed", True),
        ("ok", "possibly_billed", True),
        ("refused", "unbilled", False),
        ("unusable", "billed_unusable", False),
        ("rate_limited", "unbilled", False),
        ("server_error", "possibly_billed", False),
        ("timed_out", "possibly_billed", None),
        ("lost", "possibly_billed", None),
        ("client_error", "not_sent", None),
    ],
)
def test_usable_is_unknown_where_nobody_saw_an_answer(
    synthetic_run: Make,
    data_folder: DataFolder,
    outcome: str,
    billing: str,
    usable: bool | None,  # noqa: FBT001  a parameter of the table above
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    run.settle_all(lambda _: {"outcome": outcome, "billing": billing})
    assert {row["usable"] for row in rows(data_folder, "FROM v_trial")} == {usable}


def test_trials_without_an_attempt_are_there_and_unknown(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    run.journal([run.session()])
    for row in rows(data_folder, "FROM v_trial"):
        assert row["attempts"] == 0
        assert row["bucket"] == "not_sent"
        assert (row["n"], row["stream"], row["partial_images"]) == (1, False, 0)
        for name in ("outcome", "charge_usd", "possibly_billed_usd", "usable"):
            assert row[name] is None


def test_the_last_attempt_speaks_for_a_trial_and_the_charges_add_up(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    trial = run.trials[0]
    run.journal(
        [
            run.session(),
            run.intent(trial, 1),
            run.outcome(
                trial,
                1,
                outcome="unusable",
                billing="billed_unusable",
                charge_usd="0.1",
            ),
            run.intent(trial, 2),
            run.outcome(trial, 2, charge_usd="0.000000000001", service_s=3.5),
        ]
    )
    (row,) = rows(data_folder, "FROM v_trial WHERE attempts > 0")
    assert row["attempts"] == 2
    assert row["outcome"] == "ok"
    assert row["service_s"] == 3.5
    assert row["charge_usd"] == Decimal("0.100000000001")


def test_an_intent_is_in_flight_while_its_process_lives_and_lost_after(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    first, second = run.trials[:2]
    name = "host-1-00000001.jsonl"
    with run.run.hold():
        run.journal([run.session(), run.intent(first), run.intent(second)], name)
        assert rows(data_folder, "FROM v_attempt") == []
        status = run_status(data_folder, "latest")
        assert status["state"] == "running"
        assert status["trials"]["in_flight"] == 2
        assert status["attempts"] == 2
        assert status["reserved_usd"] == "0.42"
        assert status["possibly_billed_usd"] == "0"
        run.journal([run.outcome(second)], name)
        assert run_status(data_folder, "latest")["trials"]["in_flight"] == 1
    (lost,) = rows(data_folder, "FROM v_attempt WHERE outcome = 'lost'")
    assert lost["billing"] == "possibly_billed"
    assert lost["possibly_billed_usd"] == Decimal("0.21")
    assert lost["charge_usd"] is None
    status = run_status(data_folder, "latest")
    assert status["state"] == "interrupted"
    assert status["trials"] == {
        "planned": 8,
        "done": 1,
        "failed": 0,
        "possibly_billed": 1,
        "not_sent": 6,
        "in_flight": 0,
    }
    assert status["reserved_usd"] == "0"
    assert status["possibly_billed_usd"] == "0.21"


def test_intents_of_an_earlier_process_stay_lost_while_a_resume_runs(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    run.journal([run.session(), run.intent(run.trials[0])])
    with run.run.hold():
        later = run.session("2026-11-21T15:00:00.000000Z")
        run.journal([later, run.intent(run.trials[1])])
        status = run_status(data_folder, "latest")
    assert status["trials"]["possibly_billed"] == 1
    assert status["trials"]["in_flight"] == 1
    assert status["state"] == "running"


def test_an_outcome_that_comes_after_its_attempt_was_called_lost_wins(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    name = "host-1-00000001.jsonl"
    run.journal([run.session(), run.intent(run.trials[0])], name)
    assert run_status(data_folder, "latest")["trials"]["possibly_billed"] == 1
    run.journal([run.outcome(run.trials[0])], name)
    status = run_status(data_folder, "latest")
    assert status["trials"]["done"] == 1
    assert status["possibly_billed_usd"] == "0"
    assert status["attempts"] == 1


@pytest.mark.parametrize(
    ("end", "state", "stopped_by"),
    [
        ({}, "finished", None),
        ({"state": "stopped", "stopped_by": "budget"}, "stopped", "budget"),
        ({"state": "interrupted", "stopped_by": "user"}, "interrupted", "user"),
    ],
)
def test_the_end_record_says_how_a_run_stands(
    synthetic_run: Make,
    data_folder: DataFolder,
    end: dict[str, Any],
    state: str,
    stopped_by: str | None,
) -> None:
    run = synthetic_run()
    run.journal([run.session(), run.end(**end)])
    status = run_status(data_folder, "latest")
    assert (status["state"], status["stopped_by"]) == (state, stopped_by)


def test_a_resume_that_finished_outweighs_the_stop_before_it(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    stop = run.end("stopped", stopped_by="budget")
    run.journal([run.session(), stop], "zz-first.jsonl")
    later = run.session("2026-11-21T15:00:00.000000Z")
    run.journal([later, run.end()], "aa-second.jsonl")
    status = run_status(data_folder, "latest")
    assert (status["state"], status["stopped_by"]) == ("finished", None)


def test_one_marked_attempt_marks_its_endpoint_and_no_other(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    run.settle_all(lambda trial: {"simulated": trial["position"] == 0})
    found = rows(data_folder, "SELECT DISTINCT endpoint, simulated FROM v_trial")
    assert {row["endpoint"]: row["simulated"] for row in found} == {
        "openai": True,
        "halfprice": False,
    }
    paired = [row["simulated"] for row in rows(data_folder, "FROM v_pair")]
    assert paired == [True] * 4


def test_pairs_are_direct_against_gateway_with_all_else_equal(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(qualities=("low", "high"))
    run.settle_all(
        lambda trial: (
            {"charge_usd": "0.02"}
            if run.endpoint_of(trial) == "halfprice"
            else {"charge_usd": "0.04"}
        )
    )
    pairs = rows(data_folder, "FROM v_pair")
    assert len(pairs) == 8
    assert len({(p["prompt_id"], p["quality"], p["repeat"]) for p in pairs}) == 8
    for pair in pairs:
        assert pair["direct_endpoint"] == "openai"
        assert pair["gateway_endpoint"] == "halfprice"
        assert pair["charge_difference_usd"] == Decimal("-0.02")


def test_times_of_failures_stay_out_of_pairs_and_cells(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=1, repeats=2)
    run.settle_all(
        lambda trial: (
            {}
            if trial["repeat"] == 1
            else {"outcome": "server_error", "billing": "unbilled", "service_s": 99.0}
        )
    )
    for cell in rows(data_folder, "FROM v_cell"):
        assert (cell["n_timed"], cell["max_s"]) == (1, 8.0)
        assert (cell["n_ok"], cell["n_settled"], cell["ok_share"]) == (1, 2, 0.5)
    times = [pair["direct_service_s"] for pair in rows(data_folder, "FROM v_pair")]
    assert sorted(times, key=str) == [8.0, None]


def test_an_unknown_charge_is_counted_and_never_nothing(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=1, repeats=2, endpoints=(("a", "direct"),))
    unknown = {
        "charge_usd": None,
        "possibly_billed_usd": "0.3",
        "usage_source": "absent",
    }
    run.settle_all(lambda trial: unknown if trial["repeat"] == 1 else {})
    (cell,) = rows(data_folder, "FROM v_cell")
    assert cell["charge_usd"] == Decimal("0.0423")
    assert cell["n_charge_unknown"] == 1
    assert cell["possibly_billed_usd"] == Decimal("0.3")
    (day,) = rows(data_folder, "FROM v_spend_daily")
    assert (day["attempts"], day["n_charge_unknown"]) == (2, 1)
    run.settle_all(lambda _: unknown)


def test_sums_of_money_are_exact_to_the_twelfth_decimal(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=50, repeats=2)
    run.settle_all(lambda _: {"charge_usd": "0.100000000001"})
    (day_a, day_b) = rows(data_folder, "FROM v_spend_daily")
    assert day_a["charge_usd"] + day_b["charge_usd"] == Decimal("20.000000000200")
    assert run_status(data_folder, "latest")["charge_usd"] == "20.0000000002"


VIEWS = {
    "v_trial": """run_id suite trial_id prompt_id api operation model mainline_model
        quality size output_format background n stream partial_images endpoint route
        simulated repeat block position outcome attempts queued_s connect_s
        first_byte_s first_partial_s service_s total_s input_text_tokens
        cached_text_tokens input_image_tokens cached_image_tokens output_image_tokens
        output_text_tokens mainline_input_tokens mainline_cached_tokens
        mainline_output_tokens usage_source charge_usd list_usd possibly_billed_usd
        from_cache usable images bytes served_model served_size served_quality
        served_format revised_prompt request_id started_at""",
    "v_attempt": """run_id trial_id attempt_id attempt_no endpoint outcome billing
        http_status error_type error_code retry_after_s queued_s connect_s first_byte_s
        first_partial_s service_s total_s charge_usd possibly_billed_usd request_id
        started_at""",
    "v_cell": "run_id endpoint model quality size charge_usd",
    "v_pair": "run_id prompt_id variant repeat",
    "v_spend_daily": "day endpoint charge_usd",
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_have_the_columns_that_users_were_promised(
    synthetic_run: Make, data_folder: DataFolder, view: str
) -> None:
    synthetic_run()
    refresh(data_folder)
    with open_index(data_folder) as con:
        names = [column[0] for column in con.execute(f"DESCRIBE {view}").fetchall()]
    assert set(VIEWS[view].split()) <= set(names)


def test_money_is_decimal_wherever_it_is_shown(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run()
    refresh(data_folder)
    with open_index(data_folder) as con:
        kinds = con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE column_name LIKE '%usd%'"
        ).fetchall()
    assert len(kinds) > 20
    assert {kind for _, _, kind in kinds} == {"DECIMAL(38,12)"}

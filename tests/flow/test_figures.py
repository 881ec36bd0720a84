"""Figures over all runs, each against plain SQL on the documented views."""

import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.store import figures, queries
from bench.store.chosen import NOT_SENT
from bench.store.figures import Chosen
from bench.store.index import open_index
from bench.store.ingest import refresh
from bench.words.variants import asked

Make = Callable[..., Any]
ENDS = (
    {},
    {"service_s": 3.25, "usage_source": "estimated"},
    {"outcome": "refused", "billing": "unbilled", "http_status": 400},
    {
        "outcome": "server_error",
        "billing": "possibly_billed",
        "http_status": 502,
        "possibly_billed_usd": "0.21",
        "usage_source": "absent",
    },
    {"outcome": "rate_limited", "billing": "unbilled", "http_status": 429},
    {"outcome": "unusable", "billing": "billed_unusable", "charge_usd": "0.07"},
    {"started_at": "2026-11-22T00:00:00.000000Z", "charge_usd": "0.000000000001"},
)


def fill(synthetic_run: Make) -> None:
    """Three runs: all outcomes, retries, lost attempts, trials never sent."""
    for number in range(3):
        run = synthetic_run(
            f"20261121-13000{number}-00000{number}",
            n_prompts=4,
            repeats=6,
            qualities=("low", "high")[: number + 1],
            models=("gpt-image-2", "gpt-image-1.5"),
        )
        ends = itertools.cycle(ENDS)
        records = [run.session()]
        for trial in run.trials[:-3]:
            members = {"service_s": 2 + trial["position"] / 7, **next(ends)}
            records += [run.intent(trial), run.outcome(trial, **members)]
            if members.get("outcome") in {"rate_limited", "server_error"}:
                records += [run.intent(trial, 2), run.outcome(trial, 2)]
        late, lost, _ = run.trials[-3:]
        last = {"outcome": "unusable", "billing": "billed_unusable"}
        records += [run.intent(late), run.outcome(late, 1, charge_usd="0.5", **last)]
        records += [run.intent(late, 2), run.outcome(late, 2, outcome="timed_out")]
        run.journal([*records, run.intent(lost)])


@pytest.fixture
def filled(synthetic_run: Make, data_folder: DataFolder) -> DataFolder:
    fill(synthetic_run)
    assert refresh(data_folder).problems == ()
    return data_folder


def rows(folder: DataFolder, query: str) -> list[queries.Row]:
    with open_index(folder) as con:
        return queries.rows_of(con, query)


def figure(folder: DataFolder, name: str, chosen: Chosen, *more: object) -> Any:
    with open_index(folder) as con:
        return getattr(figures, name)(con, chosen, *more)


# What `totals` and `cells` answer, said a second time over v_trial.
PLAIN = """
    count(*) AS n_trials,
    count(*) FILTER (WHERE bucket NOT IN ('not_sent', 'in_flight')) AS n_settled,
    count(*) FILTER (WHERE outcome = 'ok') AS n_ok,
    count(*) FILTER (WHERE outcome = 'refused') AS n_refused,
    count(*) FILTER (WHERE bucket = 'failed') AS n_failed,
    count(*) FILTER (WHERE bucket = 'possibly_billed') AS n_possibly_billed,
    sum(attempts)::BIGINT AS attempts,
    coalesce(sum(images) FILTER (WHERE outcome = 'ok'), 0)::BIGINT AS images,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(list_usd)::DECIMAL(38,12) AS list_usd,
    sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    count(*) FILTER (WHERE charge_unknown) AS n_charge_unknown,
    count(service_s) FILTER (WHERE outcome = 'ok') AS n_timed,
    quantile_cont(service_s, 0.5) FILTER (WHERE outcome = 'ok') AS p50_s
"""
CHOICES = (
    (Chosen(), "true"),
    (Chosen(models=("gpt-image-2",)), "model = 'gpt-image-2'"),
    (
        Chosen(qualities=("high",), endpoints=("openai",)),
        "quality = 'high' AND endpoint = 'openai'",
    ),
    (Chosen(runs=("20261121-130001-000001",)), "run_id LIKE '%-000001'"),
    (Chosen(sizes=("1024x1024",), suites=("starter",), kinds=("suite",)), "true"),
)


@pytest.mark.parametrize(("chosen", "where"), CHOICES)
def test_totals_are_what_plain_sql_over_the_trials_says(
    filled: DataFolder, chosen: Chosen, where: str
) -> None:
    (plain,) = rows(filled, f"SELECT {PLAIN} FROM v_trial WHERE {where}")  # noqa: S608  own text
    told = figure(filled, "totals", chosen)
    assert told["n_trials"] > 0
    assert {name: told[name] for name in plain} == plain


@pytest.mark.parametrize(("chosen", "where"), CHOICES)
def test_cells_are_what_plain_sql_over_the_trials_says(
    filled: DataFolder, chosen: Chosen, where: str
) -> None:
    group = "endpoint, route, simulated, model, quality, size"
    plain = rows(
        filled,
        f"SELECT {group}, count(DISTINCT run_id) AS n_runs, {PLAIN} FROM v_trial "  # noqa: S608  own text
        f"WHERE {where} GROUP BY ALL ORDER BY {group}",
    )
    told = figure(filled, "cells", chosen)
    assert len(told) == len(plain) > 0
    assert [{name: row[name] for name in plain[0]} for row in told] == plain
    assert (
        sum(row["charge_usd"] for row in told)
        == (figure(filled, "totals", chosen)["charge_usd"])
    )


def test_jobs_at_half_the_price_are_no_cell_of_live_requests(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    for number, (batch, usd) in enumerate(((False, "0.04"), (True, "0.02"))):
        name = f"20261121-13000{number}-00000{number}"
        run = synthetic_run(name, n_prompts=1, repeats=1, endpoints=(("a", "direct"),))
        run.plan["options"]["batch"] = batch
        run.freeze()
        run.settle_all(lambda _, usd=usd: {"charge_usd": usd})
    refresh(data_folder)
    live, jobs = figure(data_folder, "cells", Chosen())
    assert (live["usd_per_image"], jobs["usd_per_image"]) == (
        Decimal("0.04"),
        Decimal("0.02"),
    )
    assert asked(jobs) == f"{asked(live)} in batch jobs"


def test_wasted_money_is_what_trials_without_a_picture_were_charged(
    filled: DataFolder,
) -> None:
    (plain,) = rows(
        filled,
        "SELECT sum(charge_usd)::DECIMAL(38,12) AS usd FROM v_trial "
        "WHERE outcome <> 'ok' AND bucket <> 'in_flight'",
    )
    wasted_usd = figure(filled, "totals", Chosen())["wasted_usd"]
    assert wasted_usd == plain["usd"] > Decimal("1.5")


def test_days_and_errors_and_tokens_are_what_plain_sql_over_attempts_says(
    filled: DataFolder,
) -> None:
    days = figure(filled, "daily", Chosen())
    plain = rows(
        filled,
        "SELECT day, endpoint, sum(charge_usd)::DECIMAL(38,12) AS charge_usd, "
        "sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd, "
        "sum(images)::BIGINT AS images, sum(attempts)::BIGINT AS attempts "
        "FROM v_spend_daily GROUP BY ALL ORDER BY day, endpoint",
    )
    assert [{name: row[name] for name in plain[0]} for row in days] == plain
    assert {row["day"] for row in days} == {date(2026, 11, 21), date(2026, 11, 22)}
    found = figure(filled, "errors", Chosen())
    (n,) = rows(filled, "SELECT count(*) AS n FROM v_attempt WHERE outcome <> 'ok'")
    assert sum(row["attempts"] for row in found) == n["n"]
    assert {row["outcome"] for row in found} >= {"lost", "rate_limited", "refused"}
    (used,) = rows(
        filled,
        "SELECT sum(output_image_tokens)::BIGINT AS n, "
        "count(*) FILTER (WHERE usage_source = 'absent') AS absent FROM v_attempt",
    )
    told = figure(filled, "tokens", Chosen())
    assert sum(row["output_image_tokens"] for row in told) == used["n"]
    assert sum(row["n_absent"] for row in told) == used["absent"] > 0


def test_the_bins_of_a_spread_hold_every_timed_trial_between_their_bounds(
    filled: DataFolder,
) -> None:
    bins = figure(filled, "spread", Chosen(), "model")
    times = rows(filled, "SELECT model, service_s FROM v_trial WHERE outcome = 'ok'")
    assert sum(row["n"] for row in bins) == len(times)
    for row in bins:
        held = [
            time
            for time in times
            if time["model"] == row["level"]
            and row["low_s"] <= time["service_s"] < row["high_s"]
        ]
        assert len(held) == row["n"]
    with pytest.raises(ValueError, match="none of"):
        figure(filled, "spread", Chosen(), "model; DROP TABLE run")


def test_parts_say_p95_only_where_there_are_72_times(filled: DataFolder) -> None:
    low = Chosen(qualities=("low",), runs=("20261121-130000-000000",))
    for row in figure(filled, "parts", low, "endpoint"):
        assert row["n"] < 72
        assert row["service_p95_s"] is None
        assert row["queued_p50_s"] == 0.01
    for row in figure(filled, "parts", Chosen(), "quality"):
        assert (row["service_p95_s"] is None) == (row["n"] < 72)
    for row in figure(filled, "cells", Chosen()):
        assert (row["p95_s"] is None) == (row["n_timed"] < 72)
        assert row["p50_low_s"] <= row["p50_s"] <= row["p50_high_s"]


def test_the_slowest_trials_are_named_with_what_they_took(filled: DataFolder) -> None:
    told = figure(filled, "slowest", Chosen(), 5)
    plain = rows(
        filled,
        "SELECT run_id, trial_id, prompt_id, endpoint, service_s, attempts, outcome, "
        "request_id FROM v_trial WHERE service_s IS NOT NULL "
        "ORDER BY service_s DESC, trial_id LIMIT 5",
    )
    assert [{name: row[name] for name in plain[0]} for row in told] == plain


def test_over_time_has_at_most_60_buckets_and_loses_no_trial(
    filled: DataFolder,
) -> None:
    told = figure(filled, "over_time", Chosen())
    assert len({row["begins_at"] for row in told}) <= 60
    (n,) = rows(filled, "SELECT count(*) AS n FROM v_trial WHERE attempts > 0")
    assert sum(row["n"] for row in told) == n["n"]


def test_what_is_chosen_is_bound_and_never_read_as_sql(filled: DataFolder) -> None:
    hostile = Chosen(models=("' OR true --", "gpt-image-2'); DROP TABLE run; --"))
    row = figure(filled, "totals", hostile)
    assert (row["n_trials"], row["n_runs"], row["charge_usd"]) == (0, 0, None)
    assert row["usd_per_image"] is row["p50_s"] is row["ok_share"] is None
    assert figure(filled, "cells", hostile) == []
    assert figure(filled, "over_time", hostile) == []


def test_choices_name_what_is_there_the_newest_run_first(
    filled: DataFolder, synthetic_run: Make
) -> None:
    run = synthetic_run("20261123-130000-000009")
    run.plan["created_at"] = "2026-11-23T13:00:00.000000Z"
    del run.plan["cells"][0]["parameters"]["quality"]
    run.freeze()
    refresh(filled)
    with open_index(filled) as con:
        told = figures.choices(con)
    assert told["runs"][0]["run_id"] == "20261123-130000-000009"
    assert told["runs"][0]["n_trials"] == 8
    assert told["qualities"] == [NOT_SENT, "high", "low"]
    assert told["kinds"] == ["suite"]
    assert told["models"] == ["gpt-image-1.5", "gpt-image-2"]
    unsent = figure(filled, "totals", Chosen(qualities=(NOT_SENT,)))
    assert (unsent["n_runs"], unsent["n_trials"], unsent["attempts"]) == (1, 4, 0)


def test_an_empty_index_answers_with_nothing_and_no_zero_for_unknown(
    data_folder: DataFolder,
) -> None:
    data_folder.root.mkdir()
    refresh(data_folder)
    row = figure(data_folder, "totals", Chosen())
    assert (row["n_trials"], row["simulated"], row["charge_usd"]) == (0, False, None)
    assert row["wasted_usd"] is row["usd_per_1000"] is row["first_at"] is None
    for name in ("cells", "errors", "daily", "tokens", "over_time", "slowest"):
        assert figure(data_folder, name, Chosen()) == []


def test_money_of_a_trial_whose_record_is_damaged_stays_in_the_totals(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    stray = {**run.trials[0], "trial_id": "of-no-plan"}
    run.journal([run.session(), run.intent(stray), run.outcome(stray), run.end()])
    refresh(data_folder)
    row = figure(data_folder, "totals", Chosen())
    assert (row["charge_usd"], row["n_trials"]) == (Decimal("0.0423"), 2)
    assert figure(data_folder, "totals", Chosen(endpoints=("openai",)))["attempts"] == 0

"""A metered run: its journal continues an empty plan, record by record."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bench.folder import DataFolder
from bench.journal import encode
from bench.store import figures, lines, queries
from bench.store.index import open_index
from bench.store.ingest import checksum, rebuild, refresh
from bench.store.status import run_status

Make = Callable[..., Any]
NAME = "host-1-00000001.jsonl"
CELLS = "FROM v_cell ORDER BY cell_index"


def make_metered(synthetic_run: Make, run_id: str = "20261121-130000-000001") -> Any:
    run = synthetic_run(run_id, n_prompts=0, repeats=0)
    run.plan["kind"] = "metered"
    run.plan["suite"] = {"name": "metered", "digest": "0" * 64}
    run.plan["cells"] = []
    run.freeze()
    return run


def cell(index: int, endpoint: str = "openai", quality: str = "low") -> dict[str, Any]:
    return {
        "kind": "cell",
        "v": 1,
        "cell_index": index,
        "endpoint": endpoint,
        "api": "images",
        "operation": "generate",
        "model": "gpt-image-2",
        "parameters": {"quality": quality, "size": "1024x1024", "n": 2},
    }


def prompt(index: int, text: str = "a lighthouse") -> dict[str, Any]:
    return {
        "kind": "prompt",
        "v": 1,
        "prompt_index": index,
        "id": f"p-{index:04x}",
        "text": text,
    }


def card() -> dict[str, Any]:
    return {
        "kind": "card",
        "v": 1,
        "endpoint": "openai",
        "model": "gpt-image-2",
        "card": {"vendor": "openai"},
        "scheme": None,
    }


def trial(number: int, cell_index: int = 0, prompt_index: int = 0) -> dict[str, Any]:
    return {
        "kind": "trial",
        "v": 1,
        "cell": cell_index,
        "prompt": prompt_index,
        "trial_id": f"t{number}",
        "repeat": number + 1,
        "block": number,
        "position": number,
        "bound_usd": "0.21",
        "expected": None,
        "why_bounded": [],
    }


def records(run: Any) -> list[dict[str, Any]]:
    """Three calls of two cells and two prompts; the last one is not settled."""
    run.plan["cells"] = [cell(0), cell(1, "halfprice", "high")]
    first, second, third = trial(0), trial(1, 1, 1), trial(2, 0, 1)
    return [
        run.session(),
        *(cell(0), prompt(0), card(), first, run.intent(first), run.outcome(first)),
        *(cell(1, "halfprice", "high"), prompt(1, "a ship"), second),
        *(run.intent(second), run.outcome(second, outcome="refused", charge_usd=None)),
        *(third, run.intent(third)),
    ]


def rows(folder: DataFolder, query: str) -> list[queries.Row]:
    with open_index(folder) as con:
        return queries.rows_of(con, query)


def digest(folder: DataFolder) -> str:
    with open_index(folder) as con:
        return checksum(con)


def test_the_journal_of_a_metered_run_gives_cells_prompts_and_trials(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    run.journal([*records(run), run.end()])
    assert refresh(data_folder).problems == ()
    found = rows(data_folder, "FROM v_trial ORDER BY position")
    assert [(row["endpoint"], row["quality"], row["n"]) for row in found] == [
        ("openai", "low", 2),
        ("halfprice", "high", 2),
        ("openai", "low", 2),
    ]
    assert [row["prompt_id"] for row in found] == ["p-0000", "p-0001", "p-0001"]
    assert [row["outcome"] for row in found] == ["ok", "refused", "lost"]
    assert found[0]["charge_usd"] == Decimal("0.0423")
    (shown,) = rows(data_folder, "FROM v_run")
    assert (shown["kind"], shown["n_trials"], shown["n_done"]) == ("metered", 3, 2)
    assert [row["n_trials"] for row in rows(data_folder, CELLS)] == [2, 1]
    texts = rows(data_folder, "SELECT text FROM prompt ORDER BY prompt_index")
    assert [row["text"] for row in texts] == ["a lighthouse", "a ship"]


def test_a_metered_run_runs_while_its_process_lives_and_ends_as_it_says(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    with run.run.hold():
        run.journal(records(run), NAME)
        status = run_status(data_folder, "latest")
        assert (status["state"], status["trials"]["in_flight"]) == ("running", 1)
    assert run_status(data_folder, "latest")["state"] == "interrupted"
    run.journal([run.end("stopped", stopped_by="budget")], NAME)
    status = run_status(data_folder, "latest")
    assert (status["state"], status["stopped_by"]) == ("stopped", "budget")


def test_figures_tell_metered_runs_from_suites(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run("20261121-120000-000001").settle_all()
    run = make_metered(synthetic_run)
    run.journal([*records(run), run.end()])
    refresh(data_folder)
    with open_index(data_folder) as con:
        assert figures.choices(con)["kinds"] == ["metered", "suite"]
        found = {
            kind: figures.totals(con, figures.Chosen(kinds=(kind,)))["n_trials"]
            for kind in ("metered", "suite")
        }
    assert found == {"metered": 3, "suite": 8}


def test_a_metered_run_without_a_call_is_there(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    run.journal([run.session(), run.end()])
    assert refresh(data_folder).problems == ()
    assert run_status(data_folder, "latest")["trials"]["planned"] == 0


def test_a_record_at_a_time_gives_the_rows_of_a_rebuild(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    for record in [*records(run), run.end()]:
        run.journal([record], NAME)
        assert refresh(data_folder).problems == ()
    grown = digest(data_folder)
    assert refresh(data_folder).attempts == 0
    rebuild(data_folder)
    assert digest(data_folder) == grown


@pytest.mark.parametrize("size", [100, 400, 1000])
def test_a_journal_read_in_blocks_of_any_size_gives_the_same_rows(
    synthetic_run: Make,
    data_folder: DataFolder,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    run = make_metered(synthetic_run)
    run.journal([*records(run), run.end()])
    refresh(data_folder)
    whole = digest(data_folder)
    monkeypatch.setattr(lines, "_BLOCK_BYTES", size)
    monkeypatch.setattr("bench.store.batches._BATCH_BYTES", size)
    rebuild(data_folder)
    assert digest(data_folder) == whole


@pytest.mark.parametrize("names", [("a.jsonl", "b.jsonl"), ("b.jsonl", "a.jsonl")])
def test_what_two_journals_tell_of_a_plan_counts_once(
    synthetic_run: Make, data_folder: DataFolder, names: tuple[str, str]
) -> None:
    run = make_metered(synthetic_run)
    run.journal([*records(run), run.end()], names[0])
    refresh(data_folder)
    other = [cell(0), cell(1, quality="medium"), prompt(0), prompt(0), trial(0)]
    run.journal([run.session("2026-11-22T13:00:00.000000Z"), *other], names[1])
    assert refresh(data_folder).problems == ()
    grown = digest(data_folder)
    for table, n in (("cell", 2), ("prompt", 2), ("trial", 3)):
        assert len(rows(data_folder, f"FROM {table}")) == n
    rebuild(data_folder)
    assert digest(data_folder) == grown


def test_a_record_that_lacks_a_member_is_told_and_other_runs_are_read(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run("20261121-120000-000001").settle_all()
    run = make_metered(synthetic_run)
    bad = cell(0)
    del bad["parameters"]
    path = run.journal([run.session(), bad])
    (problem,) = refresh(data_folder).problems
    assert str(path) in problem
    assert "parameters" in problem
    assert len(rows(data_folder, "FROM v_attempt")) == 8


def test_records_of_a_newer_version_are_refused_whatever_their_kind(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    run.journal([run.session(), {**cell(0), "v": 2}])
    (problem,) = refresh(data_folder).problems
    assert "version 2" in problem


def test_a_damaged_trial_is_told_and_its_money_stays_in_the_run(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = make_metered(synthetic_run)
    path = run.journal([*records(run), run.end()])
    line = encode(trial(0))
    path.write_bytes(path.read_bytes().replace(line, line.replace(b"t0", b"tX")))
    (problem,) = refresh(data_folder).problems
    assert "checksum" in problem
    assert run_status(data_folder, "latest")["charge_usd"] == "0.0423"

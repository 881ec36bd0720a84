"""Export: a run's rows leave the index whole, exact and harmless."""

import csv
import io
import stat
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyarrow import parquet
from typer.testing import Result

from bench.errors import BadInput
from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index

Make = Callable[..., Any]
Tell = Callable[..., Result]
ANSWERED = ("revised_prompt", "error_message", "request_id", "served_model")
VIEWS = {"trials": "v_trial", "attempts": "v_attempt", "cells": "v_cell"}
FORMATS = ("csv", "jsonl", "parquet")
HOSTILE = (
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "'quoted",
    '"; DROP TABLE run; --',
    "a,b\nc\r\nd",
    "",
    "</script><script>alert(1)</script>",
    "中文，🎨\u202e",
    "{{7*7}}",
)


# What the first byte of a cell must not be, quoted or not.
SIGNS = tuple(
    map(str.encode, ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
)
CHARGED = (b"charge_usd", b"BilledCost", b"EffectiveCost", b"ContractedCost")
HOSTILE_NAMES = ("=1+1", "+1", "-2", '=HYPERLINK("http://x","y")', "@SUM(1,2)", "＝1")


def fill(synthetic_run: Make) -> Any:
    """All kinds of money: odd digits, retries, unknown, lost; never sent."""
    run = synthetic_run(n_prompts=len(HOSTILE), repeats=1, qualities=("low", "high"))
    records = [run.session()]
    for trial in run.trials[:-2]:
        odd = {
            "charge_usd": f"0.{trial['position'] + 1:012}",
            "list_usd": "0.3",
            "revised_prompt": HOSTILE[trial["prompt"]],
            "request_id": HOSTILE[trial["prompt"]],
            "simulated": trial["position"] == 0,
        }
        if trial["position"] % 5 == 4:
            bad = {"outcome": "server_error", "billing": "possibly_billed"}
            records += [run.intent(trial), run.outcome(trial, **bad)]
            records += [run.intent(trial, 2), run.outcome(trial, 2, **odd)]
        else:
            records += [run.intent(trial), run.outcome(trial, **odd)]
    run.journal([*records, run.intent(run.trials[-1]), run.end()])
    return run


def plain_rows(folder: DataFolder, table: str) -> list[queries.Row]:
    with open_index(folder) as con:
        return queries.rows_of(con, f"FROM {VIEWS[table]}")


def read(path: Path, format_: str) -> list[dict[str, Any]]:
    if format_ == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if format_ == "jsonl":
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return parquet.read_table(path).to_pylist()


def total(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows if row[name]), Decimal(0))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("table", VIEWS)
def test_the_sums_of_an_export_are_those_of_show_to_the_last_digit(
    synthetic_run: Make, tell: Tell, tmp_path: Path, table: str, format_: str
) -> None:
    fill(synthetic_run)
    path = tmp_path / "out"
    told = tell(
        *("export", "--table", table, "--format", format_, "--output", str(path)),
        "--json",
    )
    answer = orjson.loads(told.stdout)
    shown = orjson.loads(tell("show", "latest", "--json").stdout)
    rows = read(path, format_)
    for name in ("charge_usd", "list_usd", "possibly_billed_usd"):
        assert total(rows, name) == Decimal(shown[name]), name
    assert answer == {
        "schema": "pixelmeter.export/1",
        "run_id": shown["run_id"],
        "table": table,
        "format": format_,
        "path": str(path),
        "rows": len(rows),
        "charge_usd": shown["charge_usd"],
        "simulated": True,
    }


@pytest.mark.parametrize("table", VIEWS)
def test_a_csv_holds_every_value_of_the_view_in_its_columns(
    synthetic_run: Make, tell: Tell, data_folder: DataFolder, table: str
) -> None:
    fill(synthetic_run)
    text = tell("export", "--table", table).stdout
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    views = plain_rows(data_folder, table)
    assert header == list(views[0])
    assert len(lines) == len(views)
    for column, name in enumerate(header):
        kept = [value for row in views if (value := row[name]) is not None]
        told = [line[column] for line in lines if line[column]]
        if kept and isinstance(kept[0], Decimal):
            assert sorted(map(Decimal, told)) == sorted(kept), name
        elif kept and isinstance(kept[0], float):
            assert sorted(map(float, told)) == sorted(kept), name
        elif kept and isinstance(kept[0], int) and not isinstance(kept[0], bool):
            assert sorted(map(int, told)) == sorted(kept), name


def test_hostile_text_is_harmless_in_csv_and_can_be_had_back(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run)
    text = tell("export", "latest").stdout_bytes.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    told = {row["revised_prompt"] for row in rows}
    for cell in told:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert {cell.removeprefix("'") for cell in told} >= set(HOSTILE)
    assert {"'=1+1", "''quoted", "a,b\nc\r\nd"} <= told
    assert text.endswith("\n")
    assert "\r\n" not in text.replace("a,b\nc\r\nd", "")


def byte_cells(content: bytes) -> list[list[bytes]]:
    """Lines of cells of CSV, read byte by byte."""
    lines: list[list[bytes]] = [[]]
    cell, is_quoted = bytearray(), False
    for number in content.replace(b'""', b"\0"):
        byte = bytes((number,))
        if byte == b'"':
            is_quoted = not is_quoted
        elif is_quoted or byte not in {b",", b"\n"}:
            cell += byte.replace(b"\0", b'"')
        else:
            lines[-1].append(bytes(cell))
            cell.clear()
            if byte == b"\n":
                lines.append([])
    assert lines.pop() == []
    assert not is_quoted
    return lines


@pytest.mark.parametrize(
    "arguments", [(), ("--table", "attempts"), ("--format", "focus")]
)
def test_no_byte_of_a_prompt_suite_or_answer_begins_a_formula(
    synthetic_run: Make, tell: Tell, arguments: tuple[str, ...]
) -> None:
    run = synthetic_run(n_prompts=len(HOSTILE_NAMES), repeats=1)
    plan = run.plan
    plan["suite"]["name"] = "=cmd|' /C calc'!A0"
    for prompt, name in zip(plan["prompts"], HOSTILE_NAMES, strict=True):
        prompt["id"] = prompt["text"] = prompt["category"] = name
    run.freeze()
    texts = iter(HOSTILE_NAMES * 2)
    run.settle_all(
        lambda _: dict.fromkeys(ANSWERED, next(texts)) | {"charge_usd": "-1"}
    )
    header, *lines = byte_cells(tell("export", *arguments).stdout_bytes)
    assert len(lines) == len(run.trials)
    charged = {header.index(name) for name in CHARGED if name in header}
    hostile = 0
    for line in lines:
        assert len(line) == len(header)
        assert {line[place] for place in charged} == {b"-1"}
        for place, cell in enumerate(line):
            assert place in charged or not cell.startswith(SIGNS)
            hostile += cell.startswith(b"'")
    assert hostile >= len(lines)


def test_json_lines_and_parquet_hold_hostile_text_as_it_is(
    synthetic_run: Make, tell: Tell, tmp_path: Path
) -> None:
    fill(synthetic_run)
    for format_ in ("jsonl", "parquet"):
        path = tmp_path / format_
        tell("export", "--format", format_, "--output", str(path))
        assert {row["revised_prompt"] for row in read(path, format_)} >= set(HOSTILE)
    line = tell("export", "--format", "jsonl", "--table", "attempts").stdout
    record = orjson.loads(line.splitlines()[0])
    assert record["headers"] == {"x-request-id": "r"}
    assert record["pictures"][0]["width_px"] == 1024
    assert record["started_at"] == "2026-11-21T13:00:01.000000Z"


def test_unknown_stays_empty_and_an_empty_text_is_told_apart(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run)
    text = tell("export", "--table", "attempts").stdout
    (lost,) = [
        row
        for row in csv.DictReader(io.StringIO(text, newline=""))
        if row["outcome"] == "lost"
    ]
    assert (lost["charge_usd"], lost["service_s"]) == ("", "")
    assert lost["possibly_billed_usd"] == "0.21"
    assert ',"",' in text


def test_every_row_says_whether_its_endpoint_was_simulated(
    synthetic_run: Make, tell: Tell
) -> None:
    fill(synthetic_run)
    for table in VIEWS:
        text = tell("export", "--table", table).stdout
        marks: dict[str, set[str]] = {}
        for row in csv.DictReader(io.StringIO(text, newline="")):
            marks.setdefault(row["endpoint"], set()).add(row["simulated"])
        assert marks == {"openai": {"true"}, "halfprice": {"false"}}, table


def test_a_run_that_sent_nothing_gives_its_trials_and_no_attempt(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run()
    run.journal([run.session()])
    assert len(tell("export").stdout.splitlines()) == 1 + len(run.trials)
    text = tell("export", "--table", "attempts").stdout
    assert text.startswith("run_id,")
    assert len(text.splitlines()) == 1
    assert tell("export", "--table", "attempts", "--format", "jsonl").stdout == ""


def test_a_run_that_goes_on_gives_its_rows_so_far_and_says_so(
    synthetic_run: Make, tell: Tell
) -> None:
    run = synthetic_run()
    with run.run.hold():
        run.journal([run.session(), run.outcome(run.trials[0])])
        told = tell("export", "--table", "attempts")
    assert len(told.stdout.splitlines()) == 2
    assert "goes on" in told.stderr
    assert tell("export").stderr == ""


def test_a_file_is_its_owners_and_is_replaced_only_by_force(
    synthetic_run: Make, tell: Tell, tmp_path: Path
) -> None:
    fill(synthetic_run)
    path = tmp_path / "out.csv"
    tell("export", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    with pytest.raises(BadInput, match="--force replaces it") as told:
        tell("export", "--output", str(path))
    assert str(path) in str(told.value)
    assert path.read_text() == "mine"
    tell("export", "--output", str(path), "--force")
    assert path.read_text().startswith("run_id,")
    assert {child.name for child in tmp_path.iterdir()} == {"data", "out.csv"}


ON_A_FULL_DISK = """
import resource, signal, sys
from pixelmeter import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
main()
"""


@pytest.mark.parametrize("format_", [*FORMATS, "xlsx", "focus", "pytest-benchmark"])
def test_an_export_that_fails_leaves_nothing_and_spares_what_was_there(
    synthetic_run: Make, tell: Tell, tmp_path: Path, format_: str
) -> None:
    fill(synthetic_run)
    tell("runs")
    path = tmp_path / "out"
    path.write_text("mine")
    done = subprocess.run(
        [
            *(sys.executable, "-c", ON_A_FULL_DISK, "export", "--format", format_),
            *("--output", str(path), "--force", "--data", str(tmp_path / "data")),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 6, done.stderr
    assert str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert path.read_text() == "mine"
    assert {child.name for child in tmp_path.iterdir()} == {"data", "out"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "xlsx"), "name it with --output"),
        (("--format", "focus", "--table", "trials"), "leave --table out"),
        (("--format", "pytest-benchmark", "--table", "trials"), "leave --table out"),
        (("--format", "txt"), "take csv, jsonl, parquet, xlsx, focus, pytest-bench"),
        (("--table", "pairs"), "take trials, attempts, cells"),
        (("--format", "parquet"), "name it with --output"),
        (("--json",), "name one with --output"),
        (("--output", "."), "this is a folder"),
        (("--output", "nowhere/out.csv"), "there is no folder"),
        (("20200101-000000-000000",), "is not in"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_sentence(
    synthetic_run: Make, tell: Tell, arguments: tuple[str, ...], words: str
) -> None:
    fill(synthetic_run)
    with pytest.raises(BadInput, match=words) as told:
        tell("export", *arguments)
    assert "\n" not in str(told.value)

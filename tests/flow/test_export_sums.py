"""Sums: each format's dollars are the journal's, to the last digit."""

import csv
import itertools
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner

from bench.commands import export
from bench.exports.run import FORMATS
from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index

Make = Callable[..., Any]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# No sum of these is a double.
AMOUNTS = ("99999999999.000000000001", "0.000000000003", "1234.567890123457", "0.1")


def total_of_csv(path: Path, column: str) -> Decimal:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(
            (Decimal(row[column]) for row in csv.DictReader(file) if row[column]),
            Decimal(0),
        )


def total_of_workbook(path: Path) -> Decimal:
    """The total of charges of the first sheet, as its exact text."""
    with zipfile.ZipFile(path) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314  our own file
    rows = [
        ["".join(cell.itertext()) for cell in row.iter(f"{MAIN}c")]
        for row in sheet.iter(f"{MAIN}row")
    ]
    (total,) = [row for row in rows if row[0] == "total"]
    # The total has no route and no mark.
    return Decimal(total[rows[1].index("charge_usd_exact") - 2])


def total_of(path: Path, format_: str) -> Decimal:
    match format_:
        case "csv":
            return total_of_csv(path, "charge_usd")
        case "focus":
            return total_of_csv(path, "BilledCost")
        case "xlsx":
            return total_of_workbook(path)
        case "parquet":
            found = parquet.read_table(path).column("charge_usd").to_pylist()
            return sum((usd for usd in found if usd is not None), Decimal(0))
        case "jsonl":
            found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        case _:
            told = orjson.loads(path.read_bytes())
            told = [*told["benchmarks"], *told["left_out"]]
            found = [one["extra_info"] for one in told]
    known = [row["charge_usd"] for row in found if row["charge_usd"] is not None]
    return sum(map(Decimal, known), Decimal(0))


@pytest.mark.parametrize("format_", FORMATS)
def test_the_charges_of_a_format_are_those_of_the_journal_and_the_index(
    synthetic_run: Make, data_folder: DataFolder, tmp_path: Path, format_: str
) -> None:
    amounts = itertools.cycle(AMOUNTS)
    run = synthetic_run(n_prompts=5, qualities=("low", "high"))
    journal = run.settle_all(lambda _: {"charge_usd": next(amounts)})
    records = map(orjson.loads, journal.read_bytes().splitlines())
    charges = [r["charge_usd"] for r in records if r["kind"] == "outcome"]
    app = typer.Typer(pretty_exceptions_enable=False)
    export.register(app)
    path = tmp_path / "out"
    arguments = ("latest", "--format", format_, "--output", str(path), "--json")
    told = CliRunner().invoke(
        app, [*arguments, "--data", str(data_folder.root)], catch_exceptions=False
    )
    with open_index(data_folder) as con:
        row = queries.run(con, run.run.run_id)
    expected = sum(map(Decimal, charges))
    assert row
    assert row["charge_usd"] == expected
    assert Decimal(orjson.loads(told.stdout)["charge_usd"]) == expected
    assert total_of(path, format_) == expected

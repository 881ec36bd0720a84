"""Workbook: numbers are exact, totals live, and text is only text."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import Result

from bench.errors import BadInput
from bench.exports import sheets, workbook
from bench.exports.sheets import letters_of
from tests.workbooks import Cell, read

Make = Callable[..., Any]
Tell = Callable[..., Result]
FORMULAS = ("=1+1", '=HYPERLINK("http://x","y")', "+1", "-2", "@SUM(A1)", "\t=1", "'q")
TEXTS = (*FORMULAS, "https://example.org/", "_x0041_", "12", "a\x01b", "中文 🎨", " s ")
# More digits than a double holds; the second is the smallest that there is.
ODD_USD = ("1234567.123456789012", "0.000000000001", "0.0423", "9.95")


def rows_of(cells: dict[str, Cell]) -> list[dict[str, Cell]]:
    """The rows below the names of a sheet, by name."""
    head = {
        letters: cell.value
        for place, cell in cells.items()
        for letters, row in [_place(place)]
        if row == 2
    }
    rows: dict[int, dict[str, Cell]] = {}
    for place, cell in cells.items():
        letters, row = _place(place)
        if row > 2 and letters in head:
            rows.setdefault(row, {})[head[letters]] = cell
    return list(rows.values())


def _place(place: str) -> tuple[str, int]:
    letters = place.rstrip("0123456789")
    return letters, int(place.removeprefix(letters))


def usd(row: dict[str, Cell], name: str) -> Decimal:
    """An amount: its exact text where there is one, else the number."""
    if f"{name}_exact" in row:
        return Decimal(row[f"{name}_exact"].value)
    return row[name].number if name in row else Decimal(0)


def fill(synthetic_run: Make, *, simulated: bool = True) -> Any:
    run = synthetic_run(n_prompts=len(TEXTS), repeats=1, qualities=("low", "high"))
    records = [run.session()]
    for trial in run.trials[:-2]:
        odd = {
            "charge_usd": ODD_USD[trial["position"] % len(ODD_USD)],
            "list_usd": "0.3",
            "revised_prompt": TEXTS[trial["prompt"]],
            "simulated": simulated,
        }
        records += [run.intent(trial), run.outcome(trial, **odd)]
    run.journal([*records, run.intent(run.trials[-1]), run.end()])
    return run


@pytest.fixture
def made(tell: Tell, tmp_path: Path) -> Callable[..., dict[str, dict[str, Cell]]]:
    def make(*arguments: str) -> dict[str, dict[str, Cell]]:
        path = tmp_path / "run.xlsx"
        done = tell(
            *("export", "--format", "xlsx", "--output", str(path), "--force"),
            *arguments,
        )
        assert done.exit_code == 0, done.stderr
        return read(path)

    return make


@pytest.mark.parametrize("table", ["trials", "attempts", "cells"])
def test_the_dollars_of_every_sheet_are_those_of_show_to_the_last_digit(
    synthetic_run: Make, tell: Tell, made: Make, table: str
) -> None:
    fill(synthetic_run)
    book = made("--table", table)
    shown = orjson.loads(tell("show", "latest", "--json").stdout)
    assert list(book) == ["summary", "cells", "trials", "attempts"][:2] + (
        [] if table == "cells" else [table]
    )
    for name in ("charge_usd", "list_usd", "possibly_billed_usd"):
        for sheet in list(book)[1:]:
            amounts = [usd(row, name) for row in rows_of(book[sheet])]
            assert sum(amounts) == Decimal(shown[name]), (sheet, name)
    (total,) = [
        row
        for row in rows_of(book["summary"])
        if "endpoint" in row and row["endpoint"].value == "total"
    ]
    assert total["charge_usd_exact"].value == shown["charge_usd"]
    assert total["list_usd_exact"].value == shown["list_usd"]


def test_totals_and_savings_are_formulas_with_their_value(
    synthetic_run: Make, made: Make
) -> None:
    fill(synthetic_run)
    book = made()
    for row in rows_of(book["cells"]):
        savings = row["savings_usd"]
        assert savings.formula
        assert re.fullmatch(r"[A-Z]+[0-9]+-[A-Z]+[0-9]+", savings.formula)
        left, right = (book["cells"][at] for at in savings.formula.split("-"))
        assert savings.number == pytest.approx(left.number - right.number)
        assert usd(row, "savings_usd") == usd(row, "list_usd") - usd(row, "charge_usd")
    summary = rows_of(book["summary"])
    lines = [row for row in summary if "n_trials" in row]
    assert [row["endpoint"].value for row in lines] == ["openai", "halfprice", "total"]
    for name in ("n_trials", "images", "charge_usd", "list_usd", "savings_usd"):
        assert all(row[name].formula for row in lines), name
        parts = [usd(row, name) for row in lines]
        assert parts[2] == parts[0] + parts[1], name
    assert all("SUMPRODUCT" in row["charge_usd"].formula for row in lines[:2])
    assert lines[2]["charge_usd"].formula.startswith("SUM(")


def test_the_ranges_of_the_formulas_hold_what_they_add(
    synthetic_run: Make, made: Make
) -> None:
    """A small calculator for the two forms of sum that the summary has."""
    fill(synthetic_run)
    book = made()
    n_added = 0
    for cell in book["summary"].values():
        formula = cell.formula
        by_name = re.fullmatch(
            r"SUMPRODUCT\(--EXACT\((.+?),\$(A[0-9]+)\),(.+)\)", formula
        )
        plain = re.fullmatch(r"SUM\((.+)\)", formula)
        if by_name:
            names, wanted = values(book, by_name[1]), book["summary"][by_name[2]].value
            amounts = values(book, by_name[3])
            total = sum(
                float(amount)
                for name, amount in zip(names, amounts, strict=True)
                if name == wanted and amount
            )
        elif plain:
            total = sum(float(value) for value in values(book, plain[1]) if value)
        else:
            continue
        n_added += 1
        assert float(cell.value) == pytest.approx(total, rel=1e-12), formula
    assert n_added > 20
    gaps = [c for c in book["summary"].values() if c.formula.startswith("ROUND")]
    assert [gap.number for gap in gaps] == [0]


def values(book: dict[str, dict[str, Cell]], area: str) -> list[str]:
    """The values of a column's range, empty text where there is nothing."""
    sheet, _, places = area.rpartition("!")
    first, last = places.replace("$", "").split(":")
    letters, top = _place(first)
    assert _place(last)[0] == letters
    cells = book[sheet or "summary"]
    return [
        cells[place].value if (place := f"{letters}{row}") in cells else ""
        for row in range(top, _place(last)[1] + 1)
    ]


def test_text_is_never_a_formula_a_link_or_a_number(
    synthetic_run: Make, made: Make
) -> None:
    fill(synthetic_run)
    book = made("--table", "attempts")
    cells = book["attempts"].values()
    assert not any(cell.formula for cell in cells)
    told = [
        row["revised_prompt"]
        for row in rows_of(book["attempts"])
        if "revised_prompt" in row
    ]
    assert {cell.kind for cell in told} == {"inlineStr"}
    assert {cell.value for cell in told} == set(TEXTS)


def test_a_text_longer_than_a_cell_says_that_it_was_cut(
    synthetic_run: Make, made: Make
) -> None:
    run = synthetic_run()
    long = "x" * 40_000
    run.settle_all(lambda _: {"revised_prompt": long})
    (first, *_) = rows_of(made()["trials"])
    assert len(first["revised_prompt"].value) == 32_767
    assert first["revised_prompt"].value.endswith(
        "[cut: 40000 characters; csv holds all]"
    )


@pytest.mark.parametrize("simulated", [True, False])
def test_every_sheet_of_a_simulated_run_says_so(
    synthetic_run: Make, made: Make, *, simulated: bool
) -> None:
    fill(synthetic_run, simulated=simulated)
    for name, cells in made().items():
        assert ("SIMULATED" in cells["A1"].value) is simulated, name
        if name != "summary":
            marks = {row["simulated"].value for row in rows_of(cells)}
            assert marks == {"1" if simulated else "0"}


def test_unknown_money_is_empty_and_its_sum_is_said_to_be_unknown(
    synthetic_run: Make, made: Make
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1)
    direct, gateway = run.trials
    lost = {"billing": "possibly_billed", "charge_usd": None, "list_usd": None}
    one_sided = {"charge_usd": "0.02", "list_usd": None}
    run.journal(
        [
            run.session(),
            *(run.intent(direct), run.outcome(direct, **lost)),
            *(run.intent(gateway), run.outcome(gateway, **one_sided)),
            run.end(),
        ]
    )
    book = made()
    assert [("charge_usd" in row) for row in rows_of(book["trials"])] == [False, True]
    lines = {
        row["endpoint"].value: row
        for row in rows_of(book["summary"])
        if "n_trials" in row
    }
    assert lines["openai"]["charge_usd"].value == "unknown"
    assert lines["openai"]["n_charge_unknown"].value == "1"
    assert usd(lines["halfprice"], "charge_usd") == Decimal("0.02")
    assert lines["halfprice"]["savings_usd"].value == "unknown"
    assert lines["total"]["savings_usd"].value == "unknown"


def test_a_run_longer_than_a_sheet_is_refused_in_one_sentence(
    synthetic_run: Make, tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = synthetic_run()
    run.settle_all()
    monkeypatch.setattr(workbook, "MOST_ROWS", len(run.trials) + 1)
    path = tmp_path / "run.xlsx"
    with pytest.raises(BadInput, match="a sheet holds 7; take csv or parquet") as told:
        tell("export", "--format", "xlsx", "--output", str(path))
    assert "\n" not in str(told.value)
    assert not path.exists()
    monkeypatch.setattr(workbook, "MOST_ROWS", len(run.trials) + 2)
    assert tell("export", "--format", "xlsx", "--output", str(path)).exit_code == 0
    assert sheets.MOST_ROWS == 1_048_576


def test_a_run_that_sent_nothing_has_a_workbook_without_a_sum_of_0(
    synthetic_run: Make, made: Make
) -> None:
    run = synthetic_run()
    run.journal([run.session()])
    for table in ("attempts", "cells"):
        book = made("--table", table)
        lines = [row for row in rows_of(book["summary"]) if "n_trials" in row]
        assert len(lines) == 3
        assert not any("charge_usd" in row for row in lines)


def test_two_workbooks_of_a_run_are_the_same_bytes(
    synthetic_run: Make, tell: Tell, tmp_path: Path
) -> None:
    fill(synthetic_run)
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        tell("export", "--format", "xlsx", "--output", str(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    told = [letters_of(column) for column in (0, 25, 26, 51, 52, 701, 702)]
    assert told == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]

"""Projection workbook: every figure is a live formula of the assumptions."""

import math
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.exports.projection_book import write_projection
from bench.exports.projection_lines import COLUMNS, projection_lines
from bench.scenario.form import Scenario
from bench.studies.outlook import Outlook, outlook
from bench.studies.priced import Pricer
from tests.workbooks import Calculator, Cell, read

MIX = [
    {"share": "0.7", "model": "gpt-image-2", "quality": "low", "size": "1024x1024"},
    {"share": "0.3", "model": "gpt-image-2", "quality": "high", "size": "1024x1024"},
]
CONTENT: dict[str, Any] = {
    "name": "=all at once",
    # Grown by a tenth it is 55, 60.5 and 66.55: the tie goes to the even 60.
    "images_per_month": 50,
    "months": 13,
    "growth": "10%/month",
    "start": "2027-01",
    "seasonality": {"december": "1.5"},
    "mix": MIX,
    "failures": {
        "unusable_share": "0.02",
        "refused_share": "0.01",
        "retried_share": "0.05",
        "retried_billed_share": "0.5",
    },
    "cache_hit_share": "0.1",
    "batch_share": "0.4",
    "baseline": "direct",
    "alternatives": [
        {"name": "direct", "book": {"as_of": "2026-11-21"}, "monthly_fee_usd": 1},
        {
            "name": "gateway",
            "of": {"alternative": "direct", "multiplier": "0.8"},
            "monthly_fee_usd": 3,
            "setup_usd": 2,
        },
        {"name": "flat", "usd_per_image": "0.03", "batch_share": 0},
        {"name": "dear", "usd_per_image": "0.2", "batch_share": 0},
        {
            "name": "never",
            "usd_per_image": "0.3",
            "batch_share": 0,
            "monthly_fee_usd": 2,
        },
    ],
}


def _outlook(**changes: Any) -> Outlook:
    scenario = Scenario.model_validate({**CONTENT, **changes})
    never: Any = None
    return outlook(scenario, Pricer(never, date(2026, 11, 21)))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Cell]]:
    path = tmp_path_factory.mktemp("projected") / "projection.xlsx"
    write_projection(_outlook(), path)
    return read(path)


def test_what_stands_cached_is_what_the_formulas_come_to(
    book: dict[str, dict[str, Cell]],
) -> None:
    calculator = Calculator(book)
    formulas = [
        (sheet, place, cell)
        for sheet, cells in book.items()
        for place, cell in cells.items()
        if cell.formula
    ]
    assert len(formulas) > 150
    for sheet, place, cell in formulas:
        found = calculator.value(sheet, place)
        if cell.kind == "str":
            assert found == cell.value, (sheet, place)
        else:
            cached = float(cell.value)
            near = math.isclose(float(found), cached, rel_tol=1e-11, abs_tol=1e-11)
            assert near, (sheet, place, found, cached)


def test_volumes_are_rounded_half_even_as_the_program_does(
    book: dict[str, dict[str, Cell]],
) -> None:
    images = [Calculator(book).value("months", f"C{row}") for row in range(3, 6)]
    assert images == [50, 55, 60]


def test_a_tie_among_a_billion_images_goes_to_the_even_one_too(tmp_path: Path) -> None:
    # 10^9 x 1.05^5 is 1,276,281,562.5.
    path = tmp_path / "billions.xlsx"
    found = _outlook(images_per_month=10**9, growth="5%/month", seasonality=None)
    write_projection(found, path)
    assert found.images[5] == 1_276_281_562
    assert Calculator(read(path)).value("months", "C8") == found.images[5]


def test_every_way_to_cross_stands_in_words(book: dict[str, dict[str, Cell]]) -> None:
    words = [book["summary"][f"G{row}"].value for row in range(10, 14)]
    assert words == ["from", "always", "up to", "never"]


@pytest.mark.parametrize(
    ("usd", "words"),
    [("0.04", "never"), ("1.02", "never"), ("2.02", "never"), ("0.025", "up to")],
)
def test_what_pays_below_one_picture_alone_never_pays_in_the_formulas_either(
    tmp_path: Path, usd: str, words: str
) -> None:
    # A cent to a dollar of fee less: equal at 0.5, 1, 0.5 and 2 pictures.
    fee = "0.99" if usd in {"0.04", "0.025"} else "0"
    fixed = {"mix": None, "failures": None, "batch_share": None}
    found = _outlook(
        **fixed,
        cache_hit_share=None,
        alternatives=[
            {"name": "direct", "usd_per_image": "0.02", "monthly_fee_usd": 1},
            {"name": "other", "usd_per_image": usd, "monthly_fee_usd": fee},
        ],
    )
    path = tmp_path / "half.xlsx"
    write_projection(found, path)
    calculator = Calculator(read(path))
    told = [calculator.value("summary", f"{column}7") for column in "GI"]
    assert told == [words, words]
    assert (calculator.value("summary", "H7") == "none") == (words == "never")
    assert found.compared[0].running.centre.crossing == words


def _places(book: dict[str, dict[str, Cell]], what: str) -> str:
    (place,) = (p for p, c in book["assumptions"].items() if c.value == what)
    return place.replace("A", "B")


CHANGES = [
    ("requests that give an unusable image", 0.2, {"unusable_share": "0.2"}),
    ("share served from a cache", 0.5, {"cache_hit_share": "0.5"}),
    ("share in the batch tier", 1, {"batch_share": "1"}),
    ("growth a month, compound", -0.05, {"growth": "-5%/month"}),
    ("december against an ordinary month", 3, {"seasonality": {"december": 3}}),
    (
        "usable images in the first month, before its season",
        9000,
        {"images_per_month": 9000},
    ),
]


@pytest.mark.parametrize(("what", "value", "changes"), CHANGES)
def test_a_changed_assumption_drives_the_totals_as_a_new_projection_does(
    book: dict[str, dict[str, Cell]],
    what: str,
    value: float,
    changes: dict[str, Any],
) -> None:
    if "unusable_share" in changes:
        changes = {"failures": {**CONTENT["failures"], **changes}}
    expected = _outlook(**changes)
    calculator = Calculator(book)
    calculator.put("assumptions", _places(book, what), value)
    for row, line in enumerate(expected.lines, start=3):
        assert book["summary"][f"A{row}"].value == line.choice.name
        for column, usd in (
            ("B", line.priced.unit.usd),
            ("C", line.course.month.usd),
            ("D", line.course.first_year.usd if line.course.first_year else None),
            ("E", line.course.whole.usd),
            ("F", line.course.all_in_usd),
        ):
            found = float(calculator.value("summary", f"{column}{row}"))
            assert usd is not None
            assert math.isclose(found, float(usd), rel_tol=1e-9), (column, row)
    first = 5 + len(expected.lines)
    for row, compared in enumerate(expected.compared, start=first):
        assert book["summary"][f"A{row}"].value == compared.saving.alternative
        found = float(calculator.value("summary", f"E{row}"))
        assert math.isclose(found, float(compared.saving.whole.usd), rel_tol=1e-9)
        for columns, crossings in (
            ("GH", compared.running),
            ("IJ", compared.with_setup or compared.running),
        ):
            word, exact = (calculator.value("summary", f"{c}{row}") for c in columns)
            assert word == str(crossings.centre.crossing)
            equal = crossings.centre.exact
            if equal is None:
                assert exact == "none"
            else:
                assert math.isclose(float(exact), float(equal), rel_tol=1e-9)


def test_names_from_outside_are_text_in_every_sheet(
    book: dict[str, dict[str, Cell]],
) -> None:
    title = book["summary"]["A1"]
    assert title.value.startswith("Pixelmeter · =all at once")
    assert not title.formula


def test_a_name_that_looks_like_a_formula_is_none_in_sheets_and_chart(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hostile.xlsx"
    name = "=1+1"
    hostile = [{"name": name, "usd_per_image": 1}]
    write_projection(_outlook(alternatives=hostile, baseline=name, batch_share=0), path)
    cells = read(path)["summary"]
    assert (cells["A3"].value, cells["A3"].formula) == (name, "")
    with zipfile.ZipFile(path) as archive:
        chart = archive.read("xl/charts/chart1.xml").decode()
    assert "<c:f>months!$D$2</c:f>" in chart
    assert "<c:f>1+1" not in chart


def test_the_summary_says_what_the_scenario_is_about_and_what_to_take_care_of(
    tmp_path: Path,
) -> None:
    gone = {
        "name": "direct",
        "book": {"as_of": "2026-10-22"},
        "mix": [{**MIX[0], "model": "gpt-image-1", "share": 1}],
        "batch_share": 0,
    }
    found = _outlook(alternatives=[gone], description="About pears.\n")
    path = tmp_path / "told.xlsx"
    write_projection(found, path, ["something is left out"])
    told = [cell.value for cell in read(path)["summary"].values()]
    at = told.index("About pears.")
    assert told[at + 1].startswith("take care: gpt-image-1 can't be bought from")
    assert told[at + 2] == "something is left out"


def test_csv_has_a_line_a_month_and_alternative_exact_to_the_last_digit() -> None:
    found = _outlook()
    head, *lines = b"".join(projection_lines(found)).decode().splitlines()
    assert tuple(head.split(",")) == COLUMNS
    rows = [dict(zip(COLUMNS, line.split(","), strict=True)) for line in lines]
    assert len(rows) == 13 * 5
    for line in found.lines:
        own = [row for row in rows if row["alternative"] == line.choice.name]
        costs = [Decimal(row["cost_usd"]) for row in own]
        assert costs == list(line.course.costs_usd)
        assert own[-1]["starts_on"] == "2028-01-01"
        assert (own[0]["against"] == "") == (line.against is None)
    compared = found.compared[0]
    savings = [r["saving_usd"] for r in rows if r["alternative"] == "gateway"]
    assert list(map(Decimal, savings)) == list(compared.saving.savings_usd)

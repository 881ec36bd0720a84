"""Import: files of others come in whole, exact and without names, or not at all."""

from __future__ import annotations

import errno
import json
import stat
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from bench.errors import StorageFailed
from bench.store.imported import RowsFile
from tests.bills import HEADER, SECRETS, Office, cost_csv, cost_row

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-20"
ITEM = "gpt-image-2, image output"
GOOD = cost_row(DAY, ITEM, "0.00588", 196)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, tmp_path / "data")


def rows_of(office: Office) -> list[dict[str, Any]]:
    (path,) = office.data.rglob("rows.parquet")
    return parquet.read_table(path).to_pylist()


def imported(office: Office, kind: str, path: Path, *options: object) -> dict[str, Any]:
    return office.answer("import", kind, path, *options)["import"]


AMOUNTS = st.decimals(
    min_value=Decimal(-(10**14)),
    max_value=Decimal(10**14),
    allow_nan=False,
    allow_infinity=False,
    places=30,
)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=30))
def test_amounts_of_30_digits_come_out_of_reconcile_to_the_last_one(
    office: Office, amounts: list[Decimal]
) -> None:
    rows = (cost_row(DAY, ITEM, f"{usd:f}", 1) for usd in amounts)
    name = imported(office, "openai-costs", office.file("c.csv", cost_csv(*rows)))["id"]
    (bill,) = office.answer("reconcile", "--import", name)["bills"]
    (total,) = bill["totals"]
    exact = Context(prec=80)
    expected = Decimal(0)
    for usd in amounts:
        expected = exact.add(expected, usd)
    assert exact.compare(Decimal(total["billed_usd"]), expected) == 0
    # As text too: nothing was rounded on the way and put right by chance.
    digits = f"{expected:f}".rstrip("0").rstrip(".")
    assert total["billed_usd"] == (digits if digits not in {"-0", ""} else "0")


def test_the_same_file_twice_is_told_and_not_doubled(office: Office) -> None:
    path = office.file("cost.csv", cost_csv(GOOD))
    first = office.answer("import", "openai-costs", path)
    again = office.answer("import", "openai-costs", path)
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert again["import"] == first["import"]
    assert "was imported before" in office.tell("import", "openai-costs", path).stdout
    assert len(office.answer("import", "--list")["imports"]) == 1


def test_names_and_addresses_are_nowhere_in_the_data_folder(office: Office) -> None:
    path = office.file("cost.csv", cost_csv(GOOD))
    manifest = imported(office, "openai-costs", path)
    said = json.dumps(rows_of(office), default=str)
    for secret in SECRETS:
        assert secret not in said
        assert all(secret.encode() not in p.read_bytes() for p in office.kept())
    assert {"user_email", "project_name", "user_id"} <= set(manifest["dropped_columns"])
    assert "project_id" not in manifest["dropped_columns"]
    assert str(office.folder) not in json.dumps(manifest)
    assert any("user_email" in note for note in manifest["notes"])


def test_only_its_owner_can_read_an_import(office: Office) -> None:
    imported(office, "openai-costs", office.file("cost.csv", cost_csv(GOOD)))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in office.data.rglob("*")}
    assert modes.pop("rows.parquet") == modes.pop("manifest.json") == 0o600
    assert set(modes.values()) == {0o700}


FAULTS = {
    "half a row": (GOOD[:60], "line 3: 8 cells where the header names 17"),
    "half a text": (GOOD[:85], "line 3: no CSV"),
    "an open quote": (GOOD + '"abc', "line 3: no CSV"),
    "bad decimal": (cost_row(DAY, ITEM, "0.1.2", 1), "line 3: amount_value: '0.1.2'"),
    "no number": (cost_row(DAY, ITEM, "NaN", 1), "line 3: amount_value: 'NaN'"),
    "37 decimals": (cost_row(DAY, ITEM, f"0.{'1' * 37}", 1), "36 after it"),
    "euros": (GOOD.replace(",usd,", ",eur,"), "amount_currency: 'eur'"),
    "no currency": (GOOD.replace(",usd,", ",,"), "no currency"),
    "bad time": ("yesterday," + GOOD.partition(",")[2], "start_time: 'yesterday'"),
    "no time": ("," + GOOD.partition(",")[2], "start_time: there is no time"),
    "backwards": (
        "1795219200,1795132800," + GOOD.split(",", 2)[2],
        "ends before it starts",
    ),
    "an address": (cost_row(DAY, "a@example.com", "1", 1), "line_item: there is an e-"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_that_cannot_be_used_is_told_and_nothing_is_imported(
    office: Office, name: str
) -> None:
    row, words = FAULTS[name]
    path = office.file("cost.csv", f"{HEADER}\n{GOOD}\n{row}")
    said = office.refusal("import", "openai-costs", path)
    assert words in said
    assert "cost.csv: line 3" in said
    assert "example.com" not in said
    assert office.kept() == []
    assert list(office.data.glob("imports/.*")) == []


def test_good_rows_are_kept_beside_bad_ones_only_where_that_is_asked(
    office: Office,
) -> None:
    bad = cost_row(DAY, ITEM, "much", 1)
    path = office.file("cost.csv", cost_csv(GOOD, bad, GOOD.replace("196", "197")))
    told = office.tell("import", "openai-costs", path, "--skip-bad")
    assert "left out: " in told.stderr
    assert "line 3: amount_value: 'much'" in told.stderr
    (manifest,) = office.answer("import", "--list")["imports"]
    assert (manifest["rows"], manifest["skipped"]) == (2, 1)
    assert manifest["amount_usd"] == "0.01176"
    assert [row["row_no"] for row in rows_of(office)] == [1, 2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_texts_are_read_alike(office: Office, encoding: str) -> None:
    row = cost_row(DAY, "风筝, image output", "0.5", 3)
    path = office.file("cost.csv", cost_csv(row).encode(encoding))
    imported(office, "openai-costs", path)
    (kept,) = rows_of(office)
    assert (kept["line_item"], kept["amount"]) == ("风筝, image output", "0.5")


@pytest.mark.parametrize("encoding", ["utf-16-le", "gbk"])
def test_unmarked_texts_are_refused_with_the_cure(
    office: Office, encoding: str
) -> None:
    row = cost_row(DAY, "风筝, image output", "0.5", 3)
    path = office.file("cost.csv", cost_csv(row).encode(encoding))
    assert "UTF-8" in office.refusal("import", "openai-costs", path)
    assert office.kept() == []


def test_equal_rows_count_and_are_told_where_they_have_no_id(office: Office) -> None:
    path = office.file("cost.csv", cost_csv(GOOD, GOOD))
    manifest = imported(office, "openai-costs", path)
    assert manifest["amount_usd"] == "0.01176"
    assert any("1 row equal to another" in note for note in manifest["notes"])


def call_line(call_id: str, cost: str, **members: Any) -> str:
    usage = {
        "prompt_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "completion_tokens_details": {"text_tokens": 0, "image_tokens": 196},
    }
    payload = {
        "id": call_id,
        "litellm_call_id": call_id,
        "startTime": 1795219200.5,
        "endTime": 1795219203.25,
        "model_group": "gpt-image-2",
        "response_cost": 0,
        "status": "success",
        "messages": "a secret prompt",
        "end_user": "someone@example.com",
        "metadata": {"usage_object": usage, "user_api_key_alias": "someone"},
        **members,
    }
    return json.dumps(payload).replace('"response_cost": 0', f'"response_cost": {cost}')


def test_of_rows_with_one_id_the_last_counts(office: Office) -> None:
    lines = [call_line("a", "0.5"), call_line("b", "0.1"), call_line("a", "0.25")]
    path = office.file("spend.jsonl", "\n".join(lines))
    manifest = imported(office, "litellm", path)
    assert manifest["amount_usd"] == "0.35"
    assert any("1 row with an id" in note for note in manifest["notes"])


def test_a_float_in_json_is_read_as_it_is_written(office: Office) -> None:
    # No double is the first of them, and two of them are no 0.3.
    costs = ("0.100000000000000000000000000001", "0.2", "1E-29")
    lines = [call_line(name, cost) for name, cost in zip("abc", costs, strict=True)]
    path = office.file("spend.jsonl", "\n".join(lines))
    usd = imported(office, "litellm", path)["amount_usd"]
    assert usd == "0.300000000000000000000000000011"
    said = json.dumps(rows_of(office), default=str)
    assert "secret" not in said
    assert "someone" not in said
    assert rows_of(office)[0]["output_image_tokens"] == 196


def test_a_spend_log_that_breaks_off_in_a_line_is_refused(office: Office) -> None:
    path = office.file(
        "spend.jsonl", f"{call_line('a', '1')}\n{call_line('b', '1')[:50]}"
    )
    said = office.refusal("import", "litellm", path)
    assert "spend.jsonl: line 2: no JSON" in said


def bucket(start: int, *results: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "bucket",
        "start_time": start,
        "end_time": start + 86_400,
        "results": list(results),
    }


RESULT = {
    "object": "organization.costs.result",
    "amount": {"value": 0.00588, "currency": "usd"},
    "line_item": ITEM,
    "quantity": 196.0,
    "quantity_unit": "tokens",
    "project_id": "proj_1",
    "user_id": "user-7",
}
BUCKETS = [bucket(1795046400), bucket(1795132800, RESULT)]
FIRST, SECOND = (
    {
        "object": "page",
        "data": [one],
        "has_more": more,
        "next_page": "x" if more else None,
    }
    for one, more in zip(BUCKETS, (True, False), strict=True)
)
SHAPES = {
    "pages in a list": json.dumps([FIRST, SECOND], indent=1),
    "a page a line": f"{json.dumps(FIRST)}\n{json.dumps(SECOND)}\n",
    "one page": json.dumps({**SECOND, "data": BUCKETS}, indent=1),
    "buckets alone": json.dumps(BUCKETS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pages_of_the_admin_api_are_read_however_they_were_kept(
    office: Office, shape: str
) -> None:
    manifest = imported(office, "openai-costs", office.file("c.json", SHAPES[shape]))
    assert (manifest["rows"], manifest["amount_usd"]) == (2, "0.00588")
    assert (manifest["first_on"], manifest["last_on"]) == ("2026-11-19", DAY)
    assert not any("more follow" in note for note in manifest["notes"])
    assert rows_of(office)[1]["line_item"] == ITEM


def test_a_file_without_the_last_page_says_that_it_is_a_part(office: Office) -> None:
    manifest = imported(
        office, "openai-costs", office.file("c.json", json.dumps(FIRST))
    )
    assert any("more follow" in note for note in manifest["notes"])


def test_usage_of_images_has_counts_and_no_dollars(office: Office) -> None:
    result = {"images": 3, "num_model_requests": 2, "model": "gpt-image-2"}
    path = office.file("u.json", json.dumps([bucket(1795132800, result)]))
    assert imported(office, "openai-usage", path)["amount_usd"] is None
    (row,) = rows_of(office)
    assert (row["images"], row["requests"]) == (3, 2)


def test_a_plain_csv_is_read_by_a_mapping_from_options_or_a_file(
    office: Office,
) -> None:
    path = office.file("bill.csv", "Date,Who,What,Cost\n2026-11-20,Ann,kites,4.20\n")
    given = (
        "--map",
        "Date=start_at",
        "--map",
        "Cost=amount",
        "--map",
        "What=line_item",
    )
    by_options = imported(office, "csv", path, *given)
    mapping = "columns: {Date: start_at, Cost: amount, What: line_item}"
    file = office.file("map.yaml", mapping)
    by_file = imported(office, "csv", path, "--mapping", file)
    assert by_options == by_file
    assert by_options["amount_usd"] == "4.2"
    assert by_options["dropped_columns"] == ["Who"]
    # The same bytes read otherwise are another import.
    other = imported(office, "csv", path, *given[:4])
    assert other["id"] != by_options["id"]


MAPPINGS = {
    ("Date=start_at",): "no column is mapped to 'amount'",
    ("Date=start_at", "Cost=amount", "Who=user"): "there is no field 'user'",
    ("Date=start_at", "Cost=amount", "Who=amount"): "is mapped from 'Cost' and 'Who'",
    ("Date=start_at", "Price=amount"): "column 'Price' is missing; there are Date,",
    ("Date=start_at", "Who=amount"): "line 2: Who: 'Ann' is no decimal number",
    ("Datestart_at",): "write COLUMN=FIELD",
    ("Date=start_at", "Cost=amount", "Cost=quantity"): "'amount' already; take one",
}


@pytest.mark.parametrize("pairs", MAPPINGS)
def test_a_mapping_that_does_not_fit_is_refused(
    office: Office, pairs: tuple[str, ...]
) -> None:
    path = office.file("bill.csv", "Date,Who,What,Cost\n2026-11-20,Ann,kites,4.20\n")
    options = [word for pair in pairs for word in ("--map", pair)]
    assert MAPPINGS[pairs] in office.refusal("import", "csv", path, *options)


UNTRIED = {
    "litellm-db": (
        "db.csv",
        (
            "request_id,startTime,spend,model_group,api_key\n"
            "r1,2026-11-20 10:00:00.123,0.25,gpt-image-2,hash\n"
        ),
    ),
    "openrouter": (
        "activity.json",
        (
            '{"data": [{"date": "2026-11-20", "model": "openai/gpt-image-2", '
            '"usage": 0.25, "requests": 2}]}'
        ),
    ),
}


@pytest.mark.parametrize("kind", UNTRIED)
def test_what_is_mapped_from_documentation_says_that_it_is_untried(
    office: Office, kind: str
) -> None:
    told = office.tell("import", kind, office.file(*UNTRIED[kind]))
    assert "UNTRIED" in told.stdout
    assert "UNTRIED" in told.stderr
    assert "UNTRIED" in office.tell("import", "--list").stdout
    assert "UNTRIED" in office.tell("reconcile").stderr
    assert office.answer("import", "--list")["imports"][0]["amount_usd"] == "0.25"


def test_an_import_can_be_taken_away_and_brought_in_again(office: Office) -> None:
    path = office.file("cost.csv", cost_csv(GOOD))
    name = imported(office, "openai-costs", path)["id"]
    office.tell("import", "--remove", name)
    assert office.answer("import", "--list")["imports"] == []
    assert path.is_file()
    assert office.answer("import", "openai-costs", path)["is_new"]
    for wrong in ("openai-costs-000000000000", "../../etc", ""):
        assert "import" in office.refusal("import", "--remove", wrong)


def test_what_an_import_that_was_killed_left_counts_for_nothing(
    office: Office,
) -> None:
    imported(office, "openai-costs", office.file("cost.csv", cost_csv(GOOD)))
    (whole,) = (office.data / "imports").iterdir()
    half = whole.with_name(".0123456789abcdef.part")
    half.mkdir()
    (half / "rows.parquet").write_bytes((whole / "rows.parquet").read_bytes()[:100])
    assert len(office.answer("import", "--list")["imports"]) == 1
    (total,) = office.bill()["totals"]
    assert total["billed_usd"] == "0.00588"


def test_a_full_disk_is_told_as_one_and_leaves_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = office.file("cost.csv", cost_csv(GOOD))
    monkeypatch.setattr(RowsFile, "write", no_room)
    with pytest.raises(StorageFailed, match="nothing was imported"):
        office.tell("import", "openai-costs", path)
    assert office.kept() == []


def test_rows_that_were_damaged_are_told_with_the_cure(office: Office) -> None:
    imported(office, "openai-costs", office.file("cost.csv", cost_csv(GOOD)))
    (rows,) = office.data.rglob("rows.parquet")
    rows.write_bytes(rows.read_bytes()[:-9])
    with pytest.raises(StorageFailed, match="pixelmeter import --remove ID"):
        office.tell("reconcile")

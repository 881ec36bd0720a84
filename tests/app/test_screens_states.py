"""Screens where there is nothing, something broken, or something growing."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import orjson
import pytest

from bench.folder import DataFolder
from bench.journal import encode
from bench.store.ingest import refresh
from bench.words.figures import seconds
from dashboards.commands.report import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.app.conftest import Screen
    from tests.conftest import Desk, Double

    Open = Callable[[Path], Screen]

# Holds the index as a long transaction of another program would.
KEEPER = """
import duckdb, fcntl, sys
lock = open(sys.argv[1] + ".lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
con = duckdb.connect(sys.argv[1])
print("kept", flush=True)
sys.stdin.read()
"""
PAGES = ("overview", "latency", "cost", "routes", "savings")


@pytest.fixture
def copied(measured: Desk, tmp_path: Path) -> Path:
    """A copy of the measured folder that a test may break."""
    folder = tmp_path / "data"
    shutil.copytree(measured.data, folder, ignore=shutil.ignore_patterns("images"))
    refresh(DataFolder(folder))
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_data_says_which_command_fills_it(
    open_screens: Open, tmp_path: Path, page: str
) -> None:
    screen = open_screens(tmp_path / "missing")
    screen.show(page)
    assert "`pixelmeter demo`" in screen.sentences
    assert "does not exist yet" in screen.sentences
    assert not (tmp_path / "missing").exists()


def test_an_empty_folder_says_which_command_fills_it(
    open_screens: Open, tmp_path: Path
) -> None:
    screen = open_screens(tmp_path)
    screen.show("overview")
    assert "`pixelmeter run SUITE" in screen.sentences
    assert not screen.app.exception
    assert list(tmp_path.iterdir()) == []


def test_runs_without_an_index_are_indexed_by_the_visit(
    open_screens: Open, copied: Path
) -> None:
    (copied / "pixelmeter.duckdb").unlink()
    screen = open_screens(copied)
    screen.show("overview")
    assert screen.card("Images") != "0"


@pytest.mark.parametrize("page", PAGES)
def test_a_newer_index_is_a_sentence(
    open_screens: Open, copied: Path, page: str
) -> None:
    with duckdb.connect(str(copied / "pixelmeter.duckdb")) as con:
        con.execute("UPDATE index_version SET version = 99")
    screen = open_screens(copied)
    screen.show(page)
    assert "its version 99 is newer" in screen.sentences
    assert "tries again by itself" in screen.sentences


def test_a_damaged_index_is_a_sentence_and_the_page_recovers(
    open_screens: Open, copied: Path
) -> None:
    index = copied / "pixelmeter.duckdb"
    whole = index.read_bytes()
    index.write_bytes(b"not a database" * 1000)
    screen = open_screens(copied)
    screen.show("overview")
    assert "the index can't be used" in screen.sentences
    assert "`pixelmeter ingest --rebuild`" in screen.sentences
    index.write_bytes(whole)
    screen.show("overview")
    assert "tries again" not in screen.sentences
    assert screen.card("Images") != "0"


def test_an_index_that_another_process_keeps_is_a_sentence_and_the_page_recovers(
    open_screens: Open, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboards.filters.reading._WAIT_S", 0.2)
    keeper = subprocess.Popen(
        [
            sys.executable,
            "-c",
            KEEPER,
            copied / "pixelmeter.duckdb",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "kept\n"
        screen = open_screens(copied)
        screen.show("overview")
        assert "kept the index busy" in screen.sentences
    finally:
        keeper.communicate("", timeout=60)
    screen.show("overview")
    assert "busy" not in screen.sentences
    assert screen.card("Images") != "0"


def test_a_folder_that_can_t_be_written_is_read(
    open_screens: Open, copied: Path
) -> None:
    # Root may write everywhere, but not into a lock that is a folder.
    (copied / "pixelmeter.duckdb.lock").unlink()
    (copied / "pixelmeter.duckdb.lock").mkdir()
    screen = open_screens(copied)
    screen.show("overview")
    assert screen.card("Images") != "0"


def test_a_run_that_is_being_written_shows_and_grows(
    open_screens: Open, desk: Desk, direct: Double
) -> None:
    desk.suite(repeats=4)
    desk.endpoint(direct.url)
    direct.serves_in(0.3)
    process = desk.start(*desk.run_arguments("--concurrency", 1))
    runs = desk.data / "runs"
    desk.until(lambda: list(runs.glob("*")) and desk.outcomes, "no outcome")
    # So that it lasts as long as the screen takes on a busy machine.
    direct.serves_in(4)
    screen = open_screens(desk.data)
    screen.show("overview")
    first = int(screen.card("Images"))
    assert "Under way" in screen.sentences
    (run,) = screen.table("Runs")
    assert run["State"] == "running"
    direct.serves_in(0.0)
    ended = desk.end(process)
    screen.show("overview")
    assert int(screen.card("Images")) == ended.answer["trials"]["done"] == 12
    assert 0 < first < 12
    assert screen.table("Runs")[0]["State"] == "finished"
    assert "Under way" not in screen.sentences


def test_filters_come_from_the_address_and_hold_on_every_page(
    open_screens: Open, measured: Desk
) -> None:
    screen = open_screens(measured.data)
    screen.show("overview", endpoint="half", quality=["low", "no-such-quality"])
    (cell,) = screen.table("Cells: ")
    assert (cell["Endpoint"], cell["Quality"]) == ("half (simulated)", "low")
    assert screen.app.multiselect(key="quality").value == ["low"]
    for page, table in (
        ("latency", "Service time of each cell"),
        ("cost", "Price of each cell"),
    ):
        screen.show(page)
        (row,) = screen.table(table)
        assert (row["Endpoint"], row["Quality"]) == ("half (simulated)", "low")
    screen.show("routes")
    assert "has one endpoint: half" in screen.sentences
    screen.app.multiselect(key="endpoint").set_value([]).run()
    assert [row["Route"] for row in screen.table("Endpoints of")] == [
        "direct",
        "gateway",
    ]
    assert {row["n"] for row in screen.table("Endpoints of")} == {18}


@pytest.mark.parametrize(
    "query",
    [
        {"run": "20000101-none", "by": "drop table", "within": "-5", "volume": "-1"},
        {"of": "none", "variant": "none", "at": "p12", "log": "perhaps"},
        {"within": "nan", "volume": "1e99", "suite": "none", "model": "\x00"},
    ],
)
def test_what_an_address_can_t_mean_is_left_out(
    open_screens: Open, measured: Desk, query: dict[str, str]
) -> None:
    screen = open_screens(measured.data)
    for page in PAGES:
        screen.show(page, **query)
        assert "tries again" not in screen.sentences
    assert len(screen.table("A month of each variant")) == 2


def test_simulated_data_are_marked_on_every_page_and_in_names(
    open_screens: Open, measured: Desk
) -> None:
    screen = open_screens(measured.data)
    for page in PAGES:
        app = screen.show(page)
        marks = [str(part.value) for part in app.markdown if "Simulated." in part.value]
        assert len(marks) == 1, page
    screen.show("overview")
    assert all("(simulated)" in row["Endpoint"] for row in screen.table("Cells: "))


def test_mixed_data_say_how_much_is_simulated_and_which_endpoints(
    open_screens: Open, copied: Path
) -> None:
    _add_unmarked_copy(copied)
    screen = open_screens(copied)
    app = screen.show("overview")
    marks = [part.value for part in app.markdown if "simulated" in str(part.value)]
    assert len(marks) == 1
    assert "Partly simulated. 72 of 144 trials" in marks[0]
    names = [row["Endpoint"] for row in screen.table("Cells: ")]
    assert sorted(set(names)) == [
        "direct",
        "direct (simulated)",
        "half",
        "half (simulated)",
    ]
    # Two runs together have enough answers for a p95.
    with duckdb.connect(str(copied / "pixelmeter.duckdb"), read_only=True) as con:
        (row,) = con.execute(
            "SELECT quantile_cont(service_s, 0.95), count(*) FROM v_trial "
            "WHERE outcome = 'ok'"
        ).fetchall()
    assert row[1] >= 72
    assert screen.card("p95 service time") == seconds(row[0])
    (daily, *_) = app.get("plotly_chart")
    traces = {trace["name"] for trace in json.loads(daily.proto.spec)["data"]}
    assert traces == set(names)


def test_an_address_names_its_run_and_keeps_it_whatever_becomes_of_others(
    open_screens: Open, copied: Path
) -> None:
    (run,) = (copied / "runs").iterdir()
    _add_unmarked_copy(copied)
    for page in ("savings", "routes"):
        screen = open_screens(copied)
        app = screen.show(page, of=run.name)
        (box,) = (box for box in app.selectbox if box.label == "Run")
        assert box.value == run.name
        assert box.options == ["20300101-000000-000001", run.name]
        assert "72 trials, finished (simulated)" in screen.sentences


@pytest.mark.parametrize("page", ["overview", "latency", "routes"])
def test_times_of_a_run_that_limited_itself_are_marked(
    open_screens: Open, copied: Path, page: str
) -> None:
    _rewrite_self_checks(copied, loop_lags=[[40, 1000]])
    screen = open_screens(copied)
    marks = [str(part.value) for part in screen.show(page).markdown]
    (mark,) = [mark for mark in marks if "Client-limited." in mark]
    assert "In 1 run this program was too slow" in mark
    if page == "overview":
        (row,) = screen.table("Runs, the newest first")
        assert row["Mark"] == "simulated, client-limited"


def test_the_report_of_a_limited_run_says_so_above_its_figures(
    copied: Path, tmp_path: Path
) -> None:
    _rewrite_self_checks(copied, loop_lags=[[40, 1000]])
    (run,) = (copied / "runs").iterdir()
    path = tmp_path / "report.html"
    write(DataFolder(copied), run.name, path)
    page = path.read_text("utf-8")
    mark = page.index('<p class="mark" role="note">Client-limited: this program was')
    assert mark < page.index('<section id="time">')
    assert "certified against the emulator" in page


def test_times_of_a_run_that_nobody_watched_are_not_called_fine(
    open_screens: Open, copied: Path
) -> None:
    _rewrite_self_checks(copied)
    screen = open_screens(copied)
    app = screen.show("latency")
    assert not [part for part in app.markdown if "Client-limited." in part.value]
    notes = [str(part.value) for part in app.caption]
    assert any("Of 1 of 1 runs nobody knows" in note for note in notes)


def _rewrite_self_checks(data: Path, **members: object) -> None:
    """Change what a run says of this program; drop it where nothing is given."""
    (run,) = (data / "runs").iterdir()
    for journal in (run / "journal").iterdir():
        records = [orjson.loads(line) for line in journal.read_bytes().splitlines()]
        for record in records:
            record.pop("crc")
            if record["kind"] == "self_check":
                record.update(members)
            elif record["kind"] == "outcome" and not members:
                # Else a busy machine would have marked the run by these alone.
                record.update(lag_s=None, late_s=None, flags=[])
        kept = [r for r in records if members or r["kind"] != "self_check"]
        journal.write_bytes(b"".join(encode(record) for record in kept))


def _add_unmarked_copy(data: Path) -> None:
    """Beside the run one more, as if real endpoints had answered it."""
    (run,) = (data / "runs").iterdir()
    copy = run.with_name("20300101-000000-000001")
    shutil.copytree(run, copy)
    plan = orjson.loads((copy / "plan.json").read_bytes())
    plan.pop("digest")
    plan["run_id"] = copy.name
    exact = orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)
    plan["digest"] = hashlib.sha256(exact).hexdigest()
    (copy / "plan.json").write_bytes(orjson.dumps(plan))
    for journal in (copy / "journal").iterdir():
        records = [orjson.loads(line) for line in journal.read_bytes().splitlines()]
        for record in records:
            record.pop("crc")
            if "simulated" in record:
                record["simulated"] = False
            if "run_id" in record:
                record["run_id"] = copy.name
        journal.write_bytes(b"".join(encode(record) for record in records))


def test_every_chart_has_a_name_and_the_page_a_table(
    open_screens: Open, measured: Desk
) -> None:
    screen = open_screens(measured.data)
    for page in PAGES:
        app = screen.show(page)
        charts = app.get("plotly_chart")
        assert charts, page
        assert all(chart.proto.alt for chart in charts)
        assert all(table.proto.alt for table in app.dataframe)
        assert len(app.dataframe) >= 2


def test_hostile_text_stands_only_where_it_is_shown_letter_by_letter(
    open_screens: Open, hostile: Desk
) -> None:
    screen = open_screens(hostile.data)
    for page in PAGES:
        app = screen.show(page)
        interpreted = [
            *(part.value for part in (*app.markdown, *app.caption, *app.title)),
            *(part.value for part in (*app.info, *app.warning, *app.error)),
            *(part.value for part in (*app.subheader, *app.header)),
            *(f"{card.label} {card.value} {card.delta}" for card in app.metric),
            *(part.label for part in app.expander),
        ]
        for text in interpreted:
            assert "evil" not in text, (page, text)
            assert "<img" not in text, (page, text)
        for chart in app.get("plotly_chart"):
            spec = json.dumps(json.loads(chart.proto.spec))
            assert "<img" not in spec, page
    screen.show("overview")
    codes = [row["Code"] for row in screen.table("Attempts that were not ok")]
    assert any("<img src=" in code for code in codes)
    screen.show("latency")
    prompts = [row["Prompt"] for row in screen.table("The slowest requests")]
    assert prompts
    assert all("<img src=" in prompt for prompt in prompts)

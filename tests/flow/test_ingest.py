import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from bench.journal import encode
from bench.store.index import DamagedIndex, open_index, write_index, write_lock
from bench.store.ingest import checksum, rebuild, refresh
from bench.store.status import run_status

Make = Callable[..., Any]


def count(folder: DataFolder, table: str) -> int:
    with open_index(folder) as con:
        row = con.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  own names
    assert row
    return row[0]


def digest(folder: DataFolder) -> str:
    with open_index(folder) as con:
        return checksum(con)


def test_ingesting_twice_changes_nothing(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    assert refresh(data_folder).attempts == 8
    before = digest(data_folder)
    assert refresh(data_folder).attempts == 0
    assert digest(data_folder) == before


def test_a_record_at_a_time_gives_the_same_rows_as_a_rebuild(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    name = "host-1-00000001.jsonl"
    refresh(data_folder)
    for record in (run.session(), run.intent(run.trials[0]), run.intent(run.trials[1])):
        run.journal([record], name)
        refresh(data_folder)
    for trial in run.trials[:2]:
        run.journal([run.outcome(trial)], name)
        refresh(data_folder)
    run.journal([run.intent(run.trials[2]), run.end()], name)
    refresh(data_folder)
    grown = digest(data_folder)
    assert count(data_folder, "v_attempt") == 3
    rebuild(data_folder)
    assert digest(data_folder) == grown


def test_the_checksum_does_not_hang_on_the_order_of_rows(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    before = digest(data_folder)
    with write_index(data_folder.index) as con:
        con.execute("CREATE TEMP TABLE kept AS FROM attempt ORDER BY attempt_id DESC")
        con.execute("DELETE FROM attempt")
        con.execute("INSERT INTO attempt FROM kept")
    assert digest(data_folder) == before
    with write_index(data_folder.index) as con:
        con.execute("UPDATE attempt SET bytes = bytes + 1 WHERE attempt_no = 1")
    assert digest(data_folder) != before


def test_several_runs_lie_side_by_side(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    for number in range(3):
        synthetic_run(f"20261121-13000{number}-00000{number}").settle_all()
    assert len(refresh(data_folder).runs) == 3
    assert count(data_folder, "run") == 3
    assert count(data_folder, "v_trial") == 24


@pytest.mark.parametrize("name", ["a*", "a[b]", "#a", "it's", "ä ö"])
def test_a_folder_may_have_a_name_that_looks_like_a_pattern(
    synthetic_run: Make, data_folder: DataFolder, tmp_path: Path, name: str
) -> None:
    synthetic_run().settle_all()
    for other in ("ab", name):
        shutil.copytree(data_folder.root, tmp_path / other)
    # Beside it lies what a pattern would find too.
    folder = DataFolder(tmp_path / name)
    (tmp_path / "ab" / ".pixelmeter.duckdb.part-1").write_bytes(b"spoilt")
    refresh(folder)
    assert count(folder, "v_attempt") == 8


def test_a_question_mark_in_the_path_is_refused_in_a_sentence(
    synthetic_run: Make, data_folder: DataFolder, tmp_path: Path
) -> None:
    synthetic_run().settle_all()
    shutil.copytree(data_folder.root, tmp_path / "a?")
    with pytest.raises(BadInput, match="rename that folder"):
        refresh(DataFolder(tmp_path / "a?"))


def test_a_torn_last_line_waits_until_it_is_whole(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    path = run.journal([run.session(), run.intent(run.trials[0])])
    line = encode(run.outcome(run.trials[0]))
    with path.open("ab") as file:
        file.write(line[:-20])
    refresh(data_folder)
    assert count(data_folder, "attempt") == 0
    assert refresh(data_folder).problems == ()
    with path.open("ab") as file:
        file.write(line[-20:])
    refresh(data_folder)
    assert count(data_folder, "attempt") == 1
    assert count(data_folder, "open_intent") == 0


def test_a_damaged_line_is_told_every_time_and_its_attempt_stays_possibly_billed(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    path = run.settle_all()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"images":1', b'"images":7')
    path.write_bytes(b"".join(lines))
    (problem,) = refresh(data_folder).problems
    assert f"line 3 of {path.name}" in problem
    assert run.run.run_id in problem
    assert refresh(data_folder).problems == (problem,)
    status = run_status(data_folder, run.run.run_id)
    assert status["damaged"] == 1
    assert status["trials"]["possibly_billed"] == 1
    assert status["trials"]["done"] == 7
    assert rebuild(data_folder).problems == (problem,)


def test_a_journal_put_in_the_place_of_another_is_read_anew(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    path = run.settle_all()
    refresh(data_folder)
    path.unlink()
    run.journal(
        [
            run.session("2026-11-22T13:00:00.000000Z"),
            run.intent(run.trials[0]),
            run.outcome(run.trials[0], charge_usd="0.9"),
            *[run.intent(trial) for trial in run.trials] * 9,
            run.end(),
        ],
        path.name,
    )
    refresh(data_folder)
    assert run_status(data_folder, "latest")["charge_usd"] == "0.9"


def test_a_shortened_journal_is_read_anew(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    path = run.settle_all()
    refresh(data_folder)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:3]))
    refresh(data_folder)
    assert count(data_folder, "attempt") == 1


def test_a_run_whose_folder_is_gone_leaves_the_index(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run("20261121-130000-00000a").settle_all()
    gone = synthetic_run("20261121-130000-00000b")
    gone.settle_all()
    refresh(data_folder)
    shutil.rmtree(gone.run.path)
    assert refresh(data_folder).removed == (gone.run.run_id,)
    assert count(data_folder, "run") == 1
    assert count(data_folder, "attempt") == 8
    assert count(data_folder, "ingest_offset") == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "is no JSON"),
        (b"[]", "is no JSON object"),
        (b'{"schema": "pixelmeter.plan-file/9"}', "is not 'pixelmeter.plan-file/1'"),
        (b'{"schema": "pixelmeter.plan-file/1", "a": 1}', "does not match its digest"),
    ],
)
def test_a_plan_that_cannot_be_read_is_told_and_the_other_runs_are_read(
    synthetic_run: Make, data_folder: DataFolder, content: bytes, words: str
) -> None:
    synthetic_run("20261121-130000-00000a").settle_all()
    bad = synthetic_run("20261121-130000-00000b")
    bad.settle_all()
    bad.run.plan.write_bytes(content)
    done = refresh(data_folder)
    assert done.runs == ("20261121-130000-00000a",)
    (problem,) = done.problems
    assert words in problem
    assert str(bad.run.plan) in problem
    with pytest.raises(BadInput, match=words):
        run_status(data_folder, bad.run.run_id)


def test_journals_without_a_plan_are_told(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    run.settle_all()
    run.run.plan.unlink()
    (problem,) = refresh(data_folder).problems
    assert "without a plan" in problem


def test_records_of_a_newer_version_are_refused_and_told(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    run.journal([{**run.session(), "v": 2}])
    (problem,) = refresh(data_folder).problems
    assert "version 2" in problem


def test_a_record_of_the_wrong_type_is_told_and_nothing_after_it_is_read(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    good = synthetic_run("20261121-130000-00000a")
    good.settle_all()
    run = synthetic_run("20261121-130000-00000b")
    run.settle_all(lambda trial: {"bytes": "many"} if trial["position"] == 3 else {})
    for _ in range(2):
        (problem,) = refresh(data_folder).problems
        assert run.run.run_id in problem
        assert "can't be read" in problem
    assert count(data_folder, "attempt") == 8


def test_an_outcome_that_is_told_twice_counts_once(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    run = synthetic_run()
    first = run.trials[0]
    later = {"ended_at": "2026-11-21T14:00:00.000000Z", "charge_usd": "9"}
    run.journal([run.session(), run.intent(first), run.outcome(first, **later)])
    refresh(data_folder)
    run.journal([run.session(), run.outcome(first)])
    refresh(data_folder)
    grown = digest(data_folder)
    assert run_status(data_folder, "latest")["charge_usd"] == "0.0423"
    rebuild(data_folder)
    assert digest(data_folder) == grown


def test_an_index_of_a_newer_version_is_refused_and_not_touched(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    with write_index(data_folder.index) as con:
        con.execute("UPDATE index_version SET version = 99")
    content = data_folder.index.read_bytes()
    with pytest.raises(BadInput, match="version 99 is newer than version 9") as told:
        refresh(data_folder)
    assert str(data_folder.index) in str(told.value)
    with pytest.raises(BadInput, match="version 99"), open_index(data_folder):
        pass
    assert data_folder.index.read_bytes() == content
    aside = rebuild(data_folder).moved_aside
    assert aside
    assert aside.read_bytes() == content
    assert count(data_folder, "attempt") == 8


def test_an_index_of_an_older_version_is_made_anew(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    with write_index(data_folder.index) as con:
        con.execute("UPDATE index_version SET version = 0")
        con.execute("DELETE FROM attempt")
    assert refresh(data_folder).attempts == 8


def spoil_whole(path: Path) -> None:
    path.write_bytes(b"this is no database" * 500)


def spoil_a_block(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[12288:13000] = b"x" * 712
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def put_another(path: Path) -> None:
    path.unlink()
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE t (a INTEGER)")


@pytest.mark.parametrize("spoil", [spoil_whole, spoil_a_block, empty, put_another])
def test_a_spoilt_index_is_told_in_one_sentence_and_mended_by_a_rebuild(
    synthetic_run: Make, data_folder: DataFolder, spoil: Callable[[Path], None]
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    before = digest(data_folder)
    spoil(data_folder.index)
    spoilt = data_folder.index.read_bytes()
    with pytest.raises(DamagedIndex, match="ingest --rebuild") as told:
        refresh(data_folder)
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 6
    aside = rebuild(data_folder).moved_aside
    assert aside
    assert aside.read_bytes() == spoilt
    assert digest(data_folder) == before


def test_nothing_is_left_beside_the_index(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    rebuild(data_folder)
    names = {path.name for path in data_folder.root.iterdir()}
    assert names == {"runs", "pixelmeter.duckdb", "pixelmeter.duckdb.lock"}
    assert data_folder.index.stat().st_mode & 0o077 == 0


def test_a_reader_can_neither_reach_files_nor_loosen_that(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    with open_index(data_folder) as con:
        with pytest.raises(duckdb.Error):
            con.execute("SELECT * FROM read_csv('/etc/hostname')")
        with pytest.raises(duckdb.Error):
            con.execute("SET enable_external_access = true")
        with pytest.raises(duckdb.Error):
            con.execute("DELETE FROM attempt")


WRITER = """
import sys, time
from pathlib import Path
from bench.folder import DataFolder, RunFolder
from bench.journal import encode
from bench.store.ingest import refresh

folder = DataFolder(Path(sys.argv[1]))
path, lines = Path(sys.argv[2]), Path(sys.argv[3])
for line in lines.read_bytes().splitlines(keepends=True):
    with path.open("ab") as file:
        file.write(line)
    refresh(folder)
"""


def test_readers_go_on_while_another_process_writes(
    synthetic_run: Make, data_folder: DataFolder, tmp_path: Path
) -> None:
    run = synthetic_run(n_prompts=3)
    path = run.journal([run.session()])
    refresh(data_folder)
    lines = tmp_path / "lines"
    lines.write_bytes(b"".join(encode(run.outcome(trial)) for trial in run.trials))
    arguments = [str(data_folder.root), str(path), str(lines)]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, *arguments])
    seen: list[int] = []
    while writer.poll() is None:
        seen.append(count(data_folder, "v_attempt"))
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert count(data_folder, "v_attempt") == 12


def test_two_processes_that_ingest_at_once_take_turns(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    for number in range(4):
        synthetic_run(f"20261121-13000{number}-00000{number}").settle_all()
    code = (
        "import sys; from pathlib import Path; from bench.folder import DataFolder;"
        "from bench.store.ingest import refresh; refresh(DataFolder(Path(sys.argv[1])))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(data_folder.root)])
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert count(data_folder, "attempt") == 32


def test_a_writer_that_waits_too_long_says_so(data_folder: DataFolder) -> None:
    data_folder.root.mkdir()
    with (
        write_lock(data_folder),
        pytest.raises(StorageFailed, match="another process"),
        write_lock(data_folder, wait_s=0.05),
    ):
        pass


def test_a_place_that_cannot_be_written_is_named(data_folder: DataFolder) -> None:
    lock = data_folder.index.with_name("pixelmeter.duckdb.lock")
    lock.mkdir(parents=True)
    with pytest.raises(StorageFailed, match="can't be written") as told:
        refresh(data_folder)
    assert str(lock) in str(told.value)


REFRESH = """
import resource, signal, sys
from pathlib import Path
from bench.errors import BenchError
from bench.folder import DataFolder
from bench.store.ingest import refresh

if len(sys.argv) > 2:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    refresh(DataFolder(Path(sys.argv[1])))
except BenchError as error:
    sys.exit(f"{error.exit_code} {error}")
"""


def refreshing(folder: DataFolder, *more: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", REFRESH, str(folder.root), *more]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)


def test_an_ingest_that_is_killed_anywhere_goes_on_where_it_was(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run("20261121-120000-00000a", n_prompts=1, repeats=1).settle_all()
    refresh(data_folder)
    for number in range(12):
        synthetic_run(f"20261121-1300{number:02}-00000a", n_prompts=200).settle_all()
    for wait_s in (0.5, 0.7, 0.9, 1.1):
        process = refreshing(data_folder)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
        process.kill()
        process.communicate()
    assert refresh(data_folder).problems == ()
    assert count(data_folder, "v_attempt") == 9602
    grown = digest(data_folder)
    rebuild(data_folder)
    assert digest(data_folder) == grown
    assert not list(data_folder.root.glob(".pixelmeter*"))


def test_a_full_disk_is_told_and_the_index_grows_when_there_is_room(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run("20261121-130000-00000a").settle_all()
    refresh(data_folder)
    synthetic_run("20261121-140000-00000b", n_prompts=500).settle_all()
    process = refreshing(data_folder, str(300_000))
    _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith("6 "), told
    assert "make room" in told
    assert count(data_folder, "run") >= 1
    assert refresh(data_folder).problems == ()
    assert count(data_folder, "v_attempt") == 2008

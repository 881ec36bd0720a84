"""Readers of the index while another process writes it or makes it anew."""

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.errors import BadInput, StorageFailed
from bench.folder import DataFolder
from bench.store import figures, queries
from bench.store.index import OlderIndex, open_index, write_index
from bench.store.ingest import refresh

Make = Callable[..., Any]
# Holds the lock of writers with the index away, and brings it back when told.
HOLDER = """
import sys
from pathlib import Path
from bench.folder import DataFolder
from bench.store.index import write_lock

folder = DataFolder(Path(sys.argv[1]))
aside = folder.index.with_name("aside")
with write_lock(folder):
    if sys.argv[2] == "away":
        folder.index.rename(aside)
    print("held", flush=True)
    sys.stdin.readline()
    if aside.exists():
        aside.rename(folder.index)
"""
CALL = """
import sys
from pathlib import Path
from bench.folder import DataFolder
from bench.store.ingest import rebuild, refresh

print({"rebuild": rebuild, "refresh": refresh}[sys.argv[2]](
    DataFolder(Path(sys.argv[1]))).attempts)
"""


def starting(code: str, folder: DataFolder, how: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder.root), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(folder: DataFolder, how: str) -> Generator["subprocess.Popen[str]"]:
    """Another process is making the index anew."""
    process = starting(HOLDER, folder, how)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate("end\n")


def n_attempts(folder: DataFolder) -> int:
    with open_index(folder) as con:
        (row,) = queries.rows_of(con, "SELECT count(*) AS n FROM v_attempt")
        assert figures.totals(con, figures.Chosen())["attempts"] == row["n"]
    return row["n"]


def make_old(folder: DataFolder) -> None:
    with write_index(folder.index) as con:
        con.execute("UPDATE index_version SET version = 1")


def test_a_reader_waits_for_an_index_that_is_being_made_anew(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    with held(data_folder, "away") as process:
        assert not data_folder.index.exists()
        assert process.stdin
        process.stdin.write("end\n")
        process.stdin.flush()
        assert n_attempts(data_folder) == 8


@pytest.mark.parametrize("how", ["away", "there"])
def test_a_reader_that_waited_in_vain_says_who_makes_it_wait(
    synthetic_run: Make, data_folder: DataFolder, how: str
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    make_old(data_folder)
    with (
        held(data_folder, how),
        pytest.raises(StorageFailed, match="another process is making it") as told,
        open_index(data_folder, wait_s=0.2),
    ):
        pass
    assert str(data_folder.index) in str(told.value)


def test_a_reader_does_not_wait_where_nobody_writes(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    make_old(data_folder)
    begun_s = time.monotonic()
    with pytest.raises(OlderIndex), open_index(data_folder, wait_s=60):
        pass
    data_folder.index.unlink()
    with pytest.raises(BadInput, match="no index yet"):
        open_index(data_folder, wait_s=60).__enter__()
    assert time.monotonic() - begun_s < 60


def test_a_reader_reads_the_old_index_until_the_new_one_takes_its_place(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    for number in range(6):
        synthetic_run(f"20261121-13000{number}-00000{number}").settle_all()
    refresh(data_folder)
    process = starting(CALL, data_folder, "rebuild")
    seen: set[int] = set()
    while process.poll() is None:
        seen.add(n_attempts(data_folder))
    process.communicate()
    assert process.returncode == 0
    assert seen == {48}
    assert n_attempts(data_folder) == 48


def test_two_processes_that_find_an_old_index_make_it_anew_once(
    synthetic_run: Make, data_folder: DataFolder
) -> None:
    synthetic_run().settle_all()
    refresh(data_folder)
    make_old(data_folder)
    both = [starting(CALL, data_folder, "refresh") for _ in range(2)]
    told = [int(process.communicate()[0]) for process in both]
    assert sorted(told) == [0, 8]
    assert n_attempts(data_folder) == 8

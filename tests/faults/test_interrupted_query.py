"""Ctrl-C while the index works ends like any other Ctrl-C."""

from pathlib import Path

import pytest

from bench.folder import DataFolder
from bench.store.index import write_index, write_lock


def _work(folder: DataFolder, error: RuntimeError) -> None:
    with write_lock(folder), write_index(folder.index):
        raise error


def test_what_duckdb_makes_of_a_signal_is_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _work(DataFolder(tmp_path), RuntimeError("Query interrupted"))


def test_another_mistake_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="another"):
        _work(DataFolder(tmp_path), RuntimeError("another"))

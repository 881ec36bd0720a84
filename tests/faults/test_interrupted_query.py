"""Ctrl-C while the index works ends like any other Ctrl-C."""

import os
import signal
import threading
from pathlib import Path

import pytest

from bench.folder import DataFolder
from bench.store.index import write_index, write_lock

# It ends by itself, so that a signal that got lost fails the test.
LONG = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(50000) b"


def _ask_until_interrupted(folder: DataFolder) -> None:
    ending = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    with write_lock(folder), write_index(folder.index) as con:
        # Not before: a signal while the file is opened is another case.
        ending.start()
        con.execute(LONG).fetchall()


def test_an_interrupted_query_is_an_interruption_and_no_mistake_of_ours(
    tmp_path: Path,
) -> None:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _ask_until_interrupted(DataFolder(tmp_path))
    finally:
        signal.signal(signal.SIGINT, handler)

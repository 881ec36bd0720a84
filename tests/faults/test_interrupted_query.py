"""Ctrl-C while the index works ends like any other Ctrl-C."""

import os
import signal
import threading
from pathlib import Path

import pytest

from bench.folder import DataFolder
from bench.store.index import write_index, write_lock

LONG = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(100000) b"


def test_an_interrupted_query_is_an_interruption_and_no_mistake_of_ours(
    tmp_path: Path,
) -> None:
    folder = DataFolder(tmp_path)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    ending = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    ending.start()
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            write_lock(folder),
            write_index(folder.index) as con,
        ):
            con.execute(LONG).fetchall()
    finally:
        ending.cancel()
        signal.signal(signal.SIGINT, handler)

"""Indexed: a data folder whose index is current when a command reads."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Generator

    import duckdb

    from bench.folder import DataFolder


def chosen_folder(data: Path | None) -> "DataFolder":
    """The data folder of a command: `--data`, the environment, `./data`."""
    from bench.environment import read_environment
    from bench.folder import DataFolder

    return DataFolder.choose(data, read_environment().variables)


@contextmanager
def current_index(
    folder: "DataFolder",
) -> "Generator[duckdb.DuckDBPyConnection]":
    """A read-only connection, what is new in the journals read before.

    What could not be read is told on stderr; a folder that can't be written is
    read as its index was left.
    """
    from bench.store.index import open_index
    from bench.store.status import make_current

    for problem in make_current(folder):
        typer.echo(f"warning: {problem}", err=True)
    with open_index(folder) as con:
        yield con

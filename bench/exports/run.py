"""Run: the rows of one run written in one of the formats."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.errors import BadInput
from bench.exports.benchmark import benchmark_lines, n_untimed
from bench.exports.files import refuse_place, whole_file
from bench.exports.focus import focus_lines
from bench.exports.lines import csv_lines, json_lines
from bench.store.exported import TABLES, Table

TEXT_FORMATS: Mapping[str, Callable[[Table], Iterator[bytes]]] = {
    "csv": csv_lines,
    "jsonl": json_lines,
    "focus": focus_lines,
    "pytest-benchmark": benchmark_lines,
}
FORMATS = ("csv", "jsonl", "parquet", "xlsx", "focus", "pytest-benchmark")
# These have rows of their own.
_ROWS = {"focus": "charges", "pytest-benchmark": "cells"}
_IN_MEMORY_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported.

    Attributes:
        table: One of `TABLES`; None is what suits the format.
        output: The file; None is stdout.
        force: Whether a file that is there may be replaced.
    """

    table: str | None
    format: str
    output: Path | None
    force: bool

    @property
    def rows(self) -> str:
        """The name of the rows that it needs."""
        return _ROWS.get(self.format) or self.table or "trials"

    def refuse(self) -> None:
        """Say early why it can't be had.

        Raises:
            BadInput: A table or format that there is not, or no place for it.
        """
        if self.format not in FORMATS:
            raise BadInput(f"--format {self.format}: take {', '.join(FORMATS)}")
        if self.table is not None and self.table not in TABLES:
            raise BadInput(f"--table {self.table}: take {', '.join(TABLES)}")
        if self.table is not None and self.table != self.rows:
            raise BadInput(
                f"--table {self.table}: --format {self.format} has the rows "
                f"'{self.rows}'; leave --table out"
            )
        if self.output is None and self.format not in TEXT_FORMATS:
            raise BadInput(
                f"--format {self.format}: it needs a file; name it with --output"
            )
        if self.output:
            refuse_place(self.output, force=self.force)


def write_file(table: Table, wanted: Wanted, path: Path) -> None:
    """Write a table to a file, whole or not at all.

    Raises:
        BadInput: The file is there already, or the format can't hold the rows.
        StorageFailed: It can't be written.
    """
    with whole_file(path, force=wanted.force) as partial:
        if wanted.format in TEXT_FORMATS:
            with partial.open("wb") as file:
                file.writelines(TEXT_FORMATS[wanted.format](table))
        else:
            _binary_writer(wanted.format)(table, partial)


def _binary_writer(format_: str) -> Callable[[Table, Path], None]:
    """Loaded when needed: each takes 0.1 to 0.2 s."""
    if format_ == "xlsx":
        from bench.exports.workbook import write_workbook  # noqa: PLC0415  as said

        return write_workbook
    from bench.exports.parquet import write_parquet  # noqa: PLC0415  as said

    return write_parquet


def remarks(table: Table, format_: str, *, simulated: bool) -> Iterator[str]:
    """What who takes the rows into another program must know, a sentence each."""
    if format_ == "focus" and table.n_charge_unknown:
        yield (
            f"{table.n_charge_unknown:,} of {table.n_rows:,} charges are unknown; "
            "their costs are empty, which FOCUS does not allow: "
            "x_PossiblyBilledCost bounds them"
        )
    if format_ == "focus" and simulated:
        yield "x_Simulated marks charges on which no money was spent; take them out"
    if format_ == "pytest-benchmark" and (n_cells := n_untimed(table)):
        yield f"{n_cells:,} of {table.n_rows:,} cells have no time; see left_out"


def spool(table: Table, wanted: Wanted) -> IO[bytes]:
    """All lines of a text format, to be read from the beginning.

    Who reads our stdout may be slow; the index must not wait for that.
    """
    held = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  the caller closes it
    held.writelines(TEXT_FORMATS[wanted.format](table))
    held.seek(0)
    return held


def pour(held: IO[bytes], into: IO[bytes]) -> None:
    """Copy what was spooled."""
    with held:
        shutil.copyfileobj(held, into)
        into.flush()

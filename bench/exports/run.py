"""Run: the rows of one run written in one of the formats."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.errors import BadInput
from bench.exports.files import refuse_place, whole_file
from bench.exports.lines import csv_lines, json_lines
from bench.store.exported import TABLES, Table

TEXT_FORMATS: Mapping[str, Callable[[Table], Iterator[bytes]]] = {
    "csv": csv_lines,
    "jsonl": json_lines,
}
FORMATS = (*TEXT_FORMATS, "parquet")
_LATER = ("xlsx", "focus", "pytest-benchmark")
_IN_MEMORY_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported.

    Attributes:
        output: The file; None is stdout.
        force: Whether a file that is there may be replaced.
    """

    table: str
    format: str
    output: Path | None
    force: bool

    def refuse(self) -> None:
        """Say early why it can't be had.

        Raises:
            BadInput: A table or format that there is not, or no place for it.
        """
        if self.format in _LATER:
            raise BadInput(
                f"--format {self.format}: this version can't write it yet; "
                f"take {', '.join(FORMATS)}"
            )
        if self.format not in FORMATS:
            raise BadInput(f"--format {self.format}: take {', '.join(FORMATS)}")
        if self.table not in TABLES:
            raise BadInput(f"--table {self.table}: take {', '.join(TABLES)}")
        if self.output is None and self.format not in TEXT_FORMATS:
            raise BadInput(
                f"--format {self.format}: it needs a file; name it with --output"
            )
        if self.output:
            refuse_place(self.output, force=self.force)


def write_file(table: Table, wanted: Wanted, path: Path) -> None:
    """Write a table to a file, whole or not at all.

    Raises:
        BadInput: The file is there already.
        StorageFailed: It can't be written.
    """
    with whole_file(path, force=wanted.force) as partial:
        if wanted.format in TEXT_FORMATS:
            with partial.open("wb") as file:
                file.writelines(TEXT_FORMATS[wanted.format](table))
        else:
            from bench.exports.parquet import write_parquet  # noqa: PLC0415  0.2 s

            write_parquet(table, partial)


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

"""Sheets: a file as a header and rows of texts, read piece by piece."""

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]  it has none
from pyarrow import csv as arrow_csv  # pyright: ignore[reportMissingTypeStubs]  same

from bench.errors import BadInput
from bench.words.places import place
from bench.words.printable import printable

# A row whose cells are texts, empty where nothing is said, and where it stands.
Row = tuple[str, list[str]]
MOST_LINE_CHARS = 8_000_000
_MOST_COLUMNS = 1000
_SNIFFED_BYTES = 4096
_BUFFER_BYTES = 1 << 20
_BLOCK_BYTES = 4 << 20
_pa: Any = pa
_csv: Any = arrow_csv
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LookCloser(Exception):
    """Something is wrong in a file; only reading it row by row tells where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A header and its rows; each row is as long as the header.

    Attributes:
        blocks: The same rows as Arrow batches of the columns that are named: many
            times faster, but what is wrong there is only told as `LookCloser`.
    """

    columns: tuple[str, ...]
    rows: Iterator[Row]
    blocks: Callable[[tuple[str, ...]], Iterator[Any]] | None = None


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__()
        self._raw = raw
        self.digest = hashlib.sha256()
        self.n_bytes = 0
        self.n_quotes = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read some bytes."""
        n = self._raw.readinto(buffer)
        self.digest.update(buffer[:n])
        self.n_bytes += n
        self.n_quotes += bytes(buffer[:n]).count(b'"')
        return n


class Source:
    """A file of somebody else's, open: its text, and what is known of it."""

    def __init__(self, path: Path, raw: io.FileIO) -> None:
        """Look at how the text is written.

        Raises:
            BadInput: It is empty, or no text that can be read.
        """
        self.path = path
        self._raw = raw
        self._hashed = _Hashed(raw)
        self._buffered = io.BufferedReader(self._hashed, _BUFFER_BYTES)
        self.encoding = self._encoding(self._buffered.peek(_SNIFFED_BYTES))
        self.text = io.TextIOWrapper(self._buffered, self.encoding, newline="")

    @property
    def shown(self) -> str:
        """The file as sentences name it."""
        return printable(place(self.path))

    def lines(self) -> Iterator[str]:
        """Lines with their ends; one that is too long comes in pieces."""
        return iter(partial(self.text.readline, MOST_LINE_CHARS), "")

    def from_start(self) -> "io.BufferedReader[_Hashed]":
        """The bytes of the file, once more from the beginning."""
        self._raw.seek(0)
        self._hashed = _Hashed(self._raw)
        self._buffered = io.BufferedReader(self._hashed, _BUFFER_BYTES)
        return self._buffered

    @property
    def has_open_quote(self) -> bool:
        """Whether a quote was opened and not closed in what was read."""
        return self._hashed.n_quotes % 2 == 1

    def finish(self) -> tuple[str, int]:
        """SHA-256 in hex and size in bytes of the whole file."""
        while self._buffered.read(_BUFFER_BYTES):
            pass
        return self._hashed.digest.hexdigest(), self._hashed.n_bytes

    def _encoding(self, head: bytes) -> str:
        if not head:
            raise BadInput(f"{self.shown}: the file is empty")
        if head.startswith(_UTF_16):
            return "utf-16"
        if b"\0" in head:
            raise BadInput(
                f"{self.shown}: this is no UTF-8 text (UTF-16 without its mark, a "
                "workbook or a compressed file?); save it as CSV in UTF-8"
            )
        return "utf-8-sig"


@contextmanager
def opened(path: Path) -> Generator[Source]:
    """A file, while the block lasts.

    Raises:
        BadInput: It can't be read, or is no text; says where.
    """
    shown = printable(place(path))
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        is_stream = not path.is_file() and not path.is_dir() and path.exists()
        if is_stream:
            raise BadInput(
                f"{shown}: this is a pipe or a device, and a bill is read more than "
                "once; save it as a file first"
            )
        raw = io.FileIO(path)
    except OSError as error:
        raise BadInput(f"{shown}: can't be read ({error.strerror})") from None
    # What goes wrong later may be the place that rows are written to.
    with raw:
        try:
            yield Source(path, raw)
        except UnicodeError as error:
            raise BadInput(
                f"{shown}: a byte is no {_written(error)} text; save the file as UTF-8"
            ) from None


def _written(error: UnicodeError) -> str:
    name = getattr(error, "encoding", "utf-8")
    return "UTF-16" if "16" in name else "UTF-8"


def csv_sheet(source: Source, *, fast: bool) -> Sheet:
    """A CSV file with a header; rows come as they are read.

    With `fast` it may be read in blocks, where its text allows that.

    Raises:
        BadInput: The header can't be used; later, a row breaks off.
    """
    reader = csv.reader(source.lines(), strict=True)
    try:
        header = next(reader, list[str]())
    except csv.Error as error:
        raise BadInput(f"{source.shown}: line 1: no CSV ({error})") from None
    columns = tuple(name.strip() for name in header)
    _check_header(source.shown, columns)
    rows = _csv_rows(source.shown, reader, len(columns))
    if not fast or source.encoding == "utf-16":
        return Sheet(columns=columns, rows=rows)
    return Sheet(columns=columns, rows=rows, blocks=partial(_blocks, source, columns))


def _blocks(
    source: Source, columns: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[Any]:
    """Batches of the wanted columns, all texts.

    Raises:
        LookCloser: The file is no such CSV throughout.
    """
    try:
        yield from _csv.open_csv(
            source.from_start(),
            read_options=_csv.ReadOptions(
                column_names=columns,
                skip_rows=1,
                block_size=_BLOCK_BYTES,
                use_threads=False,
            ),
            parse_options=_csv.ParseOptions(newlines_in_values=True),
            convert_options=_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, _pa.string()),
            ),
        )
    except _pa.ArrowException:
        raise LookCloser from None
    # Arrow takes an open quote for the end of a cell, whatever it swallowed.
    if source.has_open_quote:
        raise LookCloser


def _check_header(shown: str, columns: tuple[str, ...]) -> None:
    if not any(columns):
        raise BadInput(f"{shown}: line 1 should name the columns")
    if len(columns) > _MOST_COLUMNS:
        raise BadInput(f"{shown}: line 1: more than {_MOST_COLUMNS:,} columns")
    for sign, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(columns) == 1 and sign in columns[0]:
            raise BadInput(
                f"{shown}: line 1: the cells are separated by {called}; save the file "
                "with commas"
            )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise BadInput(
            f"{shown}: line 1: column '{printable(twice[0][:60])}' stands twice; "
            "rename one"
        )


def _csv_rows(
    shown: str,
    reader: Any,  # noqa: ANN401  the type of csv.reader has no name
    n_columns: int,
) -> Iterator[Row]:
    try:
        for cells in reader:
            if len(cells) != n_columns:
                if not cells:
                    continue  # an empty line
                raise BadInput(
                    f"{shown}: line {reader.line_num}: {len(cells)} cells where the "
                    f"header names {n_columns}; the row breaks off or has a comma too "
                    "many"
                )
            yield f"line {reader.line_num}", cells
    except csv.Error as error:
        raise BadInput(
            f"{shown}: line {reader.line_num}: no CSV ({error}); the file may be cut "
            "off"
        ) from None


def joined(parts: Iterable[str]) -> str:
    """Names in a sentence, as a terminal may show them."""
    return printable(", ".join(parts))

"""Table: rows of a sheet as checked columns, batch by batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]  it has none
from pyarrow import compute  # pyright: ignore[reportMissingTypeStubs]  as above

from bench.errors import BadInput
from bench.imports import cells
from bench.imports.cells import PLAIN, BadCell, Instants
from bench.imports.kinds import FIELDS, Kind
from bench.imports.sheets import LookCloser, Row, Sheet, joined
from bench.store.imported import TYPES

BATCH_ROWS = 20_000
MOST_TOLD = 20
_pa: Any = pa
_pc: Any = compute
# A column of texts, or of what they were read as; pyarrow has no types.
Array = Any
Columns = dict[str, Array]


@dataclass(slots=True)
class Found:
    """What was seen while a sheet was read.

    Attributes:
        n_rows: Rows that were kept.
        n_skipped: Rows that could not be used, where that is allowed.
        told: The first of them, a sentence each.
        first_us, last_us: Earliest and latest start, microseconds since 1970.
        most_decimals: Of any amount.
        n_simulated: Rows that say of themselves that no money was spent.
    """

    n_rows: int = 0
    n_skipped: int = 0
    told: list[str] = field(default_factory=list[str])
    first_us: int | None = None
    last_us: int | None = None
    most_decimals: int = 0
    n_simulated: int = 0


class Table:
    """A sheet as the columns of a kind."""

    def __init__(self, shown: str, kind: Kind, sheet: Sheet, *, skip_bad: bool) -> None:
        """Find the columns that are needed.

        Raises:
            BadInput: One is missing; names it and those there are.
        """
        self.found = Found()
        self._shown = shown
        self._kind = kind
        self._sheet = sheet
        self._skip_bad = skip_bad
        self._instants = Instants()
        places = _places(shown, kind, sheet.columns)
        self.names = {name: sheet.columns[place] for name, place in places.items()}
        self._places = places
        used = set(self.names.values())
        self.unused = tuple(name for name in sheet.columns if name not in used)

    @property
    def has_naive(self) -> bool:
        """Whether a time had no offset."""
        return self._instants.n_naive > 0

    def batches(self) -> Iterator[Columns]:
        """All rows: each of `FIELDS` as an array, and `row_no` from 1.

        Raises:
            BadInput: A row can't be used; names file, row, key and value.
            LookCloser: A row can't be used, and only `sheet.rows` can tell which.
        """
        for columns in self._read():
            n = len(columns["start_at"])
            if n:
                first = self.found.n_rows + 1
                self._count(columns, n)
                yield {"row_no": _pa.array(range(first, first + n)), **columns}

    def _read(self) -> Iterator[Columns]:
        if self._sheet.blocks is not None:
            for block in self._sheet.blocks(tuple(self.names.values())):
                texts = {n: block.column(column) for n, column in self.names.items()}
                try:
                    yield self._columns(texts, block.num_rows)
                except BadCell:
                    raise LookCloser from None
            return
        while batch := list(islice(self._sheet.rows, BATCH_ROWS)):
            try:
                yield self._rows(batch)
            except BadCell:
                # Somewhere in here: look row by row, and tell the first.
                yield self._rows(list(self._good(batch)))

    def _rows(self, batch: list[Row]) -> Columns:
        texts = {
            name: _pa.array([row[place] for _, row in batch], _pa.string())
            for name, place in self._places.items()
        }
        return self._columns(texts, len(batch))

    def _columns(self, texts: Columns, n: int) -> Columns:
        columns: Columns = {}
        for name, kind in FIELDS.items():
            if name in texts:
                columns[name] = self._column(name, texts[name])
            else:
                value = self._value(name, self._kind.given.get(name, ""))
                columns[name] = _pa.repeat(_pa.scalar(value, TYPES[kind]), n)
        _check(columns, self._kind)
        return columns

    def _column(self, name: str, texts: Array) -> Array:
        """A column read; each different text once, and plain amounts not at all."""
        if FIELDS[name] == "amount" and _pc.all(
            _pc.match_substring_regex(texts, f"^({PLAIN})?$")
        ).as_py() in {True, None}:
            return _pc.if_else(_pc.equal(texts, ""), None, texts)
        encoded = texts.dictionary_encode()
        different = [self._value(name, text) for text in encoded.dictionary.to_pylist()]
        return _pa.array(different, TYPES[FIELDS[name]]).take(encoded.indices)

    def _value(self, name: str, text: str) -> Any:  # noqa: ANN401  any cell
        kind = FIELDS[name]
        if kind == "instant":
            return self._instants.read(text)
        return getattr(cells, kind)(text)

    def _good(self, batch: list[Row]) -> Iterator[Row]:
        for row in batch:
            sentence = self._fault(row)
            if sentence is None:
                yield row
            elif not self._skip_bad:
                raise BadInput(
                    f"{sentence}; nothing was imported (--skip-bad leaves such rows "
                    "out)"
                )
            else:
                self.found.n_skipped += 1
                if len(self.found.told) < MOST_TOLD:
                    self.found.told.append(sentence)

    def _fault(self, row: Row) -> str | None:
        where, texts = row
        for name, place in self._places.items():
            try:
                self._value(name, texts[place])
            except BadCell as error:
                return f"{self._shown}: {where}: {joined([self.names[name]])}: {error}"
        try:
            self._rows([row])
        except BadCell as error:
            return f"{self._shown}: {where}: {error}"
        return None

    def _count(self, columns: Columns, n: int) -> None:
        found = self.found
        found.n_rows += n
        spread = _pc.min_max(columns["start_at"].cast(_pa.int64())).as_py()
        first, last = spread["min"], spread["max"]
        found.first_us = first if found.first_us is None else min(found.first_us, first)
        found.last_us = last if found.last_us is None else max(found.last_us, last)
        marked = _pc.equal(_pc.utf8_lower(columns["simulated"]), "true")
        found.n_simulated += _pc.sum(marked).as_py() or 0
        amounts = columns["amount"]
        dots = _pc.find_substring(amounts, ".")
        behind = _pc.subtract(_pc.subtract(_pc.utf8_length(amounts), dots), 1)
        most = _pc.max(_pc.if_else(_pc.greater_equal(dots, 0), behind, 0)).as_py()
        found.most_decimals = max(found.most_decimals, most or 0)


def _check(columns: Columns, kind: Kind) -> None:
    """What several cells of a row must say together.

    Raises:
        BadCell: Some row contradicts itself, or lacks what it needs.
    """
    if columns["start_at"].null_count:
        raise BadCell(f"{kind.columns['start_at'][0]}: there is no time")
    if _pc.any(_pc.less(columns["end_at"], columns["start_at"])).as_py():
        raise BadCell("the row ends before it starts")
    if kind.counts_only:
        return
    is_known = _pc.is_valid(columns["amount"])
    needed = _pc.or_(
        _pc.is_valid(columns["line_item"]), _pc.is_valid(columns["quantity"])
    )
    if not (kind.empty_days or kind.is_by_call):
        needed = _pc.is_valid(columns["start_at"])
    if _pc.any(_pc.and_not(needed, is_known)).as_py():
        raise BadCell(f"{kind.columns['amount'][0]}: there is no amount")
    if _pc.any(_pc.and_not(is_known, _pc.is_valid(columns["currency"]))).as_py():
        raise BadCell("there is an amount but no currency")


def _places(shown: str, kind: Kind, columns: tuple[str, ...]) -> Mapping[str, int]:
    places: dict[str, int] = {}
    for name, alternatives in kind.columns.items():
        column = next((c for c in alternatives if c in columns), None)
        if column is not None:
            places[name] = columns.index(column)
    # An export of days without spend has nothing but their times.
    is_bare = kind.empty_days and all("time" in column for column in columns)
    needed = {"start_at"}
    if not is_bare:
        needed |= {"amount", "images"} & kind.columns.keys()
    missing = sorted(needed - places.keys())
    if missing:
        wanted = " or ".join(kind.columns[missing[0]])
        raise BadInput(
            f"{shown}: this is no file of kind {kind.name}: column '{wanted}' is "
            f"missing; there are {joined(columns[:30])}"
        )
    return places

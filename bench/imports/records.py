"""Records: JSON pages and JSON lines as rows of texts."""

import json
from collections.abc import Iterator
from typing import Any, cast

from bench.errors import BadInput
from bench.imports.kinds import Kind
from bench.imports.sheets import MOST_LINE_CHARS, Row, Sheet, Source

_MOST_DOCUMENT_CHARS = 100_000_000
Record = dict[str, Any]


class Pages:
    """What a JSON file says beside its records.

    Attributes:
        keys: Keys that the first records have, by their path.
        more: Whether its last page says that another one follows.
    """

    def __init__(self, source: Source, kind: Kind) -> None:
        """Take an open file and what it should hold."""
        self.keys: dict[str, None] = {}
        self.more = False
        self._source = source
        self._kind = kind

    def sheet(self) -> Sheet:
        """The records as rows, a column for each field of the kind."""
        columns = tuple(names[0] for names in self._kind.columns.values())
        return Sheet(columns=columns, rows=self._rows())

    def _rows(self) -> Iterator[Row]:
        paths = [
            [name.split(".") for name in names] for names in self._kind.columns.values()
        ]
        for where, record in self._records():
            if len(self.keys) < 200:  # noqa: PLR2004  enough to tell what is left out
                self.keys.update(dict.fromkeys(record))
            yield where, [self._cell(where, record, names) for names in paths]

    def _records(self) -> Iterator[tuple[str, Record]]:
        for where, document in self._documents():
            yield from self._unfolded(where, document, self._kind.records)

    def _documents(self) -> Iterator[tuple[str, Any]]:
        """The whole file as one document, else one a line."""
        first = self._source.text.readline(MOST_LINE_CHARS)
        try:
            document = _parsed(first)
        except ValueError:
            yield "", self._whole(first)
            return
        yield "line 1", document
        for number, line in enumerate(self._source.lines(), start=2):
            if line.strip():
                try:
                    yield f"line {number}", _parsed(line)
                except ValueError as error:
                    raise self._bad(
                        f"line {number}: no JSON ({error}); the line may be cut off"
                    ) from None

    def _whole(self, first: str) -> Any:  # noqa: ANN401  any JSON
        rest = self._source.text.read(_MOST_DOCUMENT_CHARS)
        if len(rest) == _MOST_DOCUMENT_CHARS:
            raise self._bad(
                f"one JSON document of more than {_MOST_DOCUMENT_CHARS:,} signs; "
                "write one page a line"
            )
        try:
            return _parsed(first + rest)
        except ValueError as error:
            raise self._bad(f"no JSON ({error}); the file may be cut off") from None

    def _unfolded(
        self, where: str, node: object, folds: tuple[str, ...]
    ) -> Iterator[tuple[str, Record]]:
        """Records in lists of lists, each with the times of its bucket."""
        if isinstance(node, list):
            items = cast("list[object]", node)
            for number, item in enumerate(items, start=1):
                yield from self._unfolded(f"{where} item {number}".strip(), item, folds)
            return
        if not isinstance(node, dict):
            raise self._bad(f"{where}: should be an object with keys and values")
        record = cast("Record", node)
        key = next((key for key in folds if isinstance(record.get(key), list)), None)
        if key is None:
            yield where, record
            return
        if "has_more" in record:
            self.more = record["has_more"] is True
        inner = folds[folds.index(key) + 1 :]
        kept = {k: v for k, v in record.items() if k in {"start_time", "end_time"}}
        if key == "results" and not record[key]:
            yield where, kept  # a bucket without anything in it
        for found, item in self._unfolded(f"{where} {key}".strip(), record[key], inner):
            yield found, {**kept, **item}

    def _cell(self, where: str, record: Record, paths: list[list[str]]) -> str:
        """The first of several keys that says something."""
        for path in paths:
            value: Any = record
            for key in path:
                value = (
                    cast("Record", value).get(key) if isinstance(value, dict) else None
                )
            if value is None or value == "":
                continue
            if isinstance(value, (dict, list)):
                raise self._bad(f"{where}: {'.'.join(path)}: should be a plain value")
            return value if isinstance(value, str) else str(value)
        return ""

    def _bad(self, sentence: str) -> BadInput:
        return BadInput(f"{self._source.shown}: {sentence}")


def _parsed(text: str) -> Any:  # noqa: ANN401  any JSON
    """JSON with every number as it was written; a float would lose digits.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except RecursionError:
        raise ValueError("nested too deep") from None

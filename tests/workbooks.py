"""Workbooks: what stands in an Excel file, and what its formulas come to."""

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Cell:
    """What stands in a cell of a sheet's XML."""

    def __init__(self, found: ET.Element) -> None:
        self.kind = found.get("t", "n")
        self.formula = found.findtext(f"{MAIN}f", "")
        text = found.findtext(f"{MAIN}v")
        self.value = text if text is not None else _inline(found)

    @property
    def number(self) -> Decimal:
        """What a spreadsheet shows of the double."""
        assert self.kind == "n"
        return Decimal(repr(float(self.value)))


def _inline(found: ET.Element) -> str:
    text = "".join(part.text or "" for part in found.iter(f"{MAIN}t"))
    return re.sub(r"_x([0-9A-F]{4})_", lambda at: chr(int(at[1], 16)), text)


def read(path: Path) -> dict[str, dict[str, Cell]]:
    """Sheets by name, cells by place."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  our own file
        names = [sheet.attrib["name"] for sheet in book.iter(f"{MAIN}sheet")]
        found: dict[str, dict[str, Cell]] = {}
        for number, name in enumerate(names, 1):
            sheet = archive.read(f"xl/worksheets/sheet{number}.xml")
            cells = ET.fromstring(sheet).iter(f"{MAIN}c")  # noqa: S314  as above
            found[name] = {cell.attrib["r"]: Cell(cell) for cell in cells}
    return found


_TOKEN = re.compile(
    r"""\s*(?:(?P<ref>(?:[a-z_]+!)?\$?[A-Z]+\$?\d+(?::\$?[A-Z]+\$?\d+)?)
    |(?P<name>[A-Z]+)\(|(?P<number>\d+(?:\.\d+)?)|"(?P<text>[^"]*)"
    |(?P<sign><=|>=|<>|[-+*/^=<>(),]))""",
    re.VERBOSE,
)
Value = float | str
_LEVELS = (("=", "<>", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"), ("^",))
_OPERATE: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


class Calculator:
    """Calculates the formulas of a workbook anew, and caches nothing of the file.

    It knows what our workbooks use: + - * / ^, comparisons, SUM, IF, INT, ROUND, LEN
    of a whole number.
    """

    def __init__(self, book: Mapping[str, Mapping[str, Cell]]) -> None:
        self._book = book
        self._known: dict[tuple[str, str], Value] = {}

    def put(self, sheet: str, place: str, value: float) -> None:
        """Write a number into a cell, as a person would."""
        self._known[sheet, place] = value

    def value(self, sheet: str, place: str) -> Value:
        """What a cell comes to."""
        key = (sheet, place)
        if key not in self._known:
            cell = self._book[sheet].get(place)
            if cell is None:
                return 0.0
            if cell.formula:
                self._known[key] = _Formula(self, sheet, cell.formula).result()
            else:
                self._known[key] = float(cell.value) if cell.kind == "n" else cell.value
        return self._known[key]


class _Formula:
    """One formula, parsed as it is calculated; a branch not taken is not."""

    def __init__(self, book: Calculator, sheet: str, text: str) -> None:
        self._book = book
        self._sheet = sheet
        self._tokens = list(_tokens(text))
        self._at = 0

    def result(self) -> Value:
        found = self._level(0, run=True)
        assert self._at == len(self._tokens)
        return found

    def _peek(self) -> tuple[str, str]:
        end = ("end", "")
        return self._tokens[self._at] if self._at < len(self._tokens) else end

    def _take(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _level(self, level: int, *, run: bool) -> Value:
        if level == len(_LEVELS):
            return self._atom(run=run)
        found = self._level(level + 1, run=run)
        while self._peek()[0] == "sign" and self._peek()[1] in _LEVELS[level]:
            sign = self._take()[1]
            other = self._level(level + 1, run=run)
            if run:
                found = _OPERATE[sign](float(found), float(other))
        return found

    def _atom(self, *, run: bool) -> Value:
        kind, text = self._take()
        if kind == "number":
            return float(text)
        if kind == "text":
            return text
        if kind == "ref":
            return self._ref(text) if run else 0.0
        if kind == "name":
            return self._call(text, run=run)
        if text == "-":
            return -float(self._atom(run=run))
        assert text == "(", text
        found = self._level(0, run=run)
        assert self._take()[1] == ")"
        return found

    def _call(self, name: str, *, run: bool) -> Value:
        if name == "SUM":
            kind, text = self._take()
            assert kind == "ref"
            assert self._take()[1] == ")"
            return self._sum(text) if run else 0.0
        if name == "IF":
            return self._if(run=run)
        values = [self._level(0, run=run)]
        while self._take()[1] == ",":
            values.append(self._level(0, run=run))
        first = float(values[0])
        if name == "INT":
            return float(first // 1)
        if name == "LEN":
            return float(len(str(int(first))))
        assert name == "ROUND", name
        # Away from 0, as a spreadsheet does.
        step = Decimal(1).scaleb(-int(values[1]))
        return float(Decimal(repr(first)).quantize(step, ROUND_HALF_UP))

    def _if(self, *, run: bool) -> Value:
        is_so = bool(self._level(0, run=run))
        assert self._take()[1] == ","
        first = self._level(0, run=run and is_so)
        assert self._take()[1] == ","
        second = self._level(0, run=run and not is_so)
        assert self._take()[1] == ")"
        return first if is_so else second

    def _ref(self, text: str) -> Value:
        sheet, _, place = text.rpartition("!")
        return self._book.value(sheet or self._sheet, place.replace("$", ""))

    def _sum(self, text: str) -> float:
        sheet, _, places = text.rpartition("!")
        first, _, last = places.replace("$", "").partition(":")
        column = first.rstrip("0123456789")
        assert last.startswith(column)
        rows = range(int(first[len(column) :]), int(last[len(column) :]) + 1)
        name = sheet or self._sheet
        return sum(float(self._book.value(name, f"{column}{row}")) for row in rows)


def _tokens(formula: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(formula):
        found = _TOKEN.match(formula, at)
        assert found, formula[at:]
        at = found.end()
        assert found.lastgroup
        yield found.lastgroup, found[found.lastgroup]

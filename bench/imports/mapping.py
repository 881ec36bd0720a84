"""Mapping: which column of a plain CSV says what."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench import document
from bench.errors import BadInput
from bench.imports.kinds import FIELDS, Kind
from bench.words.printable import printable

_NEEDED = ("start_at", "amount")


class Mapping(BaseModel):
    """A mapping file.

    Attributes:
        columns: Fields by the column of the file that says them.
        given: Fields that are the same in every row.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    columns: dict[str, str]
    given: dict[str, str] = {}


def mapped(kind: Kind, options: Iterable[str], file: Path | None) -> Kind:
    """The kind `csv` with columns from `--map COLUMN=FIELD` and `--mapping FILE`.

    Raises:
        BadInput: No field is named so, one stands twice, or `start_at` or `amount` is
            missing.
    """
    read = Mapping(columns={})
    if file is not None:
        read = document.check(file, document.read(file), Mapping)
    where = str(file) if file else "--map"
    by_column = {**read.columns, **_pairs(options)}
    columns: dict[str, tuple[str, ...]] = {}
    for column, name in by_column.items():
        _check_field(where, name)
        if name in columns:
            both = f"'{printable(columns[name][0])}' and '{printable(column)}'"
            raise BadInput(f"{where}: field '{name}' is mapped from {both}; take one")
        columns[name] = (column,)
    for name in read.given:
        _check_field(where, name)
    for name in _NEEDED:
        if name not in columns:
            raise BadInput(
                f"import csv: no column is mapped to '{name}'; say which with "
                f"--map COLUMN={name}"
            )
    given = {"vendor": "openai", **read.given}
    if "currency" not in columns:
        given.setdefault("currency", "USD")
    given = {name: text for name, text in given.items() if name not in columns}
    by_call = "row_id" in columns
    return replace(kind, columns=columns, given=given, is_by_call=by_call)


def _pairs(options: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options:
        # A column's name may hold the sign; a field's never does.
        column, sign, name = option.rpartition("=")
        if not sign or not column:
            raise BadInput(
                f"--map {printable(option[:60])}: write COLUMN=FIELD, such as "
                "Cost=amount"
            )
        if column in found:
            raise BadInput(
                f"--map {printable(option[:60])}: column '{printable(column[:60])}' is "
                f"mapped to '{found[column][:40]}' already; take one"
            )
        found[column] = name.strip()
    return found


def _check_field(where: str, name: str) -> None:
    if name not in FIELDS:
        raise BadInput(
            f"{where}: there is no field '{printable(name[:40])}'; take "
            f"{', '.join(FIELDS)}"
        )

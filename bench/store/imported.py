"""Imported: rows of imports as Parquet, written and asked exactly.

An amount is exact decimal text, since no DECIMAL of DuckDB holds 15 digits
before the point and 36 after it. Sums are taken in three whole numbers, each
18 digits further behind the point, and put together as one Decimal.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]  it has none
from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]  as above

from bench.errors import StorageFailed
from pricing.money import plus, times

_pa: Any = pa
_parquet: Any = parquet
# How a field is kept, by how it is read.
TYPES: Mapping[str, Any] = {
    "instant": _pa.timestamp("us", tz="UTC"),
    "words": _pa.string(),
    "amount": _pa.string(),
    "currency": _pa.string(),
    "whole": _pa.int64(),
}
_STORAGE = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.OutOfMemoryException,
)
_MEMORY = "192MB"
_PIECES = (Decimal(1), Decimal("1e-18"), Decimal("1e-36"))
# Digits 18 * n + 1 to 18 * (n + 1) behind the point, with the amount's sign.
_MACROS = """
CREATE MACRO piece(amount, n) AS (
    CASE WHEN amount LIKE '-%' THEN -1 ELSE 1 END * rpad(
        substr(split_part(amount, '.', 2), 18 * n + 1, 18), 18, '0'
    )::BIGINT
);
CREATE MACRO exact_sum(amount) AS CASE WHEN count(amount) > 0 THEN [
    sum(split_part(amount, '.', 1)::BIGINT)::VARCHAR,
    sum(piece(amount, 0))::VARCHAR,
    sum(piece(amount, 1))::VARCHAR
] END;
"""


class RowsFile:
    """Rows of an import, written batch by batch."""

    def __init__(self, path: Path, fields: Mapping[str, str]) -> None:
        """Begin a file; `fields` are names and how they are read."""
        self._schema: Any = _pa.schema(
            [
                ("row_no", _pa.int64()),
                ("day", _pa.date32()),
                *((n, TYPES[kind]) for n, kind in fields.items()),
            ]
        )
        # Amounts hardly ever repeat: a dictionary of them is slower and larger.
        repeating = [name for name, kind in fields.items() if kind != "amount"]
        self._writer: Any = _parquet.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=repeating
        )

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append rows: `row_no` and the fields, an array a column."""
        # A cast of instants in UTC gives days in UTC, whatever the machine's zone.
        days = columns["start_at"].cast(_pa.date32())
        named = {"day": days, **columns}
        arrays = [named[field.name] for field in self._schema]
        self._writer.write_table(_pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """End the file."""
        self._writer.close()


@contextmanager
def scratch(spill: Path) -> Generator[duckdb.DuckDBPyConnection]:
    """A database in memory that may spill into a folder; for Parquet files.

    Raises:
        StorageFailed: A file is damaged or gone, or there is no room.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": _MEMORY,
        "temp_directory": str(spill),
    }
    con = duckdb.connect(":memory:", config=config)
    try:
        con.execute(_MACROS)
        yield con
    except _STORAGE as error:
        reason = str(error).splitlines()[0][:160]
        raise StorageFailed(
            f"imported rows can't be read or summed ({reason}); make room, or "
            "`pixelmeter import --remove ID` and import the file anew"
        ) from None
    finally:
        con.close()


def exact(pieces: list[str] | None) -> Decimal | None:
    """What `exact_sum` answered, as one amount; None where nothing was known."""
    if pieces is None:
        return None
    total = Decimal(0)
    for piece, unit in zip(pieces, _PIECES, strict=True):
        total = plus(total, times(Decimal(piece), unit))
    return total


def take(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Make views over files of rows, the later one last.

    `taken` has every row and `import_no`, its file's place from 0; `taken_once`
    has, of rows with one id, only the last.
    """
    whole = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS import_no FROM read_parquet({_quoted(path)})"  # noqa: S608  quoted
        for number, path in enumerate(paths)
    )
    con.execute(f"CREATE VIEW taken AS {whole}")
    con.execute(_TAKEN_ONCE)


def _quoted(path: Path) -> str:
    """A path as DuckDB takes it for just this file, whatever signs it has."""
    literal = re.sub(r"([*?\[])", r"[\1]", str(path)).replace("'", "''")
    return f"'{literal}'"


def summed(path: Path, spill: Path) -> tuple[Decimal | None, int, int]:
    """The sum of a file's amounts, rows with an id seen before, repeated rows."""
    with scratch(spill) as con:
        take(con, [path])
        names = [row[0] for row in con.execute("DESCRIBE taken").fetchall()]
        told = ", ".join(name for name in names if name not in {"row_no", "import_no"})
        ((n_ids, n_distinct, n_bare, n_bare_distinct),) = con.execute(
            f"""
            SELECT count(row_id), count(DISTINCT row_id),
                count(*) FILTER (WHERE row_id IS NULL),
                count(DISTINCT hash({told})) FILTER (WHERE row_id IS NULL)
            FROM taken
            """  # noqa: S608  own names
        ).fetchall()
        ((pieces,),) = con.execute(
            "SELECT exact_sum(amount) FROM taken_once"
        ).fetchall()
    return exact(pieces), n_ids - n_distinct, n_bare - n_bare_distinct


_TAKEN_ONCE = """
CREATE VIEW taken_once AS
SELECT * FROM taken WHERE row_id IS NULL
UNION ALL
SELECT * FROM taken WHERE row_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY import_no DESC, row_no DESC) = 1
"""

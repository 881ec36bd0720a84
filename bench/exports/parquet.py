"""Parquet: rows as columns, in the types of the index."""

from pathlib import Path
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]  it has none
from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]  as above

from bench.store.exported import Table

_pa: Any = pa
_parquet: Any = parquet


def write_parquet(table: Table, path: Path) -> None:
    """Write a table: money as DECIMAL(38,12), instants in UTC, zstd."""
    reader = table.arrow()
    schema: Any = _pa.schema([_in_utc(field) for field in reader.schema])
    writer: Any
    batch: Any
    with _parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(_pa.Table.from_batches([batch]).cast(schema))


def _in_utc(field: Any) -> Any:  # noqa: ANN401  pyarrow has no types
    if _pa.types.is_timestamp(field.type):
        return field.with_type(_pa.timestamp("us", tz="UTC"))
    return field

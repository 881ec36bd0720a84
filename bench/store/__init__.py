"""Store: the DuckDB index over the journals."""

"""Parquet files of JSON lines, by DuckDB: written with a table's columns, and read as rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

__all__ = ["ConversionError", "copy_rows", "read_rows", "write_lines"]


class ConversionError(ValueError):
    """Lines that do not fit the columns."""


def write_lines(lines: Sequence[str], columns: Mapping[str, str]) -> bytes:
    """One file with a row a line; `columns` maps names to DuckDB's types.

    Fields that no column names are dropped. Raises `ConversionError`, and then nothing is written.
    """
    with tempfile.TemporaryDirectory(prefix="canary-parquet-") as directory:
        source, target = Path(directory) / "lines.json", Path(directory) / "rows.parquet"
        source.write_text("\n".join(lines) + "\n")
        schema = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        read = (
            f"SELECT * FROM read_json('{source}', format = 'newline_delimited', "  # noqa: S608 - a path and types of ours
            f"columns = {{{schema}}})"
        )
        try:
            with duckdb.connect(":memory:", config={"threads": 1}) as connection:
                copy_rows(connection, read, target)
        except duckdb.Error as error:
            raise ConversionError(str(error)) from error
        return target.read_bytes()


def copy_rows(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    """Write the rows of a query to a file."""
    connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")


def read_rows(files: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Every row of the files, file by file, by column name."""
    with (
        tempfile.TemporaryDirectory(prefix="canary-parquet-") as directory,
        duckdb.connect(":memory:", config={"threads": 1}) as connection,
    ):
        path = Path(directory) / "rows.parquet"
        for body in files:
            path.write_bytes(body)
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [each[0] for each in found.description or ()]
            for row in found.fetchall():
                yield dict(zip(names, row, strict=True))

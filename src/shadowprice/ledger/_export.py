"""Ledgers as tables that other programs read."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Any, Final

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._text import all_kept
from shadowprice.ledger._ledger import Ledger
from shadowprice.ledger._records import RequestRow

_COLUMNS = tuple(field.name for field in fields(RequestRow))
_COUNTS = ("generated", "attempts", "reserved", "charged", "lost")
_ROWS_AT_ONCE = 5000


def export_requests(ledger: Ledger, output: str | os.PathLike[str], *, run: str | None = None) -> int:
    """Write one row per request; the ending of the name says how.

    `.jsonl` holds payloads as objects, `.csv` and `.parquet` as JSON text.

    Args:
        ledger: Where the rows are.
        output: The file to write, whole or not at all.
        run: The run to write; all by default.

    Returns:
        How many rows were written.

    Raises:
        InputError: The ending is none of these, the file cannot be written, or there is no such run.
    """
    write = _WRITERS.get(Path(output).suffix.lower())
    if write is None:
        raise InputError(f"Cannot tell how to write {output}; end its name in {', '.join(FORMATS)}.")
    count = 0

    def counted() -> Iterator[RequestRow]:
        nonlocal count
        for row in ledger.requests(run):
            count += 1
            yield row

    with write_whole(output) as partial:
        write(counted(), partial)
    return count


def _write_jsonl(rows: Iterable[RequestRow], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            # Ledgers of earlier versions may hold halves of characters, as escapes.
            payload = None if row.payload is None else all_kept(json.loads(row.payload))
            file.write(json.dumps({**asdict(row), "payload": payload}, ensure_ascii=False) + "\n")


def _write_csv(rows: Iterable[RequestRow], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows([getattr(row, name) for name in _COLUMNS] for row in rows)


def _write_parquet(rows: Iterator[RequestRow], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.int64() if name in _COUNTS else pa.string()) for name in _COLUMNS])
    with pq.ParquetWriter(path, schema) as writer:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist([asdict(row) for row in some], schema=schema))


_WRITERS: dict[str, Callable[[Iterator[RequestRow], Path], Any]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
FORMATS: Final = tuple(_WRITERS)
"""Endings of names that `export_requests` knows."""

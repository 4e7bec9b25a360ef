"""Parquet files of others, read whole or refused in one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shadowprice._errors import InputError

DAMAGED: Final = (pa.ArrowException, OSError, ValueError, OverflowError, KeyError)
"""What pyarrow raises on files that are not whole; a name of a column that is no text is a ValueError."""


@contextmanager
def readable(name: object) -> Iterator[None]:
    """Refuse a file that turns out to be damaged.

    Raises:
        InputError: It is.
    """
    try:
        yield
    except InputError:
        raise
    except DAMAGED as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(f"{name} is not a readable Parquet file (damaged or cut short?): {said}.") from error


def read_parquet(
    source: str | PathLike[str] | IO[bytes], name: object, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read a table whose values and names are all what they should be.

    Args:
        source: A file, or a stream of one.
        name: What complaints call it.
        columns: Those to read; None reads all.

    Raises:
        InputError: It is damaged, or no Parquet file.
    """
    with readable(name):
        table: Any = pq.ParquetFile(source).read(columns=columns)
        table.validate(full=True)
        table.column_names  # noqa: B018  # each is decoded only when it is asked for
    return table

"""Reading and writing trace files."""

import os
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import refuse_repeated
from shadowprice._parquet import read_parquet
from shadowprice.traces._schema import REQUIRED, SCHEMA_VERSION, TRACE_SCHEMA
from shadowprice.traces._traces import Traces

BUNDLED = "bundled"
"""The name under which the traces inside the package can be given wherever a path can."""
BUNDLED_TALE = "bundled-tale-ep"
"""The same model's replies to the same questions, asked in the way of TALE-EP."""
_INSIDE = {BUNDLED: "smollm2-135m.parquet", BUNDLED_TALE: "smollm2-135m-tale-ep.parquet"}


def read_traces(source: str | os.PathLike[str]) -> Traces:
    """Read a Parquet file of traces, or the ones inside the package.

    Args:
        source: A path, or `"bundled"`, or `"bundled-tale-ep"`.

    Raises:
        InputError: The file is missing, empty or damaged, lacks a column, or holds a value that cannot be.
    """
    if str(source) in _INSIDE:
        with resources.as_file(resources.files("shadowprice.data") / _INSIDE[str(source)]) as path:
            return _group(_read(path), str(source))
    return _group(_read(Path(source)), str(source))


def write_traces(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write traces to a Parquet file, all of it or nothing.

    Raises:
        InputError: The file cannot be written.
    """
    with write_whole(path) as partial:
        pq.write_table(table, partial, compression="zstd", compression_level=19, use_dictionary=True)


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a Parquet file of traces, or `bundled`.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; record traces into it with `shadowprice record`.")
    table = read_parquet(path, path)
    _check(table, path)
    return table


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]


def _check(table: pa.Table, path: Path) -> None:
    refuse_repeated(table.column_names, path)
    missing = [name for name in REQUIRED if name not in table.column_names]
    if missing:
        raise InputError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"traces need {', '.join(REQUIRED)}."
        )
    if table.num_rows == 0:
        raise InputError(f"{path} holds no rows; record traces into it with `shadowprice record`.")
    for name in REQUIRED:
        if table[name].null_count:
            row = int(np.flatnonzero(table[name].is_null().to_numpy())[0])
            raise InputError(f"{path}, row {row}: {name} is missing; fill it in or leave the row out.")
    for name in ("completion_tokens", "answer_tokens"):
        _check_count(table, name, path)
    answer, completion = table["answer_tokens"].to_numpy(), table["completion_tokens"].to_numpy()
    if (beyond := np.flatnonzero(answer > completion)).size:
        row = int(beyond[0])
        raise InputError(
            f"{path}, row {row}: answer_tokens is {answer[row]:g}, more than its {completion[row]:g} "
            "completion_tokens; an answer ends inside its reply."
        )
    if not pa.types.is_boolean(table["correct"].type):
        raise InputError(f"{path}: the column correct is {table['correct'].type}; it must be true or false.")
    if "schema_version" in table.column_names:
        newest = pc.max(table["schema_version"]).as_py()
        if newest is not None and newest > SCHEMA_VERSION:
            raise InputError(
                f"{path} has schema version {newest}, this shadowprice reads up to {SCHEMA_VERSION}: upgrade it."
            )


def _check_count(table: pa.Table, name: str, path: Path) -> None:
    column = table[name]
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise InputError(f"{path}: the column {name} is {column.type}; it must be a number of tokens.")
    values = np.asarray(column.to_numpy(), dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0) | (values != np.floor(values)))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{path}, row {row}: {name} is {values[row]:g}; it must be a whole number of tokens, 0 or more."
        )


def _group(table: pa.Table, name: str) -> Traces:
    known = [field.name for field in TRACE_SCHEMA if field.name in table.column_names]
    table = table.select(known)
    for column in known:
        wanted = TRACE_SCHEMA.field(column).type
        try:
            table[column].cast(wanted)
        except pa.ArrowException as error:
            raise InputError(
                f"{name}: the column {column} is {table[column].type}; it must be {wanted} ({_first(error)})."
            ) from error
    table = table.cast(pa.schema([TRACE_SCHEMA.field(column) for column in known], metadata=table.schema.metadata))
    encoded = table["query_id"].combine_chunks().dictionary_encode()
    query = np.asarray(encoded.indices.to_numpy(), dtype=np.int64)
    order = np.argsort(query, kind="stable")
    return Traces(table.take(pa.array(order)), query[order], name)

"""Files of vectors: npz and Parquet, read without believing them, and written."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import refuse_repeated
from shadowprice._npy import array_header
from shadowprice._parquet import read_parquet, readable
from shadowprice.beliefs.encoders._vectors import Vectors

_VECTORS: Final = ("vectors", "vector")
"""What the numbers may be called; one of them."""
_NAMES: Final = ("query_id", "question")
_NEEDS: Final = "it needs `vectors` (a row of numbers for each question) and `query_id`, `question` or both"
_MOST: Final = 4 << 30
"""Bytes of an array, unpacked."""
_SMALL: Final = 1 << 20
_MOST_RATIO: Final = 200
"""Larger arrays of numbers that shrink by more than this are no vectors."""
_ZIP: Final = b"PK"
_PARQUET: Final = b"PAR1"


def read_vectors(path: str | os.PathLike[str]) -> Vectors:
    """Read a file of vectors: npz or Parquet, told by its content.

    Both hold ``vectors`` (npz: an array ``(n, d)``; Parquet: a column of lists) and ``query_id``, ``question`` or both.
    Nothing in a file is run: arrays of Python objects, which need pickle, are refused, and sizes are checked before
    anything is unpacked.

    Raises:
        InputError: The file is missing or damaged, lacks a part, or its vectors are not one finite row for each name.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: no such file; give an npz or Parquet file of vectors.")
    try:
        with source.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}.") from error
    if head == _PARQUET:
        return _read_parquet(source)
    if head[:2] == _ZIP:
        return _read_npz(source)
    raise InputError(f"{source} is neither npz nor Parquet; write one with numpy.savez, or `shadowprice embed`.")


def write_vectors(vectors: Vectors, path: str | os.PathLike[str]) -> None:
    """Write vectors to an ``.npz`` or ``.parquet`` file, all of it or nothing.

    Raises:
        InputError: The file cannot be written, or its name ends in something else.
    """
    target = Path(path)
    check_vectors_name(target)
    names = {
        name: list(part) for name, part in zip(_NAMES, (vectors.query_ids, vectors.questions), strict=True) if part
    }
    with write_whole(target) as partial:
        if target.suffix == ".npz":
            arrays = {name: np.array(part, dtype=np.str_) for name, part in names.items()}
            with partial.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, vectors=vectors.values, **arrays)
            return
        flat = pa.array(vectors.values.reshape(-1))
        column = pa.FixedSizeListArray.from_arrays(flat, vectors.width)
        pq.write_table(pa.table({**names, "vectors": column}), partial, compression="zstd")


def check_vectors_name(path: Path) -> None:
    """Refuse a name that does not say npz or Parquet.

    Raises:
        InputError: It is such a name.
    """
    if path.suffix not in (".npz", ".parquet"):
        raise InputError(f"{path} ends in neither .npz nor .parquet; vectors are written as one of them.")


def _read_npz(source: Path) -> Vectors:
    try:
        with zipfile.ZipFile(source) as archive:
            members = {info.filename: info for info in archive.infolist()}
            refuse_repeated((info.filename for info in archive.infolist()), source)
            which = _one_of(source, [name for name in _VECTORS if f"{name}.npy" in members], list(members))
            found = {name: members[f"{name}.npy"] for name in (which, *_NAMES) if f"{name}.npy" in members}
            arrays = {name: _read_array(archive, member, source) for name, member in found.items()}
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(f"{source} is not a readable npz file (damaged, or with Python objects?).") from error
    values = arrays.pop(which)
    if values.dtype.kind not in "fiu":
        raise InputError(f"{source}: `{which}` holds {values.dtype}; it must hold numbers.")
    return Vectors(
        values, **_named({name: _texts(array, name, source) for name, array in arrays.items()}), name=str(source)
    )


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Path) -> "np.ndarray[Any, Any]":
    """One array, once its declared sizes are known to be true and not too large."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{source}: {member.filename} is packed in a way that numpy.savez never does; write it anew.")
    shape, dtype = array_header(archive, member)
    shrunk = member.file_size > max(_SMALL, _MOST_RATIO * max(1, member.compress_size))
    if member.file_size > _MOST or (dtype.kind != "U" and shrunk):
        raise InputError(
            f"{source}: {member.filename} unpacks from {member.compress_size:,} to {member.file_size:,} bytes, shape "
            f"{shape}; up to {_MOST:,} bytes are read, and numbers that are not nearly all the same."
        )
    with archive.open(member) as stream:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _texts(array: "np.ndarray[Any, Any]", name: str, source: Path) -> list[str]:
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        raise InputError(f"{source}: `{name}` must be a list of texts, not {array.dtype} of shape {array.shape}.")
    if array.dtype.kind == "S":
        return [text.decode("utf-8", "replace") for text in array.tolist()]
    return [str(text) for text in array.tolist()]


def _read_parquet(source: Path) -> Vectors:
    with readable(source):
        file: Any = pq.ParquetFile(source)
        columns: list[str] = file.schema_arrow.names
        size = _unpacked(file.metadata)
    refuse_repeated(columns, source)
    which = _one_of(source, [name for name in _VECTORS if name in columns], columns)
    if size > _MOST:
        raise InputError(f"{source} unpacks to {size:,} bytes; up to {_MOST:,} are read.")
    table = read_parquet(source, source, [name for name in (which, *_NAMES) if name in columns])
    if not table.num_rows:
        raise InputError(f"{source} holds no rows; write one vector for each question.")
    names: dict[str, list[str]] = {name: _column(table, name, source) for name in _NAMES if name in columns}
    with readable(source):
        return Vectors(_numbers(table[which].combine_chunks(), which, source), **_named(names), name=str(source))


def _unpacked(metadata: Any) -> int:
    """Bytes in memory, at least: what repeats takes next to none in the file."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
    return int(max(sum(group.total_byte_size for group in groups), 4 * values))


def _column(table: pa.Table, name: str, source: Path) -> list[str]:
    column = table[name]
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise InputError(f"{source}: the column {name} is {kind}; it must be text.")
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise InputError(f"{source}, row {row}: {name} is missing; fill it in or leave the row out.")
    return [str(value) for value in column.to_pylist()]


def _numbers(column: Any, which: str, source: Path) -> "np.ndarray[Any, Any]":
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise InputError(f"{source}: the column {which} is {kind}; it must hold lists of numbers.")
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    other = np.flatnonzero((lengths != lengths[0]) | (lengths < 1))
    if other.size:
        row, width = int(other[0]), max(1, int(lengths[0]))
        raise InputError(f"{source}, row {row}: {which} must be {width:,} numbers, as in row 0.")
    flat = column.flatten()
    if flat.null_count:
        row = int(np.flatnonzero(flat.is_null().to_numpy(zero_copy_only=False))[0] // lengths[0])
        raise InputError(f"{source}, row {row}: a number of {which} is missing; compute the vector anew.")
    values: np.ndarray[Any, Any] = flat.to_numpy(zero_copy_only=False).reshape(len(lengths), -1)
    return values


def _one_of(source: Path, found: list[str], there: Sequence[str]) -> str:
    if len(found) != 1:
        has = ", ".join(str(name).removesuffix(".npy")[:40] for name in list(there)[:8])
        what = f"both {' and '.join(found)}" if found else "no `vectors`"
        raise InputError(f"{source} has {what}: {_NEEDS}; it holds {has}.")
    return found[0]


def _named(names: dict[str, list[str]]) -> dict[str, Any]:
    return {"query_ids": names.get("query_id", ()), "questions": names.get("question", ())}

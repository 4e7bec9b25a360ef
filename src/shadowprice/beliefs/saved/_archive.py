"""The zip around a predictor, looked at before anything in it is unpacked."""

import io
import re
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._npy import array_header

_MEMBER: Final = re.compile(r"card\.json|schema\.json|reference-[a-z]+\.npy|\d{1,20}\.npy")
"""All that a predictor file contains: two texts and plain arrays, in no folder."""
_MOST_BYTES: Final = 1 << 29
"""Of a file, and of what is in it when unpacked."""
_MOST_TEXT: Final = 1 << 26
"""Bytes of a text member when unpacked."""
_MOST_MEMBERS: Final = 200_000
_MOST_RATIO: Final = 200
"""A larger member that shrinks by more than this is no model; a trained one shrinks some forty times at most."""
_SMALL: Final = 1 << 20


def open_archive(path: Path) -> zipfile.ZipFile:
    """The members of a predictor file, read into memory, with names and sizes that a predictor can have.

    `zipfile` never unpacks more of a member than its declared size, so the declared sizes bound memory. The file is
    read once: what is checked is what is loaded.

    Raises:
        InputError: It is no such file, or not a plain one.
    """
    make_anew = "make it anew with `shadowprice fit`"
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a predictor file; give the file that `shadowprice fit -o` wrote.")
    if not path.is_file():
        raise InputError(f"{path}: no such file; make a predictor with `shadowprice fit TRACES -o {path}`.")
    if (size := path.stat().st_size) > _MOST_BYTES:
        raise InputError(f"{path} has {size:,} bytes, more than any predictor; {make_anew}.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(f"{path} is not a predictor file, or is damaged; {make_anew}.") from error
    if (complaint := _complaint(archive.infolist())) is not None:
        raise InputError(f"{path} {complaint}; it was not loaded.")
    return archive


def _complaint(members: list[zipfile.ZipInfo]) -> str | None:
    names = [member.filename for member in members]
    if len(names) > _MOST_MEMBERS or len(set(names)) < len(names):
        return f"has {len(names)} parts, too many or some of the same name, which no predictor has"
    for member in members:
        if _MEMBER.fullmatch(member.filename) is None:
            return f"contains {member.filename[:60]!r}, which no predictor needs"
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return f"contains {member.filename}, packed in a way that no predictor is"
        most = _MOST_TEXT if member.filename.endswith(".json") else _MOST_BYTES
        packed = max(1, member.compress_size)
        if member.file_size > most or member.file_size > max(_SMALL, _MOST_RATIO * packed):
            return f"contains {member.filename}, which unpacks from {packed:,} to {member.file_size:,} bytes"
    if (total := sum(member.file_size for member in members)) > _MOST_BYTES:
        return f"unpacks to {total:,} bytes, more than any predictor"
    return None


def check_arrays(archive: zipfile.ZipFile) -> None:
    """Compare what each array says of its shape with the bytes that there are, before NumPy believes it.

    Raises:
        ValueError: One is no plain array, or is not as large as it says.
    """
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        array_header(archive, member)


def read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array of an archive."""
    array: np.ndarray = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    return array


def with_text(archive: zipfile.ZipFile, name: str, text: str) -> zipfile.ZipFile:
    """A copy in memory, in which one member has another text."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as copy:
        for member in archive.namelist():
            copy.writestr(member, text if member == name else archive.read(member))
    return zipfile.ZipFile(content)


def array_bytes(array: np.ndarray) -> bytes:
    """An array as a member of an archive."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()

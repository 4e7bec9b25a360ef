"""Headers of NumPy arrays in zip files, looked at before anything that they promise is believed."""

import zipfile
from typing import Any, Final

import numpy as np

_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def array_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], "np.dtype[Any]"]:
    """Shape and type of an array, if it is a plain one and as large as it says.

    `zipfile` never unpacks more of a member than its declared size, so whoever has looked at that knows what memory the
    array will take.

    Raises:
        ValueError: It is no array, holds Python objects, or is not as large as it says.
    """
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} has array format {version}")
        shape, _, dtype = _HEADERS[version](stream)
        length = stream.tell()
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if dtype.hasobject or min(shape, default=0) < 0 or size != member.file_size - length:
        raise ValueError(f"{member.filename} is not the array that it says it is")
    return shape, dtype

"""Files as bytes: unpacked where they are packed, and named where they only stand for another file."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from shadowprice._errors import InputError

MAX_UNPACKED: Final = 16 * 2**30
"""Bytes of the largest file inside a gzip file that is read."""

_GZIP = b"\x1f\x8b"
_POINTER = b"version https://git-lfs.github.com/spec/"


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as bytes, unpacked if it is a gzip file; what the system says against it is an input error."""
    try:
        with open_unpacked(path) as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def open_unpacked(path: Path) -> IO[bytes]:
    """Open a file as bytes, unpacked if it is a gzip file."""
    file = path.open("rb")
    if file.peek(2)[:2] != _GZIP:
        return file
    file.close()
    return io.BufferedReader(_Unpacked(path))


def refuse_pointer(path: Path) -> None:
    """Say what a file is that Git LFS has put in place of another.

    Raises:
        InputError: It is one.
    """
    with open_file(path) as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise InputError(f"{path} is a Git LFS pointer, not the file: run git lfs pull.")


class _Unpacked(io.RawIOBase):
    """A gzip file, to the end or to the limit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = gzip.GzipFile(path)
        self._left = MAX_UNPACKED

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is room for."""
        view = memoryview(buffer)
        data = self._file.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"{self._path}: larger than {MAX_UNPACKED // 2**30} GiB when unpacked; split it.")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

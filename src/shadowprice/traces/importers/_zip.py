"""Members of a zip file, within limits.

inspect_ai compresses with Zstandard, which Python's zipfile reads only from 3.14 on; pyarrow can.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import pyarrow as pa

from shadowprice._errors import InputError

MAX_MEMBER: Final = 256 * 2**20
"""Bytes of the largest member that is read."""

_ZSTANDARD = 93
_LOCAL_HEADER = 30
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD)


class ZipLog:
    """A zip file that nobody vouches for.

    Raises:
        InputError: It is not a zip file, or its members lie over each other, as only those of a zip bomb do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._refusals():
            self._zip = zipfile.ZipFile(path)
            self._members = {member.filename: member for member in self._zip.infolist()}
            if sum(member.compress_size for member in self._zip.infolist()) > path.stat().st_size:
                self._zip.close()
                raise InputError(f"{path}: its members are larger than the file itself; this is not a log.")

    def __enter__(self) -> "ZipLog":
        """Nothing more to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """Names of the members, in the file's order."""
        return list(self._members)

    def size(self, name: str) -> int:
        """Bytes that a member takes up in the file."""
        return self._members[name].compress_size

    def read(self, name: str) -> bytes:
        """Read a member.

        Raises:
            InputError: It is damaged, encrypted, too large or compressed in an unknown way.
        """
        member = self._members[name]
        if member.flag_bits & 1 or member.compress_type not in _READABLE:
            raise InputError(f"{self._where(name)}: encrypted or compressed in an unknown way; write the log anew.")
        with self._refusals(name):
            with self._open(member) as stream:
                data: bytes = stream.read(MAX_MEMBER + 1)
            if len(data) > MAX_MEMBER:
                raise InputError(f"{self._where(name)}: larger than {MAX_MEMBER // 2**20} MiB; no sample is.")
            if zlib.crc32(data) != member.CRC:
                raise InputError(f"{self._where(name)}: damaged (wrong checksum); copy the log again.")
            return data

    def _open(self, member: zipfile.ZipInfo) -> IO[bytes]:
        if member.compress_type != _ZSTANDARD:
            return self._zip.open(member)
        with self.path.open("rb") as file:
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER)
            name, extra = struct.unpack("<HH", header[26:30])
            file.seek(name + extra, io.SEEK_CUR)
            compressed = file.read(member.compress_size)
        stream: IO[bytes] = pa.CompressedInputStream(pa.BufferReader(compressed), "zstd")
        return stream

    def _where(self, name: str) -> str:
        return f"{self.path}, member '{name}'" if name else str(self.path)

    @contextmanager
    def _refusals(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except (
            zipfile.BadZipFile,
            zlib.error,
            pa.ArrowException,
            OSError,
            EOFError,
            struct.error,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{self._where(name)}: not a whole zip file ({said}); copy the log again.") from error

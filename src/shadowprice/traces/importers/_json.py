"""JSON from files of any size: line by line, or item by item."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from shadowprice._errors import InputError
from shadowprice._json import fit_json, json_refusals, parse_json
from shadowprice._packed import open_file, open_unpacked

MAX_PIECE: Final = 64 * 2**20
"""Characters or bytes of the longest line or item that is read; a reply is a thousandth of it."""

_CHUNK = 2**18

Advance = Callable[[int], None]


def read_json_lines(path: Path, advance: Advance = lambda count: None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the objects of a JSONL file with their line numbers, from 1.

    Raises:
        InputError: A line is not a JSON object, or longer than `MAX_PIECE`.
    """
    with open_file(path) as file:
        line = 0
        while piece := file.readline(MAX_PIECE + 1):
            line += 1
            if len(piece) > MAX_PIECE:
                raise InputError(
                    f"{path}, line {line}: longer than {MAX_PIECE // 2**20} MiB, no reply is; give a JSONL file with "
                    "one object per line."
                )
            advance(len(piece))
            if piece.strip():
                value = parse_json(piece.rstrip(), f"{path}, line {line}")
                if not isinstance(value, dict):
                    raise InputError(f"{path}, line {line}: not a JSON object; write it as {{...}}.")
                yield line, value


class JsonStream:
    """A JSON text read from the front, one value at a time.

    Args:
        path: The file.
        advance: Told how many bytes were read.

    Raises:
        InputError: From every method, where the text is not the JSON that was asked for.
    """

    def __init__(self, path: Path, advance: Advance = lambda count: None) -> None:
        self._path = path
        self._advance = advance
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._file: TextIO | None = None

    def __enter__(self) -> "JsonStream":
        """Open the file."""
        with self._refusals():
            self._file = io.TextIOWrapper(open_unpacked(self._path), encoding="utf-8-sig")
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()

    def peek(self) -> str:
        """The next character that is not blank; empty at the end of the file."""
        while True:
            while self._at < len(self._buffer):
                if not self._buffer[self._at].isspace():
                    return self._buffer[self._at]
                self._at += 1
            if not self._more(_CHUNK):
                return ""

    def take(self, wanted: str) -> bool:
        """Step over the next character if it is this one."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def expect(self, wanted: str, what: str) -> None:
        """Step over the next character, which must be this one."""
        if not self.take(wanted):
            found = f"'{self.peek()}' is there" if self.peek() else "the file ends"
            raise InputError(f"{self._path}, {what}: '{wanted}' should follow, but {found}; is the file cut short?")

    def value(self, what: str) -> Any:
        """Read a whole value, of at most `MAX_PIECE` characters."""
        self.peek()
        with self._refusals(what):
            while True:
                try:
                    value, end = self._decoder.raw_decode(self._buffer, self._at)
                except json.JSONDecodeError:
                    unread = len(self._buffer) - self._at
                    if unread > MAX_PIECE or not self._more(max(_CHUNK, unread)):
                        raise
                    continue
                if end < len(self._buffer) or not self._more(_CHUNK):  # a number may go on
                    text = self._buffer[self._at : end]
                    self._at = end
                    return fit_json(value, text)

    def items(self, what: str) -> Iterator[tuple[int, Any]]:
        """Read an array item by item, numbered from 0."""
        self.expect("[", what)
        number = 0
        if self.take("]"):
            return
        while True:
            yield number, self.value(f"{what} {number}")
            if self.take("]"):
                return
            self.expect(",", f"{what} {number}")
            number += 1

    def _more(self, size: int) -> bool:
        """Read on; False at the end of the file."""
        with self._refusals():
            read = self._file.read(size) if self._file else ""
        if not read:
            return False
        self._buffer = self._buffer[self._at :] + read
        self._at = 0
        self._advance(len(read))
        return True

    def _refusals(self, what: str = "") -> Any:
        return json_refusals(f"{self._path}, {what}" if what else str(self._path))

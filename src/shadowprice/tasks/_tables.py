"""Tables as text: in which characters they are written, and what stands between their cells."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice._packed import open_file
from shadowprice.tasks._columns import known_names

_DELIMITERS: Final = (",", ";", "\t", "|")
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEPARATOR: Final = re.compile(r'"?sep=(?P<mark>[,;\t|])"?\r?\n', re.IGNORECASE)
"""What Excel writes on a line of its own before the header."""
_LARGEST_CELL: Final = 64 * 2**20


def read_text(source: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark, packed with gzip or not.

    Raises:
        InputError: It cannot be read, or is written in other characters.
    """
    with open_file(source) as file:
        content: bytes = file.read()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        what = "UTF-16" if wide else "UTF-8"
        raise InputError(f"{source}: not {what} text (byte {error.start}): save it as UTF-8.") from error


def read_table(source: Path, wanted: Mapping[str, str]) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    """The columns of a table, and its rows with their line numbers.

    Args:
        source: A file whose cells are parted by commas, semicolons, tabs or bars.
        wanted: Columns that the caller names, by what they hold.

    Raises:
        InputError: It is not a table; also from the rows.
    """
    text, offset = read_text(source), 0
    if "\0" in text:
        raise InputError(f"{source}: it holds characters 0, as UTF-16 without its mark does: save it as UTF-8.")
    if told := _SEPARATOR.match(text):
        text, offset = text[told.end() :], 1
    first = "\t" if ".tsv" in source.suffixes[-2:] else ","
    delimiter = told["mark"] if told else _delimiter(source, text, wanted, first)
    with _limits(source, lambda: 1):
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    return names, _rows(source, text, delimiter, offset)


def _rows(source: Path, text: str, delimiter: str, offset: int) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        with _limits(source, lambda: reader.line_num + offset):
            row: dict[Any, Any] | None = next(reader, None)
        if row is None:
            return
        line = reader.line_num + offset
        more = row.pop(None, [])
        if any(cell.strip() for cell in more):
            columns = len(reader.fieldnames or ())
            raise InputError(
                f"{source}, line {line}: {columns + len(more)} cells for {columns} columns: quote cells that hold a "
                f"{_NAMES[delimiter]}."
            )
        yield line, {name: cell for name, cell in row.items() if cell not in ("", None)}


@contextmanager
def _limits(source: Path, line: Callable[[], int]) -> Iterator[None]:
    """Read cells of any length that a question has, and say what is wrong with a table in one sentence."""
    before = csv.field_size_limit(_LARGEST_CELL)  # one limit for the whole program, so it is put back
    try:
        yield
    except csv.Error as error:
        raise InputError(
            f"{source}, line {line()}: not CSV ({error}): quote cells that hold commas, quotes or line breaks."
        ) from error
    finally:
        csv.field_size_limit(before)


def _delimiter(source: Path, text: str, wanted: Mapping[str, str], first: str) -> str:
    """What parts the cells: what makes the most names of columns that are known, then the most columns."""
    best, most = first, (0, 1)
    for delimiter in (first, *(other for other in _DELIMITERS if other != first)):
        try:
            names = next(csv.reader(io.StringIO(text[:_LARGEST_CELL], newline=""), delimiter=delimiter), [])
        except csv.Error:
            continue
        found = (known_names(names, wanted), len(names))
        if found > most:
            best, most = delimiter, found
    return best

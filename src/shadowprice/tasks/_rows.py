"""The rows of a file of questions, whatever kind of file it is."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow

from shadowprice._errors import InputError
from shadowprice._json import parse_json, refuse_repeated
from shadowprice._packed import refuse_pointer
from shadowprice._parquet import DAMAGED
from shadowprice.tasks._columns import choose_columns
from shadowprice.tasks._hub import HUB, hub_table, parquet_table, saved_tables
from shadowprice.tasks._tables import read_table, read_text

_SHEETS: Final = (".xlsx", ".xls", ".ods", ".numbers")


class Row(NamedTuple):
    """One row, and where it stands."""

    number: int
    """From 1, for those that have no id: its line where the file has lines."""
    place: str
    """``line 3``."""
    values: dict[str, Any]


class Rows(NamedTuple):
    """All rows of a file, and the names of its columns."""

    names: list[str]
    rows: list[Row]


def is_question_file(name: str) -> bool:
    """Whether a name is that of a file of questions, a data set's folder or a data set on the hub, not of a family."""
    return name.startswith(HUB) or bool(Path(name).suffix) or Path(name).is_dir()


def read_rows(source: Path, wanted: Mapping[str, str], *, golds_only: bool = False) -> Rows:
    """Read a file, a folder with a data set, or ``hf:OWNER/NAME``.

    Args:
        source: Where the questions are.
        wanted: Columns that the caller names, by what they hold.
        golds_only: Whether a table may have no questions.

    Raises:
        InputError: It is missing, or not what its name says.
        MissingExtraError: It is on the Hugging Face hub, and the package that reads from there is not installed.
    """
    if str(source).startswith(HUB):
        return _from_tables(source, [hub_table(str(source))], "row")
    if source.is_dir():
        return _from_tables(source, saved_tables(source), "row")
    table = partial(_read_table, golds_only=golds_only)
    readers: dict[str, Callable[[Path, Mapping[str, str]], Rows]] = {
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
        ".json": _read_json,
        ".csv": table,
        ".tsv": table,
        ".txt": table,
        ".parquet": _read_parquet,
    }
    ending = (Path(source.stem) if source.suffix.lower() == ".gz" else source).suffix.lower()
    if ending not in readers:
        advice = "save it as CSV" if ending in _SHEETS else f"use one of {', '.join(readers)}"
        raise InputError(f"{source}: questions cannot be read from a '{ending}' file: {advice}.")
    if not source.is_file():
        raise InputError(f"{source}: there is no such file: check the path.")
    refuse_pointer(source)
    return readers[ending](source, wanted)


def _read_jsonl(source: Path, wanted: Mapping[str, str]) -> Rows:
    return _with_names(_json_lines(source, read_text(source)))


def _json_lines(source: Path, text: str) -> Iterator[Row]:
    for line, piece in enumerate(text.split("\n"), start=1):
        if not piece.strip():
            continue
        place = f"line {line}"
        record = parse_json(piece, f"{source}, {place}", strict=True, advice="write one JSON object per line.")
        if not isinstance(record, dict):
            raise InputError(f"{source}, {place}: not a JSON object: write it as {{...}}.")
        yield Row(line, place, record)


def _read_json(source: Path, wanted: Mapping[str, str]) -> Rows:
    text = read_text(source)
    if _is_json_lines(text):
        return _with_names(_json_lines(source, text))
    whole = parse_json(text, str(source), strict=True, advice="write a list of JSON objects.") if text.strip() else []
    if isinstance(whole, dict):
        lists = {name: value for name, value in whole.items() if isinstance(value, list)}
        if len(lists) != 1:
            raise InputError(
                f"{source}: an object with {len(lists)} lists in it: write the questions as one list of objects."
            )
        (whole,) = lists.values()
    if not isinstance(whole, list):
        raise InputError(f"{source}: not a list of JSON objects: write [{{...}}, {{...}}].")
    rows = []
    for number, record in enumerate(whole, start=1):
        if not isinstance(record, dict):
            raise InputError(f"{source}, item {number}: not a JSON object: write it as {{...}}.")
        rows.append(Row(number, f"item {number}", record))
    return _with_names(rows)


def _is_json_lines(text: str) -> bool:
    """Whether a first line is an object of its own, and more follows."""
    first, _, rest = text.strip().partition("\n")
    if not (first.startswith("{") and rest):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _read_table(source: Path, wanted: Mapping[str, str], *, golds_only: bool) -> Rows:
    names, rows = read_table(source, wanted)
    refuse_repeated(names, source)
    if "body" not in names:  # a text without a header is refused for that, not for the commas of its second line
        choose_columns(names, wanted, str(source), golds_only=golds_only)
    return Rows(names, [Row(line, f"line {line}", values) for line, values in rows])


def _read_parquet(source: Path, wanted: Mapping[str, str]) -> Rows:
    return _from_tables(source, [parquet_table(source)], "line")


def _from_tables(source: Path, tables: Iterable[pyarrow.Table], what: str) -> Rows:
    names: dict[str, None] = {}
    rows: list[Row] = []
    for table in tables:
        refuse_repeated(table.column_names, source)
        names.update(dict.fromkeys(table.column_names))
        try:
            records = table.to_pylist()
        except DAMAGED as error:
            raise InputError(f"{source}: a value cannot be read ({error}): write the file again.") from error
        for record in records:
            number = len(rows) + 1
            values = {name: value for name, value in record.items() if value not in ("", None)}
            rows.append(Row(number, f"{what} {number}", values))
    return Rows(list(names), rows)


def _with_names(rows: Iterable[Row]) -> Rows:
    kept = list(rows)
    return Rows(list(dict.fromkeys(name for row in kept for name in row.values)), kept)

"""Questions in files."""

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import pyarrow
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import parse_json, refuse_repeated
from shadowprice._types import FloatArray
from shadowprice.tasks._questions import Question

_Written = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class _Message(BaseModel):
    role: _Written
    content: str


class _Turn(_Message):
    """A message of a question, which may hold what only its server understands."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]


class _Line(BaseModel):
    """A question as a line of a file holds it."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    query_id: _Written
    question: _Written
    gold: str = ""
    dataset: str = ""
    tier: str = ""
    family: str = ""
    grader: _Written = "exact"
    entry: dict[str, Any] | None = None
    choices: tuple[str, ...] = ()
    messages: Annotated[tuple[_Turn, ...], Field(min_length=1)] | None = None


class _Body(BaseModel):
    messages: list[_Message]


class _BatchLine(BaseModel):
    """A line of an OpenAI Batch file."""

    custom_id: _Written
    body: _Body


def read_questions(
    path: str | os.PathLike[str], *, admit: Callable[[str], None] = lambda grader: None
) -> list[Question]:
    """Read questions from a file.

    JSONL has one object per line: a question by its fields, of which only ``question`` is required, or a
    request of the OpenAI Batch format, whose messages are taken as they are. CSV and Parquet have one column
    per field.

    Args:
        path: A file that ends in ``.jsonl``, ``.csv`` or ``.parquet``.
        admit: Called with every question's grader. Its InputError is told with file and line, such as that of
            `shadowprice.grading.admit_grader`; whatever it admits, `grade` runs no code that was not loaded.

    Returns:
        The questions in the order of the file; one without a ``query_id`` gets ``q`` and its line number.

    Raises:
        InputError: The file is missing, empty or not what its name says, or a line or field is not right.
    """
    source = Path(path)
    lines: dict[str, int] = {}
    questions = []
    for line, record in _records(source):
        question = _parse(record, source, line)
        try:
            admit(question.grader)
        except InputError as error:
            raise InputError(f"{source}, line {line}, field 'grader': {error}") from error
        first = lines.setdefault(question.query_id, line)
        if first != line:
            raise InputError(
                f"{source}, line {line}, field 'query_id': '{question.query_id}' is on line {first} already: "
                "give every question its own query_id."
            )
        questions.append(question)
    if not questions:
        raise InputError(f"{source}: the file holds no questions: write at least one.")
    return questions


def read_weights(path: str | os.PathLike[str], field: str) -> FloatArray:
    """Read from a file of questions what a right answer to each is worth.

    Args:
        path: A file that `read_questions` reads.
        field: A column, or a field of each line, with numbers.

    Returns:
        ``(n,)`` values above 0, in the order of the questions.

    Raises:
        InputError: The file cannot be read, or a value is missing, not a number, or not finite and above 0.
    """
    source = Path(path)
    weights, named = [], False
    for line, record in _records(source):
        value = record.get(field)
        where = f"{source}, line {line}, field '{field}'"
        if value is None:
            what = "missing" if named or field in record else f"missing, there are only {', '.join(record)}"
            raise InputError(f"{where}: {what}: give every question a number above 0 as its weight.")
        named = True
        weight = _number(value)
        if weight is None:
            raise InputError(f"{where}: {str(value)[:40]!r} is not a number: write a number above 0 as the weight.")
        if not (weight > 0.0 and math.isfinite(weight)):
            raise InputError(f"{where}: a weight of {weight:g} is not a finite number above 0: correct it.")
        weights.append(weight)
    return np.array(weights, dtype=np.float64)


def _number(value: Any) -> float | None:
    """A number, or a cell of text that holds one."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def write_questions(path: str | os.PathLike[str], questions: Iterable[Question]) -> None:
    """Write questions as JSONL, all of them or none.

    Args:
        path: A file that ends in ``.jsonl``; it is replaced when it exists.
        questions: What to write.

    Raises:
        InputError: The name does not end in ``.jsonl``, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".jsonl":
        raise InputError(f"{target}: questions are written as JSONL: use a name that ends in .jsonl.")
    with write_whole(target) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        for question in questions:
            stream.write(json.dumps(_record(question), ensure_ascii=False) + "\n")


def _record(question: Question) -> dict[str, Any]:
    values = ((field.name, getattr(question, field.name)) for field in fields(question))
    return {name: value for name, value in values if value not in ("", None, ())}


def _records(source: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every line of a file that is not empty, with its number."""
    readers = {".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise InputError(
            f"{source}: questions cannot be read from a '{source.suffix}' file: use one of {', '.join(readers)}."
        )
    if not source.is_file():
        raise InputError(f"{source}: there is no such file: check the path.")
    return reader(source)


def _read_jsonl(source: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(_text(source).split("\n"), start=1):
        if not text.strip():
            continue
        record = parse_json(text, f"{source}, line {line}", strict=True, advice="write one JSON object per line.")
        if not isinstance(record, dict):
            raise InputError(f"{source}, line {line}: not a JSON object: write it as {{...}}.")
        yield line, record


def _read_csv(source: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_text(source), newline=""), strict=True)
    try:
        _require_column(source, reader.fieldnames or ())
        for row in reader:
            yield reader.line_num, _from_cells(row, source, reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"{source}, line {reader.line_num}: not CSV ({error}): quote cells that hold commas, quotes or line breaks."
        ) from error


def _read_parquet(source: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        table = pyarrow.parquet.ParquetFile(source).read()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{source}: not a whole Parquet file: write or copy it again.") from error
    _require_column(source, table.column_names)
    for line, row in enumerate(table.to_pylist(), start=1):
        yield line, _from_cells(row, source, line)


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text (byte {error.start}): save it as UTF-8.") from error


def _require_column(source: Path, columns: Sequence[str]) -> None:
    refuse_repeated(columns, source)
    if columns and "question" not in columns:
        raise InputError(
            f"{source}: there is no column 'question', only {', '.join(columns)}: rename the one with the questions."
        )


def _from_cells(row: Mapping[Any, Any], source: Path, line: int) -> dict[str, Any]:
    """Take the cells of a row that are filled; `entry`, `choices` and `messages` may be JSON text."""
    record = {str(name): value for name, value in row.items() if value not in ("", None)}
    for name in ("entry", "choices", "messages"):
        if isinstance(record.get(name), str):
            where = f"{source}, line {line}, field '{name}'"
            record[name] = parse_json(record[name], where, strict=True, advice="write it as JSON or leave it out.")
    return record


def _parse(record: Mapping[str, Any], source: Path, line: int) -> Question:
    try:
        record = {name: value for name, value in record.items() if value is not None}  # null says as much as nothing
        if "body" in record and "question" not in record:
            return _from_batch(_BatchLine.model_validate(record), source, line)
        checked = _Line.model_validate({"query_id": f"q{line}", **record})
    except ValidationError as error:
        _refuse(error, source, line)
    given = {field.name: getattr(checked, field.name) for field in fields(Question)}
    if checked.messages is not None:
        given["messages"] = tuple(message.model_dump() for message in checked.messages)
    return Question(**given)


def _from_batch(request: _BatchLine, source: Path, line: int) -> Question:
    asked = [message.content for message in request.body.messages if message.role == "user"]
    if not asked or not asked[-1].strip():
        raise InputError(
            f"{source}, line {line}, field 'body.messages': no user message asks anything: add one with content."
        )
    messages = tuple(message.model_dump() for message in request.body.messages)
    return Question(query_id=request.custom_id, question=asked[-1], messages=messages)


def _refuse(error: ValidationError, source: Path, line: int) -> NoReturn:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        what = "missing: add it"
    elif problem["type"].startswith("string_") and problem["type"] != "string_type":
        what = "blank: fill it in"
    else:
        what = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}: correct it"
    raise InputError(f"{source}, line {line}, field '{field}': {what}.") from error

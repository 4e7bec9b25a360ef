"""Budget sweeps: how often a question was answered right when a reply was held to a budget.

A sweep has no replies, so nothing is known between its budgets; it is kept apart from traces.
"""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import refuse_repeated
from shadowprice._parquet import read_parquet
from shadowprice._types import IntArray
from shadowprice.traces._schema import SCHEMA_VERSION

SWEEP_SCHEMA: Final = pa.schema(
    [
        pa.field("query_id", pa.string(), nullable=False, metadata={"doc": "`dataset/number`, one per question"}),
        pa.field("dataset", pa.string(), metadata={"doc": "where the question is from"}),
        pa.field("tier", pa.string(), metadata={"doc": "easy, medium or hard"}),
        pa.field("model", pa.string(), metadata={"doc": "who answered"}),
        pa.field("question", pa.string(), metadata={"doc": "the problem text"}),
        pa.field("budget", pa.int64(), nullable=False, metadata={"doc": "tokens that each reply was held to"}),
        pa.field("correct", pa.int64(), nullable=False, metadata={"doc": "how many of the replies were right"}),
        pa.field("samples", pa.int64(), nullable=False, metadata={"doc": "replies at this budget"}),
        pa.field("schema_version", pa.int64(), metadata={"doc": "version of this schema"}),
    ]
)
"""One row per question and budget."""

_REQUIRED = ("query_id", "budget", "correct")
_LABELS = ("question", "dataset", "tier", "model")
_ROWS = 4096
_MAX_CELL = 2**24
_MOST = 2**53


@dataclass(frozen=True, slots=True)
class Sweep:
    """Accuracy at forced budgets. Questions are numbered 0 … n−1 in order of first appearance."""

    query_ids: list[str]
    """``(n,)`` names of the questions."""
    questions: list[str]
    """``(n,)`` problem texts; empty where the source has none."""
    datasets: list[str]
    """``(n,)`` data set of each question; empty where the source does not say."""
    query: IntArray
    """``(m,)`` number of each row's question, non-decreasing; budgets increase within a question."""
    budget: IntArray
    """``(m,)`` tokens that each reply was held to."""
    right: IntArray
    """``(m,)`` replies that were right."""
    samples: IntArray
    """``(m,)`` replies, 1 or more."""
    name: str = "sweep"
    """Where it is from."""
    tiers: list[str] = field(default_factory=list)
    """``(n,)`` easy, medium or hard; empty where the source does not say."""
    models: list[str] = field(default_factory=list)
    """``(n,)`` who answered."""

    def __post_init__(self) -> None:
        for name in ("tiers", "models"):
            if not getattr(self, name):
                object.__setattr__(self, name, [""] * len(self.query_ids))


class SweepRow(NamedTuple):
    """One line of a sweep, and where it stands."""

    query_id: str
    budget: int
    right: int
    samples: int
    labels: dict[str, str]
    where: str


def read_sweeps(source: str | os.PathLike[str]) -> Sweep:
    """Read a sweep from a CSV or Parquet file.

    It needs the columns query_id, budget and correct, the number of right replies; samples is 1 if left out, so a
    file may as well hold one line per reply, with true or false. Lines of the same question and budget add up.

    Raises:
        InputError: The file is missing, empty or damaged, lacks a column, or holds a value that cannot be.
    """
    table = gather_sweep(read_sweep_rows(Path(source)))
    encoded = table["query_id"].combine_chunks().dictionary_encode()
    query = np.asarray(encoded.indices.to_numpy(), dtype=np.int64)
    first = pa.array(np.flatnonzero(np.diff(query, prepend=-1)))

    def labels(name: str) -> list[str]:
        return [label or "" for label in table[name].take(first).to_pylist()]

    def counts(name: str) -> IntArray:
        return np.asarray(table[name].to_numpy(), dtype=np.int64)

    return Sweep(
        query_ids=labels("query_id"),
        questions=labels("question"),
        datasets=labels("dataset"),
        query=query,
        budget=counts("budget"),
        right=counts("correct"),
        samples=counts("samples"),
        name=str(source),
        tiers=labels("tier"),
        models=labels("model"),
    )


def write_sweeps(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write a sweep, columns of `SWEEP_SCHEMA`, to a Parquet file, all of it or nothing.

    Raises:
        InputError: The file cannot be written.
    """
    with write_whole(path) as partial:
        pq.write_table(table, partial, compression="zstd", use_dictionary=True)


def gather_sweep(rows: Iterable[SweepRow]) -> pa.Table:
    """Add up the lines of each question and budget.

    Raises:
        InputError: There is no line, or one query id has two problem texts.
    """
    counts: dict[str, dict[int, tuple[int, int]]] = {}
    labels: dict[str, dict[str, str]] = {}
    for row in rows:
        known = labels.setdefault(row.query_id, {})
        text = row.labels.get("question", "")
        if text and known.get("question", text) != text:
            raise InputError(
                f"{row.where}: the query_id '{row.query_id}' already stands for another question; "
                "give every question its own."
            )
        known |= row.labels
        at = counts.setdefault(row.query_id, {})
        right, samples = at.get(row.budget, (0, 0))
        at[row.budget] = (right + row.right, samples + row.samples)
    if not counts:
        raise InputError("The sweep holds no rows; give at least one line per question and budget.")
    records = [
        {
            "query_id": query_id,
            **labels[query_id],
            "budget": budget,
            "correct": at[budget][0],
            "samples": at[budget][1],
            "schema_version": SCHEMA_VERSION,
        }
        for query_id, at in counts.items()
        for budget in sorted(at)
    ]
    return pa.Table.from_pylist(records, schema=SWEEP_SCHEMA)


def read_sweep_rows(path: Path, advance: Callable[[int], None] = lambda count: None) -> Iterator[SweepRow]:
    """Read the lines of a sweep from a CSV or Parquet file.

    Raises:
        InputError: The file or a value in it is not what it should be.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file; give a CSV or Parquet file of a budget sweep.")
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        records = _read_parquet(path, advance) if is_parquet else _read_csv(path, advance)
        for where, record in records:
            yield _row(record, where)
    except (pa.ArrowException, csv.Error) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{path} is neither readable CSV nor Parquet (damaged or cut short?): {said}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_csv(path: Path, advance: Callable[[int], None]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    before = csv.field_size_limit(_MAX_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _require(path, reader.fieldnames or ())
            for record in reader:
                advance(sum(len(cell) + 1 for cell in record.values() if isinstance(cell, str)))
                if None in record:
                    raise InputError(
                        f"{path}, line {reader.line_num}: more cells than columns; quote cells with commas."
                    )
                yield f"{path}, line {reader.line_num}", record
    finally:
        csv.field_size_limit(before)


def _read_parquet(path: Path, advance: Callable[[int], None]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    table = read_parquet(path, path)
    _require(path, table.column_names)
    size = path.stat().st_size
    row = 0
    for batch in table.to_batches(max_chunksize=_ROWS):
        advance(size * batch.num_rows // max(1, table.num_rows))
        for record in batch.to_pylist():
            yield f"{path}, row {row}", record
            row += 1


def _require(path: Path, columns: Iterable[str]) -> None:
    refuse_repeated(columns, path)
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise InputError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            "a sweep needs query_id, budget, correct and, if not 1, samples."
        )


def _row(record: Mapping[str, Any], where: str) -> SweepRow:
    name = record["query_id"]
    if name is None or not str(name).strip():
        raise InputError(f"{where}, field 'query_id': blank; fill it in.")
    samples = 1 if record.get("samples") in (None, "") else _whole(record["samples"], "samples", where)
    right = _whole(record["correct"], "correct", where)
    if samples < 1:
        raise InputError(f"{where}, field 'samples': is {samples}; give 1 or more, or leave the line out.")
    if right > samples:
        raise InputError(
            f"{where}, field 'correct': {right} right of {samples} samples; correct is how many of them were right."
        )
    labels = {label: str(record[label]) for label in _LABELS if record.get(label) not in (None, "")}
    return SweepRow(str(name), _whole(record["budget"], "budget", where), right, samples, labels, where)


def _whole(value: Any, name: str, where: str) -> int:
    words = {"true": 1.0, "false": 0.0}
    try:
        number = words.get(value.strip().casefold()) if isinstance(value, str) else None
        number = float(value) if number is None else number
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not (0 <= number <= _MOST and number == int(number)):
        raise InputError(f"{where}, field '{name}': is {value!s:.40}; it must be a whole number, 0 or more.")
    return int(number)

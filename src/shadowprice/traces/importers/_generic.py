"""Any table with a reply per row: JSONL, a JSON list, CSV or Parquet."""

import csv
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from pydantic import ValidationError

from shadowprice._columns import lookup, shown
from shadowprice._errors import InputError
from shadowprice._packed import open_file
from shadowprice._parquet import readable
from shadowprice.traces._traces import TIERS
from shadowprice.traces.importers._columns import Columns, choose_columns
from shadowprice.traces.importers._endings import is_cut_off, no_answer
from shadowprice.traces.importers._fields import Message, last_asked
from shadowprice.traces.importers._json import MAX_PIECE, Advance, JsonStream, read_json_lines
from shadowprice.traces.importers._replies import MAX_COUNT, Entry, Log, LoggedReply, Skipped, read_score

_LOOK = 64
"""Rows that are looked at for the names of the columns; of JSON each may have others."""
_ROWS = 256
_MARK = "\ufeff"


class Row(NamedTuple):
    """One row, and where it stands."""

    where: str
    values: Mapping[str, Any]


def column_names(path: Path) -> list[str]:
    """The names of the columns of a table.

    Raises:
        InputError: It is no table of any kind.
    """
    names: dict[str, None] = {}
    try:
        for row in islice(_rows(path), _LOOK):
            names.update(dict.fromkeys(row.values))
    except InputError:
        if not names:  # what is wrong further on is said when it is read
            raise
    return list(names)


def read_generic(log: Log) -> Iterator[Entry]:
    """Read the replies of a table by the names of its columns.

    Raises:
        InputError: It is not a table, does not say which column is the reply, or a value is not what it should be.
    """
    names = column_names(log.path)
    columns = choose_columns(names, log.settings.columns, str(log.path))
    if columns is None:
        raise InputError(
            f"{log.path}: none of its columns ({shown(*names)}) says that it is the reply; say which are what "
            "with --columns question=NAME,reply=NAME,gold=NAME (or correct=NAME)."
        )
    log.note(columns.sentence)
    for row in _rows(log.path, log.advance):
        yield from _entries(log, columns, row)


def _entries(log: Log, columns: Columns, row: Row) -> Iterator[Entry]:
    got = {role: lookup(row.values, name) for role, name in columns.taken.items()}
    replies, several = _several(got.get("reply"))
    question = _question(got.get("question"))
    key = _text(got.get("query_id"))
    dataset = log.settings.dataset or _text(got.get("dataset")) or log.path.name.partition(".")[0]
    tier = _text(got.get("tier")).casefold()
    if tier and tier not in TIERS:
        raise InputError(
            f"{row.where}: the tier '{shown(tier)}' is none of {', '.join(TIERS)}; leave it out: --columns tier=."
        )
    name = key or blake2b(question.encode("utf-8", "replace"), digest_size=8).hexdigest()
    for number, reply in enumerate(replies):
        if not reply:
            yield Skipped("no reply")
            continue
        verdict = _verdict(_one(got.get("correct"), number, len(replies), several), "correct" in columns.taken)
        if log.settings.grader is None and isinstance(verdict, Skipped):
            yield verdict
            continue
        reason = _text(_one(got.get("finish_reason"), number, len(replies), several)) or None
        stopped = no_answer(reason, Message(content=reply))
        if stopped is not None:
            yield stopped
            continue
        yield LoggedReply(
            query_id=f"{dataset}/{name}",
            key=key,
            question=question,
            golds=_golds(got.get("gold")),
            dataset=dataset,
            tier=tier or None,
            model=_text(got.get("model")) or None,
            protocol="columns",
            text=reply,
            reasoning=_text(_one(got.get("reasoning"), number, len(replies), several)),
            correct=None if isinstance(verdict, Skipped) else verdict,
            tokens=_tokens(_one(got.get("tokens"), number, len(replies), several), row.where, columns),
            censored=is_cut_off(reason),
            where=row.where,
        )


def _several(value: Any) -> tuple[list[str], bool]:
    """The replies of a row, and whether they are a list."""
    if isinstance(value, list):
        return [_reply(one) for one in value], True
    return [_reply(value)], False


def _reply(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("content", value.get("text"))
    return value if isinstance(value, str) else ""


def _one(value: Any, number: int, count: int, several: bool) -> Any:
    """What belongs to one reply of a row; nothing, where it may belong to another."""
    if several and isinstance(value, list):
        return value[number] if len(value) == count else None
    return value if count == 1 else None


def _verdict(value: Any, has_column: bool) -> bool | Skipped | None:
    return read_score(value) if has_column else None


def _question(value: Any) -> str:
    """The text, or what the user said last in a chat."""
    if isinstance(value, list):
        try:
            return last_asked([Message.model_validate(one) for one in value if isinstance(one, dict)])
        except ValidationError:
            return ""
    return _text(value)


def _golds(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in map(_text, values) if text)


def _text(value: Any) -> str:
    """A text or number as text; empty if it is neither."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and value == value and abs(value) < MAX_COUNT else ""


def _tokens(value: Any, where: str, columns: Columns) -> int | None:
    if isinstance(value, str):
        value = value.strip() or None
    if value is None or value != value:
        return None
    try:
        number = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0.0 <= number <= MAX_COUNT or not number.is_integer():
        name = shown(columns.taken["tokens"])
        raise InputError(f"{where}, column '{name}': not a number of tokens; correct it, or give --columns tokens=.")
    return int(number)


def _rows(path: Path, advance: Advance = lambda count: None) -> Iterator[Row]:
    with open_file(path) as file:
        head: bytes = file.read(2**12)
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if head.startswith(b"PAR1"):
        yield from parquet_rows(path, advance)
    elif first == b"{":
        for line, record in read_json_lines(path, advance):
            yield Row(f"{path}, line {line}", record)
    elif first == b"[":
        with JsonStream(path, advance) as stream:
            for number, record in stream.items("item"):
                if not isinstance(record, dict):
                    raise InputError(f"{path}, item {number}: not a JSON object; give a list of objects.")
                yield Row(f"{path}, item {number}", record)
    else:
        yield from _csv(path, advance)


def parquet_rows(path: Path, advance: Advance) -> Iterator[Row]:
    """The rows of a Parquet file, a few at a time.

    Raises:
        InputError: It is damaged, or holds what Python has no value for.
    """
    with readable(path):
        size, number = path.stat().st_size, 0
        with pq.ParquetFile(path) as file:
            total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=_ROWS):
                batch.validate(full=True)
                advance(size * batch.num_rows // total)
                for record in batch.to_pylist():
                    yield Row(f"{path}, row {number}", record)
                    number += 1


def _csv(path: Path, advance: Advance) -> Iterator[Row]:
    before = csv.field_size_limit(MAX_PIECE)
    try:
        lines = _lines(path, advance)
        header = next(lines, "")
        delimiter = "\t" if "\t" in header and "," not in header else ","
        names = next(csv.reader([header.removeprefix(_MARK)], delimiter=delimiter, strict=True), [])
        reader = csv.DictReader(lines, fieldnames=names, delimiter=delimiter, strict=True)
        for record in reader:
            where = f"{path}, line {reader.line_num + 1}"
            if None in record or None in record.values():
                raise InputError(f"{where}: not as many cells as columns; quote cells with commas.")
            yield Row(where, record)
    except csv.Error as error:
        raise InputError(f"{path} is not readable CSV ({error}); save it as CSV with quotes.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    finally:
        csv.field_size_limit(before)


def _lines(path: Path, advance: Advance) -> Iterator[str]:
    with open_file(path) as file:
        while piece := file.readline(MAX_PIECE + 1):
            if len(piece) > MAX_PIECE:
                raise InputError(f"{path}: a line longer than {MAX_PIECE // 2**20} MiB, no reply is; give a CSV file.")
            advance(len(piece))
            yield piece.decode("utf-8")

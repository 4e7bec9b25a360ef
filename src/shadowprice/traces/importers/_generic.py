"""Any table with a reply per row: JSONL, a JSON list, CSV or Parquet."""

import csv
from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from itertools import islice, starmap
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from pydantic import ValidationError

from shadowprice._columns import lookup, shown
from shadowprice._errors import InputError
from shadowprice._packed import open_file
from shadowprice._parquet import readable
from shadowprice.grading import final_part, stated_answers
from shadowprice.traces._traces import TIERS
from shadowprice.traces.importers._columns import Columns, choose_columns, nested_replies
from shadowprice.traces.importers._containers import json_rows
from shadowprice.traces.importers._endings import is_cut_off, no_answer
from shadowprice.traces.importers._fields import Message, last_asked
from shadowprice.traces.importers._graded import told_graders
from shadowprice.traces.importers._json import MAX_PIECE, Advance
from shadowprice.traces.importers._replies import MAX_COUNT, Entry, Log, LoggedReply, Skipped, read_score

_LOOK = 64
"""Rows that are looked at for the names of the columns; of JSON each may have others."""
_ROWS = 256
_STATEMENT = 80
"""Characters of the longest reference answer that may be a statement of it."""
_MARK = "\ufeff"


class Row(NamedTuple):
    """One row, and where it stands."""

    where: str
    values: Mapping[str, Any]


class Look(NamedTuple):
    """What the first rows of a table hold."""

    names: list[str]
    """Of its columns."""
    rows: list[Mapping[str, Any]]


def look_at(path: Path, wanted: Collection[str] = ()) -> Look:
    """Look at the first rows of a table; `wanted` are columns that the caller says it has.

    Raises:
        InputError: It is no table of any kind.
    """
    rows: list[Mapping[str, Any]] = []
    try:
        rows.extend(row.values for row in islice(_rows(path, wanted=wanted), _LOOK))
    except InputError:
        if not any(rows):  # what is wrong further on is said when it is read
            raise
    return Look(list(dict.fromkeys(name for row in rows for name in row)), rows)


def read_generic(log: Log) -> Iterator[Entry]:
    """Read the replies of a table by the names of its columns.

    Raises:
        InputError: It is not a table, does not say which column is the reply, or a value is not what it should be.
    """
    named = [name for name in log.settings.columns.values() if name]
    look = look_at(log.path, named)
    columns = choose_columns(look.names, log.settings.columns, str(log.path), look.rows)
    if columns is None:
        raise InputError(
            f"{log.path}: none of its columns ({shown(*look.names)}) says that it is the reply; say which are what "
            f"with --columns question=NAME,reply=NAME,gold=NAME (or correct=NAME){nested_replies(look.rows)}."
        )
    log.note(columns.sentence)
    graders = _graders(log, columns)
    for number, row in enumerate(_rows(log.path, log.advance, named)):
        yield from _entries(log, columns, row, graders[number] if number < len(graders) else "exact")


def _graders(log: Log, columns: Columns) -> list[str]:
    """For each row the grader that its right answer asks for; where there are verdicts it finds the answer alone."""
    if log.settings.grader is not None or "gold" not in columns.taken:
        return []
    asked = [
        (
            (*_golds(lookup(row.values, columns.taken["gold"]), worked=True), "")[0],
            _question(_get(row.values, columns, "question")),
        )
        for row in _rows(log.path, wanted=[name for name in log.settings.columns.values() if name])
    ]
    tell = (lambda sentence: None) if "correct" in columns.taken else log.note
    return told_graders([gold for gold, _ in asked], [question for _, question in asked], tell)


def _get(values: Mapping[str, Any], columns: Columns, role: str) -> Any:
    return lookup(values, columns.taken[role]) if role in columns.taken else None


def _entries(log: Log, columns: Columns, row: Row, grader: str) -> Iterator[Entry]:
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
            golds=_golds(got.get("gold"), worked=log.settings.grader is None),
            dataset=dataset,
            tier=tier or None,
            model=_text(got.get("model")) or None,
            protocol="columns",
            text=reply,
            grader=grader,
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
            return last_asked([Message.model_validate(_turn(one)) for one in value if isinstance(one, dict)])
        except ValidationError:
            return ""
    return _text(value)


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    """A message; OpenCompass calls the user HUMAN, and what is said its prompt."""
    role = str(message.get("role", ""))
    is_user = role.casefold() in ("human", "user")
    return {**message, "role": "user" if is_user else role, "content": message.get("content", message.get("prompt"))}


def _golds(value: Any, *, worked: bool) -> tuple[str, ...]:
    """The reference answers; of worked solutions what stands behind their #### or in their last box."""
    texts = map(_text, value if isinstance(value, list) else [value])
    return tuple((final_part(text) or _said(text)) if worked else text for text in texts if text)


def _said(gold: str) -> str:
    """What a reference answer says where it is a whole statement: ``Answer: C.`` is C."""
    stated = stated_answers(gold) if len(gold) <= _STATEMENT else []
    return (
        stated[0].text if len(stated) == 1 and gold.endswith((stated[0].text, f"{stated[0].text}{gold[-1]}")) else gold
    )


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


def _rows(path: Path, advance: Advance = lambda count: None, wanted: Collection[str] = ()) -> Iterator[Row]:
    with open_file(path) as file:
        head: bytes = file.read(2**12)
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if head.startswith(b"PAR1"):
        yield from parquet_rows(path, advance)
    elif first in (b"{", b"["):
        yield from starmap(Row, json_rows(path, advance, wanted))
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

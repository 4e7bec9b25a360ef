"""Replies that lie in a file, whoever asked for them: read to be judged again, and written again with the verdicts.

Lines are OpenAI Batch output, as `run` writes it, or JSON objects with a reply; Parquet files are traces.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import parse_json, refuse_repeated
from shadowprice._parquet import read_parquet
from shadowprice._text import all_kept
from shadowprice.traces import write_traces

_NAMES: Final = ("custom_id", "query_id", "id", "key")
_TEXTS: Final = ("reply", "response", "text", "completion", "output")
_GOLDS: Final = ("gold", "target", "reference")
_COLUMNS: Final = ("query_id", "completion")
_MORE: Final = ("question", "gold", "answer", "correct", "finish_reason", "completion_tokens", "answer_tokens")
_CUT: Final = ("length", "max_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One reply of a file, and what the file says of it."""

    where: str
    """File and line, or row."""
    name: str
    """The question's id."""
    text: str | None
    """The reply; None where there is none, as of a question that was abandoned."""
    cut: bool = False
    """Whether it did not end by itself."""
    question: str = ""
    gold: str = ""
    grader: str = ""
    entry: Mapping[str, Any] | None = None
    answer: str | None = None
    """What was read of it before."""
    correct: bool | None = None
    """How it was judged before; None if it was not."""
    choices: tuple[str, ...] = ()
    """What could be chosen from, if the file says so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was read of a reply, and whether that is right."""

    answer: str | None
    correct: bool | None
    """None where it was not judged, and what the file says of it stays."""
    gold: str
    grader: str
    emerged: float = 1.0
    """Where the answer had emerged, as a share of the reply's characters."""
    choices: tuple[str, ...] = ()
    """What could be chosen from, as far as it is known."""


def is_table(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes.

    Raises:
        InputError: It cannot be read.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path} to grade; give the answers of `run`, traces, or lines of replies.")
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_recorded(path: Path) -> Iterator[Recorded]:
    """Read the replies of a file, one after the other.

    Raises:
        InputError: The file cannot be read, or something in it is no reply.
    """
    if is_table(path):
        yield from _rows(path)
        return
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        yield _recorded(parse_json(line, where), where, number)


def write_judged(path: Path, verdicts: Sequence[Verdict], output: Path) -> None:
    """Write a file again, each reply with its new verdict.

    Lines keep all that they hold; `answer`, `correct`, `gold` and `grader` stand in their object `shadowprice`. Of
    traces the columns `answer`, `correct` and, where the answer is another one, `answer_tokens` are new.

    Args:
        path: The file that was read.
        verdicts: One for each reply, in the order of the file.
        output: The file to write.

    Raises:
        InputError: The output cannot be written, or the file has changed.
    """
    if is_table(path):
        _write_rows(path, verdicts, output)
        return
    left = iter(verdicts)
    with write_whole(output) as partial, partial.open("w", encoding="utf-8") as file:
        for number, line in _lines(path):
            entry = parse_json(line, f"{path}, line {number}")
            verdict = next(left, None)
            if verdict is None:
                raise _changed(path)
            if verdict.correct is not None:
                known = entry.get("shadowprice")
                judged = {name: getattr(verdict, name) for name in ("answer", "correct", "gold", "grader")}
                entry["shadowprice"] = (known if isinstance(known, dict) else {}) | judged
            file.write(json.dumps(all_kept(entry), ensure_ascii=False) + "\n")
        if next(left, None) is not None:
            raise _changed(path)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _recorded(line: Any, where: str, number: int) -> Recorded:
    if not isinstance(line, dict):
        raise InputError(f"{where}: a reply is a JSON object; write one object a line.")
    known = line.get("shadowprice")
    known = known if isinstance(known, dict) else {}
    text, cut = _reply(line, where)
    name = next((line[key] for key in _NAMES if isinstance(line.get(key), str | int)), number)
    gold = next((one[key] for one in (known, line) for key in _GOLDS if one.get(key) is not None), "")
    grader = known.get("grader", line.get("grader", ""))
    entry = line.get("entry")
    answer, correct = known.get("answer"), known.get("correct", line.get("correct"))
    choices = known.get("choices")
    return Recorded(
        where,
        str(name),
        text,
        cut,
        question=_text(line.get("question")),
        gold=gold if isinstance(gold, str) else json.dumps(gold),
        grader=_text(grader),
        entry=entry if isinstance(entry, dict) else None,
        answer=answer if isinstance(answer, str) else None,
        correct=correct if isinstance(correct, bool) else None,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
    )


def _reply(line: dict[str, Any], where: str) -> tuple[str | None, bool]:
    response = line.get("response")
    if "response" in line and (response is None or isinstance(response, dict)):
        body = response.get("body", response) if response else None
        choices = body.get("choices") if isinstance(body, dict) else None
        if not choices:
            return None, False
        if not isinstance(choices, list) or len(choices) > 1 or not isinstance(choices[0], dict):
            raise InputError(f"{where}, field 'choices': it has to hold one reply; write one reply a line.")
        message = choices[0].get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
        return (content if isinstance(content, str) else None), _is_cut(choices[0])
    found = [key for key in _TEXTS if isinstance(line.get(key), str)]
    if not found:
        raise InputError(
            f"{where}: there is no reply in it; put its text into a field 'reply', 'response', 'text', 'completion' or "
            "'output', or give lines of OpenAI Batch output."
        )
    return line[found[0]], _is_cut(line)


def _is_cut(said: Mapping[str, Any]) -> bool:
    return _text(said.get("finish_reason")).casefold() in _CUT


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _table(path: Path) -> pa.Table:
    table = read_parquet(path, path)
    refuse_repeated(table.column_names, path)
    for name in _COLUMNS:
        if name not in table.column_names:
            raise InputError(f"{path}: there is no column '{name}'; give traces of `record` or `import` with replies.")
    return table


def _rows(path: Path) -> Iterator[Recorded]:
    table = _table(path)
    names = [name for name in (*_COLUMNS, *_MORE) if name in table.column_names]
    number = 0
    for batch in table.select(names).to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            number += 1
            yield Recorded(
                f"{path}, row {number}",
                str(row["query_id"]),
                row["completion"] if isinstance(row["completion"], str) else None,
                _is_cut(row),
                question=_text(row.get("question")),
                gold=str(gold) if isinstance(gold := row.get("gold"), int | float) else _text(gold),
                answer=_text(row.get("answer")) or None,
                correct=correct if isinstance(correct := row.get("correct"), bool) else None,
            )


def _write_rows(path: Path, verdicts: Sequence[Verdict], output: Path) -> None:
    table = _table(path)
    if table.num_rows != len(verdicts):
        raise _changed(path)
    new: dict[str, list[Any]] = {
        name: [
            old if one.correct is None else getattr(one, name)
            for one, old in zip(verdicts, _values(table, name), strict=True)
        ]
        for name in ("answer", "correct")
    }
    if {"answer_tokens", "completion_tokens"} <= set(table.column_names):
        columns = (_values(table, name) for name in ("answer", "answer_tokens", "completion_tokens"))
        new["answer_tokens"] = [
            math.ceil(one.emerged * whole)
            if isinstance(whole, int) and one.correct is not None and one.answer != old
            else tokens
            for one, old, tokens, whole in zip(verdicts, *columns, strict=True)
        ]
    for name, values in new.items():
        if name in table.column_names:
            field = table.schema.field(name)
            try:
                column = pa.array(values, field.type)
            except (pa.ArrowException, TypeError, ValueError) as error:
                raise InputError(
                    f"{path}, column '{name}': {field.type} cannot hold what a verdict says; leave it out."
                ) from error
            table = table.set_column(table.column_names.index(name), field, column)
        else:
            table = table.append_column(name, pa.array(values))
    write_traces(table, output)


def _values(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table[name].to_pylist() if name in table.column_names else [None] * table.num_rows
    return values


def _changed(path: Path) -> InputError:
    return InputError(f"{path} has changed while it was graded: grade it once nobody writes it any more.")

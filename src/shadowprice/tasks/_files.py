"""Questions in files."""

import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.grading import final_part
from shadowprice.tasks._choices import MOST_CHOICES, how_counted, letter_of
from shadowprice.tasks._columns import Columns, choose_columns
from shadowprice.tasks._lines import Draft, ignored_of_batch, is_batch, read_batch, read_line
from shadowprice.tasks._questions import Question
from shadowprice.tasks._rows import read_rows


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of a file, and what the file says of them."""

    source: Path
    questions: list[Question]
    places: list[str]
    """Where each question stands, ``line 3``."""
    names_grader: list[bool]
    """Whether the file says how to grade each question."""
    sentence: str
    """Which columns were taken for what, and which ignored; empty where there is nothing to say."""


def read_questions(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    admit: Callable[[str], None] = lambda grader: None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> list[Question]:
    """Read questions from a file.

    Tables (CSV, TSV, Parquet) have one column per field, JSON and JSONL one object per question, or requests of the
    OpenAI Batch format, whose messages are taken as they are. Columns are known by many names: a question is also a
    ``prompt`` or a ``problem``, a gold an ``answer`` or a ``target``.

    Args:
        path: A file that ends in ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.ndjson``, ``.json`` or ``.parquet``,
            perhaps with ``.gz`` behind it; a folder with a data set; or ``hf:OWNER/NAME``, on the Hugging Face hub.
        columns: Column by field, where the names do not say it; an empty name for a field that no column holds.
        admit: Called with every question's grader. Its InputError is told with file and line, such as that of
            `shadowprice.grading.admit_grader`; whatever it admits, `grade` runs no code that was not loaded.
        tell: Called with one sentence that says which columns were taken for what and which were ignored; not if all
            have the names of our fields.

    Returns:
        The questions in the order of the file; one without an id gets ``q`` and its line number. The grader is
        ``"exact"`` where the file names none; `infer_graders` knows better.

    Raises:
        InputError: The file is missing, empty or not what its name says, or a line or field is not right.
        MissingExtraError: Reading from the hub needs the extra `hub`.
    """
    found = read_question_file(path, columns=columns, admit=admit)
    if found.sentence:
        tell(found.sentence)
    return found.questions


def read_question_file(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    admit: Callable[[str], None] = lambda grader: None,
    used: Collection[str] = (),
    golds_only: bool = False,
) -> QuestionFile:
    """Read questions as `read_questions` does, with what is to be said of them.

    Args:
        path: The file.
        columns: Column by field.
        admit: Called with every question's grader.
        used: Columns that somebody else reads, so that they are not called ignored.
        golds_only: Whether right answers by their ids are enough; the ids then stand for what is asked.

    Raises:
        InputError: The file is missing, empty or not what its name says, or a line or field is not right.
        MissingExtraError: Reading from the hub needs the extra `hub`.
    """
    source, wanted = Path(path), columns or {}
    names, rows = read_rows(source, wanted, golds_only=golds_only)
    plain = [row for row in rows if not is_batch(row, wanted)]
    held = names if len(plain) == len(rows) else dict.fromkeys(name for row in plain for name in row.values)
    chosen = choose_columns(held, wanted, str(source), golds_only=golds_only)
    drafts = []
    for row in rows:
        draft = read_batch(row, source) if is_batch(row, wanted) else read_line(row, chosen, source)
        try:
            admit(draft.question.grader)
        except InputError as error:
            raise InputError(f"{source}, {row.place}, field 'grader': {error}") from error
        drafts.append(draft)
    if not drafts:
        raise InputError(f"{source}: the file holds no questions: write at least one.")
    _refuse_same_ids(source, drafts, chosen)
    questions, how = _settle_golds(drafts)
    said = chosen.sentence(used, how) if plain else ""
    batched = ignored_of_batch(row for row in rows if is_batch(row, wanted))
    said = "; ".join(part for part in (said, f"ignored in the requests: {batched}" if batched else "") if part)
    return QuestionFile(
        source,
        questions,
        [draft.place for draft in drafts],
        [draft.names_grader for draft in drafts],
        f"Read {len(questions)} questions from {source}: {said}." if said else "",
    )


def _refuse_same_ids(source: Path, drafts: Iterable[Draft], columns: Columns) -> None:
    places: dict[str, str] = {}
    for draft in drafts:
        name = draft.question.query_id
        first = places.setdefault(name, draft.place)
        if first != draft.place:
            taken = columns.taken.get("query_id", "query_id")
            advice = "" if taken == "query_id" else ", or take none from the file with --columns query_id="
            raise InputError(
                f"{source}, {draft.place}, field 'query_id': '{name}' is on {first} already: give every question its "
                f"own query_id{advice}."
            )


def _settle_golds(drafts: list[Draft]) -> tuple[list[Question], dict[str, str]]:
    """The questions with right answers as graders want them, and what was made of the file's, in words.

    Where a row names its grader, its right answer is what that grader wants and stays as it is.
    """
    open_ = [draft for draft in drafts if not draft.names_grader or draft.question.grader == "choice"]
    counting = how_counted([draft.gold for draft in open_], [draft.choices for draft in open_])
    lettered = parts = 0
    questions, strangers = [], []
    for draft in drafts:
        question = draft.question
        if question.gold.strip() and (not draft.names_grader or question.grader == "choice"):
            letter = letter_of(draft.gold, draft.choices, counting, draft.where)
            lettered += letter not in (None, question.gold)
            part = final_part(question.gold) if letter is None else None
            if part is not None:
                letter = letter_of(part, draft.choices, counting, draft.where)
                parts += 1
            if letter is None and 0 < len(draft.choices.texts) <= MOST_CHOICES:
                strangers.append(draft)
            question = replace(question, gold=letter or part or question.gold)
        questions.append(question)
    if strangers:
        raise InputError(
            f"{strangers[0].where}: {str(strangers[0].gold)[:40]!r} is none of the "
            f"{len(strangers[0].choices.texts)} choices, and so it is in {len(strangers)} of {len(drafts)} questions: "
            "correct them, leave them blank so that they are not judged, or take no choices with --columns choices=."
        )
    made = []
    if parts:
        made.append("what follows #### or is in \\boxed{}")
    if lettered:
        made.append("as the letter of the choice")
    return questions, {"gold": ", ".join(made)} if made else {}


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
    for _, place, record in read_rows(source, {}).rows:
        value = record.get(field)
        where = f"{source}, {place}, field '{field}'"
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

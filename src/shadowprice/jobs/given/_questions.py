"""The questions of a job: of a file or a list, their columns, which graders may run, and each with its own."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shadowprice._errors import InputError
from shadowprice.grading import admit_grader, load_grader
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given._columns import parse_columns
from shadowprice.jobs.given._layers import tell_layers
from shadowprice.tasks import Question, QuestionFile, not_judged, read_question_file, settle_graders

GivenQuestions = str | os.PathLike[str] | Sequence[Question] | Sequence[str]
"""A file of questions, or the questions themselves: with their graders, or as bare texts, which nobody can judge."""


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """How questions are read, and who judges the replies to them."""

    columns: str | Mapping[str, str] | None = None
    """Column of the file by what it holds, as ``"question=prompt,gold=answer"`` or a mapping; told from their names if
    left out."""
    grader: str | None = None
    """Grades every question so, whatever its file says: ``"number"``, ``"exact"``, ``"python:module:function"``."""
    allow_code: bool = False
    """Lets graders that questions name run code, and ``tests`` the code of replies."""


def file_of(questions: GivenQuestions) -> Path | None:
    """The file that questions are read from; None where they are given themselves."""
    return Path(questions) if isinstance(questions, str | os.PathLike) else None


def admission(grader: str | None, *, allow_code: bool, tell: Tell) -> Callable[[str], None]:
    """What to do about a grader that a file names, once the one that somebody asks for is loaded.

    Raises:
        InputError: It names code that could not be loaded.
    """
    if grader is None:
        return partial(admit_grader, code=allow_code)
    load_grader(grader, code=allow_code)
    tell_layers(grader, tell)
    return lambda other: None  # it will not be used


def read_to_grade(
    questions: GivenQuestions,
    options: QuestionOptions,
    *,
    weights: str | None = None,
    golds_only: bool = False,
    tell: Tell,
    remark: Tell,
) -> list[Question]:
    """Questions, each with the grader that will be used: the one asked for, the file's, or the one that fits.

    Args:
        questions: A file, or the questions.
        options: How to read them.
        weights: A column of the file that is read, too.
        golds_only: Whether the file may hold ids and right answers alone.
        tell: Told at once what this system cannot protect itself from.
        remark: Called with a sentence each about the columns that were taken for something, the graders that were
            inferred, and what will not be judged. Whoever may still refuse keeps them until that is clear.

    Raises:
        InputError: The file cannot be read, one of its graders names code that may not run, or a grader cannot read
            the right answers.
    """
    admit = admission(options.grader, allow_code=options.allow_code, tell=tell)
    found = read_asked(questions, options.columns, admit=admit, weights=weights, golds_only=golds_only, remark=remark)
    settled = settle_graders(found, options.grader, remark)
    if sentence := not_judged(settled):
        remark(sentence)
    return settled


def read_asked(
    questions: GivenQuestions,
    columns: str | Mapping[str, str] | None = None,
    *,
    admit: Callable[[str], None] = lambda grader: None,
    weights: str | None = None,
    golds_only: bool = False,
    remark: Tell,
) -> QuestionFile:
    """Questions as they stand in a file, or as they are given.

    Raises:
        InputError: The file cannot be read, or what is given are no questions.
    """
    wanted = parse_columns(columns, "question=NAME,gold=NAME,query_id=NAME")
    if not isinstance(questions, str | os.PathLike):
        if wanted:
            raise InputError("Columns are of a file, and these questions are none; leave the columns out.")
        return _listed(questions, admit)
    used = () if weights is None else (weights,)
    found = read_question_file(questions, columns=wanted, admit=admit, used=used, golds_only=golds_only)
    if found.sentence:
        remark(found.sentence)
    return found


def _listed(given: Sequence[Question] | Sequence[str], admit: Callable[[str], None]) -> QuestionFile:
    """Questions from a list; texts are numbered from 1."""
    questions = []
    for number, one in enumerate(given, 1):
        question = Question(f"q{number}", one) if isinstance(one, str) else one
        if not isinstance(question, Question):
            kind = type(question).__name__
            raise InputError(f"Question {number} is {kind}; give a text, or a Question of shadowprice.tasks.")
        if not question.question.strip():
            raise InputError(f"Question {number} is blank; leave it out.")
        try:
            admit(question.grader)
        except InputError as error:
            raise InputError(f"Question {number}: {error}") from error
        questions.append(question)
    if not questions:
        raise InputError("There are no questions; give at least one.")
    places = [f"question {number}" for number in range(1, len(questions) + 1)]
    return QuestionFile(Path("questions"), questions, places, [True] * len(questions), "")

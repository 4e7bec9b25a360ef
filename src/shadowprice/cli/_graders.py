"""What commands that grade share: which graders may run, and the questions with theirs."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shadowprice.cli._layers import tell_layers
from shadowprice.grading import admit_grader, load_grader
from shadowprice.tasks import Question, read_questions

Grader = Annotated[
    str | None,
    typer.Option(help="Grade every question so, whatever its file says: number, exact, python:module:function."),
]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Let graders that a file names run code, and `tests` the code of replies."),
]


def admission(grader: str | None, *, allow_code: bool) -> Callable[[str], None]:
    """What to do about a grader that a file names, once the one that an option names is loaded.

    Raises:
        InputError: The option names code that could not be loaded.
    """
    if grader is None:
        return partial(admit_grader, code=allow_code)
    load_grader(grader, code=allow_code)
    tell_layers(grader)
    return lambda other: None  # it will not be used


def read_to_grade(path: Path, grader: str | None, *, allow_code: bool) -> list[Question]:
    """Questions of a file, each with the grader that will be used.

    Raises:
        InputError: The file cannot be read, or one of its graders names code that may not run.
    """
    return graded_by(grader, read_questions(path, admit=admission(grader, allow_code=allow_code)))


def graded_by(grader: str | None, questions: list[Question]) -> list[Question]:
    """The questions with a grader in place of their own, if one is given."""
    return questions if grader is None else [replace(question, grader=grader) for question in questions]

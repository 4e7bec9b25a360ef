"""What commands share that read questions: their columns, which graders may run, and the questions with theirs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from shadowprice.cli._columns import parse_columns
from shadowprice.cli._layers import tell_layers
from shadowprice.cli._options import say
from shadowprice.grading import admit_grader, load_grader
from shadowprice.tasks import Question, QuestionFile, not_judged, read_question_file, settle_graders


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


def read_to_grade(
    path: Path,
    grader: str | None,
    *,
    allow_code: bool,
    columns: str | None = None,
    weights: str | None = None,
    golds_only: bool = False,
    tell: Callable[[str], None],
) -> list[Question]:
    """Questions of a file, each with the grader that will be used: the option's, the file's, or the one that fits.

    Args:
        path: The file.
        grader: What `--grader` says.
        allow_code: What `--allow-code` says.
        columns: What `--columns` says.
        weights: What `--weights` says: a column that is read, too.
        golds_only: Whether the file may hold ids and right answers alone.
        tell: Called with a sentence each about the columns that were taken for something, the graders that were
            inferred, and what will not be judged. A command says them when it is sure that it will not refuse.

    Raises:
        InputError: The file cannot be read, one of its graders names code that may not run, or a grader cannot read
            the right answers.
    """
    admit = admission(grader, allow_code=allow_code)
    found = read_asked(path, columns, admit=admit, weights=weights, golds_only=golds_only, tell=tell)
    questions = settle_graders(found, grader, tell)
    if sentence := not_judged(questions):
        tell(sentence)
    return questions


def read_asked(
    path: Path,
    columns: str | None,
    *,
    admit: Callable[[str], None] = lambda grader: None,
    weights: str | None = None,
    golds_only: bool = False,
    tell: Callable[[str], None],
) -> QuestionFile:
    """Questions of a file as they stand there.

    Raises:
        InputError: The file cannot be read.
    """
    wanted = parse_columns(columns, "question=NAME,gold=NAME,query_id=NAME")
    used = () if weights is None else (weights,)
    found = read_question_file(path, columns=wanted, admit=admit, used=used, golds_only=golds_only)
    if found.sentence:
        tell(found.sentence)
    return found


def say_all(remarks: list[str]) -> None:
    """Say what reading the questions has told."""
    for remark in remarks:
        say(remark)

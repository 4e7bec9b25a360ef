"""The grader of every question of a file: the caller's, the file's, or the one that the right answers ask for."""

import importlib.util
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from shadowprice._errors import InputError
from shadowprice.grading import infer_graders, reads_gold
from shadowprice.tasks._files import QuestionFile
from shadowprice.tasks._questions import Question

_ORDER: Final = ("number", "choice", "math", "literal", "exact")
_SHOWN: Final = 3
_LONGEST: Final = 200
"""Characters of a right answer that a reply may well repeat; a worked solution has more."""


def settle_graders(
    found: QuestionFile, grader: str | None = None, tell: Callable[[str], None] = lambda sentence: None
) -> list[Question]:
    """Give every question its grader.

    The given one comes first, then what the file names. Questions of a family or with an entry keep theirs; all others
    get what their right answers ask for.

    Args:
        found: The questions of a file.
        grader: A grader for all of them.
        tell: Called with a sentence each about graders that were inferred, and about right answers that no reply will
            repeat.

    Raises:
        InputError: A grader cannot read the right answers that it is to grade by.
    """
    questions = _inferred(found, tell) if grader is None else graded_by(grader, found.questions)
    _refuse_unread(found, questions)
    return questions


def not_judged(questions: Sequence[Question]) -> str:
    """How many questions have no right answer, in words; empty if all have one."""
    blank = sum(not one.gold.strip() for one in questions)
    if blank == len(questions):
        return "No question has a gold, so no reply is judged."
    return f"{blank} of {len(questions)} questions have no gold and are not judged." if blank else ""


def graded_by(grader: str, questions: Sequence[Question]) -> list[Question]:
    """The questions with a grader in place of their own."""
    return [replace(one, grader=grader) for one in questions]


def _inferred(found: QuestionFile, tell: Callable[[str], None]) -> list[Question]:
    rows = [
        row
        for row, one in enumerate(found.questions)
        if not found.names_grader[row] and not one.family and one.entry is None and one.gold.strip()
    ]
    some = [found.questions[row] for row in rows]
    graders = infer_graders(
        [one.gold for one in some], choices=[one.choices for one in some], questions=[one.question for one in some]
    )
    formulas = graders.count("math")
    if formulas and importlib.util.find_spec("math_verify") is None:
        graders = ["exact" if name == "math" else name for name in graders]
        tell(
            f"{formulas} golds are formulas, which are compared as text: install the extra 'math' to compare what they "
            "mean, with `pip install 'shadowprice[math]'`."
        )
    counts = Counter(graders)
    if counts:
        listed = ", ".join(f"{name} for {counts[name]}" for name in _ORDER if name in counts)
        tell(f"Graders, from the golds: {listed}; --grader overrides.")
    long = [row for row, name in zip(rows, graders, strict=True) if name == "exact" and _is_long(found.questions[row])]
    if long:
        tell(
            f"{len(long)} golds are longer than {_LONGEST} characters, which no reply repeats, first on "
            f"{found.places[long[0]]}: give the final answers alone, or take another column with --columns gold=NAME."
        )
    questions = list(found.questions)
    for row, name in zip(rows, graders, strict=True):
        questions[row] = replace(questions[row], grader=name)
    return questions


def _is_long(question: Question) -> bool:
    return len(question.gold) > _LONGEST


def _refuse_unread(found: QuestionFile, questions: Sequence[Question]) -> None:
    unread = [
        (one, place)
        for one, place in zip(questions, found.places, strict=True)
        if one.gold.strip() and not reads_gold(one.gold, one.grader)
    ]
    if not unread:
        return
    named = ", ".join(f"{place} ({_short(one.gold)!r})" for one, place in unread[:_SHOWN])
    more = ", ..." if len(unread) > _SHOWN else ""
    raise InputError(
        f"{found.source}: the grader '{unread[0][0].grader}' cannot read {len(unread)} of {len(questions)} golds: "
        f"{named}{more}: correct them, leave them blank so that they are not judged, or use another grader, such as "
        "--grader exact."
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."

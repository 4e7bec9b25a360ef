"""Whether replies can be read: what is said early where few can, and at the end where none is right."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from shadowprice._text import shown
from shadowprice.grading import is_readable
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

EARLY: Final = 20
"""Replies after which it is said that few can be read."""
_ENOUGH: Final = 10
"""Readable answers of which one should be right, if the grader fits at all."""
_EXAMPLES: Final = 3
_SHOWN: Final = 80
_WANTS: Final = {
    "number": "a number",
    "choice": "a letter",
    "math": "a formula",
    "literal": "a Python literal",
    "exact": "the answer and nothing else",
}
"""What graders that a file may ask for want to find."""


class Reading(NamedTuple):
    """A reply with a right answer to compare with, and what was read of it."""

    name: str
    text: str
    answer: str | None
    gold: str
    right: bool
    ended: bool
    """Whether it ended by itself; of others it is no wonder if they have no answer."""
    readable: bool
    grader: str


def reading_of(result: Result) -> Reading | None:
    """What was read of a result; None where there is nothing to compare it with, or no reply."""
    question = result.question
    if not question.gold or not result.reason.replied:
        return None
    return Reading(
        question.query_id,
        result.text,
        result.answer,
        question.gold,
        bool(result.correct),
        result.reason is Reason.FINISHED,
        is_readable(result.answer, question.grader, question.choices),
        question.grader,
    )


def reading_of_row(row: Mapping[str, Any], question: Question) -> Reading | None:
    """What was read of a recorded reply."""
    if not row["gold"]:
        return None
    return Reading(
        row["query_id"],
        row["completion"] or "",
        row["answer"],
        row["gold"],
        bool(row["correct"]),
        row["finish_reason"] == "stop",
        is_readable(row["answer"], question.grader, question.choices),
        question.grader,
    )


class Watch:
    """Warns once, after the first replies that ended by themselves, where fewer than half have a readable answer.

    Args:
        warn: Who is told.
        questions: The questions, where rows of traces will be watched.
    """

    def __init__(self, warn: Callable[[str], None], questions: Iterable[Question] = ()) -> None:
        self._warn = warn
        self._questions = {question.query_id: question for question in questions}
        self._first: list[Reading] = []

    def add(self, reading: Reading | None) -> None:
        """Take note of one more reply."""
        if reading is None or not reading.ended or len(self._first) >= EARLY:
            return
        self._first.append(reading)
        if len(self._first) == EARLY:
            unread = [one for one in self._first if not one.readable]
            if 2 * len(unread) > EARLY:
                self._warn(_told_unread(EARLY - len(unread), unread))

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Take note of one more recorded reply."""
        self.add(reading_of_row(row, self._questions[row["query_id"]]))


def count_readable(readings: Iterable[Reading | None]) -> tuple[dict[str, int], list[str]]:
    """How many of the replies that ended by themselves have a readable answer, as numbers, and what is odd about them.

    Returns:
        ``readable`` and ``ended``; and a remark where there are many answers and none is right.
    """
    known = [one for one in readings if one is not None]
    ended = [one for one in known if one.ended]
    readable = [one for one in known if one.readable]
    numbers = {"ended": len(ended), "readable": sum(one.readable for one in ended)}
    if len(readable) < _ENOUGH or any(one.right for one in known):
        return numbers, []
    pairs = "; ".join(f"{_short(one.answer or '')} for {_short(one.gold)}" for one in readable[:_EXAMPLES])
    return numbers, [
        f"None of {len(readable)} readable answers is right; the grader may not fit. Answers and right answers: "
        f"{pairs}. `shadowprice grade` judges the same replies again, by another --grader."
    ]


def told_readable(numbers: Mapping[str, Any]) -> str | None:
    """The readable share in words; None where nothing ended by itself that could be judged."""
    if not numbers.get("ended"):
        return None
    share = numbers["readable"] / numbers["ended"]
    return (
        f"Readable answers: {numbers['readable']} of {numbers['ended']} replies that ended by themselves "
        f"({100 * share:.0f} %)."
    )


def _told_unread(readable: int, unread: list[Reading]) -> str:
    ends = "; ".join(f"{_short(one.name)}: {_end(one.text)}" for one in unread[:_EXAMPLES])
    return (
        f"Only {readable} of the first {EARLY} replies that ended by themselves have an answer that can be read; the "
        f"others count as wrong. Three of them end: {ends}. {_advice({one.grader for one in unread})}"
    )


def _advice(graders: set[str]) -> str:
    """What to do, by what did not fit: nobody is told to use what is used already."""
    names = sorted(graders)
    wants = "; ".join(f"{name} wants {_WANTS[name]}" for name in names if name in _WANTS)
    others = [name for name in ("number", "choice", "math", "exact") if name not in graders]
    return (
        f"They are judged by {', '.join(names)}{f' ({wants})' if wants else ''}. Have the model say how it ends "
        "(--template; --no-instruction leaves that out), leave it more room (--max-tokens), give another grader "
        f"(--grader {', '.join(others[:-1])} or {others[-1]}), or have a model judge what has been answered: "
        "shadowprice grade ANSWERS --judge URL."
    )


def _end(text: str) -> str:
    end = shown(text.rstrip()[-_SHOWN:]).strip()
    return f"«{'…' if len(text.rstrip()) > _SHOWN else ''}{end}»" if end else "(no text)"


def _short(text: str) -> str:
    one = shown(text)
    return one if len(one) <= _SHOWN else f"{one[: _SHOWN - 1]}…"

"""Preparing questions before the first token, and judging replies after the last."""

import re
import zlib
from collections.abc import Sequence
from typing import Final

from shadowprice._errors import InputError
from shadowprice.grading import emergence, grade
from shadowprice.runner._reply import Reply
from shadowprice.tasks import Question, build_messages

_OURS: Final = re.compile(r"(.*) \((?:estimate|sample \d+)\)", re.DOTALL)
"""Names of requests that a run makes beside its questions, in its ledger."""


def check_questions(questions: Sequence[Question]) -> None:
    """Find out before any token is paid for whether every question can be asked and graded.

    Raises:
        InputError: Two questions share an id, a family or grader does not exist, or a grader lacks its entry.
        MissingExtraError: A grader's package is not installed.
    """
    seen: set[str] = set()
    ids = {question.query_id for question in questions}
    for question in questions:
        if question.query_id in seen:
            raise InputError(f"Two questions have the id '{question.query_id}'; give each its own.")
        if (asked := _OURS.fullmatch(question.query_id)) is not None and asked[1] in ids:
            raise InputError(
                f"The id '{question.query_id}' is what a run calls a request of its own for '{asked[1]}'; give the "
                "question another one."
            )
        seen.add(question.query_id)
        build_messages(question)
        if question.gold and question.grader != "exact":  # which takes any right answer
            grade("", question.gold, question.grader, question.entry)


def judge(question: Question, reply: Reply) -> tuple[str | None, bool, int]:
    """The final answer of a reply, whether it is right, and the tokens until it had emerged.

    It emerges where it is first stated and not withdrawn later. A reply without a final answer is wrong, and its whole
    length counts.
    """
    text, position = read_answer(question, reply)
    return text, text is not None and is_right(question, text), position


def is_right(question: Question, answer: str) -> bool:
    """Whether an answer is right by the question's own grader."""
    return grade(answer, question.gold, question.grader, question.entry, question.choices)


def read_answer(question: Question, reply: Reply) -> tuple[str | None, int]:
    """The final answer of a reply, and the tokens until it had emerged; None and its whole length without one.

    Of a reply that did not end by itself, only what it surely has stated is read, as its last token may be half a word.
    """
    cut = reply.finish_reason != "stop"
    place = emergence(reply.text, question.grader, cut=cut, choices=question.choices)
    return (None, reply.tokens) if place is None else (place.final.text, reply.tokens_until(place.position))


def sample_seed(seed: int, query_id: str, sample: int) -> int:
    """A sampler's seed for one reply, the same whatever else is asked."""
    return zlib.crc32(f"{seed}/{query_id}/{sample}".encode()) & 0x7FFFFFFF

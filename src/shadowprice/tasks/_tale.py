"""TALE-EP: a model estimates the tokens that it needs, and is asked to keep to them (Han et al. 2025, 2412.18547).

Two calls per question. The first asks for an estimate, the second asks the question with the estimate in the prompt.
What the estimate costs is part of the question's bill.
"""

import re
from collections.abc import Mapping
from typing import Final

from shadowprice.tasks._families import FAMILIES
from shadowprice.tasks._questions import Messages, Question, build_messages

TALE_PROTOCOL: Final = "tale-ep-v1"
"""Name of the way of asking, as traces record it."""

ESTIMATE_TOKENS: Final = 16
"""Most tokens that an estimate may take."""

_TASK: Final = (
    "How many tokens does the shortest complete and correct answer to the following task need? "
    "Do not answer the task. Reply with one number in double brackets, like [[80]].\n\nTask: "
)
_MARKED = re.compile(r"\[\[\s*(\d{1,9})")
_NUMBER = re.compile(r"\d{1,9}")
_PIECE = re.compile(r"\d|[^\W\d]+|[^\w\s]|\n")


def ask_for_estimate(question: Question) -> Messages:
    """Messages that ask for the tokens a question needs.

    A question of a family is asked after the family's worked examples, with what those took; any other is asked alone.
    """
    turns: list[Mapping[str, str]] = []
    for family in FAMILIES:
        if family.name == question.family:
            for example in family.examples:
                turns.append({"role": "user", "content": _TASK + example.question})
                turns.append({"role": "assistant", "content": f"[[{_about(example.reply)}]]"})
    return (*turns, {"role": "user", "content": _TASK + question.question})


def read_estimate(reply: str, most: int) -> int:
    """The estimate in a reply, from 1 to `most` tokens; `most` where there is no number."""
    found = _MARKED.search(reply) or _NUMBER.search(reply)
    if found is None:
        return most
    return min(max(int(found.group(found.lastindex or 0)), 1), most)


def ask_within(question: Question, budget: int) -> Messages:
    """Messages that ask a question, and for an answer of at most `budget` tokens.

    Worked examples are asked in the same way, each with what its reply took.
    """
    turns = build_messages(question)
    limits = [budget if following is None else _about(following["content"]) for following in (*turns[1:], None)]
    return tuple(
        {**turn, "content": f"{turn['content']}\nUse at most {limit} tokens."} if turn["role"] == "user" else turn
        for turn, limit in zip(turns, limits, strict=True)
    )


def _about(reply: str) -> int:
    """Tokens of a text, near enough: words, digits, signs and ends of lines."""
    return len(_PIECE.findall(reply))

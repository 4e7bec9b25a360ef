"""Where the final answer of a reply emerges."""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from shadowprice._errors import InputError
from shadowprice.grading._answers import Answer, final_answers
from shadowprice.grading._choices import choose
from shadowprice.grading._numbers import is_number, read_number

_LONGEST_NUMBER = 100
_DRESS = re.compile(
    r"\\(?:left|right|displaystyle|text|textbf|mathrm|mathbf|mbox|boxed)(?![a-zA-Z])|\\[,;:!() \[\]]|[\s${}*_`]|\.\Z"
)
_FRACTION = re.compile(r"\\[dt]frac")


class Emergence(NamedTuple):
    """Where the final answer of a reply is first stated without being withdrawn later."""

    answer: Answer
    """That first statement; its text may be spelled otherwise than the final one's."""
    position: int
    """Characters up to the end of the statement."""
    tokens: int | None
    """Tokens up to the end of the statement; None if nothing was said about tokens."""
    final: Answer
    """The last statement of it, which `find_answer` gives."""


def emergence(
    text: str,
    kind: str | None = None,
    *,
    cut: bool = False,
    choices: Sequence[str] = (),
    tokens: int | None = None,
    offsets: Sequence[int] | None = None,
) -> Emergence | None:
    """Find where the final answer of a reply is first stated and not withdrawn later.

    That is the earliest statement from which on every statement gives the final answer. A reply cut anywhere after it
    has the final answer, as `find_answer` reads it of one that was cut: as soon as something stands behind the answer
    that shows that it is whole, and unless the cut falls inside thinking. An answer that no words announce needs the
    reply's own end.
    Answers are the same if their numbers, letters or spellings without blanks and markup are; equal formulas that are
    written differently (``x(x+1)`` and ``x^2+x``) count as different, which places emergence late rather than early.

    Args:
        text: The whole reply.
        kind: The grader that will judge the answer, if it is known: with ``"number"`` answers are the same if their
            last numbers are, with ``"choice"`` if their letters are.
        cut: Whether the reply did not end by itself, as for `find_answer`.
        choices: What may be chosen from, if it is known, as for `find_answer`.
        tokens: Tokens in the reply. Without `offsets` the position in tokens is taken as proportional to the position
            in characters, which is off where some of the text has longer tokens than the rest.
        offsets: Position just past the last character of every token, ascending; the position in tokens is then exact.

    Returns:
        Where the final answer emerges; None when the reply has none.

    Raises:
        InputError: `tokens` is negative, or `offsets` end before the answer does.
    """
    stated = final_answers(text, kind, cut=cut, choices=choices)
    if not stated:
        return None
    final = _key(stated[-1].text, kind, choices)
    first = stated[-1]
    for answer in reversed(stated):
        if answer.text != first.text and _key(answer.text, kind, choices) != final:
            break
        first = answer
    return Emergence(first, first.end, _tokens_until(first.end, len(text), tokens, offsets), stated[-1])


def _key(text: str, kind: str | None, choices: Sequence[str]) -> object:
    """What two spellings of the same answer have in common."""
    name = (kind or "").partition(":")[0]
    if name == "choice" and (letter := choose(text, choices)) is not None:
        return letter
    if name == "number" or (len(text) <= _LONGEST_NUMBER and is_number(text)):
        number = read_number(text)
        if number is not None:
            return number.value
    return _DRESS.sub("", _FRACTION.sub(r"\\frac", text)).casefold()


def _tokens_until(position: int, length: int, tokens: int | None, offsets: Sequence[int] | None) -> int | None:
    if offsets is not None:
        if len(offsets) == 0 or offsets[-1] < position:
            raise InputError(
                f"The offsets of the tokens end at character {offsets[-1] if len(offsets) else 0} and the answer at "
                f"{position}: give the end of every token of the reply."
            )
        return bisect_left(offsets, position) + 1
    if tokens is None:
        return None
    if tokens < 0:
        raise InputError(f"A reply has {tokens} tokens: give a count of at least 0.")
    return math.ceil(tokens * position / length)

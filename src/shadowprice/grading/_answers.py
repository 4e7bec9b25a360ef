r"""The answers that a reply states.

The forms are in `_statements` and `_fields`. Where one statement lies inside another, as in ``Answer: $\boxed{7}$``,
the inner one counts. Time is linear in the length of the reply.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shadowprice.grading._cut import whole_spans
from shadowprice.grading._fields import field_values, without_escapes
from shadowprice.grading._spans import Span, stripped, without_closing
from shadowprice.grading._statements import is_placeholder, statements
from shadowprice.grading._tests import find_code
from shadowprice.grading._turns import next_turns, own_text
from shadowprice.grading._unmarked import find_unmarked
from shadowprice.grading._withdrawn import given_instead, withdrawal_end

_MOST_TURNS = 3
"""Lines such as "Question:" before which an answer without a statement is looked for."""


class Answer(NamedTuple):
    """An answer and where it is stated."""

    text: str
    """The answer, without markdown around it and without a closing period."""
    end: int
    """Position in the reply just past the last character of the answer."""
    start: int
    """Position of its first character.

    ``reply[start:end]`` is `text`, or `text` with JSON's escapes or with the end of an emphasis in it.
    """


def find_answer(text: str, kind: str | None = None, *, cut: bool = False, choices: Sequence[str] = ()) -> Answer | None:
    """Find the final answer of a reply: the last one that it states.

    Thinking, tokens of the chat template and what follows them, and a further question with its answer are no part of
    the reply. Of what remains the last 200,000 characters are read.

    Args:
        text: The reply, or as much of it as there is.
        kind: The grader that will judge the answer, if it is known. A reply without a statement may then still give
            its last line, if that is nothing but a number (``"number"``, ``"math"``) or a choice (``"choice"``), the
            value that its last sentences conclude with (``"number"``, ``"math"``, ``"choice"``), or the whole of it,
            if that is one line of a few words (``"exact"`` and the rest).
        cut: Whether the reply did not end by itself: it was stopped, or reached a cap. Its last token may then be half
            of a number or a word, and what stands last is no conclusion, so that only statements count that are surely
            whole (`_cut`).
        choices: What the question lets choose from, if it is known: the text of one is an answer as its letter is.

    Returns:
        The answer; None when the reply has none.
    """
    answers = final_answers(text, kind, cut=cut, choices=choices)
    return answers[-1] if answers else None


def stated_answers(text: str) -> list[Answer]:
    """Return every answer that a reply states, in order of position.

    An answer was stated within the first n characters if the first answer's `end` is at most n, so one call on
    a whole reply serves each of its prefixes. Time is linear in the length of the reply.
    """
    return final_answers(text, None)


def final_answers(text: str, kind: str | None, *, cut: bool = False, choices: Sequence[str] = ()) -> list[Answer]:
    """Return the answers that a reply states, or else the one that it gives without stating it."""
    own, begin = own_text(text)
    cut = cut and len(own) == len(text)  # a token of the template has ended what it ended
    name = kind.partition(":")[0] if kind else None
    if name == "tests":
        code = find_code(own, begin, cut=cut)
        return [] if code is None else [Answer(own[slice(*code)], code[1], code[0])]
    answers = _stated(own, begin, name, cut=cut)
    turns = next_turns(own, begin)
    stated = answers[0].end if answers else len(own)
    for turn in turns[:_MOST_TURNS]:
        if turn >= stated:
            break
        unmarked = find_unmarked(own[:turn], begin, name, certain=True, choices=choices)
        if unmarked is not None:
            return [_answer(own, unmarked, False)]
    further = next((turn for turn in turns if turn >= stated), len(own))
    if answers:
        return _kept([answer for answer in answers if answer.end <= further], own)
    unmarked = None if cut else find_unmarked(own, begin, name, choices=choices)
    return [] if unmarked is None else [_answer(own, unmarked, False)]


def _kept(answers: list[Answer], text: str) -> list[Answer]:
    """The answers, without a last one that the reply takes back, and with what it gives instead."""
    back = withdrawal_end(text, answers[-1].end) if answers else None
    if back is None:
        return answers
    instead = given_instead(text, back)
    return [] if instead is None else [*answers[:-1], _answer(text, instead, False)]


def _stated(text: str, begin: int, kind: str | None, *, cut: bool) -> list[Answer]:
    fields = {
        span: escaped
        for span, escaped in field_values(text, begin)
        if span[0] < span[1] and not is_placeholder(text, span)
    }
    found = set(stripped(text, statements(text, begin))) | fields.keys()
    if cut:
        found = set(whole_spans(text, found, kind, fields))
    kept: list[Span] = []
    first_end = len(text) + 1
    # From the last start to the first: a span that ends no earlier than one already seen contains that one.
    for span in sorted(found, key=lambda span: (-span[0], span[1])):
        if span[1] < first_end:
            kept.append(span)
            first_end = span[1]
    return [_answer(text, span, fields.get(span, False)) for span in reversed(kept)]


def _answer(text: str, span: Span, escaped: bool) -> Answer:
    start, end = span
    return Answer(without_escapes(text[start:end]) if escaped else without_closing(text, start, end), end, start)

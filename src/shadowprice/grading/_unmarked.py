"""Final answers that a reply gives without saying so."""

import re
from collections.abc import Iterator

from shadowprice.grading._choices import read_choice
from shadowprice.grading._numbers import is_number, read_number
from shadowprice.grading._spans import VALUE, Span, stripped, trimmed, unwrapped

_TAIL = 1000
"""Characters at the end of a reply in which it concludes; what stands before is reasoning."""
_LONGEST_LINE = 200
_SPECIAL_TOKENS = re.compile(r"(?:\s*+<\|[\w ]{1,40}\|>)*+\s*+\Z")
_SENTENCE = re.compile(r"(?:[^\r\n.!?]++|[.!?](?!\s|\Z))++")
_CONCLUDES = re.compile(
    r"\W*+(?:therefore|thus|hence|so|in conclusion|in summary|to conclude|finally)\b", re.IGNORECASE
)
_IS = re.compile(
    r".*(?:\b(?:is|are|equals?|be)\b(?:[ \t]++(?:indeed|exactly|still|equal to))?|=)[ \t]*+(?P<answer>\S.*)", re.DOTALL
)


def find_unmarked(text: str, kind: str) -> Span | None:
    """Find the answer of a reply that states none.

    Args:
        text: The reply.
        kind: The grader's name; only numbers, formulas and choices can be told from other text.

    Returns:
        Where the answer is; None when there is none.
    """
    tail_start = max(0, len(text) - _TAIL)
    special = _SPECIAL_TOKENS.search(text, tail_start)
    end = special.start() if special else len(text)
    found = _last_line(text, max(tail_start, end - _TAIL), end, kind)
    if found is None and kind in ("number", "math"):
        found = _conclusion(text, tail_start, end)
    return found


def _last_line(text: str, start: int, end: int, kind: str) -> Span | None:
    start, end = trimmed(text, start, end)
    start = max(start, text.rfind("\n", start, end) + 1, text.rfind("\r", start, end) + 1)
    for span in stripped(text, [(start, end)] if end - start <= _LONGEST_LINE else []):
        line = text[slice(*span)]
        if (kind in ("number", "math") and is_number(line)) or (kind == "choice" and read_choice(line) is not None):
            return span
    return None


def _conclusion(text: str, start: int, end: int) -> Span | None:
    sentences = [match.span() for match in _SENTENCE.finditer(text, start, end) if match[0].strip()]
    for position, sentence in enumerate(reversed(sentences)):
        if position and not _CONCLUDES.match(text, *sentence):
            continue
        for span in _values(text, sentence):
            return span
    return None


def _values(text: str, sentence: Span) -> Iterator[Span]:
    match = _IS.match(text, *sentence)
    if match and VALUE.match(text, *match.span("answer")) and read_number(match["answer"]) is not None:
        yield from (unwrapped(text, *span) for span in stripped(text, [match.span("answer")]))

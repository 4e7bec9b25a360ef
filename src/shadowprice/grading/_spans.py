"""Narrowing a stretch of a reply to the answer in it."""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Positions of the first character and just past the last."""

VALUE = re.compile(
    r"(?:(?:approximately|about|roughly|exactly|simply|equal to) )?"
    r"(?:[-+−±]?[$€£¥]?\\?[$(]*+[-+−±]?[$€£¥]?(?:\.?\d|[A-Za-z](?![A-Za-z]))|[-+−±]?[$(]*+[\"'`\[{\\])"
)
"""What the beginning of a value looks like: a number, a formula, something in brackets or quotes, a single letter."""

_EMPHASIS = frozenset("*_`$ \t")


def trimmed(text: str, start: int, end: int) -> Span:
    """Leave out blanks on both sides."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def stripped(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Narrow spans to what is inside emphasis, blanks and a closing period; empty ones are left out."""
    for start, end in spans:
        while start < end and (text[start] in _EMPHASIS or text[start].isspace()):
            start += 1
        while end > start:
            last, before = text[end - 1], text[end - 2 : end - 1] if end - 1 > start else " "
            if not (last in _EMPHASIS or last.isspace() or (last == "." and before != "." and not before.isspace())):
                break
            end -= 1
        if start < end:
            yield start, end


def unwrapped(text: str, start: int, end: int) -> Span:
    """Leave out closing brackets of LaTeX that nothing in the span opens, and a pair of quotes around the whole."""
    for _ in range(text.count("}", start, end) - text.count("{", start, end)):
        end -= text[end - 1] == "}" and end - 1 > start
    if end - start > 2 and text.endswith(r"\)", start, end) and text.find(r"\(", start, end) < 0:
        start, end = trimmed(text, start, end - 2)
    quotes = text[start] + text[end - 1]
    if end - start > 2 and quotes in ('""', "“”") and text.find(quotes[1], start + 1, end) == end - 1:
        return start + 1, end - 1
    return start, end

"""Narrowing a stretch of a reply to the answer in it."""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Positions of the first character and just past the last."""

VALUE = re.compile(
    r"(?:(?:approximately|about|roughly|exactly|simply|equal to) )?"
    r"(?:[-+−±－＋]?[$€£¥]?\\?[$(（]*+[-+−±]?[$€£¥]?(?:\.?\d|[½⅓⅔¼¾]|[A-Za-zＡ-Ｚ](?![A-Za-z]))|"
    r"[-+−±]?[$(]*+[\"'`\[{\\“「«„√π])"
)
"""What the beginning of a value looks like: a number, a formula, something in brackets or quotes, a single letter."""

_EMPHASIS = frozenset("*_`$ \t")
_QUOTES = ('""', "“”", "「」", "『』", "«»", "„“")
_RUN = re.compile(r"(?:\*+|_+|`+|\$+)\Z")


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
            if not (last in _EMPHASIS or last.isspace() or (last in ".。" and before != "." and not before.isspace())):
                break
            end -= 1
        if start < end:
            yield start, end


def unwrapped(text: str, start: int, end: int) -> Span:
    """Leave out closing brackets of LaTeX that nothing in the span opens, and a pair of quotes around the whole."""
    for _ in range(text.count("}", start, end) - text.count("{", start, end)):
        end -= text[end - 1] == "}" and end - 1 > start
    if end - start > 2 and text.endswith((r"\)", r"\]"), start, end):
        opened = text.find("\\" + {")": "(", "]": "["}[text[end - 1]], start, end)
        if opened < 0 or (opened == start and text.find(text[end - 2 : end], start, end) == end - 2):
            start, end = trimmed(text, start + (2 if opened == start else 0), end - 2)
    if end - start <= 2:
        return start, end
    quotes = text[start] + text[end - 1]
    if quotes in _QUOTES and text.find(quotes[1], start + 1, end) == end - 1:
        return start + 1, end - 1
    return start, end


def without_closing(text: str, start: int, end: int) -> str:
    """The span without the end of an emphasis that opens just before it, as in ``**72** jars``."""
    run = _RUN.search(text, max(0, start - 3), start)
    inside = text[start:end]
    if run is None or inside.count(run[0]) % 2 == 0:
        return inside
    before, _, after = inside.partition(run[0])
    return inside if after[:1].isalnum() else before + after


def is_emphasised(text: str, start: int, end: int) -> bool:
    """Whether a span is nothing but something between asterisks or underscores, perhaps with a period."""
    return text[start : start + 1] in ("*", "_", "`") and text[start:end].rstrip(" \t\r.。")[-1:] == text[start]

"""Answers in the fields of JSON objects and Python dicts, whole or not, and the brackets that close."""

import re
from collections.abc import Iterator

from shadowprice._text import kept
from shadowprice.grading._spans import Span, trimmed

_FIELD = re.compile(r"""["'](?:[fF]inal[ _]?)?[aA]nswer["']\s*+:\s*+(?=\S)""")
_STRING = {
    '"': re.compile(r'"(?P<answer>[^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
    "'": re.compile(r"'(?P<answer>[^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL),
}
_AFTER_FIELD = re.compile(r"\s*+(?:[,}\]]|```|\Z)")
_REST_OF_LINE = re.compile(r"[^\r\n]*+")
_SCALAR = re.compile(r"[^\r\n,}]*+")
_BRACKETS = {pair: re.compile(rf"\\.|[\{pair[0]}\{pair[1]}]", re.DOTALL) for pair in ("{}", "[]", "()")}
_ESCAPE = re.compile(r"""\\(?:(?P<same>["'\\/])|u(?P<code>[0-9a-fA-F]{4})|(?P<blank>[nrtbf])(?![A-Za-z]))""")
_BLANKS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def field_values(text: str, position: int) -> Iterator[tuple[Span, bool]]:
    """The values of ``"answer"`` from a position on, and whether they have escapes."""
    fields = list(_FIELD.finditer(text, position))
    if not fields:  # as in nearly every reply
        return
    values = [match.end() for match in fields]
    limits = [*(match.start() for match in fields), len(text)][1:]
    closed: dict[int, int] = {}
    for pair in _BRACKETS:
        closed |= closings(text, pair, [value for value in values if text[value] == pair[0]])
    for value, limit in zip(values, limits, strict=True):
        if text[value] in _STRING:
            start, end = _string(text, value, limit)
            if text[start:end].strip():
                yield (start, end), True
            elif end > value and text[end : end + 1] == text[value]:
                yield (value, end + 1), False  # a string of blanks or nothing is told by its quotes
        elif value in closed:
            yield (value, closed[value] + 1), False
        elif scalar := _SCALAR.match(text, value, limit):
            yield trimmed(text, *scalar.span()), False


def without_escapes(text: str) -> str:
    r"""Undo JSON's escapes; ``\frac`` in a string is LaTeX that was not escaped, not a form feed before "rac"."""
    return kept(_ESCAPE.sub(_unescape, text))


def closings(text: str, pair: str, openings: list[int]) -> dict[int, int]:
    """Where the brackets that open at `openings` close, in one pass; those that do not are left out."""
    if not openings:
        return {}
    wanted = set(openings)
    found = {}
    stack: list[int] = []
    for match in _BRACKETS[pair].finditer(text, openings[0]):
        if match[0] == pair[0]:
            stack.append(match.start())
        elif match[0] == pair[1] and stack:
            opened = stack.pop()
            if opened in wanted:
                found[opened] = match.start()
    return found


def _string(text: str, opened: int, limit: int) -> Span:
    """The inside of the string that opens at `opened`; models forget to escape quotes, and to close."""
    quote = text[opened]
    string = _STRING[quote].match(text, opened, limit)
    if string and _AFTER_FIELD.match(text, string.end()):
        return string.span("answer")
    line = _REST_OF_LINE.match(text, opened + 1, limit)
    start, end = trimmed(text, *(line.span() if line else (opened, opened)))
    closed = text.rfind(quote, start, end)
    if closed >= 0 and not text[closed + 1 : end].strip(" \t,}]"):
        return start, closed
    return start, end


def _unescape(escape: re.Match[str]) -> str:
    if escape["same"]:
        return escape["same"]
    return chr(int(escape["code"], 16)) if escape["code"] else _BLANKS[escape["blank"]]

r"""Where answers are stated in a reply.

A statement is one of

- ``Answer: 7`` and what follows on its line, or on the next line if that looks like a value;
- ``The answer is 7``, up to the end of the clause, if what follows looks like a value;
- ``\boxed{7}`` and ``<answer>7</answer>``;
- ``#### 7`` alone on its line, as in GSM8K;
- ``"answer": 7`` of a JSON object, whole or not, escapes undone.

Where one statement lies inside another, as in ``Answer: $\boxed{7}$``, the inner one counts. Everything here is
linear in the length of the reply: patterns do not backtrack, and brackets are matched in one pass.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shadowprice._text import kept
from shadowprice.grading._spans import VALUE, Span, stripped, trimmed, unwrapped
from shadowprice.grading._unmarked import find_unmarked

# A charset at the start lets `re` skip quickly, which \b or IGNORECASE would not.
_ANSWER = r"[aA](?:nswer|NSWER)(?<!\w.{6})"
_LABEL = re.compile(_ANSWER + r"[ \t]*+[*_]*+[ \t]*+:[ \t]*+(?P<answer>[^\r\n]*+)")
_NEXT_LINE = re.compile(r"[\s*_]*+(?P<answer>[^\r\n]*+)")
_SENTENCE = re.compile(
    _ANSWER + r"(?:[ \t](?:to|of|for)\b[^\r\n.:]{0,80}?)?[ \t]++(?:is|was|would be|should be|must be)\b[ \t]*+:?[ \t]*+"
    r"(?P<answer>(?:(?!(?:, ?| )(?:because|since|as|so|which|where|when|but|and we|and the)\b)[^\r\n.;!?]|"
    r"[.;!?](?![\"'*_)]*+(?:[\s,}]|\\n|\Z)))*+)"
)
_BOXED = re.compile(r"\\f?boxed[ \t]*+(?=\{)")
_HASHES = re.compile(
    r"^####[ \t]*+(?P<answer>[-+−]?[$€£¥]?[-+−]?\d[\d,]*+(?:\.\d++)?(?:[ \t]?/[ \t]?\d++)?%?|\(?[A-Z]\)?)[ \t]*+\r?$",
    re.MULTILINE,
)
_TAG = re.compile(r"<(?P<closing>/?)[aA](?:nswer|NSWER)>")
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
_WORDS = re.compile(r"(?:option |choice )?[^\W\d_]++(?:[ '’-][^\W\d_]++){0,3}")
_NO_ANSWER = re.compile(
    r"(?:an?[ \t]+\w|(?:not|no longer|correct|incorrect|right|wrong|indeed|given|found|obtained|expressed|in|to|that|"
    r"this|these|those|the|just|therefore|also|then|unique|clear|as|of|by|it|what|either|still|always|likely|probably|"
    r"consistent|supposed|required|reasonable|valid|positive|negative|an? integer)\b)",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """An answer and where it is stated."""

    text: str
    """The answer, without markdown around it and without a closing period."""
    end: int
    """Position in the reply just past the last character of the answer."""
    start: int
    """Position of its first character. ``reply[start:end]`` is `text`, or `text` with JSON's escapes."""


def find_answer(text: str, kind: str | None = None) -> Answer | None:
    """Find the final answer of a reply: the last one that it states.

    Args:
        text: The reply, or as much of it as there is.
        kind: The grader that will judge the answer, if it is known. A reply without a statement may then still give
            its last line, if that is nothing but a number (``"number"``, ``"math"``) or a choice (``"choice"``), or the
            value that its last sentences conclude with (``"number"``, ``"math"``).

    Returns:
        The answer; None when the reply has none.
    """
    stated = stated_answers(text)
    if stated:
        return stated[-1]
    span = find_unmarked(text, kind.partition(":")[0]) if kind else None
    return _answer(text, span, False) if span else None


def stated_answers(text: str) -> list[Answer]:
    """Return every answer that a reply states, in order of position.

    An answer was stated within the first n characters if the first answer's `end` is at most n, so one call on
    a whole reply serves each of its prefixes. Time is linear in the length of the reply.
    """
    fields = {span: escaped for span, escaped in _fields(text) if span[0] < span[1]}
    found = set(stripped(text, _spans(text))) | fields.keys()
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
    raw = text[start:end]
    return Answer(kept(_ESCAPE.sub(_unescape, raw)) if escaped else raw, end, start)


def _spans(text: str) -> Iterator[Span]:
    for match in _LABEL.finditer(text):
        for span in stripped(text, [match.span("answer")]):
            yield unwrapped(text, *span)
            break
        else:
            below = _NEXT_LINE.match(text, match.end())
            if below and VALUE.match(text, below.start("answer")):
                yield below.span("answer")
    for match in _SENTENCE.finditer(text):
        if _is_value(text, *match.span("answer")):
            yield from (unwrapped(text, *span) for span in stripped(text, [match.span("answer")]))
    if "####" in text:
        yield from (match.span("answer") for match in _HASHES.finditer(text))
    openings = [match.end() for match in _BOXED.finditer(text)]
    closings = _closings(text, "{}", openings)
    yield from ((opened + 1, closings[opened]) for opened in openings if opened in closings)
    yield from _tagged(text)


def _tagged(text: str) -> Iterator[Span]:
    opened = None
    for tag in _TAG.finditer(text):
        if not tag["closing"]:
            opened = tag.end()
        elif opened is not None:
            yield opened, tag.start()
            opened = None
    if opened is not None and (line := _REST_OF_LINE.match(text, opened)):
        yield line.span()  # servers cut a reply just before its stop string, which may be </answer>


def _fields(text: str) -> Iterator[tuple[Span, bool]]:
    """The values of ``"answer"`` in JSON or in a Python dict, and whether they have escapes."""
    fields = list(_FIELD.finditer(text))
    values = [match.end() for match in fields]
    limits = [*(match.start() for match in fields), len(text)][1:]
    closings: dict[int, int] = {}
    for pair in _BRACKETS:
        closings |= _closings(text, pair, [value for value in values if text[value] == pair[0]])
    for value, limit in zip(values, limits, strict=True):
        if text[value] in _STRING:
            start, end = _string(text, value, limit)
            if text[start:end].strip():
                yield (start, end), True
            elif end > value and text[end : end + 1] == text[value]:
                yield (value, end + 1), False  # a string of blanks or nothing is told by its quotes
        elif value in closings:
            yield (value, closings[value] + 1), False
        elif scalar := _SCALAR.match(text, value, limit):
            yield trimmed(text, *scalar.span()), False


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
    r"""Undo an escape; ``\frac`` in a string is LaTeX that was not escaped, not a form feed before "rac"."""
    if escape["same"]:
        return escape["same"]
    return chr(int(escape["code"], 16)) if escape["code"] else _BLANKS[escape["blank"]]


def _closings(text: str, pair: str, openings: list[int]) -> dict[int, int]:
    """Where the brackets that open at `openings` close, in one pass; those that do not are left out."""
    if not openings:
        return {}
    wanted = set(openings)
    closings = {}
    stack: list[int] = []
    for match in _BRACKETS[pair].finditer(text, openings[0]):
        if match[0] == pair[0]:
            stack.append(match.start())
        elif match[0] == pair[1] and stack:
            opened = stack.pop()
            if opened in wanted:
                closings[opened] = match.start()
    return closings


def _is_value(text: str, start: int, end: int) -> bool:
    if _NO_ANSWER.match(text, start, end):
        return False
    return bool(VALUE.match(text, start, end) or _WORDS.fullmatch(text, start, end))

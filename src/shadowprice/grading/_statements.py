r"""The forms in which a reply states an answer.

- ``Answer: 7`` and what follows on its line, or on the next line if that looks like a value;
- ``The answer is 7``, up to the end of the clause, if what follows looks like a value;
- ``\boxed{7}`` and ``<answer>7</answer>``;
- ``#### 7`` alone on its line, as in GSM8K.

The first two in every language of `_wording`. Patterns do not backtrack.
"""

import re
from collections.abc import Iterator

from shadowprice.grading import _wording
from shadowprice.grading._fields import closings
from shadowprice.grading._spans import VALUE, Span, is_emphasised, stripped, trimmed, unwrapped

_LABEL = rf"{_wording.BLANK}*+[*_]*+{_wording.BLANK}*+[:：]{_wording.BLANK}*+(?P<answer>[^\r\n]*+)"
_LABELS = {
    False: re.compile(_wording.ANSWER + _LABEL),
    True: re.compile(_wording.NOUN + _LABEL),
}
"""By whether there are words that are not English."""
_HEADING = re.compile(
    r"^[ \t]*+(?:\#{1,6}[ \t]*+[*_]*+|[*_]++)(?:(?i:the|my|final|correct|最终|最終的な|최종)[ \t]?)*+"
    rf"{_wording.NOUN}[*_]*+[ \t]*+\r?$",
    re.MULTILINE,
)
_NEXT_LINE = re.compile(r"[\s*_]*+(?P<answer>[^\r\n]*+)")
_PROSE = re.compile(r"(?:I|A|[ia])(?:['’]| [a-z]{2})")
_BOXED = re.compile(r"\\(?:f?boxed|fbox)[ \t]*+(?=\{)")
_HASHES = re.compile(
    r"(?:^|(?<=[ \t]))####[ \t]*+[*_$]*+"
    r"(?P<answer>[-+−]?(?:\\?[$€£¥])?[-+−]?\d[\d,]*+(?:\.\d++)?(?:[ \t]?/[ \t]?\d++)?%?"
    r"(?:[ \t][a-z]{1,20})?|\(?[A-Z]\)?)[*_$]*+[ \t]*+\.?\r?$",
    re.MULTILINE,
)
_TAG = re.compile(r"(?:<(?P<closing>/?)|^[ \t]*+)(?:(?:final|correct|my)[ _-]?)?answer>", re.IGNORECASE | re.MULTILINE)
"""Models that are told of a tag forget its first bracket now and then."""
_REST_OF_LINE = re.compile(r"[^\r\n]*+")
_WORDS = re.compile(r"(?:option |choice )?[^\W\d_]++(?:[ '’-][^\W\d_]++){0,3}")
_QUOTED = re.compile(r"\w[ \t]++[\"'“‘「][*_]*+(?:(?:the|my|final|correct)[ \t]++){0,3}\Z", re.IGNORECASE)
_PERIOD_INSIDE = {'"': '"', "“": "”"}
"""Quotes before whose end a period may stand: the answer is "Black."."""
_NAME = re.compile(r"the[ ](?=[A-Z])[^\r\n]{1,60}")
"""What may follow "the answer is" although it begins like an explanation: the Pacific Ocean."""
_BEFORE = 60
"""Characters before a statement that are looked at."""


def statements(text: str, position: int) -> Iterator[Span]:
    """Where answers are stated from a position on, in no order, and some inside others."""
    return (span for span in _stated(text, position) if not is_placeholder(text, span))


def is_placeholder(text: str, span: Span) -> bool:
    """Whether a span is what instructions have in place of an answer, such as ``<number>``."""
    return _wording.PLACEHOLDER.fullmatch(text, *trimmed(text, *span)) is not None


def _stated(text: str, position: int) -> Iterator[Span]:
    foreign = _wording.is_foreign(text[position:])
    for match in _LABELS[foreign].finditer(text, position):
        if not _QUOTED.search(text, max(position, match.start() - _BEFORE), match.start()):
            yield from _labelled(text, match)
    for match in _HEADING.finditer(text, position):
        yield from _below(text, match.end())
    for match in _wording.ENGLISH.finditer(text, position):
        if not _wording.OPEN.search(text, max(position, match.start() - _BEFORE), match.start()):
            yield from _said(text, match)
    for match in _wording.FOREIGN.finditer(text, position) if foreign else ():
        yield from _said(text, match)
    if "####" in text:
        yield from (match.span("answer") for match in _HASHES.finditer(text, position))
    openings = [match.end() for match in _BOXED.finditer(text, position)]
    closed = closings(text, "{}", openings)
    yield from ((opened + 1, closed[opened]) for opened in openings if opened in closed)
    yield from _tagged(text, position)


def _labelled(text: str, match: re.Match[str]) -> Iterator[Span]:
    start, end = match.span("answer")
    if is_placeholder(text, (start, end)):
        return
    for span in stripped(text, [(start, end)]):
        yield unwrapped(text, *span)
        return
    yield from _below(text, match.end())


def _below(text: str, position: int) -> Iterator[Span]:
    """A value on the next line that is not empty."""
    line = _NEXT_LINE.match(text, position)
    if line is None:
        return
    start, end = line.span("answer")
    emphasised = start > position and text[start - 1] in "*_" and is_emphasised(text, start - 1, end)
    looks_like_value = VALUE.match(text, start) and not _PROSE.match(text, start)
    is_last = bool(_WORDS.fullmatch(text, *trimmed(text, start, end))) and not text[end : end + 1000].strip()
    if looks_like_value or emphasised or is_last:
        yield start, end


def _said(text: str, match: re.Match[str]) -> Iterator[Span]:
    """The value of a clause such as "the answer is 7"."""
    start, end = trimmed(text, *match.span("answer"))
    if text[end : end + 1] == "?":
        return
    if start < end and text[start] in _PERIOD_INSIDE and text[end : end + 2] == "." + _PERIOD_INSIDE[text[start]]:
        end += 2
    if start == end:
        if text[: match.end()].endswith((":", "：")):
            yield from _below(text, match.end())
        return
    if ending := _wording.ENDINGS.search(text, max(start, end - 12), end):
        end = ending.start()
    emphasised = is_emphasised(text, start, end)
    for span in stripped(text, [(start, end)]):
        if _NAME.fullmatch(text, *span) or (
            not _wording.NO_ANSWER.match(text, *span)
            and (
                VALUE.match(text, *span) or _WORDS.fullmatch(text, *span) or (emphasised and end - start < 2 * _BEFORE)
            )
        ):
            yield unwrapped(text, *span)


def _tagged(text: str, position: int) -> Iterator[Span]:
    opened = None
    for tag in _TAG.finditer(text, position):
        if not tag["closing"]:
            opened = tag.end()
        elif opened is not None:
            yield opened, tag.start()
            opened = None
    if opened is not None and (line := _REST_OF_LINE.match(text, opened)):
        yield line.span()  # servers cut a reply just before its stop string, which may be </answer>

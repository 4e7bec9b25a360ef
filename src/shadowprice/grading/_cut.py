r"""Which statements are surely whole in a reply that was cut.

A reply that was stopped or reached its cap may end inside a number or a word: ``17 * 6 = 1`` is no answer of one, and
``The answer is 3.`` may have become 3.5. A statement is whole if something stands behind its value that cannot be part
of it: the end of its line or sentence, a bracket, a quote or an emphasis that closes, or the words of the next clause.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shadowprice.grading._numbers import is_number
from shadowprice.grading._spans import Span

_LINE_END: Final = re.compile(r"[^\r\n]*+[\r\n]")
_RUN: Final = re.compile(r"\*++|_++|`++|\$++")
_AFTER: Final = re.compile(
    r"[ \t]*+(?:[*_`$]*+(?:[.;!?,][*_`$\"')]*+\s|[。！？；।}\"'”」』»<]|\\[)\]])|[^\W\d_]|(?<=[ \t])[^\s\d.,*_`$])"
)
"""What ends a sentence or closes something, or the next clause."""
_LETTER: Final = re.compile(r"[(\[]?[A-Z][)\].:,]++[ \t]")
_COUNTED: Final = re.compile(
    r"(?P<value>\S++)[ \t]++(?!(?:times|plus|minus|divided|multiplied|over|and|or|to|point|percent|per|hundred|"
    r"thousand|million|billion|trillion|dozen|of|mod|choose)\b)[^\W\d_]{2,}+[ \t.,;][^\d=+*/^\\]*+"
)
"""A number and the name of what it counts, whole words."""


_QUOTES: Final = ("'", '"')
_BEFORE: Final = 200
"""Characters before a value in which an emphasis around it may open."""


def whole_spans(text: str, spans: Iterable[Span], kind: str | None, fields: Mapping[Span, bool]) -> Iterator[Span]:
    """Those of the values at `spans` that are whole, where the end of `text` is where somebody cut it.

    Args:
        text: The reply.
        spans: Where the values are.
        kind: The grader's name: a number or a letter may be whole where the rest of its line is not.
        fields: Which of them are values of JSON objects, and whether they are the insides of strings, which their
            closing quotes end and nothing else.
    """
    last_break = max(text.rfind("\n"), text.rfind("\r"))
    for span in spans:
        start, end = span
        value = text[start:end]
        balance = sum(map(value.count, "([{")) - sum(map(value.count, ")]}"))
        if fields.get(span):
            whole = text[end : end + 1] in _QUOTES
        elif balance > 0:
            whole = False
        elif balance == 0 and span in fields and value[0] in "[{":
            whole = True
        else:
            whole = end <= last_break or _is_closed(text, start, end) or _stands_alone(value, kind)
        if whole:
            yield span


def _is_closed(text: str, start: int, end: int) -> bool:
    if _AFTER.match(text, end):
        return True
    run = _RUN.match(text, end)
    if run is None:
        return False
    opened = max(0, start - _BEFORE, text.rfind("\n", 0, start))
    return text.count(run[0], opened, start) % 2 == 1


def _stands_alone(value: str, kind: str | None) -> bool:
    """Whether a value that its line goes on after begins with a letter, or a number, that is whole."""
    if kind == "choice":
        return _LETTER.match(value) is not None
    counted = _COUNTED.fullmatch(value) if kind == "number" else None
    return counted is not None and is_number(counted["value"])

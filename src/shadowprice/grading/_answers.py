"""Where the final answer is in a reply."""

import re
from typing import NamedTuple

_MARKED = re.compile(r"\banswer\b[ \t]*[*_]*[ \t]*:[ \t]*(?P<answer>[^\r\n]*)", re.IGNORECASE)
_EMPHASIS = "*_`$ \t"
_PERIOD = re.compile(r"(?<=[^\s.])\.$")


class Answer(NamedTuple):
    """A final answer and where it stops."""

    text: str
    """The answer, without markdown around it and without a closing period."""
    end: int
    """Position in the reply just past the last character of `text`."""


def find_answer(text: str) -> Answer | None:
    r"""Find the final answer of a reply.

    It is what follows the last ``Answer:`` that has anything after it on its line; a reply without one may
    give the answer in ``\boxed{...}``, of which the last counts.

    Args:
        text: The reply, or as much of it as there is.

    Returns:
        The answer, with ``text[answer.end - len(answer.text) : answer.end] == answer.text``; None when the
        reply has none.
    """
    for match in reversed(list(_MARKED.finditer(text))):
        answer = _strip(text, *match.span("answer"))
        if answer is not None:
            return answer
    return _find_boxed(text)


def _find_boxed(text: str) -> Answer | None:
    start = text.rfind(r"\boxed{")
    while start >= 0:
        opened = start + len(r"\boxed{")
        closed = _closing_brace(text, opened)
        if closed is not None:
            answer = _strip(text, opened, closed)
            if answer is not None:
                return answer
        start = text.rfind(r"\boxed{", 0, start)
    return None


def _closing_brace(text: str, opened: int) -> int | None:
    depth = 1
    for position in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return None


def _strip(text: str, start: int, end: int) -> Answer | None:
    """Narrow ``text[start:end]`` to the answer inside emphasis, blanks and a closing period."""
    inner = text[start:end]
    while True:
        stripped = _PERIOD.sub("", inner.rstrip().rstrip(_EMPHASIS))
        if stripped == inner:
            break
        inner = stripped
    kept = inner.lstrip().lstrip(_EMPHASIS)
    return Answer(kept, start + len(inner)) if kept else None

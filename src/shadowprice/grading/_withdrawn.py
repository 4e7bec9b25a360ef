"""Answers that a reply takes back in the next sentence."""

import re
from typing import Final

from shadowprice.grading._spans import VALUE, Span, stripped, unwrapped

_INSTEAD_WITHIN: Final = 200
"""Characters after it in which the right one is given."""
_TAKEN_BACK: Final = re.compile(
    r"[\s.*_)}\]$`!]*+(?:(?:actually|wait|hmm+|no|sorry|oops|hold on|correction|but)\b[\s,.!:—-]*+){0,3}"
    r"(?:(?:I think |I believe |I see )?(?:that|this|it|the answer)(?:['’]s| is| was| isn['’]t| wasn['’]t)[ ]"
    r"(?:wrong|incorrect|not (?:right|correct|it)|right|correct|a mistake|an error|mistaken)\b|"
    r"I (?:made an?|was) (?:\w+ )?(?:mistaken?|error|wrong)\b)",
    re.IGNORECASE,
)
_CONFIRMED: Final = re.compile(r"(?<!n['’]t )(?<!not )\b(?:right|correct)\Z", re.IGNORECASE)
_INSTEAD: Final = re.compile(
    r"\b(?:should (?:have been|be|read)|must be|it(?:['’]s| is)(?: actually)?)[: ]++"
    r"(?P<answer>[^\r\n.;!?]++(?:\.\d++)?)",
    re.IGNORECASE,
)


def withdrawal_end(text: str, end: int) -> int | None:
    """Where the sentence that takes back the answer before a position ends; None where there is none."""
    match = _TAKEN_BACK.match(text, end)
    return None if match is None or _CONFIRMED.search(match[0]) else match.end()


def given_instead(text: str, position: int) -> Span | None:
    """The value that a reply gives in place of the one that it has taken back."""
    match = _INSTEAD.search(text, position, position + _INSTEAD_WITHIN)
    for span in stripped(text, [match.span("answer")]) if match else ():
        if VALUE.match(text, *span):
            return unwrapped(text, *span)
    return None

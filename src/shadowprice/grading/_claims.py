r"""Which number an answer claims, if it claims one.

``42``, ``42 eggs``, ``x = 42`` and ``42 (6 rows of 7)`` claim 42. ``not 42``, ``at least 42``, ``x \neq 42``,
``41 or 42``, ``41, 42``, ``41 apples and 42 pears``, ``41 to 42``, ``42 out of 50``, ``\pm 42`` and ``10:42`` claim
none, although a 42 stands in them.
"""

import re
from typing import Final

from shadowprice.grading._numbers import Number, read_number

_SIMPLE: Final = re.compile(r"[-+]?[$€£¥]?\d++(?:[.,]\d++)*+%?(?: [A-Za-z]++)?")
"""Most answers, for speed: nothing in them can deny or bound the number."""
_LONGEST: Final = 4096
_TAIL: Final = 200
"""Characters at the end of an answer that say what its last number is."""
_EITHER: Final = re.compile(
    r"[\s,(](?:or|oder|ou|o|или|или же|または|或|或者|혹은|또는)[\s)]|或|または|또는|\bbetween\b.*\band\b"
)
_DIGITS: Final = r"[-+−]?[$€£¥]?\d++(?:[.,]\d++)*+"
_LAST: Final = rf"[\s$*_`({{\\]*+{_DIGITS}[^\d]*+\Z"
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|no|cannot be|at (?:least|most)|(?:more|less|fewer|greater|higher|lower|other) than|over|under|"
    r"above|below|up to|almost|nearly|minimum of|maximum of|out of)|n['’]t|[<>≠≤≥±]=?|"
    r"\\(?:n?eq|ne|[lg]eq?|[lg]t|[lg]eqslant|pm))"
    rf"(?:[ ](?:equal to|exactly|be|been|just|only|the))?{_LAST}",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(rf"\d[ ]?(?:[-–—~]|to|through|and up to|:)[ ]?{_DIGITS}[^\d]*+\Z")
_PLAIN: Final = rf"[({{\[]*{_DIGITS}[)}}\]]*"
_LIST: Final = re.compile(rf"[\[({{]?{_PLAIN}(?:(?:,[ ]|[ ]?;[ ]?|,?[ ](?:and|&)[ ]){_PLAIN})+[\])}}]?\.?")
_JOINED: Final = re.compile(rf"{_DIGITS}[ ][a-z]+,?[ ](?:and|plus)[ ]{_DIGITS}[ ][a-z]+\.?\Z")
_ASIDE: Final = re.compile(r"(?<=[^\s(])\s+\([^()]*\)\s*\.?\Z")


def claimed_number(answer: str) -> Number | None:
    """The number that an answer claims; None if it has none, or leaves it open."""
    if _SIMPLE.fullmatch(answer):
        return read_number(answer)
    aside = _ASIDE.search(answer, max(0, len(answer) - _TAIL)) if answer.rstrip().endswith((")", ").")) else None
    main = answer[: aside.start()] if aside else answer
    number = read_number(main)
    if number is None and aside:
        main, number = answer, read_number(answer)
    if number is None or leaves_open(main):
        return None
    tail = main[-_TAIL:].strip().rstrip("]}")
    if _NEGATED.search(tail) or _RANGE.search(tail) or _JOINED.search(tail):
        return None
    return None if _LIST.fullmatch(main.strip()) and _differ(main) else number


def leaves_open(answer: str) -> bool:
    """Whether an answer names two numbers that differ, as "48 or 72" does."""
    match = _EITHER.search(answer, 0, _LONGEST) if " " in answer or not answer.isascii() else None
    if match is None:
        return False
    ends = (match.start(), match.end()) if " and" not in match[0] else (match.end() - 3, match.end())
    numbers = read_number(answer[: ends[0]]), read_number(answer[ends[1] :])
    return None not in numbers and numbers[0] != numbers[1]


def lists_either(text: str) -> bool:
    """Whether a text offers one thing or another."""
    return _EITHER.search(text, 0, _LONGEST) is not None


def _differ(listed: str) -> bool:
    numbers = {read_number(one) for one in re.split(r",[ ]|;|\band\b|&", listed)}
    return len(numbers) > 1

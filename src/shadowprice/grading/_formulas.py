"""Spelling formulas so that math-verify reads what is meant, and telling plain numbers from formulas."""

import re

from shadowprice.grading._dress import undressed
from shadowprice.grading._numbers import is_number, read_number, same_number

_UNIT = re.compile(r"(?<=[\d}])(?:[ ~]|\\[,; ]){0,3}(?:\\(?:text|mathrm|mbox)\{[^{}]*\}| [A-Za-z]{3,}[A-Za-z ]*)\Z")
_LIST = re.compile(r"\d,(?:\d{1,2}|\d{4,})(?!\d)")
_RADICAND = re.compile(r"\\?sqrt\(([^()]*)\)|√\(([^()]*)\)|√(\w+)")
_PI = re.compile(r"(?<![\\A-Za-z])pi(?![A-Za-z])|π")
_REPEATING = re.compile(r"(?<![\d.])(\d{0,50})\.(\d{0,50})\\(?:overline|bar)\{(\d{1,50})\}")


def respelled(formula: str) -> str:
    r"""Spell roots and pi as LaTeX does, and repeating decimals as fractions; math-verify reads ``pi`` as p times i."""
    formula = _RADICAND.sub(lambda match: rf"\sqrt{{{match[1] or match[2] or match[3] or ''}}}", formula)
    formula = _PI.sub(lambda _: r"\pi ", formula)
    return _REPEATING.sub(_fraction, formula)


def compare_plain(answer: str, gold: str) -> bool | None:
    """Whether both are the same number, the answer's perhaps with a unit that `gold` leaves out.

    Returns:
        None if one of them is more than a number; ``1,2`` may be two.
    """
    if _LIST.search(answer) or _LIST.search(gold):
        return None
    plain, right_plain = undressed(_UNIT.sub("", answer)), undressed(gold)
    if not (is_number(plain) and is_number(right_plain)):
        return None
    given, right = read_number(plain), read_number(right_plain)
    return given is not None and right is not None and same_number(given, right)


def _fraction(match: re.Match[str]) -> str:
    value = read_number(match[0])
    return rf"\frac{{{value.value.numerator}}}{{{value.value.denominator}}}" if value else match[0]

"""Spelling formulas so that math-verify reads what is meant, and telling plain numbers from formulas."""

import re

from shadowprice.grading._dress import undressed
from shadowprice.grading._numbers import SCALE, is_number, read_number, same_number

_NO_SCALE = rf"(?!(?:{SCALE})s?\b)"
_UNIT = re.compile(
    rf"(?<=[\d}}])(?:[ ~]|\\[,; ]){{0,3}}"
    rf"(?:\\(?:text|mathrm|mbox)\{{{_NO_SCALE}[^{{}}]*\}}| {_NO_SCALE}[A-Za-z]{{3,}}[A-Za-z ]*)\Z"
)
_LIST = re.compile(r"\d,(?:\d{1,2}|\d{4,})(?!\d)")
_POWER = re.compile(r"(?<=[\w)}\]])[ ]*\*\*[ ]*(?P<power>[-+]?[\w.]+|\([^()]*\))")
_FUNCTION = re.compile(r"(?<![\\A-Za-z])(?:sin|cos|tan|cot|sec|csc|log|ln|exp)(?=[ ]?[(\d^\\]|[ ][A-Za-z](?![A-Za-z]))")
_ORDINAL = re.compile(r"(?<=\d)\^?\{?\\(?:text|mathrm)\{(?:st|nd|rd|th)\}\}?")
_TIMES = re.compile(r"(?<=\d)[ ]*x[ ]*(?=10[ ]*\^)")
_SHARE = re.compile(r"(?<![\w.^}/])(\d+)/(\d+)(?=[ ]?\()")
_BASE = re.compile(r"(?<![A-Za-z\d])[\dA-Fa-f]+_\{?(\d{1,2})\}?")
_WRITTEN = re.compile(r"[-+]?0[xXoO][0-9a-fA-F]+|0[bB][01]+|[^\W\d_]{3,}(?:[ '’-]+[^\W\d_]+)*")
"""Words, and numbers as programs spell them, in which a formula is a product of letters."""
_RADICAND = re.compile(r"\\?sqrt\(((?:[^()]|\([^()]*\))*)\)|√\(([^()]*)\)|√(\w+)")
_PI = re.compile(r"(?<![\\A-Za-z])pi(?![A-Za-z])|π")
_REPEATING = re.compile(r"(?<![\d.])(\d{0,50})\.(\d{0,50})\\(?:overline|bar)\{(\d{1,50})\}")


def respelled(formula: str) -> str:
    r"""Spell roots, powers, functions and pi as LaTeX does, and repeating decimals as fractions.

    math-verify reads ``pi`` as p times i, and of ``x**2 + 1`` the number at its end.
    """
    formula = _POWER.sub(lambda match: f"^{{{match['power']}}}", formula)
    formula = _ORDINAL.sub("", formula.rstrip(' \t"`>'))
    formula = _SHARE.sub(r"\\frac{\1}{\2}", _TIMES.sub(r"\\times ", formula))
    formula = _FUNCTION.sub(lambda match: rf"\{match[0]}", formula)
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


def compare_written(answer: str, gold: str) -> bool | None:
    """Whether both are the same words or the same spelling of a number.

    Returns:
        None if neither is anything of the kind. As products of letters, "cat" would be "act", and ``0x585`` is 0.
    """
    plain, right = (" ".join(undressed(text).split()).casefold() for text in (answer, gold))
    bases = [{match[1] for match in _BASE.finditer(text)} for text in (plain, right)]
    if all(bases) and bases[0] != bases[1]:
        return False
    one, other = (_WRITTEN.fullmatch(text) is not None for text in (plain, right))
    as_written = (one and other) or ((one or other) and "0" in (plain[:1], right[:1]))
    return plain == right if as_written else None


def _fraction(match: re.Match[str]) -> str:
    value = read_number(match[0])
    return rf"\frac{{{value.value.numerator}}}{{{value.value.denominator}}}" if value else match[0]

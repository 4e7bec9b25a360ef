"""Reading numbers, exactly, out of what models write."""

import re
from fractions import Fraction
from typing import NamedTuple

_LONGEST_TEXT = 4096
_LARGEST_POWER = 400
"""Digits of a number and the largest power of ten; exact arithmetic beyond costs more than an answer is worth."""

_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_FRACTIONS = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4"}
_SIGNS = str.maketrans({"−": "-", "–": "-", "٫": ".", "٬": ",", "⁄": "/", "٪": "%"} | _FULL_WIDTH | _FRACTIONS)
_BLANK = r"[ \u00a0\u2009\u202f]"
_POINTS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3})++(?=,\d++(?![\d,.]\d))|(?:\.\d{3}){2,}+(?![\d.,]*\d))")
"""1.234,5 and 1.234.567."""
_BLANKS = re.compile(
    rf"(?:\A|(?<=[=:$€£¥])){_BLANK}*+[-+]?[$€£¥]?{_BLANK}?\d{{1,3}}(?:{_BLANK}\d{{3}})++(?!{_BLANK}?[\d/])"
)
"""1 234, where a number alone stands."""
_DECIMAL_COMMA = re.compile(
    r"(?:(?<![\d.,(\[{])(?P<whole>\d++),(?P<part>\d{1,2}|\d{4,})|(?<![\d.,])(?P<large>\d{4,}+),(?P<small>\d++))"
    r"(?![\d,)\]}/]|\.\d)"
)
"""3,5 where no list is meant and no thousands, and the comma of 1234,567."""
_COMMAS = re.compile(r"(?<=\d)(?:,|[\u00a0\u2009\u202f])(?=\d{3}(?!\d))")
"""Thousands: 1,234 and thin or no-break spaces. In a list a blank follows the comma."""
_POWERS = (
    (re.compile(r"[×·]"), "*"),
    (re.compile(r"(?<![\w.])10[ \t]?(?:\^|\*\*)[ \t]?[{(]?([-+]?\d{1,9})[})]?"), r"1e\1"),
    (re.compile(r"(?<=\d)[ \t]*+[*x][ \t]*+1e(?=[-+]?\d)"), "e"),
)
_LATEX: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=\d)(?:\{,\}|\\[,!;])(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d)(?=\\[dtc]?frac)"), " "),
    (re.compile(r"\\%"), "%"),
    (
        re.compile(r"\\[dtc]?frac[ \t]*+\{[ \t]*+(-?[\d.]{1,400})[ \t]*+\}[ \t]*+\{[ \t]*+([\d.]{1,400})[ \t]*+\}"),
        r"\1/\2 ",
    ),
    (re.compile(r"\\[dtc]?frac[ \t]*+(\d)[ \t]*+(\d)"), r"\1/\2 "),
    (re.compile(r"\\(?:times|cdot)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\[,;:! $]"), " "),
    (re.compile(r"\^[ ]?\{?[ ]?\\circ(?![a-zA-Z])[ ]?\}?"), ""),
)
_REPEATING = re.compile(r"(?<![\d.])(\d{0,50})\.(\d{0,50})\\(?:overline|bar|dot)\{(\d{1,50})\}")
_NOT_PLAIN = re.compile(
    r"\\(?:[dtc]?frac|sqrt|pi|binom|log|ln|overline)(?![a-zA-Z])|[√π]|(?<![a-zA-Z])(?:pi|sqrt)(?![a-zA-Z])"
)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALE = "(?i:" + "|".join(_SCALES) + ")"
"""Words that are part of a number, and no unit."""
_DIGITS = rf"(?:\d{{1,{_LARGEST_POWER}}}(?:\.\d{{0,{_LARGEST_POWER}}})?|\.\d{{1,{_LARGEST_POWER}}})"
_NUMBER = re.compile(
    r"(?=[-+$€£¥.\d])(?P<sign>(?<![\w)\]}])[-+])?[$€£¥]?(?P<minus>(?<=[$€£¥])-)?(?<![\w.^])(?<!\^\{)"  # not 2 of m^2
    rf"(?:(?P<whole>\d{{1,{_LARGEST_POWER}}})[ \t]++(?=\d++/\d))?"  # 1 3/4
    rf"(?P<value>{_DIGITS})(?:[eE](?P<exponent>[-+]?\d{{1,9}}))?"
    rf"(?:[ \t]?/[ \t]?(?P<under>{_DIGITS}))?(?!\d|[ \t]?\^)(?P<percent>[ \t]?(?:%|per ?cent\b))?"
    rf"(?:[ \t]?(?P<scale>{SCALE})s?\b)?"
)
_SIMPLE = re.compile(rf"(?P<value>[-+]?[0-9]{{1,18}})(?P<unit> (?!per|pi\b|sqrt\b|{SCALE})[a-z]{{2,20}})?")
"""Most answers, for speed."""


class Number(NamedTuple):
    """A number as it was written."""

    value: Fraction
    """Its value; of 50 %, 50."""
    percent: bool
    """Whether it was written as a percentage."""


def read_number(text: str) -> Number | None:
    r"""Read the last number in a text.

    Thousands separators (``1,234.5``, ``1.234,5``, ``1 234,5``), decimal commas (``3,5``), currency signs, units,
    words such as "million", fractions (``3/4``, ``1 3/4``, ``\frac{3}{4}``), repeating decimals
    (``0.\overline{3}``), powers of ten (``4.5e3``, ``4.5 \times 10^{3}``) and full-width digits are
    understood. Numbers of more than 400 digits are not, nor is arithmetic.

    Returns:
        The number; None if the text has none, or has what a number alone does not need, such as a root or pi.
    """
    if simple := _SIMPLE.fullmatch(text):
        return Number(Fraction(int(simple["value"])), False)
    plain = _respell(text)
    if _NOT_PLAIN.search(plain):
        return None
    number = None
    for match in _NUMBER.finditer(plain):
        number = _number(match) or number
    return number


def is_number(text: str) -> bool:
    """Whether a text is nothing but one number that `read_number` reads."""
    if simple := _SIMPLE.fullmatch(text):
        return simple["unit"] is None
    match = _NUMBER.fullmatch(_respell(text).strip(" \t$()[]\\"))
    return match is not None and _number(match) is not None


def same_number(one: Number, other: Number, tolerance: float = 0.0) -> bool:
    """Whether two numbers have the same value.

    A percentage equals the same number without its sign and the fraction that it stands for: 50 % is 50 and 0.5.

    Args:
        one: A number.
        other: The number to compare it with.
        tolerance: Largest difference that counts as none, relative to `other` where that is above one in size.
    """
    if one.value == other.value:
        return True
    pairs = [(one.value, other.value)]
    if one.percent != other.percent:
        pairs.append((one.value / (100 if one.percent else 1), other.value / (100 if other.percent else 1)))
    allowed = Fraction(tolerance)
    return any(abs(left - right) <= allowed * max(Fraction(1), abs(right)) for left, right in pairs)


def _respell(text: str) -> str:
    plain = text[-_LONGEST_TEXT:]
    if not plain.isascii():
        plain = plain.translate(_SIGNS)
    if "\\" in plain or "{" in plain:
        plain = _REPEATING.sub(_repeating, plain)
        for pattern, spelled in _LATEX:
            plain = pattern.sub(spelled, plain)
    if "." in plain:
        plain = _POINTS.sub(lambda match: match[0].replace(".", ""), plain)
    plain = _BLANKS.sub(lambda match: "".join(match[0].split()), plain)
    if "," in plain:
        plain = _DECIMAL_COMMA.sub(_with_point, plain)
    plain = _COMMAS.sub("", plain)
    if "10" in plain:
        for pattern, spelled in _POWERS:
            plain = pattern.sub(spelled, plain)
    return plain


def _with_point(match: re.Match[str]) -> str:
    return match[0].replace(",", ".")


def _repeating(match: re.Match[str]) -> str:
    whole, fixed, again = match.groups()
    scale = 10 ** len(fixed)
    over = scale * (10 ** len(again) - 1)
    value = Fraction(int((whole or "0") + fixed), scale) + Fraction(int(again), over)
    return f"{value.numerator}/{value.denominator}"


def _number(match: re.Match[str]) -> Number | None:
    exponent = int(match["exponent"] or 0)
    if abs(exponent) > _LARGEST_POWER:
        return None
    value = Fraction(match["value"])
    if exponent:
        power = Fraction(10 ** abs(exponent))
        value *= power if exponent > 0 else 1 / power
    if match["under"]:
        under = Fraction(match["under"])
        if under == 0:
            return None
        value /= under
    value += int(match["whole"] or 0)
    value *= _SCALES[match["scale"].lower()] if match["scale"] else 1
    negative = match["sign"] == "-" or match["minus"] is not None
    return Number(-value if negative else value, match["percent"] is not None)

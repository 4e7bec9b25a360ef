r"""Which grader a right answer asks for, told from the right answers themselves.

A gold says what it is: a letter among choices, a number, a formula, a Python literal, or words. Some say it only among
the others: ``(1, 2)`` is a point beside formulas and a tuple beside lists, ``p - q`` is a formula beside formulas.
"""

import ast
import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

from shadowprice.grading._choices import read_choice
from shadowprice.grading._dress import undressed, without_hashes
from shadowprice.grading._numbers import is_number, read_number

_LONGEST: Final = 4096
_LETTER: Final = re.compile(r"[(\[]?[A-Za-z][)\].:]?")
_OPTION: Final = re.compile(r"(?:\A|(?<=[\s(\[,;]))[(\[]?([A-Z])[ ]?[).:\]](?=\s|\Z)|\(([A-Z])\)")
_LATEX: Final = re.compile(r"\\[A-Za-z]+|\\[{}%$]|\$[^$\n]*[\\^_=+A-Za-z][^$\n]*\$|√|π")
_NEVER_A_FORMULA: Final = re.compile(r"['\"]|\{[^}]*:|[\[(]\s*[\[\])]")
_TERM: Final = re.compile(
    r"(?:[\d.,\s+*/^=<>()\[\]|!-]|(?<![A-Za-z])(?:[A-Za-z](?![A-Za-z])|pi|sqrt|sin|cos|tan|log|ln))+"
)
"""Digits, signs, single letters and a few functions, and nothing else."""
_ALGEBRA: Final = re.compile(r"\^|\d[a-z]\s*[-+*/=]|[-+*/=]\s*\d[a-z](?![A-Za-z])|[a-z)]\s*[+*=]\s*[\w(]|sqrt|\bpi\b")
"""What makes such a text a formula also where there are no others: not F-16, U-2 or 18m."""
_SPELLED: Final = re.compile(
    r"[-+]?0[xXoO][0-9a-fA-F]+|0[bB][01]+|0\d+(?:[/-]\d+)*|\d+(?:\.\d+){2,}|\d{1,2}/\d{1,2}/\d{2,4}"
)
"""Codes of digits, which are compared as they are written: 0x1F, 007, 01/02, 1.2.3."""
_NO_UNIT: Final = re.compile(
    r"(?i:am|pm|a\.m|p\.m|bc|ad|bce|ce|dozens?|hundred|st|nd|rd|th|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|"
    r"january|february|march|april|august|september|october|november|december)\.?"
)
_LONGEST_MEASURE: Final = 60
_CURRENCY: Final = "$€£¥ \N{NO-BREAK SPACE}"
_UNIT: Final = re.compile(r"(?P<number>[^A-Za-z]*\d[^A-Za-z]*?)\s+(?P<unit>[a-z]+\.?)")
_COEFFICIENT: Final = re.compile(r"\d+[a-z]")
_OPERATION: Final = re.compile(r"[+*/^=<>-]")


def infer_grader(gold: str, *, choices: Sequence[str] = (), question: str = "") -> str:
    """The grader for one right answer.

    Args:
        gold: The right answer.
        choices: What may be chosen from.
        question: What is asked; it may list what may be chosen from.

    Returns:
        ``"choice"``, ``"number"``, ``"math"``, ``"literal"`` or ``"exact"``.
    """
    return infer_graders([gold], choices=[choices], questions=[question])[0]


def infer_graders(
    golds: Sequence[str], *, choices: Sequence[Sequence[str]] = (), questions: Sequence[str] = ()
) -> list[str]:
    """The grader for each of the right answers that belong together, as those of a file do.

    Args:
        golds: The right answers; a blank one says nothing.
        choices: What may be chosen from, one sequence for each; or none at all.
        questions: What is asked, one for each; or none at all.

    Returns:
        For each ``"choice"``, ``"number"``, ``"math"``, ``"literal"`` or ``"exact"``.
    """
    offered = choices or [()] * len(golds)
    asked = questions or [""] * len(golds)
    kinds = [_kind(gold.strip(), some, text) for gold, some, text in zip(golds, offered, asked, strict=True)]
    said = {kind for kind in kinds if kind}
    written = [gold.strip() for gold in golds if gold.strip()]
    has_formulas = "math" in said
    if not has_formulas and "literal" in said and all(map(_is_literal, written)):
        kinds = ["literal" if kind else "" for kind in kinds]
    if said in ({"number", "exact"}, {"exact"}) and all(map(_is_measure, written)):
        kinds = ["number" if kind else "" for kind in kinds]
    if has_formulas:
        kinds = [
            "math" if kind in ("literal", "exact") and _may_be_formula(gold.strip()) else kind
            for kind, gold in zip(kinds, golds, strict=True)
        ]
    return [kind or "exact" for kind in kinds]


def reads_gold(gold: str, grader: str) -> bool:
    """Whether a grader can read a right answer; those that compare texts, and code, read every one."""
    name = grader.partition(":")[0]
    if name == "number":
        return read_number(without_hashes(gold)) is not None
    if name == "choice":
        return read_choice(undressed(gold)) is not None
    if name == "literal":
        return _is_literal(gold.strip()) or _is_literal(undressed(gold))
    if name == "regex":
        try:
            re.compile(gold)
        except (re.error, RecursionError, OverflowError):
            return False
    return True


def _kind(gold: str, choices: Sequence[str], question: str) -> str:
    if not gold or len(gold) > _LONGEST:
        return "exact" if gold else ""
    if _LETTER.fullmatch(gold) and (letter := read_choice(gold)) is not None:
        listed = set(ascii_uppercase[: len(choices)]) or _listed(question)
        if letter in listed:
            return "choice"
    if _SPELLED.fullmatch(gold):
        return "exact"
    if _is_number(gold):
        return "number"
    if _LATEX.search(gold) and not (gold[0] == gold[-1] and gold[0] in "'\""):
        return "math"
    if gold[0] in "[({" and gold[-1] in "])}" and _is_literal(gold):
        return "literal"
    if _TERM.fullmatch(gold) and _ALGEBRA.search(gold):
        return "math"
    return "exact"


def _listed(question: str) -> set[str]:
    """The letters of the options that a question lists; nothing if it does not list them from A on."""
    letters = {match[1] or match[2] for match in _OPTION.finditer(question)}
    row = set()
    for letter in ascii_uppercase:
        if letter not in letters:
            break
        row.add(letter)
    return row if len(row) > 1 else set()


def _is_literal(text: str) -> bool:
    if len(text) > _LONGEST:
        return False
    try:
        ast.literal_eval(text)
    except (ValueError, ArithmeticError, IndexError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_number(gold: str) -> bool:
    return not gold.startswith(("[", "{")) and any(map(is_number, (gold, undressed(gold), gold.strip(_CURRENCY))))


def _is_measure(gold: str) -> bool:
    """Whether a gold is a number, perhaps with a unit: ``18 km``."""
    match = _UNIT.fullmatch(gold) if len(gold) <= _LONGEST_MEASURE else None
    if match is None:
        return _is_number(gold) and not _SPELLED.fullmatch(gold)
    return is_number(match["number"]) and not _NO_UNIT.fullmatch(match["unit"])


def _may_be_formula(gold: str) -> bool:
    """Whether a gold is one beside formulas: a point, an interval, a sum of letters."""
    if len(gold) > _LONGEST or _NEVER_A_FORMULA.search(gold) or not _TERM.fullmatch(gold):
        return False
    if gold[0] in "([{" or gold.isalpha():
        return True
    return _OPERATION.search(gold) is not None or _COEFFICIENT.fullmatch(gold) is not None

"""Whether an answer is right."""

import ast
import importlib.util
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from shadowprice._errors import InputError, MissingExtraError, no_such
from shadowprice.grading._choices import choose, read_choice
from shadowprice.grading._claims import claimed_number, leaves_open, lists_either
from shadowprice.grading._code import check_tests_allowed, loaded_grader
from shadowprice.grading._dress import undressed, without_hashes
from shadowprice.grading._formulas import compare_plain, compare_written, respelled
from shadowprice.grading._numbers import Number, read_number, same_number
from shadowprice.grading._process import JUDGE
from shadowprice.grading._sentences import said_at_end
from shadowprice.grading._tests import passes_tests

GRADERS: Final = ("exact", "number", "choice", "literal", "math", "regex", "tests", "reasoning-gym", "python")
"""The names of the graders; the last two want a name of their own after a colon."""

_QUICK = ("exact", "number", "choice")
_RIGHT_SCORE = 0.99
_LONGEST_ANSWER = 4096
_LONGEST_VERIFIED = 65536
_LONGEST_FLOAT = 400
_SECONDS = 2.0
_VERIFIER_SECONDS = 10.0
_ARTICLES = ("the ", "an ", "a ")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_UNREADABLE = (ValueError, ArithmeticError, IndexError, SyntaxError)


def is_quick(grader: str) -> bool:
    """Whether a grader takes no longer than reading the answer does, whatever it says; the others may take seconds."""
    return grader.partition(":")[0] in _QUICK


def grade(
    answer: str,
    gold: str,
    grader: str = "exact",
    entry: Mapping[str, Any] | None = None,
    choices: Sequence[str] = (),
) -> bool:
    r"""Say whether an answer is right.

    =========================  ===========================================================================
    ``exact``                  numbers are compared by value, everything else by its characters, whatever the case,
                               the blanks, the thousands separators and an article before
                               it; of a sentence ("The capital is Oslo.") also what it says in a few words
    ``number``                 the last number of the answer against the last of `gold`, by value and exactly;
                               ``number:1e-6`` allows that much, relative to gold where gold is above one
    ``choice``                 a letter, however it is dressed: ``B``, ``(B)``, ``B) Paris``, ``option B``,
                               and if the choices are known the text of one; no letter before the text of another
    ``literal``                Python literals, by value; a string may come without its quotes
    ``math``                   formulas, by math-verify (extra `math`), in at most 2 seconds; ``math:5`` allows 5
    ``regex``                  `gold` is a pattern that the whole answer has to match, in at most 2 seconds
    ``tests``                  `gold` is Python that has to run to its end behind the code of the reply, in at most 10
                               seconds, in a process that is locked in; ``tests:5`` allows 5. Needs `load_grader`, as
                               it runs code
    ``reasoning-gym:NAME``     that dataset's verifier (extra `tasks`), in at most 10 seconds
    ``python:MODULE:FUNCTION`` a function of yours that `load_grader` has imported (nothing here imports what a name
                               says), called in this process with (answer, gold, entry). It returns a bool, or a score
                               that is right from 0.99 on; an answer on which it raises ValueError, ArithmeticError,
                               IndexError or SyntaxError is wrong
    =========================  ===========================================================================

    No answer can hang or crash ``literal``, ``math``, ``regex`` and ``reasoning-gym``: they run in a process of their
    own, which has 2 GiB of memory, is killed when its time is over, and starts again with the next answer; an answer
    that needed killing is wrong, and so is one of more than 4,096 characters (65,536 for ``reasoning-gym``). The rest
    look at no more than they can read quickly. Any thread may grade; threads wait for each other.

    Args:
        answer: The answer, as `find_answer` gives it.
        gold: The right answer; empty if it is not known, and then nothing is right but what ``python`` says is.
        grader: The grader.
        entry: What a verifier has to know about the question; the others need none.
        choices: What may be chosen from, if it is known, for ``choice``: texts without their letters, the first is A.

    Raises:
        InputError: There is no such grader, it names code that was not loaded, it cannot use this `gold`, it was given
            no entry, or your function failed.
        MissingExtraError: The grader's package is not installed.
        ShadowpriceError: The process that grades could not be started.
    """
    name, _, option = grader.partition(":")
    if name == "python" and option:
        return _is_right_by(loaded_grader(grader), grader, answer, gold, entry)
    if name == "reasoning-gym" and option:
        return _is_verified(answer, gold, grader, option, entry)
    if name == "tests":
        check_tests_allowed(grader)
        return passes_tests(answer, gold, entry, _amount(grader, option))
    if grader == "choice":
        return _is_choice(answer, gold, choices)
    if name in ("number", "math"):
        return _PLAIN[name](answer, gold, _amount(grader, option))
    if option or name not in _PLAIN:
        others = ", tests, reasoning-gym:<dataset> (for example reasoning-gym:gcd) or python:<module>:<function>"
        raise no_such("grader", grader, GRADERS[:6], others)
    return _PLAIN[name](answer, gold, None)


def _amount(grader: str, option: str) -> float | None:
    if not option and not grader.endswith(":"):
        return None
    try:
        amount = float(option)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise InputError(
            f"'{grader}' is no grader: after the colon goes a number of at least 0, as in 'number:1e-6' or 'math:5'."
        )
    return amount


def _is_same(answer: str, gold: str, _: float | None) -> bool:
    if _is_equal(answer, gold) or _is_equal(undressed(answer), undressed(gold)):
        return True
    said = said_at_end(answer)
    return said is not None and _is_equal(undressed(answer[slice(*said)]), undressed(gold))


def _is_equal(answer: str, gold: str) -> bool:
    given, right = _normalize(answer), _normalize(gold)
    if given == right or _without_article(given) == _without_article(right):
        return True
    if len(right) > 1 and right.startswith("0") and right.isdigit():
        return False  # an area code, 007
    values = _float(given), _float(right)
    return None not in values and values[0] == values[1]


def _without_article(text: str) -> str:
    return text.split(" ", 1)[1] if text.startswith(_ARTICLES) else text


def _normalize(text: str) -> str:
    return _THOUSANDS.sub("", " ".join(text.split()).casefold())


def _float(text: str) -> float | None:
    if len(text) > _LONGEST_FLOAT:
        return None
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_number(answer: str, gold: str, tolerance: float | None) -> bool:
    right = _gold_number(gold)
    given = claimed_number(answer)
    return right is not None and given is not None and same_number(given, right, tolerance or 0.0)


@cache
def _gold_number(gold: str) -> Number | None:
    number = read_number(without_hashes(gold))
    if number is None and gold.strip():
        raise InputError(
            f"The right answer '{_short(gold)}' has no number to grade by: leave the grader out, so that each right "
            "answer says its own, or use 'exact' or 'math', or 'choice' for letters."
        )
    return number


def _is_choice(answer: str, gold: str, choices: Sequence[str]) -> bool:
    right = read_choice(undressed(gold))
    if right is None and gold.strip():
        raise InputError(
            f"The right answer '{_short(gold)}' is not a letter A to Z: use the grader 'exact' for other answers."
        )
    return right is not None and choose(answer, choices) == right


def _is_literal(answer: str, gold: str, _: float | None) -> bool:
    if not gold.strip():
        return False
    right = gold.strip() if _is_literal_text(gold.strip()) else undressed(gold)
    try:
        ast.literal_eval(right)
    except (*_UNREADABLE, TypeError, MemoryError, RecursionError) as error:
        raise InputError(
            f"The right answer '{_short(gold)}' is not a Python literal: quote it if it is a string, or use 'exact'."
        ) from error
    return 0 < len(answer) <= _LONGEST_ANSWER and JUDGE.judge("literal", answer, right, _SECONDS)


def _is_literal_text(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (*_UNREADABLE, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_match(answer: str, gold: str, _: float | None) -> bool:
    if not gold.strip():
        return False
    try:
        re.compile(gold)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(f"The pattern '{_short(gold)}' is not a regular expression ({error}): correct it.") from error
    return len(answer) <= _LONGEST_ANSWER and JUDGE.judge("regex", answer, gold, _SECONDS)


def _is_equal_formula(answer: str, gold: str, seconds: float | None) -> bool:
    if importlib.util.find_spec("math_verify") is None:
        raise MissingExtraError("Grading formulas", "math")
    if not gold.strip() or not answer.strip() or max(len(answer), len(gold)) > _LONGEST_ANSWER:
        return False
    if _normalize(answer) == _normalize(gold):
        return True
    right = without_hashes(gold)
    for compare in (compare_plain, compare_written):
        if (same := compare(answer, right)) is not None:
            return same
    if leaves_open(answer) and not lists_either(gold) and "," not in gold:
        return False
    return JUDGE.judge("math", respelled(answer), respelled(right), seconds or _SECONDS)


_PLAIN: Final[Mapping[str, Callable[[str, str, float | None], bool]]] = {
    "exact": _is_same,
    "number": _is_number,
    "literal": _is_literal,
    "math": _is_equal_formula,
    "regex": _is_match,
}


def _is_verified(answer: str, gold: str, grader: str, dataset: str, entry: Mapping[str, Any] | None) -> bool:
    if importlib.util.find_spec("reasoning_gym") is None:
        raise MissingExtraError("Grading reasoning-gym tasks", "tasks")
    if entry is None:
        raise InputError(
            f"The grader '{grader}' was given no 'entry' to check the answer against: "
            "give the question's entry, or use the grader 'exact'."
        )
    if not JUDGE.knows(dataset):
        raise InputError(
            f"There is no reasoning-gym dataset '{dataset}' to grade with: "
            "use a grader such as 'reasoning-gym:gcd', or 'exact'."
        )
    if len(answer) > _LONGEST_VERIFIED:
        return False
    whole = {"answer": gold, **entry}
    return JUDGE.judge("reasoning-gym", answer, gold, _VERIFIER_SECONDS, dataset=dataset, entry=whole)


def _is_right_by(
    function: Callable[..., Any], grader: str, answer: str, gold: str, entry: Mapping[str, Any] | None
) -> bool:
    try:
        verdict = function(answer, gold, entry or {})
    except _UNREADABLE:
        return False
    except Exception as error:
        raise InputError(
            f"The grader '{grader}' failed on the answer '{_short(answer)}' ({error!r}): correct the function."
        ) from error
    try:
        return bool(float(verdict) >= _RIGHT_SCORE)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The grader '{grader}' returned {_short(repr(verdict))}: it has to return a bool or a score from 0 to 1."
        ) from error


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."

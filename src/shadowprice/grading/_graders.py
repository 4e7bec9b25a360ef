"""Whether an answer is right."""

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from shadowprice._errors import InputError, MissingExtraError

_EXACT = "exact"
_REASONING_GYM = "reasoning-gym:"
_RIGHT_SCORE = 0.99
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class _Verifier(Protocol):
    def __call__(self, *, answer: str, entry: dict[str, Any]) -> float: ...


def grade(answer: str, gold: str, grader: str = _EXACT, entry: Mapping[str, Any] | None = None) -> bool:
    """Say whether an answer is right.

    Args:
        answer: The answer, as `find_answer` gives it.
        gold: The right answer.
        grader: ``"exact"`` compares numbers by value and everything else by its characters, whatever the
            case, the blanks and the thousands separators; ``"reasoning-gym:<dataset>"`` asks that dataset's
            verifier.
        entry: What the verifier has to know about the question; ``"exact"`` needs none.

    Raises:
        InputError: There is no such grader, or its verifier was given no entry.
        MissingExtraError: The verifier's package is not installed.
    """
    if grader == _EXACT:
        return _is_same(answer, gold)
    if not grader.startswith(_REASONING_GYM):
        raise InputError(
            f"There is no grader '{grader}': use 'exact' or 'reasoning-gym:<dataset>', for example 'reasoning-gym:gcd'."
        )
    if entry is None:
        raise InputError(
            f"The grader '{grader}' was given no 'entry' to check the answer against: "
            "give the question's entry, or use the grader 'exact'."
        )
    return _is_verified(answer, grader.removeprefix(_REASONING_GYM), {"answer": gold, **entry})


def _is_same(answer: str, gold: str) -> bool:
    given, right = _normalize(answer), _normalize(gold)
    if given == right:
        return True
    values = _number(given), _number(right)
    return None not in values and values[0] == values[1]


def _normalize(text: str) -> str:
    return _THOUSANDS.sub("", " ".join(text.split()).casefold())


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_verified(answer: str, dataset: str, entry: dict[str, Any]) -> bool:
    verifier = _verifier(dataset)
    try:
        return verifier(answer=answer, entry=entry) >= _RIGHT_SCORE
    except Exception:  # noqa: BLE001  verifiers parse the answer and may raise anything on an odd one
        return False


@cache
def _verifier(dataset: str) -> _Verifier:
    try:
        import reasoning_gym
    except ImportError as error:
        raise MissingExtraError("Grading reasoning-gym tasks", "tasks") from error
    try:
        verifier: _Verifier = reasoning_gym.get_score_answer_fn(dataset)
    except ValueError as error:
        raise InputError(
            f"There is no reasoning-gym dataset '{dataset}' to grade with: "
            "use a grader such as 'reasoning-gym:gcd', or 'exact'."
        ) from error
    return verifier

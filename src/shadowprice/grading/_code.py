"""Graders that are code of yours.

A grader's name may come from a file that somebody else wrote, and importing what it names would run that person's
choice of code. `grade` therefore knows only the functions that `load_grader` was asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice._named import import_named

_PREFIX: Final = "python:"
_TESTS: Final = "tests"

_loaded: dict[str, Callable[..., Any]] = {}
_runs_replies = False
"""Whether somebody has said that the code of replies may run."""


def names_code(grader: str) -> bool:
    """Whether a grader runs code: a function of somebody's, or what replies hold."""
    return grader.startswith(_PREFIX) or _is_tests(grader)


def _is_tests(grader: str) -> bool:
    return grader.partition(":")[0] == _TESTS


def load_grader(grader: str, *, code: bool = True) -> None:
    """Import the function that a grader names, so that `grade` may use it.

    Importing runs the module: pass only names that you, not a file, have chosen, or those of a file that you trust.

    Args:
        grader: ``python:MODULE:FUNCTION``, or ``tests``, which lets the code of replies run from then on; every other
            grader is there already, and `grade` checks its name.
        code: Whether ``tests`` may: naming it is not enough.

    Raises:
        InputError: There is no such module or function, or ``tests`` may not run what replies hold.
    """
    global _runs_replies
    if _is_tests(grader):
        if not code:
            raise _refusal(grader)
        _runs_replies = True
        return
    if not names_code(grader) or grader in _loaded:
        return
    found = import_named("grader", grader.removeprefix(_PREFIX), _PREFIX)
    if not callable(found):
        raise InputError(f"The grader '{grader}' is not a function: it has to take (answer, gold, entry).")
    _loaded[grader] = found


def admit_grader(grader: str, *, code: bool = False) -> None:
    """Refuse a grader that a file names if it is code; with `code`, as the file is trusted, load it.

    Raises:
        InputError: The grader names code and `code` is false, or it could not be loaded.
    """
    if code:
        load_grader(grader)
    elif names_code(grader) and grader not in _loaded and not (_is_tests(grader) and _runs_replies):
        raise _refusal(grader)


def loaded_grader(grader: str) -> Callable[[str, str, Mapping[str, Any]], Any]:
    """The function of a grader that names code.

    Raises:
        InputError: It was not loaded.
    """
    function = _loaded.get(grader)
    if function is None:
        raise _refusal(grader)
    return function


def check_tests_allowed(grader: str) -> None:
    """Raise InputError where nobody has said that the code of replies may run."""
    if not _runs_replies:
        raise _refusal(grader)


def _refusal(grader: str) -> InputError:
    if _is_tests(grader):
        return InputError(
            "The grader 'tests' runs the code that replies hold, in a process that is locked in: add --allow-code if "
            "that may be, and read docs/security.md first (in Python, call `load_grader('tests')`)."
        )
    name = grader if len(grader) <= 60 else f"{grader[:57]}..."
    return InputError(
        f"'{name}' is a grader that names code, which data may not run: pass --grader {name} to grade every question "
        "by it, or --allow-code if you trust the graders that the file names (in Python, call `load_grader` first)."
    )

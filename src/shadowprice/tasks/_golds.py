"""Right answers in the shapes in which data sets hold them: a text, a number, a list of one."""

import math
from collections.abc import Mapping
from typing import Any, Final

from shadowprice._errors import InputError

_LARGEST_WHOLE: Final = 2**53


def read_scalar(value: Any) -> str | None:
    """A text, number or truth value as text; None if it is something else.

    Whole numbers have no point: a column with gaps holds 1 as 1.0.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return "" if math.isnan(value) else None
        return str(int(value)) if value.is_integer() and abs(value) < _LARGEST_WHOLE else str(value)
    return str(value) if isinstance(value, bool | int) else None


def read_gold(value: Any, where: str) -> Any:
    """The right answer that a value holds: a text or a number, alone or as the only one of a list.

    Args:
        value: The value of the column; an object with a ``value`` beside its ``aliases``, as in TriviaQA, is that.
        where: Names the place.

    Raises:
        InputError: It holds several, or none that is a text or a number.
    """
    if isinstance(value, Mapping):
        value = value.get("value", value.get("text", value))
    if isinstance(value, list) and len({str(one) for one in value}) == 1:
        value = value[0]
    if isinstance(value, list) and not value:
        return ""
    if read_scalar(value) is None:
        what = (
            f"a list of {len(value)}" if isinstance(value, list) else "an object" if isinstance(value, Mapping) else ""
        )
        raise InputError(
            f"{where}: {what} is no right answer: write one as a text or a number (or a pattern, "
            "with the grader regex), or read none with --columns gold=."
        )
    return "" if isinstance(value, str) and not value.strip() else value

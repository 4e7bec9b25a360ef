"""Questions in groups, by their labels."""

from collections.abc import Sequence

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import IntArray


def number_groups(labels: Sequence[str] | None, count: int) -> tuple[tuple[str, ...], IntArray]:
    """Names of the groups in order of first appearance, and the ``(count,)`` number of each question's group.

    Raises:
        InputError: There is not one label for each question.
    """
    if labels is None:
        return ("all",), np.zeros(count, dtype=np.int64)
    if len(labels) != count:
        raise InputError(f"There are {count} questions but {len(labels)} labels; give one for each.")
    names = tuple(dict.fromkeys(labels))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[label] for label in labels], dtype=np.int64)

"""The compiled description of what was read of a reply: shares, distances and directions, as features."""

# Numba types its functions by their arguments, and its decorator is untyped.
# mypy: disable-error-code="untyped-decorator"
from typing import Any

import numpy as np
from numba import njit

from shadowprice.beliefs.running._state import (
    AGREED,
    ANSWERS,
    AT_ANSWER,
    AT_LAST_CONCLUSION,
    AT_LAST_DOUBT,
    AT_LAST_NUMBER,
    CHANGED,
    DIGITS,
    DISTINCT,
    DOUBT,
    JUST_NOW,
    LETTERS,
    LINE,
    LINE_UNITS,
    LONG_NUMBERS,
    LONGEST_REPEAT,
    LOOP,
    NUMBER,
    REPEATING,
    TAIL,
    UNITS,
    WORD,
)


@njit(cache=True, nogil=True)
def describe_rows(rows: Any, found: Any, integers: Any, counts: Any, sums: Any) -> None:
    """Write the features of some rows."""
    for number in range(len(rows)):
        row = rows[number]
        _describe(found[number], integers[row], counts[row], sums[row])


@njit(cache=True, nogil=True)
def _describe(found: Any, state: Any, counts: Any, sums: Any) -> None:
    units = float(state[UNITS])
    if units == 0.0:
        return
    channels = counts.shape[1]
    at = 0
    for window in range(3):
        # The sum of the weights of all units so far, so that young texts have shares too.
        if window == 0:
            total = units
        else:
            kept = TAIL if window == 1 else JUST_NOW
            total = (1.0 - kept**units) / (1.0 - kept)
        for channel in range(channels):
            found[at] = counts[window, channel] / max(1.0, total)
            at += 1
    words, numbers, lines = counts[0, WORD], counts[0, NUMBER], counts[0, LINE]
    scalars = (
        np.log1p(counts[0, DOUBT]),
        _since(units, state[AT_LAST_DOUBT]),
        _since(units, state[AT_LAST_CONCLUSION]),
        _since(units, state[AT_LAST_NUMBER]),
        state[DISTINCT] / max(1.0, units),
        state[LETTERS] / max(1.0, words),
        state[DIGITS] / max(1.0, numbers),
        state[LONG_NUMBERS] / max(1.0, numbers),
        np.log1p(float(state[LINE_UNITS])),
        np.log1p(units / (1.0 + lines)),
        np.log1p(lines),
        np.log1p(float(state[REPEATING])),
        np.log1p(float(state[LONGEST_REPEAT])),
        np.log1p(float(state[LOOP])),
        np.log1p(float(state[ANSWERS])),
        np.log1p(float(state[AGREED])),
        np.log1p(float(state[CHANGED])),
        _since(units, state[AT_ANSWER]),
    )
    for value in scalars:
        found[at] = value
        at += 1
    d = sums.shape[1] - 1
    for window in range(2):
        # TF-IDF rows have length 1; the tail's sum is divided by its weight, which is nearly its length.
        size = np.sqrt(sums[0, d]) if window == 0 else sums[1, d]
        for column in range(d):
            found[at] = sums[window, column] / max(1e-9, size)
            at += 1


@njit(cache=True, nogil=True)
def _since(units: float, position: Any) -> Any:
    """Log units since a position that is counted from 1; 0 stands for never, which is taken for very long ago."""
    return np.log1p(units - float(position)) if position > np.uint64(0) else np.log1p(units) + 1.0

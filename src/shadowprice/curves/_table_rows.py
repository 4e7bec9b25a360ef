"""Tables read row by row, compiled: no copies, and nothing of the size of the table beside it.

A table is ``(n, K)``: token counts that never fall along a row, and utility at each. An envelope is ``(n, V)`` corners
(tokens) and ``(n, V - 1)`` slopes between them, which fall.
"""

# mypy: disable-error-code="no-untyped-def"

from typing import Any

import numpy as np
from numba import njit

OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}


@njit(**OPTIONS)
def _line(grid, worth, row, tokens):
    """The point at or before so many tokens, and the slope of the line that begins there; 0 beyond the last."""
    last = grid.shape[1] - 1
    low, high = 0, last + 1
    while low < high:
        middle = (low + high) // 2
        if grid[row, middle] <= tokens:
            low = middle + 1
        else:
            high = middle
    left = min(max(low - 1, 0), last)
    right = min(left + 1, last)
    width = grid[row, right] - grid[row, left]
    return left, (worth[row, right] - worth[row, left]) / width if width > 0.0 else 0.0


@njit(**OPTIONS)
def _value(grid, worth, row, tokens):
    """Utility of tokens by linear interpolation, constant beyond the last point."""
    left, slope = _line(grid, worth, row, tokens)
    return worth[row, left] + slope * (min(tokens, grid[row, grid.shape[1] - 1]) - grid[row, left])


@njit(**OPTIONS)
def slopes_at(grid, worth, tokens):
    """``(n,)`` slope of the line to the right of so many tokens."""
    out = np.empty(tokens.size)
    for row in range(tokens.size):
        out[row] = _line(grid, worth, row, tokens[row])[1]
    return out


@njit(**OPTIONS)
def values_at(grid, worth, rows, tokens):
    """``(m,)`` utility of tokens to each of ``(m,)`` rows."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        out[i] = _value(grid, worth, rows[i], tokens[i])
    return out


@njit(**OPTIONS)
def gains_at(grid, worth, rows, tokens):
    """``(m,)`` utility of one whole token more."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        out[i] = _value(grid, worth, rows[i], tokens[i] + 1.0) - _value(grid, worth, rows[i], tokens[i])
    return out


@njit(**OPTIONS)
def best_within(grid, worth, limit):
    """``(n,)`` the fewest of at most so many tokens that are worth most."""
    out = np.empty(limit.size)
    for row in range(limit.size):
        best, most = 0, -1.0
        for point in range(grid.shape[1]):
            if grid[row, point] > limit[row]:
                break
            if worth[row, point] > most:
                best, most = point, worth[row, point]
        out[row] = limit[row] if _value(grid, worth, row, limit[row]) > most else grid[row, best]
    return out


@njit(**OPTIONS)
def corners_at(corners, slopes, price, committed):
    """``(n,)`` tokens of the last corner before which the slope is at least the price, ``(n,)``.

    If ``committed``, the first line is bought whatever it costs.
    """
    n, lines = slopes.shape
    out = np.empty(n)
    for row in range(n):
        own = price[row]
        if committed and lines:
            own = min(own, max(slopes[row, 0], 0.0))
        corner = 0
        while corner < lines and slopes[row, corner] >= own and slopes[row, corner] > 0.0:
            corner += 1
        out[row] = corners[row, corner]
    return out

"""Tables read row by row, compiled: no copies, and nothing of the size of the table beside it.

A table is a grid of token counts that never fall along a row, ``(1, K)`` for all or ``(N, K)``, and the worth of each,
``(N, K)``. An envelope is ``(N, V)`` corners, the numbers of its points, and ``(N, V - 1)`` slopes between them, which
fall. Each pass reads ``(m,)`` rows of them, by their numbers.
"""

# mypy: disable-error-code="no-untyped-def"

from typing import Any

import numpy as np
from numba import njit

OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}


@njit(**OPTIONS)
def _own(grid, row):
    """Where a row's grid stands."""
    return row if grid.shape[0] > 1 else 0


@njit(**OPTIONS)
def envelopes(grid, worth, corners, slopes):
    """The upper concave envelopes, ``(N, K)`` corners and ``(N, K - 1)`` slopes; the most corners of any row.

    A monotone chain (Andrew 1979). The last corner is repeated to fill a row, with slopes of −1 after it.
    """
    most = 0
    for row in range(worth.shape[0]):
        at, top = _own(grid, row), 0
        corners[row, 0] = 0
        for point in range(1, worth.shape[1]):
            while top > 0:
                here, before = corners[row, top], corners[row, top - 1]
                steep = (worth[row, here] - worth[row, before]) * (grid[at, point] - grid[at, here])
                flat = (worth[row, point] - worth[row, here]) * (grid[at, here] - grid[at, before])
                if steep > flat:
                    break
                top -= 1
            if grid[at, point] > grid[at, corners[row, top]]:
                top += 1
                corners[row, top] = point
        most = max(most, top + 1)
        for line in range(slopes.shape[1]):
            if line < top:
                here, after = corners[row, line], corners[row, line + 1]
                slopes[row, line] = (worth[row, after] - worth[row, here]) / (grid[at, after] - grid[at, here])
            else:
                corners[row, line + 1], slopes[row, line] = corners[row, top], -1.0
    return most


@njit(**OPTIONS)
def _line(grid, worth, row, tokens):
    """The point at or before so many tokens, and the slope of the line that begins there; 0 beyond the last."""
    last, at = grid.shape[1] - 1, _own(grid, row)
    low, high = 0, last + 1
    while low < high:
        middle = (low + high) // 2
        if grid[at, middle] <= tokens:
            low = middle + 1
        else:
            high = middle
    left = min(max(low - 1, 0), last)
    right = min(left + 1, last)
    width = grid[at, right] - grid[at, left]
    return left, (worth[row, right] - worth[row, left]) / width if width > 0.0 else 0.0


@njit(**OPTIONS)
def _value(grid, worth, row, tokens):
    """Utility of tokens by linear interpolation, constant beyond the last point."""
    (left, slope), at = _line(grid, worth, row, tokens), _own(grid, row)
    return worth[row, left] + slope * (min(tokens, grid[at, grid.shape[1] - 1]) - grid[at, left])


@njit(**OPTIONS)
def slopes_at(grid, worth, rows, tokens):
    """``(m,)`` slope of the line to the right of so many tokens."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        out[i] = _line(grid, worth, rows[i], tokens[i])[1]
    return out


@njit(**OPTIONS)
def points_around(grid, rows, tokens):
    """``(m,)`` points at or before so many tokens, and after; the tokens themselves beyond the last one."""
    before, after = np.empty(rows.size), np.empty(rows.size)
    last = grid.shape[1] - 1
    for i in range(rows.size):
        at, left = _own(grid, rows[i]), 0
        while left < last and grid[at, left + 1] <= tokens[i]:
            left += 1
        before[i] = min(grid[at, left], tokens[i])
        after[i] = max(grid[at, min(left + 1, last)], tokens[i])
    return before, after


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
def best_within(grid, worth, rows, limit):
    """``(m,)`` the fewest of at most so many tokens that are worth most."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        row, best, most = rows[i], 0, -1.0
        at = _own(grid, row)
        for point in range(grid.shape[1]):
            if grid[at, point] > limit[i]:
                break
            if worth[row, point] > most:
                best, most = point, worth[row, point]
        out[i] = limit[i] if _value(grid, worth, row, limit[i]) > most else grid[at, best]
    return out


@njit(**OPTIONS)
def _corner(grid, corners, slopes, row, price, committed):
    """Tokens of the last corner before which the slope is at least the price.

    If ``committed``, the first line is bought whatever it costs.
    """
    lines, corner = slopes.shape[1], 0
    if committed and lines:
        price = min(price, max(slopes[row, 0], 0.0))
    while corner < lines and slopes[row, corner] >= price and slopes[row, corner] > 0.0:
        corner += 1
    return grid[_own(grid, row), corners[row, corner]]


@njit(**OPTIONS)
def corners_at(grid, corners, slopes, rows, price, committed):
    """``(m,)`` tokens of these corners, at a price for each, ``(m,)``, or one for all, ``(1,)``."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        out[i] = _corner(grid, corners, slopes, rows[i], price[i if price.size > 1 else 0], committed)
    return out


@njit(**OPTIONS)
def demand_of(grid, corners, slopes, rows, price):
    """Tokens of these corners together, all committed."""
    total = 0.0
    for i in range(rows.size):
        total += _corner(grid, corners, slopes, rows[i], price, True)
    return total


@njit(**OPTIONS)
def bracket_of(grid, corners, slopes, rows, budget, start):
    """A price at which committed demand is above the budget, one at which it is not, and the prices tried.

    Each try is further from the start than the one before. At price 0 demand is above the budget; if it is at any
    price, the second one is infinite.
    """
    factor, low, high, price, steps = 1.0 + 2.0**-20, 0.0, np.inf, start, 0
    while (low == 0.0 or high == np.inf) and 1e-300 < price < 1e300:
        steps += 1
        if demand_of(grid, corners, slopes, rows, price) > budget:
            low, price = price, price * factor
        else:
            high, price = price, price / factor
        factor *= factor
    return low, high, steps


@njit(**OPTIONS)
def slopes_between(grid, corners, slopes, rows, low, high, doubt, turning):
    """Where committed demand falls from one price to another: how many rows and slopes, and the others' demand.

    ``doubt``, ``(m,)``, gets the rows whose demand falls, and ``turning``, ``(m * lines,)``, the slopes above which it
    does. The first line of an envelope is bought whatever it costs, so demand does not fall above it.
    """
    lines, count, doubted, rest = slopes.shape[1], 0, 0, 0.0
    for i in range(rows.size):
        row, line = rows[i], 0
        while line < lines and (line == 0 or slopes[row, line] > high) and slopes[row, line] > 0.0:
            line += 1
        begin = line
        while line < lines and slopes[row, line] >= low and slopes[row, line] > 0.0:
            turning[count] = slopes[row, line]
            count += 1
            line += 1
        if line == begin:
            rest += grid[_own(grid, row), corners[row, begin]]
        else:
            doubt[doubted] = row
            doubted += 1
    return doubted, count, rest


@njit(**OPTIONS)
def first_within(grid, corners, slopes, doubt, turning, rest, budget):
    """The first of some rising prices just above which committed demand is at most the budget, and those tried."""
    under, over, steps = -1, turning.size, 0
    while over - under > 1:
        middle = (under + over) // 2
        steps += 1
        if rest + demand_of(grid, corners, slopes, doubt, np.nextafter(turning[middle], np.inf)) > budget:
            under = middle
        else:
            over = middle
    return over, steps


@njit(**OPTIONS)
def split(grid, worth, corners, slopes, rows, weight, cost, low, high, undecided, tokens):
    """Rows that buy the same whole tokens at two prices, and the others; see `Tabulated.split`."""
    lines, count = slopes.shape[1], 0
    spent, utility, at_low, at_high = 0.0, 0.0, 0.0, 0.0
    for i in range(rows.size):
        row = rows[i]
        own, each = weight[i if weight.size > 1 else 0], cost[i if cost.size > 1 else 0]
        corner = 0
        while corner < lines and own * slopes[row, corner] >= high * each and slopes[row, corner] > 0.0:
            corner += 1
        last = corner
        while last < lines and own * slopes[row, last] >= low * each and slopes[row, last] > 0.0:
            last += 1
        at = _own(grid, row)
        bought = grid[at, corners[row, corner]]
        at_high += each * bought
        at_low += each * grid[at, corners[row, last]]
        if last > corner or bought != np.floor(bought):
            undecided[count] = i
            count += 1
        else:
            tokens[i] = bought
            spent += each * bought
            utility += own * worth[row, corners[row, corner]]
    return count, spent, utility, at_low, at_high

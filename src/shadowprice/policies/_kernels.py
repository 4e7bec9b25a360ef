"""Compiled: indices of running queries, and what a plan of index and price expects to spend.

In the plane of expected tokens (across) and expected right answers (up), a query is a rising line. Its index is the
slope of the steepest chord from where it stands to any point further on.
"""

# mypy: disable-error-code="untyped-decorator"

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def steepest_chords(grid: Any, right: Any, finished: Any, generated: Any, index: Any, rest: Any) -> None:
    """Index of queries that run: max over j of P(right by e_j) / E[tokens up to e_j], from now on.

    Args:
        grid: ``(K,)`` token counts from the start, rising.
        right: ``(m, K)`` P(right by e_j | running now), 0 up to now.
        finished: ``(m, K)`` P(ended by e_j | running now), 0 up to now.
        generated: ``(m,)`` tokens so far.
        index: ``(m,)`` receives expected right answers per expected token, 0 where none is to be had.
        rest: ``(m,)`` receives the expected tokens up to the end of that chord.
    """
    for row in range(len(index)):
        last, ended, tokens, best, rest[row] = float(generated[row]), 0.0, 0.0, 0.0, 0.0
        for point in range(len(grid)):
            if grid[point] <= last:
                continue
            tokens += (grid[point] - last) * (1.0 - (ended + finished[row, point]) / 2.0)
            last, ended = grid[point], finished[row, point]
            slope = right[row, point] / max(tokens, 1e-9)
            if slope > best:
                best, rest[row] = slope, tokens
        index[row] = best


@njit(cache=True, nogil=True)
def staircases(grid: Any, right: Any, finished: Any, least: Any, expected: Any) -> None:
    """What queries that have not begun would spend at any price, as stairs.

    A query takes the step to e_k if its index has not been below the price up to then.

    Args:
        grid: ``(K,)`` token counts, rising.
        right: ``(n, K)`` P(right by e_j).
        finished: ``(n, K)`` P(ended by e_j).
        least: ``(n, K)`` receives the lowest index at the beginning of any step up to the k-th.
        expected: ``(n, K)`` receives the expected tokens of the k-th step.
    """
    points = len(grid)
    tokens = np.zeros(points + 1)
    for row in range(len(right)):
        last, ended = 0.0, 0.0
        for point in range(points):
            step = (grid[point] - last) * (1.0 - (ended + finished[row, point]) / 2.0)
            expected[row, point] = step
            tokens[point + 1] = tokens[point] + step
            last, ended = grid[point], finished[row, point]
        lowest = np.inf
        for point in range(points):
            before = right[row, point - 1] if point > 0 else 0.0
            best = 0.0
            for later in range(point, points):
                ahead = tokens[later + 1] - tokens[point]
                best = max(best, (right[row, later] - before) / max(ahead, 1e-9))
            lowest = min(lowest, best)
            least[row, point] = lowest


@njit(cache=True, nogil=True)
def first_beyond(tokens: Any, query: Any, state: Any, waiting: int, left: float) -> int:
    """Place of the first step at which what the waiting queries expect to spend is more than what is left.

    Args:
        tokens: ``(s,)`` expected tokens of each step, dearest step first.
        query: ``(s,)`` whose step it is.
        state: ``(n,)`` where each query stands.
        waiting: The state of those that count.
        left: Tokens.

    Returns:
        The place; s if all is less.
    """
    demand = 0.0
    for place in range(len(tokens)):
        if state[query[place]] == waiting:
            demand += tokens[place]
            if demand > left:
                return place
    return len(tokens)


@njit(cache=True, nogil=True)
def grant_steps(grid: Any, floor: Any, ids: Any, generated: Any, granted: Any, pool: int, sure: int) -> tuple[int, int]:
    """Grant each of some queries what it is owed, then each a step, in this order, as far as tokens go.

    Args:
        grid: ``(K,)`` token counts at which steps end, rising.
        floor: ``(n,)`` guaranteed tokens.
        ids: ``(m,)`` different row numbers.
        generated: ``(m,)`` tokens so far.
        granted: ``(n,)`` tokens that each may reach; raised here.
        pool: Tokens that are there.
        sure: Of these, what is guaranteed, to them and to others.

    Returns:
        Tokens granted, and how many of them were owed.
    """
    left, free = max(pool, 0), max(pool - sure, 0)
    owed = np.zeros(len(ids), dtype=np.int64)
    for place in range(len(ids)):
        owed[place] = min(max(floor[ids[place]] - granted[ids[place]], 0), left)
        left -= owed[place]
    given = paid = 0
    for place in range(len(ids)):
        row = ids[place]
        end = grid[min(np.searchsorted(grid, generated[place], side="right"), len(grid) - 1)]
        step = min(max(end - granted[row] - owed[place], 0), free)
        free -= step
        granted[row] += owed[place] + step
        given += owed[place] + step
        paid += owed[place]
    return given, paid

"""The best fixed price and the best static cap, known only when the day is over.

Trying each on the market itself takes half a second, so that those worth trying are found by a compiled likeness of it:
the same steps, the same windows, and a query that gets only a part of its step ends with it. What is reported of the
chosen ones is what the markets themselves make of the day.
"""

# mypy: disable-error-code="untyped-decorator"

from typing import Any, Final

import numpy as np
from numba import njit

from shadowprice._types import FloatArray, IntArray
from shadowprice.bench.traffic._days import Traffic
from shadowprice.bench.traffic._serve import SPEED
from shadowprice.online import PATIENCE
from shadowprice.policies import staircases, steepest_chords
from shadowprice.traces import RecordedOutlook

_PRICES: Final = 48
_CAPS: Final = 40


class Hindsight:
    """What any fixed price or cap would have made of a day, nearly.

    Args:
        traffic: n arrivals.
        outlook: What is believed of each at any moment.
    """

    def __init__(self, traffic: Traffic, outlook: RecordedOutlook) -> None:
        self._traffic = traffic
        grid = outlook.before.tokens
        self._grid = grid.astype(np.int64)
        before = outlook.before
        least, expected = np.empty(before.right.shape), np.empty(before.right.shape)
        staircases(grid, before.right, before.finished, least, expected)
        self._least = least[:, 0].copy()
        n, points = len(traffic.at), len(grid)
        moments = np.arange(points + 1)
        reached = np.minimum(moments, outlook.count[:, np.newaxis] - 1)
        place = outlook.first[:, np.newaxis] + reached
        rows, where = np.unique(place, return_inverse=True)
        first = np.zeros(len(rows), dtype=np.int64)
        first[where.ravel()] = np.broadcast_to(np.append(0, self._grid)[reached], place.shape).ravel()
        index, rest = np.empty(len(rows)), np.empty(len(rows))
        right, finished = (table[rows].astype(np.float64) for table in (outlook.right, outlook.finished))
        steepest_chords(grid, right, finished, first, index, rest)
        self._index = index[where].reshape(n, points + 1)

    def prices(self, budget: int) -> FloatArray:
        """Prices worth trying, the most promising first."""
        some = self._least[self._least > 0.0]
        low, high = np.quantile(some, [0.01, 0.995]) if some.size else (1e-6, 1.0)
        tried = np.geomspace(max(low / 4.0, 1e-7), high, _PRICES)
        return np.asarray(tried[np.argsort(-self.right(tried, np.full(_PRICES, 2**40), budget), kind="stable")])

    def caps(self, budget: int) -> IntArray:
        """Caps worth trying, the most promising first."""
        tried = np.unique(np.geomspace(4, self._traffic.completion_tokens.max(), _CAPS).astype(np.int64))
        found = self.right(np.full(len(tried), -1.0), tried, budget)
        return np.asarray(tried[np.argsort(-found, kind="stable")])

    def right(self, prices: FloatArray, caps: IntArray, budget: int) -> IntArray:
        """Right answers with each pair of a fixed price (below 0: none) and a cap."""
        traffic = self._traffic
        return np.array(
            [
                _fixed(
                    self._grid,
                    traffic.at,
                    traffic.completion_tokens,
                    np.where(traffic.correct, traffic.answer_tokens, 2**60),
                    self._least,
                    self._index,
                    price,
                    cap,
                    budget,
                    traffic.windows,
                    traffic.length,
                )
                for price, cap in zip(prices, caps, strict=True)
            ]
        )


@njit(cache=True, nogil=True)
def _fixed(
    grid: Any,
    at: Any,
    length: Any,
    answer: Any,
    least: Any,
    index: Any,
    price: float,
    cap: int,
    budget: int,
    windows: int,
    seconds: float,
) -> int:
    """Right answers with a fixed price (below 0: none) and a cap."""
    n, points = len(at), len(grid)
    when, who = np.empty(n * points), np.empty(n * points, dtype=np.int64)
    events = 0
    for query in range(n):
        if least[query] < price or (price >= 0.0 and least[query] <= 0.0):
            continue
        start = 0
        for point in range(points):
            if start >= min(length[query], cap):
                break
            if point > 0 and price >= 0.0 and (index[query, point] < PATIENCE * price or index[query, point] <= 0.0):
                break
            when[events], who[events] = at[query] + start / SPEED, query
            events += 1
            start = grid[point]
        when[events], who[events] = at[query] + min(start, length[query], cap) / SPEED, query + n  # it ends
        events += 1
    order = np.argsort(when[:events], kind="mergesort")
    granted, written, asked = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.full(n, -1.0)
    stopped = np.zeros(n, dtype=np.bool_)
    pool, edge, window = budget, seconds, 0
    for place in order:
        now, query = when[place], who[place] % n
        while now >= edge and window < windows:
            pool = budget
            for other in range(n):
                if asked[other] >= 0.0:
                    made = min(written[other] + int((edge - asked[other]) * SPEED), granted[other], length[other])
                    pool -= granted[other] - made
            edge += seconds
            window += 1
        if stopped[query]:
            continue
        if who[place] >= n:
            made = min(granted[query], length[query])
            pool += granted[query] - made
            written[query], asked[query], stopped[query] = made, -1.0, True
            continue
        written[query] = granted[query]
        end = grid[min(np.searchsorted(grid, written[query], side="right"), points - 1)]
        step = min(min(end, cap) - granted[query], pool)
        short = step < min(end, cap) - granted[query]
        granted[query] += max(step, 0)
        pool -= max(step, 0)
        asked[query] = now
        if short:
            stopped[query], asked[query] = True, -1.0
            made = min(granted[query], length[query])
            pool += granted[query] - made
            written[query] = made
    right = 0
    for query in range(n):
        right += min(granted[query], length[query]) >= answer[query] and granted[query] > 0
    return right

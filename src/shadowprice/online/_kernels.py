"""Compiled: what an arrival wants at any price, what a running query still wants, and where demand meets the pool.

Prices are kept as places on a ladder of bins of equal width in log price.
"""

# mypy: disable-error-code="untyped-decorator"

from typing import Any, Final

import numpy as np
from numba import njit

from shadowprice.policies import staircases, steepest_chords

BINS: Final = 256
LOWEST: Final = -21.0
"""Log of the lowest price of the ladder: a right answer for 1.3 billion tokens."""
WIDTH: Final = 25.0 / BINS
"""Of a bin, in log price. The highest price is e⁴: fifty right answers a token, or one that weighs as much."""


@njit(cache=True, nogil=True)
def cut(grid: Any, right: Any, finished: Any, at_cap: float, most: int, generated: int) -> tuple[Any, Any, Any]:
    """Hopes of a query that goes no further than a cap, ``(1, K)`` each: where steps end, P(right) and P(ended) there.

    Between grid points, and between now and the next one, chances are taken to be linear.
    """
    points = len(grid)
    ends, by, done = np.empty(points), np.empty((1, points)), np.empty((1, points))
    last, before = float(generated), 0.0
    for point in range(points):
        if grid[point] <= most:
            ends[point], by[0, point], done[0, point] = grid[point], right[point], finished[point]
            if grid[point] == most:
                by[0, point] = max(right[point], at_cap)
            if grid[point] > generated:
                last, before = float(grid[point]), right[point]
        else:
            if most > last:
                before += (right[point] - before) * (most - last) / (grid[point] - last)
                last = float(most)
            ends[point], by[0, point], done[0, point] = last, max(before, at_cap), 1.0
    return ends, by, done


@njit(cache=True, nogil=True)
def bin_of(price: float) -> int:
    """Place of a price on the ladder."""
    return min(max(int((np.log(max(price, 1e-300)) - LOWEST) / WIDTH), 0), BINS - 1)


@njit(cache=True, nogil=True)
def spread(least: Any, bins: Any, place: int) -> tuple[float, float]:
    """The lowest and the highest price of those who are in a bin; its own ends where only running queries are.

    A share of its tokens is sold at a price between them: of a kind of queries that stand close together, the right
    share is served, wherever in the bin they are.

    Args:
        least: ``(m, K)`` the price up to which the latest arrivals want each step.
        bins: ``(m, K)`` its bin.
        place: Which bin.
    """
    low, high = np.inf, 0.0
    for row in range(bins.shape[0]):
        for point in range(bins.shape[1]):
            if bins[row, point] == place:
                low, high = min(low, least[row, point]), max(high, least[row, point])
    if high <= 0.0:
        return np.exp(LOWEST + WIDTH * place), np.exp(LOWEST + WIDTH * (place + 1))
    return low, high


@njit(cache=True, nogil=True)
def expect(
    least: Any,
    bins: Any,
    sample: Any,
    running: Any,
    factors: Any,
    usual: float,
    burst: float,
    left: float,
    least_price: float,
) -> float:
    """Mean over several futures of the least price at which demand fits into what is left.

    Args:
        least: ``(m, K)`` the price up to which the latest arrivals want each step.
        bins: ``(m, K)`` its bin.
        sample: ``(BINS,)`` tokens that the latest arrivals wanted, by the price up to which they want them.
        running: ``(BINS,)`` tokens that running queries want beyond what they hold, likewise.
        factors: ``(f,)`` how many times the usual arrivals come in each future.
        usual: Arrivals that are usually still to come, for each one in the sample.
        burst: Arrivals that come besides, as more or fewer come just now.
        left: Tokens.
        least_price: Nothing is cheaper.
    """
    futures = len(factors)
    scales = np.empty(futures)
    for future in range(futures):
        scales[future] = max(usual * factors[future] + burst, 0.0)
    demand, cleared, total, found = np.zeros(futures), np.zeros(futures, dtype=np.bool_), 0.0, 0
    for place in range(BINS - 1, -1, -1):
        wanted, goes_on, low, high = sample[place], running[place], 0.0, 0.0
        if wanted == 0.0 and goes_on == 0.0:
            continue
        for future in range(futures):
            here = scales[future] * wanted + goes_on
            if cleared[future] or here <= 0.0:
                continue
            if demand[future] + here > left:
                share = max(left - demand[future], 0.0) / here
                if high == 0.0:  # looked up where it is needed, as it takes as long as all the rest
                    low, high = spread(least, bins, place)
                total += max(high * (low / high) ** share, least_price)
                cleared[future] = True
                found += 1
            demand[future] += here
        if found == futures:
            break
    return (total + (futures - found) * least_price) / futures


@njit(cache=True, nogil=True)
def stairs(
    grid: Any, right: Any, finished: Any, at_cap: float, most: int, weight: float, least: Any, expected: Any
) -> tuple[float, float]:
    """What a query that has just arrived would spend at any price.

    Args:
        grid: ``(K,)`` token counts.
        right: ``(K,)`` P(right by e_j).
        finished: ``(K,)`` P(ended by e_j).
        at_cap: P(right) at the cap, where that is more.
        most: Cap, tokens.
        weight: Of a right answer.
        least: ``(K,)`` receives the price up to which it wants each step.
        expected: ``(K,)`` receives the expected tokens of each step.

    Returns:
        Its index, weighted, and the expected tokens up to the end of that chord.
    """
    ends, by, done = cut(grid, right, finished, at_cap, most, 0)
    stair, step = np.empty((1, len(grid))), np.empty((1, len(grid)))
    staircases(ends, by, done, stair, step)
    least[:], expected[:] = weight * stair[0], step[0]
    index, rest = np.empty(1), np.empty(1)
    steepest_chords(ends, by, done, np.zeros(1, dtype=np.int64), index, rest)
    return weight * index[0], rest[0]


@njit(cache=True, nogil=True)
def foreseen(least: Any, expected: Any, price: float) -> float:
    """Expected tokens of the stairs that are worth a price, from `stairs`."""
    total = 0.0
    for point in range(len(least)):
        if least[point] >= price:
            total += expected[point]
    return total


@njit(cache=True, nogil=True)
def remember(least: Any, expected: Any, prices: Any, bins: Any, tokens: Any, row: int, sample: Any) -> None:
    """Take an arrival's stairs into the sample, in place of the oldest.

    Args:
        least: ``(K,)`` the price up to which it wants each step.
        expected: ``(K,)`` expected tokens of each step.
        prices: ``(m, K)`` the prices of the stairs of the latest arrivals.
        bins: ``(m, K)`` places of the stairs of the latest arrivals; below 0 where there is none.
        tokens: ``(m, K)`` their tokens.
        row: The oldest.
        sample: ``(BINS,)`` all of them together; changed here.
    """
    for point in range(len(least)):
        if bins[row, point] >= 0:
            sample[bins[row, point]] = max(sample[bins[row, point]] - tokens[row, point], 0.0)
        wanted = least[point] > 0.0 and expected[point] > 0.0
        bins[row, point] = bin_of(least[point]) if wanted else -1
        prices[row, point] = least[point]
        tokens[row, point] = expected[point] if wanted else 0.0
        if wanted:
            sample[bins[row, point]] += tokens[row, point]


@njit(cache=True, nogil=True)
def weigh(
    grid: Any, right: Any, finished: Any, at_cap: float, most: int, generated: int, weight: float
) -> tuple[float, float]:
    """Index of a query, weighted, and the expected tokens up to the end of its steepest chord."""
    ends, by, done = cut(grid, right, finished, at_cap, most, generated)
    index, rest = np.empty(1), np.empty(1)
    steepest_chords(ends, by, done, np.full(1, generated), index, rest)
    return weight * index[0], rest[0]


@njit(cache=True, nogil=True)
def want(bins: Any, tokens: Any, running: Any, place: int, price: float, more: float) -> None:
    """Note that a running query wants so many tokens beyond what it holds, up to that price.

    Args:
        bins: ``(p,)`` where each of them stands on the ladder.
        tokens: ``(p,)`` what each wants.
        running: ``(BINS,)`` all of them together; changed here.
        place: Whose turn it is.
        price: Up to which it goes on.
        more: Tokens.
    """
    running[bins[place]] = max(running[bins[place]] - tokens[place], 0.0)
    bins[place], tokens[place] = bin_of(price), more
    running[bins[place]] += more


@njit(cache=True, nogil=True)
def ended_by(everything: Any, usual: Any, usual_counts: float, kind: Any, all_counts: float) -> Any:
    """Chance that a reply has ended by each grid point, ``(K,)``.

    The chance to end in each cell, of those that come to it, is what was counted, and what was believed before: of its
    kind on top of all kinds on top of what is usual.

    Args:
        everything: ``(2, K)`` replies of all kinds at risk in each cell, and those that ended in it.
        usual: ``(K,)`` the chance to end in each cell where nothing is known.
        usual_counts: Replies that this counts as.
        kind: ``(2, K)`` replies of this kind, zeros where there are none.
        all_counts: Replies that those of all kinds count as.
    """
    done, still = np.empty(len(usual)), 1.0
    for cell in range(len(usual)):
        hazard = (everything[1, cell] + usual_counts * usual[cell]) / (everything[0, cell] + usual_counts)
        if kind[0, 0] > 0.0:
            hazard = (kind[1, cell] + all_counts * hazard) / (kind[0, cell] + all_counts)
        still *= 1.0 - hazard
        done[cell] = 1.0 - still
    return done


@njit(cache=True, nogil=True)
def count_reply(points: Any, counts: Any, generated: int, ended: bool, enough: float) -> None:
    """Count a reply that came so far.

    Args:
        points: ``(K,)`` the grid.
        counts: ``(2, K)`` replies at risk in each cell, and those that ended in it; changed here.
        generated: Its tokens.
        ended: Whether it ended there, or was only cut.
        enough: Replies beyond which the older half is forgotten.
    """
    cell = np.searchsorted(points, float(generated))
    counts[0, :cell] += 1.0
    if cell < len(points):
        counts[0, cell] += 1.0 if ended else 0.5
        counts[1, cell] += 1.0 if ended else 0.0
    if counts[0, 0] > enough:
        counts *= 0.5
